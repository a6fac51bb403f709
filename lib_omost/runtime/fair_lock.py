"""A fair lock: one holder at a time, in order of arrival. Knows nothing about devices or models."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lib_omost.errors import Stopped


class FairLock:
    """First come, first served, as threading.Lock is not; whoever waits can leave the queue by setting a stop flag.

    It belongs to a `with` block and not to a thread, so a generator may hold it between the calls of different threads.
    """

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._queue: deque[object] = deque()

    @property
    def queued(self) -> int:
        """How many hold or wait for the lock."""
        return len(self._queue)

    @contextmanager
    def hold(
        self, stop: threading.Event | None = None, on_wait: Callable[[int], None] = lambda ahead: None
    ) -> Iterator[None]:
        """Waits for the lock and holds it; raises Stopped when `stop` is set before its turn comes.

        `on_wait(ahead)` is called again and again with how many are ahead, and at last with 0.
        """
        ticket = object()
        self._queue.append(ticket)
        try:
            with self._change:
                while self._queue[0] is not ticket:
                    if stop is not None and stop.is_set():
                        raise Stopped("stopped before its turn came")
                    on_wait(self._queue.index(ticket))
                    self._change.wait(0.1)  # a stop flag wakes nobody, so it is looked at ten times a second
            on_wait(0)
            yield
        finally:
            with self._change:
                self._queue.remove(ticket)
                self._change.notify_all()
