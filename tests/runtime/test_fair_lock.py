"""The fair lock."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from lib_omost.errors import Stopped
from lib_omost.runtime.fair_lock import FairLock


def wait_until(condition: object, *args: object) -> None:
    deadline = time.monotonic() + 5
    while not condition(*args):  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def test_those_who_wait_are_served_in_order_of_arrival() -> None:
    lock, order, threads = FairLock(), [], []
    with lock.hold():
        for number in range(8):
            thread = threading.Thread(target=lambda n=number: _take(lock, order, n))
            thread.start()
            threads.append(thread)
            wait_until(lambda n=number: lock.queued == n + 2)
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert order == list(range(8))


def _take(lock: FairLock, order: list[int], number: int) -> None:
    with lock.hold():
        order.append(number)


def test_a_stop_flag_leaves_the_queue_and_lets_the_next_one_pass() -> None:
    lock, stop, ended = FairLock(), threading.Event(), []
    stop.set()
    with lock.hold():
        waiting = threading.Thread(target=lambda: _stopped(lock, stop, ended), daemon=True)
        waiting.start()
        waiting.join(5)  # in a thread, so that a flag that nobody looks at is a failure and not an endless wait
        assert ended == [True] and lock.queued == 1
    with lock.hold(stop):  # nobody is ahead, so the flag is the run's own business
        assert lock.queued == 1


def _stopped(lock: FairLock, stop: threading.Event, ended: list[bool]) -> None:
    with contextlib.suppress(Stopped), lock.hold(stop):
        ended.append(False)
        return
    ended.append(True)


def test_one_who_waits_learns_how_many_are_ahead() -> None:
    lock, heard = FairLock(), []
    with lock.hold():
        waiting = threading.Thread(target=lambda: _wait(lock, heard))
        waiting.start()
        wait_until(lambda: heard)
    waiting.join(5)
    assert (heard[0], heard[-1]) == (1, 0)


def _wait(lock: FairLock, heard: list[int]) -> None:
    with lock.hold(on_wait=heard.append):
        pass


def test_an_error_inside_a_turn_frees_it() -> None:
    lock = FairLock()
    with pytest.raises(ZeroDivisionError), lock.hold():
        1 / 0  # noqa: B018
    assert lock.queued == 0


def test_a_generator_that_is_closed_half_way_frees_its_turn() -> None:
    lock = FairLock()

    def run() -> object:
        with lock.hold():
            yield 1
            yield 2

    steps = run()
    next(steps)  # type: ignore[call-overload]
    assert lock.queued == 1
    steps.close()  # type: ignore[attr-defined]
    assert lock.queued == 0
