"""The job service over works that do nothing but wait: whose turn it is, stops, keys, restarts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from lib_omost.errors import BusyError, OmostError, RenderError, Stopped
from lib_omost.runtime.job import Job, MemoryStore, Tell
from lib_omost.runtime.jobs import DEVICE, ELSEWHERE, MAX_WAITING, Jobs


class Gate:
    """A work that notes what it does and goes on when it is let."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.open = threading.Event()

    def __call__(self, job: Job, report: Tell, stop: threading.Event) -> dict[str, Any]:
        self.began.append(f"{job.owner}{job.request.get('n', '')}")
        report("begun", {"step": 1})
        while not self.open.is_set():
            if stop.wait(0.005):
                raise Stopped("stopped")
        return {"n": job.request.get("n")}


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def service(gate: Gate, **more: Any) -> Jobs:
    return Jobs({"work": gate, "talk": gate}, **more)


def ended(jobs: Jobs, job: Job) -> Job:
    *_, last = jobs.watch(job.id)
    return last.job


def test_a_job_goes_from_queued_to_done_and_its_watcher_sees_every_state(gate: Gate) -> None:
    jobs = service(gate)
    job = jobs.submit("ann", "work", {"n": 7})
    seen = jobs.watch(job.id)
    wait_until(lambda: next(seen).report == "begun")
    gate.open.set()
    *_, last = seen
    assert (job.state, last.job.state, last.job.result) == ("queued", "done", {"n": 7})
    assert jobs.get(job.id) == last.job


def test_who_leaves_a_work_that_cannot_stop_yet_is_free_at_once_and_it_ends_cancelled() -> None:
    """As while a model is loaded, which is not broken off: its next user would load it again."""
    loaded, began = threading.Event(), threading.Event()

    def loads(job: Job, report: Tell, stop: threading.Event) -> dict[str, Any]:
        began.set()
        assert loaded.wait(20)
        if stop.is_set():
            raise Stopped("stopped")
        return {}

    jobs = Jobs({"work": loads})
    job = jobs.submit("ann", "work", {}, attached=True)
    watching = jobs.watch(job.id, 0.01)
    next(watching)
    assert began.wait(10)
    start = time.monotonic()
    watching.close()  # type: ignore[attr-defined]
    assert jobs.cancel(job.id, 0.05) is False
    assert time.monotonic() - start < 5
    loaded.set()
    wait_until(lambda: (found := jobs.get(job.id)) and found.state == "cancelled")


def test_of_each_owner_one_runs_and_owners_take_turns(gate: Gate) -> None:
    jobs = service(gate, lane=lambda job: DEVICE)
    mine = [jobs.submit("ann", "work", {"n": n}) for n in range(5)]
    wait_until(lambda: gate.began == ["ann0"])
    bob = jobs.submit("bob", "work", {"n": 0})
    assert next(iter(jobs.watch(bob.id))).ahead == 1
    assert next(iter(jobs.watch(mine[2].id))).ahead == 3  # the one that runs, bob's and one more of hers
    gate.open.set()
    for job in (*mine, bob):
        assert ended(jobs, job).state == "done"
    assert gate.began == ["ann0", "bob0", "ann1", "ann2", "ann3", "ann4"]


def test_after_at_most_one_job_of_another_who_queued_before_it_is_ones_turn(gate: Gate) -> None:
    jobs = service(gate)
    for n in range(MAX_WAITING + 1):
        jobs.submit("ann", "work", {"n": n})
    wait_until(lambda: gate.began)
    bob = jobs.submit("bob", "work", {})
    gate.open.set()
    ended(jobs, bob)
    assert gate.began[:2] == ["ann0", "bob"]


def test_what_goes_on_elsewhere_waits_for_no_device_but_for_its_owner(gate: Gate) -> None:
    jobs = service(gate, lane=lambda job: ELSEWHERE if job.what == "talk" else DEVICE)
    jobs.submit("ann", "talk", {})
    jobs.submit("ann", "work", {})
    jobs.submit("bob", "work", {})
    jobs.submit("carl", "work", {})
    jobs.submit("dora", "talk", {})
    wait_until(lambda: len(gate.began) == 3)
    time.sleep(0.05)
    assert sorted(gate.began) == ["ann", "bob", "dora"]


def test_a_ninth_job_that_would_wait_is_refused_and_those_of_others_are_taken(gate: Gate) -> None:
    jobs = service(gate)
    for n in range(MAX_WAITING + 1):
        jobs.submit("ann", "work", {"n": n})
        wait_until(lambda: gate.began)
    with pytest.raises(BusyError, match="8 runs of yours wait already"):
        jobs.submit("ann", "work", {})
    assert jobs.submit("bob", "work", {}).state == "queued"


def test_submitting_twice_with_one_key_is_one_job_also_when_it_is_done(gate: Gate) -> None:
    jobs = service(gate)
    first, second = jobs.submit("ann", "work", {}, key="k"), jobs.submit("ann", "work", {}, key="k")
    assert jobs.submit("bob", "work", {}, key="k").id != first.id == second.id
    gate.open.set()
    ended(jobs, first)
    assert jobs.submit("ann", "work", {}, key="k").state == "done"
    assert gate.began.count("ann") == 1


