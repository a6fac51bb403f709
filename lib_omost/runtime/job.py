"""A job as a value, and what the service (jobs.py) asks of a store and of a work. Runs nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

JobState = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
Facts = dict[str, Any]  # as JSON has it


@dataclass(frozen=True, slots=True)
class Job:
    """One reply or render that somebody asked for.

    `what`: the kind of work; `request`: all it needs; `progress`: how far it is, `result`: what came of it or, under
    "error", a sentence why nothing did. `session` is empty where it belongs to none. `key`: what its owner calls it;
    submitted twice, it is one job. `attached`: to a client that waits for it; it ends when that client leaves.
    """

    id: str
    owner: str
    session: str
    what: str
    request: Facts
    key: str = ""
    attached: bool = False
    state: JobState = "queued"
    progress: Facts = field(default_factory=dict)
    result: Facts = field(default_factory=dict)
    created: float = field(default_factory=time.time)

    @property
    def active(self) -> bool:
        return self.state in ("queued", "running")


@dataclass(frozen=True, slots=True)
class Seen:
    """A job at one moment. `report`: what its work reported last, None before; `ahead`: how many jobs come first."""

    job: Job
    report: Any = None
    ahead: int = 0


class Tell(Protocol):
    """What a job's work calls as it goes on: what watchers see, in memory only; how far it is, as it is kept now and
    then, or `at_once`.
    """

    def __call__(self, seen: Any, progress: Facts, *, at_once: bool = False) -> None: ...


#: Does a job; returns its result. Raises Stopped at a stop, what else it raises is why the job failed.
Work = Callable[[Job, Tell, threading.Event], Facts]


class JobStore(Protocol):
    """Where jobs are kept. Its methods raise StorageError."""

    def twin(self, owner: str, key: str) -> Job | None:
        """The job of this owner and key that waits, runs or is done."""

    def add(self, job: Job) -> None:
        """Keeps a new job, in the place of one of its owner and key that came to nothing."""

    def change(self, job: Job) -> None:
        """Keeps state, progress and result of a job that it knows."""

    def get(self, name: str) -> Job | None: ...

    def of(self, session: str) -> list[Job]:
        """The jobs of a session, the oldest first."""

    def left(self) -> list[Job]:
        """The active jobs of a process that is gone, the oldest first; none while another process works here."""


class MemoryStore:
    """Keeps jobs as long as the program runs."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def twin(self, owner: str, key: str) -> Job | None:
        twins = (job for job in self._jobs.values() if (job.owner, job.key) == (owner, key))
        return next((job for job in twins if job.active or job.state == "done"), None)

    def add(self, job: Job) -> None:
        self._jobs[job.id] = job

    def change(self, job: Job) -> None:
        self._jobs[job.id] = job

    def get(self, name: str) -> Job | None:
        return self._jobs.get(name)

    def of(self, session: str) -> list[Job]:
        return [job for job in self._jobs.values() if job.session == session]

    def left(self) -> list[Job]:
        return []
