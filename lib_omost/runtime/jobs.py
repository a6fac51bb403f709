"""Jobs: what was asked for, kept in a store and run in threads, one of each owner at a time and owners in turn. What a
job does and where jobs are kept is passed in; this file knows no page and no model.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from lib_omost.errors import BusyError, OmostError, Stopped
from lib_omost.runtime.job import Facts, Job, JobState, JobStore, MemoryStore, Seen, Work

log = logging.getLogger(__name__)

MAX_WAITING = 8  # jobs of one owner, beside the one that runs
MAX_ALL = 100  # jobs that run or wait, of all owners
TICK_S = 0.5  # a watcher hears something as often, so that it notices whoever left
KEPT_PAUSE_S = 1.0  # between two writes of a job's progress
DEVICE, ELSEWHERE = "device", "elsewhere"
#: How many jobs go on at once in each lane: the device does one thing at a time, servers answer many.
LANES = {DEVICE: 1, ELSEWHERE: 8}


@dataclass(eq=False)
class _Active:
    """A job that waits or runs, with what only this process knows of it."""

    job: Job
    lane: str = ""  # while it runs
    report: Any = None
    changes: int = 0
    kept_at: float = 0.0
    clients: int = 0
    stop: threading.Event = field(default_factory=threading.Event)


class Jobs:
    """The job service. Any thread may call.

    `works`: what does each kind of job; `lane`: in which of LANES one goes; `told`: an error as a sentence.
    """

    def __init__(
        self,
        works: Mapping[str, Work],
        store: JobStore | None = None,
        lane: Callable[[Job], str] = lambda job: DEVICE,
        told: Callable[[BaseException], str] = str,
    ) -> None:
        self._works, self._store, self._lane, self._told = works, store or MemoryStore(), lane, told
        self._change = threading.Condition()
        self._active: dict[str, _Active] = {}
        self._unkept: dict[str, Job] = {}  # as they are now, where the store has them as they were
        self._turns: deque[str] = deque()  # owners of jobs that wait, the next one first
        self._draining = False

    def resume(self) -> None:
        """Takes over what an earlier process left: what was queued is run, what ran is interrupted."""
        for job in self._store.left():
            if job.state == "running" or job.attached:
                self._keep(replace(job, state="interrupted"))
            else:
                with self._change:
                    self._enqueue(job)
        self._start_ready()

    def submit(
        self, owner: str, what: str, request: Facts, *, session: str = "", key: str = "", attached: bool = False
    ) -> Job:
        """A new job, or the one of this owner and key. Raises BusyError where too many wait, StorageError."""
        job = Job(secrets.token_urlsafe(12), owner, session, what, request, key, attached)
        with self._change:
            if key and (twin := self._store.twin(owner, key)):
                return self.get(twin.id) or twin
            self._check_room(owner)
            self._store.add(job)
            self._enqueue(job)
        self._start_ready()
        return job

    def again(self, name: str) -> Job:
        """An interrupted or failed job is queued once more, with the progress that it had. Others stay as they are."""
        job = self.get(name)
        if job is None or job.state not in ("interrupted", "failed"):
            raise OmostError("This run cannot go on: it is gone, or it ended. Ask for it anew.")
        with self._change:
            self._check_room(job.owner)
            job = replace(job, state="queued", result={})
            self._enqueue(job)
            self._keep(job)
        self._start_ready()
        return job

    def dismiss(self, name: str) -> None:
        """An interrupted job is cancelled: nobody wants it any more."""
        job = self.get(name)
        if job is not None and job.state == "interrupted":
            self._keep(replace(job, state="cancelled"))

    def cancel(self, name: str, wait_s: float = 0.0) -> bool:
        """A job that waits is cancelled now, one that runs at its next step, for which this waits. False where it still
        runs after `wait_s`.
        """
        with self._change:
            one = self._active.get(name)
            if one is None:
                return True
            one.stop.set()
            if one.job.state == "queued":
                self._end(one, "cancelled", {})
        self._start_ready()
        with self._change:
            return self._change.wait_for(lambda: name not in self._active, wait_s)

    def forget(self, session: str, wait_s: float = 3.0) -> None:
        """Cancels all jobs of a session."""
        for job in reversed(self.active(session)):  # what waits first, so that it does not begin
            self.cancel(job.id, wait_s)

    def get(self, name: str) -> Job | None:
        one = self._active.get(name)
        return one.job if one else self._unkept.get(name) or self._store.get(name)

    def of(self, session: str) -> list[Job]:
        """The jobs of a session, the oldest first."""
        return [self.get(job.id) or job for job in self._store.of(session)]

    def active(self, session: str) -> list[Job]:
        """Those that wait or run, in the order in which they are done."""
        with self._change:
            found = [one.job for one in self._active.values() if one.job.session == session]
        return sorted(found, key=lambda job: (job.state == "queued", job.created))

    @property
    def ready(self) -> bool:
        """Whether new jobs are taken."""
        return not self._draining

    def watch(self, name: str, tick_s: float = TICK_S) -> Iterator[Seen]:
        """The job at each change, at least every `tick_s`, and at last as it ended. Whoever leaves an `attached` job as
        its last watcher cancels it.
        """
        one = self._active.get(name)
        seen, report = -1, None
        if one is not None:
            with self._change:
                one.clients += 1
        try:
            while one is not None:
                with self._change:
                    self._change.wait_for(lambda seen=seen: one.changes != seen, tick_s)  # type: ignore[misc]
                    seen, report = one.changes, one.report
                    moment = Seen(one.job, report, self._ahead(one))
                if not moment.job.active:
                    break
                yield moment
            job = one.job if one else self.get(name)
            if job is not None:
                yield Seen(job, report)
        finally:
            if one is not None:
                with self._change:
                    one.clients -= 1
                    unwanted = one.job.active and one.job.attached and not one.clients
                if unwanted:
                    self.cancel(name)

    def drain(self, wait_s: float) -> bool:
        """Takes no more jobs and stops those that run, which are interrupted then; those that wait stay queued for the
        next start. False where one still runs after `wait_s`.
        """
        with self._change:
            self._draining = True
            for one in list(self._active.values()):
                if one.job.state == "running":
                    one.stop.set()
                elif one.job.attached:
                    self._end(one, "interrupted", {})
            return self._change.wait_for(lambda: not self._running(), wait_s)

    # --- whose turn it is; called with the lock held ---

    def _check_room(self, owner: str) -> None:
        if self._draining:
            raise BusyError("The server is about to stop and takes no more work. Ask again when it is back.")
        waiting = [one for one in self._active.values() if one.job.state == "queued"]
        if sum(one.job.owner == owner for one in waiting) >= MAX_WAITING:
            raise BusyError(f"{MAX_WAITING} runs of yours wait already, which is the most. Wait for one, or stop one.")
        if len(waiting) >= MAX_ALL:
            raise BusyError(f"{MAX_ALL} runs wait for this machine already, which is the most. Try again in a while.")

    def _enqueue(self, job: Job) -> None:
        self._active[job.id] = _Active(job)
        self._queue_up(job.owner)
        self._change.notify_all()

    def _queue_up(self, owner: str) -> None:
        """An owner with jobs that wait and none that runs stands at the end of the queue of owners, or where it is."""
        running = any(one.job.owner == owner for one in self._running())
        if owner not in self._turns and not running and self._waiting(owner):
            self._turns.append(owner)

    def _running(self) -> list[_Active]:
        return [one for one in self._active.values() if one.job.state == "running"]

    def _waiting(self, owner: str) -> list[_Active]:
        return [one for one in self._active.values() if (one.job.state, one.job.owner) == ("queued", owner)]

    def _next(self) -> _Active | None:
        """The first job of the first owner for whose job there is room; that owner's turn is over then."""
        lanes = [one.lane for one in self._running()]
        for owner in self._turns:
            waiting = self._waiting(owner)
            lane = self._lane(waiting[0].job)
            if lanes.count(lane) < LANES[lane]:
                waiting[0].lane = lane
                self._turns.remove(owner)
                return waiting[0]
        return None

    def _ahead(self, one: _Active) -> int:
        """How many jobs come before this one, as far as it is known now."""
        if one.job.state != "queued":
            return 0
        place = self._waiting(one.job.owner).index(one)
        turns = list(self._turns)
        own = turns.index(one.job.owner) if one.job.owner in turns else len(turns)
        others = (
            min(len(self._waiting(owner)), place + (turn < own)) for turn, owner in enumerate(turns) if turn != own
        )
        lane, owner = self._lane(one.job), one.job.owner
        running = sum(other.lane == lane or other.job.owner == owner for other in self._running())
        return running + place + sum(others)

    def _end(self, one: _Active, state: JobState, result: Facts) -> None:
        one.job = replace(one.job, state=state, result=result)
        one.changes += 1
        del self._active[one.job.id]
        if not self._waiting(one.job.owner) and one.job.owner in self._turns:
            self._turns.remove(one.job.owner)
        self._queue_up(one.job.owner)
        self._keep(one.job)
        self._change.notify_all()

    # --- the work ---

    def _start_ready(self) -> None:
        """Starts every job that can go on now."""
        with self._change:
            while not self._draining and (one := self._next()) is not None:
                one.job = replace(one.job, state="running")
                one.changes += 1
                self._keep(one.job)
                threading.Thread(target=self._do, args=(one,), name=f"job-{one.job.what}", daemon=True).start()
            self._change.notify_all()

    def _do(self, one: _Active) -> None:
        state: JobState = "done"
        result: Facts = {}
        try:
            result = self._works[one.job.what](one.job, partial(self._report, one), one.stop)
        except Stopped:
            state = "interrupted" if self._draining else "cancelled"
        except BaseException as error:
            state, result = "failed", {"error": self._told(error)}
        with self._change:
            self._end(one, state, result)
        self._start_ready()

    def _report(self, one: _Active, seen: Any, progress: Facts, *, at_once: bool = False) -> None:
        with self._change:
            one.report, one.job = seen, replace(one.job, progress=progress)
            one.changes += 1
            self._change.notify_all()
        if at_once or time.monotonic() - one.kept_at >= KEPT_PAUSE_S:
            one.kept_at = time.monotonic()
            self._keep(one.job)

    def _keep(self, job: Job) -> None:
        """A job goes on where it cannot be kept; that is tried again with the next one, and lost with the process."""
        with self._change:
            self._unkept.pop(job.id, None)
            self._unkept[job.id] = job
            try:
                while self._unkept:
                    name, oldest = next(iter(self._unkept.items()))
                    self._store.change(oldest)
                    del self._unkept[name]
            except OmostError as error:
                log.warning("The state of a run could not be kept: %s", error)
