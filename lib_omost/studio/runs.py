"""Who is running or watching what: one stop flag per visitor and kind of work. Knows nothing of the work itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from lib_omost.runtime.job import Job

T = TypeVar("T")
Key = tuple[str, str]  # the browser tab, the kind of work


class Runs:
    """Stop flags of the runs that go on now. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._going: dict[Key, tuple[threading.Event, threading.Event]] = {}

    @contextmanager
    def run(self, key: Key) -> Iterator[threading.Event]:
        """The stop flag of a new run, which stops an older one of the same key. Leaving sets it: a closed tab stops
        its run.
        """
        stop, ended = threading.Event(), threading.Event()
        with self._lock:
            older = self._going.get(key)
            self._going[key] = (stop, ended)
        if older:
            older[0].set()
        try:
            yield stop
        finally:
            stop.set()
            ended.set()
            with self._lock:
                if self._going.get(key) == (stop, ended):
                    del self._going[key]

    def follow(
        self,
        key: Key,
        active: Callable[[], Sequence[Job]],
        watched: Callable[[Job, threading.Event], Iterator[T]],
        first: Job | None = None,
    ) -> Iterator[T]:
        """What `watched` makes of the `active` jobs, one after the other, until none is left or somebody newer follows
        under the same key. `first`: one that was just asked for, and is shown even if it has ended by now.
        """
        with self.run(key) as newer:
            while jobs := active() or ([first] if first else []):
                if first is not None and (jobs[0].id == first.id or all(job.id != first.id for job in jobs)):
                    first = None
                yield from watched(jobs[0], newer)
                if newer.is_set():
                    return

    def going(self, key: Key) -> bool:
        with self._lock:
            return key in self._going

    def stop(self, key: Key, wait_s: float = 0.0) -> bool:
        """Asks the run of `key` to stop and waits for its end. False where it still works after `wait_s`."""
        with self._lock:
            going = self._going.get(key)
        if going is None:
            return True
        going[0].set()
        return going[1].wait(wait_s)
