"""A full disk: how it is told from other faults, and who tries again until there is room."""

from __future__ import annotations

import errno
import sqlite3
import threading
import time
from collections.abc import Callable

from lib_omost.errors import StorageError

TRY_AGAIN_S = 2.0
TOLD_FOR_S = 60.0  # that there is room again
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: A limit on a file's size is SQLITE_IOERR_WRITE; a new page of the WAL's index wants room, too.
NO_ROOM_IN_SQLITE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)

FULL = "The disk is full: what is new is kept in memory, and written when there is room again. Free some space."
ROOM = "There is room on the disk again, and all is written."


class DiskFullError(StorageError):
    """There is no room to write; whoever holds the content keeps it."""


def no_room(error: BaseException) -> bool:
    """Whether this error of the system or of SQLite says that the disk is full."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) in NO_ROOM_IN_SQLITE
    return isinstance(error, DiskFullError) or (isinstance(error, OSError) and error.errno in NO_ROOM)


class WaitsForRoom:
    """Whether something waits for room, and a thread that tries to write it as long as something does.

    `write`: writes what waits; False where there is still no room. Any thread may call.
    """

    def __init__(self, write: Callable[[], bool], pause_s: float = TRY_AGAIN_S) -> None:
        self._write, self._pause_s, self._lock = write, pause_s, threading.Lock()
        self._going, self._more, self._ended = False, False, float("-inf")

    def begin(self) -> None:
        """From now on something waits."""
        with self._lock:
            self._more = True
            if self._going:
                return
            self._going = True
        threading.Thread(target=self._try_again, name="waits-for-room", daemon=True).start()

    @property
    def words(self) -> str:
        """What a person is told: nothing most of the time."""
        if self._going:
            return FULL
        return ROOM if time.monotonic() - self._ended < TOLD_FOR_S else ""

    def _try_again(self) -> None:
        while True:
            time.sleep(self._pause_s)
            with self._lock:
                self._more = False
            if not self._write():
                continue
            with self._lock:
                if not self._more:  # nothing began to wait since
                    self._going, self._ended = False, time.monotonic()
                    return
