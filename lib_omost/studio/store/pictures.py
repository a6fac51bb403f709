"""The pictures of a folder, kept as files; one that the disk has no room for waits in memory. What a picture holds is
images.py's business, who sees it the page's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lib_omost import atomic
from lib_omost.errors import StorageError
from lib_omost.studio.store.images import write_png
from lib_omost.studio.store.room import DiskFullError, WaitsForRoom
from lib_omost.studio.store.sessions import Sessions

log = logging.getLogger(__name__)

IMPORTED = "imported-"  # how the names of pictures begin that a session file brought
IMPORTING_S = 3600.0  # no import takes longer


@dataclass(frozen=True, slots=True)
class _Picture:
    """One that waits. `note`: what is to be done when it is on the disk."""

    session: str
    path: Path
    png: bytes
    note: Callable[[], object]


class Pictures:
    """Any thread may call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._waiting: deque[_Picture] = deque()
        self._room = WaitsForRoom(self._write_waiting)

    @property
    def disk_words(self) -> str:
        """What a person has to know about the disk: nothing most of the time."""
        return self._room.words

    def keep(self, session: str, path: Path, png: bytes, note: Callable[[], object]) -> bool:
        """Writes a picture and does `note`, which puts it into the session; False where both wait for room.

        Whatever ends the program, the picture is there and noted, or neither: `sweep` ends what was begun. Raises
        StorageError.
        """
        try:
            write_png(path, png, ready=note)
        except DiskFullError as error:
            log.warning("%s: the picture waits in memory until there is room.", error)
            with self._lock:
                self._waiting.append(_Picture(session, path, png, note))
            self._room.begin()
            return False
        return True

    def waiting(self, session: str) -> bytes | None:
        """The newest picture of the session that waits for room, as a PNG file."""
        with self._lock:
            return next((one.png for one in reversed(self._waiting) if one.session == session), None)

    def _write_waiting(self) -> bool:
        """Writes what waits, in order; False where there is still no room."""
        while self._waiting:
            one = self._waiting[0]
            try:
                write_png(one.path, one.png, ready=one.note)
                log.info("There is room again: %s is written.", one.path.name)
            except DiskFullError:
                return False
            except StorageError as error:  # the session was deleted meanwhile, or the folder is gone
                log.warning("A picture that waited for room is lost: %s", error)
            with self._lock:
                self._waiting.popleft()
        return True


def sweep(sessions: Sessions, folder: Path) -> None:
    """Ends what a process began that died while it wrote pictures: one that is noted gets its name, all else goes."""
    with suppress(OSError):  # a folder that cannot be swept is said by whoever writes to it
        for file, path in atomic.unfinished(folder):
            if not path.exists() and sessions.has_picture(str(path)):
                file.rename(path)
            else:
                file.unlink()
        for path in folder.glob(f"{IMPORTED}*.png"):
            if path.stat().st_mtime < time.time() - IMPORTING_S and not sessions.has_picture(str(path)):
                path.unlink()
