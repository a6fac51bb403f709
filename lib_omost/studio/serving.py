"""A page that others keep running: how it says that it is well, how it ends, and what it clears away. Knows no job and
no model.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.responses import PlainTextResponse

log = logging.getLogger(__name__)

EXIT_S = 9.5  # who tells a program to end kills it after ten seconds, mostly
DAY_S = 24 * 3600


class Health:
    """ASGI middleware: /healthz says that the process answers; /readyz whether it takes work, and if not (503), what
    `unready` says of it.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], unready: Callable[[], str]) -> None:
        self.app, self._unready = app, unready

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        path = scope.get("path") if scope["type"] == "http" else None
        if path == "/healthz":
            await PlainTextResponse("ok\n")(scope, receive, send)
        elif path == "/readyz":
            why = self._unready()
            await PlainTextResponse(f"{why or 'ready'}\n", 503 if why else 200)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


@contextmanager
def told_to_end() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl+C set. Outside of the main thread no signal comes, and nothing sets it."""
    told = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield told
        return
    before = {number: signal.signal(number, lambda *_: told.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_at_the_latest(after_s: float = EXIT_S) -> None:
    """Ends the process then, whatever still holds it: a thread inside a long operation, a client that stays."""

    timer = threading.Timer(after_s, end_now)
    timer.daemon = True
    timer.start()


def end_now() -> None:
    """Ends the process without taking it apart: giving gigabytes of weights back piece by piece takes seconds. What is
    kept is on disk by then.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)


def sweep_temporary(folder: Path, older_than_s: float) -> int:
    """Deletes the temporary files that are older than that; returns how many. What cannot be deleted stays."""
    limit, gone = time.time() - older_than_s, 0
    for path in _files(folder):
        try:
            if path.stat().st_mtime <= limit:
                path.unlink()
                gone += 1
        except OSError as error:
            log.warning("%s could not be deleted: %s", path.name, error.strerror)
    for emptied in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        with suppress(OSError):  # not empty, or filled meanwhile
            emptied.rmdir()
    return gone


def give_back_memory() -> bool:
    """Gives free memory back to the system: glibc keeps a page of it for each small thing that lies between, which is
    much after hours of renders. False where the C library is another one.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return False
    return bool(trim(0))


def each_day(work: Callable[[], object], told: threading.Event) -> None:
    """Does it once a day until `told`, in a thread of its own."""

    def days() -> None:
        while not told.wait(DAY_S):
            work()

    threading.Thread(target=days, name="each-day", daemon=True).start()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