def test_what_was_stopped_under_a_key_can_be_asked_for_again(gate: Gate) -> None:
    jobs = service(gate)
    first = jobs.submit("ann", "work", {}, key="k")
    assert jobs.cancel(first.id, 5)
    assert jobs.submit("ann", "work", {}, key="k").id != first.id


def test_a_stop_reaches_one_that_waits_at_once_and_one_that_runs_at_its_next_step(gate: Gate) -> None:
    jobs = service(gate)
    running, waiting = jobs.submit("ann", "work", {"n": 1}), jobs.submit("ann", "work", {"n": 2})
    wait_until(lambda: gate.began)
    assert jobs.cancel(waiting.id) and ended(jobs, waiting).state == "cancelled"
    assert jobs.cancel(running.id, 5) and ended(jobs, running).state == "cancelled"
    assert gate.began == ["ann1"]


def test_an_attached_job_ends_with_its_last_watcher_and_others_go_on(gate: Gate) -> None:
    jobs = service(gate)
    bound, free = jobs.submit("ann", "work", {}, attached=True), jobs.submit("bob", "work", {})
    one, other = jobs.watch(bound.id), jobs.watch(bound.id)
    next(one), next(other), one.close()  # type: ignore[attr-defined]
    assert jobs.get(bound.id).active  # type: ignore[union-attr]
    other.close()  # type: ignore[attr-defined]
    wait_until(lambda: not jobs.get(bound.id).active)  # type: ignore[union-attr]
    watching = jobs.watch(free.id)
    next(watching), watching.close()  # type: ignore[attr-defined]
    wait_until(lambda: jobs.get(free.id).state == "running")  # type: ignore[union-attr]


def test_a_watcher_hears_something_in_every_tick_though_nothing_happens(gate: Gate) -> None:
    jobs = service(gate)
    job = jobs.submit("ann", "work", {})
    wait_until(lambda: gate.began)
    seen, start = jobs.watch(job.id, 0.05), time.monotonic()
    for _ in range(5):
        next(seen)
    assert time.monotonic() - start < 2


def test_what_goes_wrong_is_told_in_a_sentence_and_the_next_job_begins(gate: Gate) -> None:
    def broken(job: Job, report: Tell, stop: threading.Event) -> dict[str, Any]:
        raise RenderError("no region fits")

    jobs = Jobs({"break": broken, "work": gate})
    failed, next_one = jobs.submit("ann", "break", {}), jobs.submit("ann", "work", {})
    gate.open.set()
    assert ended(jobs, failed).result == {"error": "no region fits"}
    assert ended(jobs, next_one).state == "done"


def test_a_drain_takes_no_more_and_interrupts_what_runs_and_leaves_what_waits(gate: Gate) -> None:
    jobs = service(gate)
    running, waiting = jobs.submit("ann", "work", {}), jobs.submit("ann", "work", {})
    bound = jobs.submit("bob", "work", {}, attached=True)
    wait_until(lambda: gate.began)
    assert jobs.drain(5) and not jobs.ready
    assert [jobs.get(job.id).state for job in (running, waiting, bound)] == ["interrupted", "queued", "interrupted"]  # type: ignore[union-attr]
    with pytest.raises(BusyError, match="about to stop"):
        jobs.submit("carl", "work", {})


class LeftStore(MemoryStore):
    """What a process that is gone left."""

    def left(self) -> list[Job]:
        return [job for job in self._jobs.values() if job.active]


def test_after_a_restart_what_was_queued_runs_and_what_ran_is_interrupted_until_it_is_run_again(gate: Gate) -> None:
    store = LeftStore()
    ran, queued = Job("1", "ann", "", "work", {"n": 1}), Job("2", "ann", "", "work", {"n": 2})
    bound = Job("3", "bob", "", "work", {}, attached=True)
    for job in (replace(ran, state="running", progress={"done": 3}), queued, bound):
        store.add(job)
    jobs = service(gate, store=store)
    jobs.resume()
    gate.open.set()
    assert ended(jobs, queued).state == "done"
    assert [store.get(name).state for name in "13"] == ["interrupted", "interrupted"]  # type: ignore[union-attr]
    assert jobs.again("1").progress == {"done": 3}
    assert ended(jobs, ran).state == "done"
    with pytest.raises(OmostError, match="cannot go on"):
        jobs.again("1")


def test_an_interrupted_job_that_is_dismissed_cannot_be_run_again() -> None:
    store = LeftStore()
    store.add(Job("1", "ann", "", "work", {}, state="interrupted"))
    jobs = Jobs({}, store)
    jobs.dismiss("1")
    with pytest.raises(OmostError, match="cannot go on"):
        jobs.again("1")


def test_forgetting_a_session_ends_all_that_is_done_for_it(gate: Gate) -> None:
    jobs = service(gate)
    here = [jobs.submit("ann", "work", {}, session="s") for _ in range(3)]
    there = jobs.submit("bob", "work", {}, session="t")
    wait_until(lambda: gate.began)
    jobs.forget("s", 5)
    assert {jobs.get(job.id).state for job in here} == {"cancelled"} and jobs.active("t")  # type: ignore[union-attr]
    assert jobs.get(there.id).active  # type: ignore[union-attr]
