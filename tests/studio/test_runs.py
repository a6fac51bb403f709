"""Stop flags."""

from __future__ import annotations

import threading

from lib_omost.studio.runs import Runs

KEY = ("tab", "chat")


def test_stopping_sets_the_flag_of_this_run_and_of_no_other() -> None:
    runs = Runs()
    with runs.run(KEY) as mine, runs.run(("other", "chat")) as other:
        runs.stop(KEY)
        assert mine.is_set()
        assert not other.is_set()


def test_leaving_a_run_sets_its_flag_so_that_a_closed_tab_stops_the_model() -> None:
    with Runs().run(KEY) as stop:
        pass
    assert stop.is_set()


def test_a_second_run_of_the_same_tab_stops_the_first() -> None:
    runs = Runs()
    with runs.run(KEY) as first, runs.run(KEY) as second:
        assert first.is_set()
        assert not second.is_set()


def test_stop_waits_for_the_end_and_says_whether_it_came() -> None:
    runs = Runs()
    leave = threading.Event()
    entered = threading.Event()

    def work() -> None:
        with runs.run(KEY):
            entered.set()
            leave.wait(5)

    worker = threading.Thread(target=work)
    worker.start()
    entered.wait(5)
    assert not runs.stop(KEY, 0.01)
    leave.set()
    assert runs.stop(KEY, 5)
    worker.join()


def test_stopping_what_does_not_run_is_done_at_once() -> None:
    assert Runs().stop(KEY, 5)
