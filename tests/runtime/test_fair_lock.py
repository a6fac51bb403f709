"""The fair lock."""

from __future__ import annotations

import threading
import time

import pytest

from lib_omost.errors import Stopped
from lib_omost.runtime.turns import Turns


def wait_until(condition: object, *args: object) -> None:
    deadline = time.monotonic() + 5
    while not condition(*args):  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def test_those_who_wait_are_served_in_order_of_arrival() -> None:
    turns, order, threads = Turns(), [], []
    with turns.turn():
        for number in range(8):
            thread = threading.Thread(target=lambda n=number: _take(turns, order, n))
            thread.start()
            threads.append(thread)
            wait_until(lambda n=number: turns.taken == n + 2)
    for thread in threads:
        thread.join(5)
    assert order == list(range(8))


def _take(turns: Turns, order: list[int], number: int) -> None:
    with turns.turn():
        order.append(number)


def test_a_stop_flag_leaves_the_queue_and_lets_the_next_one_pass() -> None:
    turns, stop = Turns(), threading.Event()
    stop.set()
    with turns.turn():
        with pytest.raises(Stopped), turns.turn(stop):
            pass
        assert turns.taken == 1
    with turns.turn(stop):  # nobody is ahead, so the flag is the run's own business
        assert turns.taken == 1


def test_one_who_waits_is_told_how_many_are_ahead() -> None:
    turns, told = Turns(), []
    with turns.turn():
        waiting = threading.Thread(target=lambda: _wait(turns, told))
        waiting.start()
        wait_until(lambda: told)
    waiting.join(5)
    assert (told[0], told[-1]) == (1, 0)


def _wait(turns: Turns, told: list[int]) -> None:
    with turns.turn(on_wait=told.append):
        pass


def test_an_error_inside_a_turn_frees_it() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.turn():
        1 / 0  # noqa: B018
    assert turns.taken == 0


def test_a_generator_that_is_closed_half_way_frees_its_turn() -> None:
    turns = Turns()

    def run() -> object:
        with turns.turn():
            yield 1
            yield 2

    steps = run()
    next(steps)  # type: ignore[call-overload]
    assert turns.taken == 1
    steps.close()  # type: ignore[attr-defined]
    assert turns.taken == 0
