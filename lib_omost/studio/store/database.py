"""One SQLite file that many threads use. What the disk has no room for goes on in memory, and into the file when there
is room again. Which tables there are is others' business.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lib_omost.errors import StorageError
from lib_omost.studio.store.room import WaitsForRoom, no_room

log = logging.getLogger(__name__)

Sql = tuple[str, Any]
MODE = 0o600  # chats are nobody else's business
MAX_LOG_BYTES = 2**20
LOG_PAGES = 100  # after so many the log goes into the file: both take room on the disk
LOCKED_S = 10.0  # how long a change waits for another program's
BESIDE = ("", "-wal", "-shm")  # SQLite's own files of one database


class Connection(sqlite3.Connection):
    """Remembers the changes that it was asked for since `begin`, so that they can be made again elsewhere."""

    changes: list[Sql]

    def begin(self) -> None:
        """Waits for other writers, so that nothing that the caller decides on changes until the end."""
        self.changes = []
        super().execute("BEGIN IMMEDIATE")

    def execute(self, sql: str, values: Any = (), /) -> sqlite3.Cursor:
        if not sql.startswith(("SELECT", "COMMIT", "ROLLBACK")):
            self.changes.append((sql, values))
        return super().execute(sql, values)

    def executemany(self, sql: str, rows: Iterable[Any], /) -> sqlite3.Cursor:
        rows = list(rows)
        self.changes.extend((sql, values) for values in rows)
        return super().executemany(sql, rows)


class Database:
    """Any thread may call. A write is durable when it returns, except on a full disk: see `words`."""

    def __init__(self, path: Path) -> None:
        """Raises StorageError where the file cannot be made or is not a database."""
        self.path = path
        self._lock = threading.RLock()  # of writers; SQLite lets in one at a time anyway
        self._spare: Connection | None = None  # a copy in memory, while the file cannot grow
        self._unwritten: deque[list[Sql]] = deque()  # one list for each transaction on the copy
        self._waiting = WaitsForRoom(self._bring_back)
        with self._named():
            try:
                self._make_private()
            except OSError as error:
                raise StorageError(f"cannot make {path}: {error.strerror}; choose another folder") from error
            # As long as one connection is open, SQLite keeps the files beside this one: a full disk can be read then.
            self._anchor = self._connect()
            weakref.finalize(self, self._anchor.close)
            self._anchor.execute("PRAGMA journal_mode = WAL")
            self._anchor.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()

    @property
    def words(self) -> str:
        """What a person has to know about the disk: nothing most of the time."""
        return self._waiting.words

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection to read from. Raises StorageError with the file's name."""
        with self._named():
            if self._spare is not None:
                with self._lock:
                    if self._spare is not None:
                        yield from self._on_the_copy()
                        return
            db = self._connect()
            try:
                yield db
            finally:
                db.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A connection whose block is one transaction. Raises StorageError with the file's name."""
        with self._named(), self._lock:
            if self._spare is not None and not self._bring_back():
                yield from self._on_the_copy()
                return
            db = self._connect()
            try:
                db.begin()
                with _rolled_back(db):
                    yield db
                try:
                    db.execute("COMMIT")
                except sqlite3.OperationalError as error:
                    if not no_room(error):
                        raise
                    changes = db.changes
                    _roll_back(db)
                    self._go_on_in_memory(changes, error)
            finally:
                db.close()

    def _on_the_copy(self) -> Iterator[sqlite3.Connection]:
        assert self._spare is not None
        self._spare.begin()
        with _rolled_back(self._spare):
            yield self._spare
        if self._spare.changes:
            self._unwritten.append(self._spare.changes)
        self._spare.execute("COMMIT")

    def _go_on_in_memory(self, changes: list[Sql], error: sqlite3.Error) -> None:
        """From now on a copy in memory is the database; `changes` are the first that only it has."""
        log.warning("%s cannot grow (%s): what is new is kept in memory until there is room.", self.path.name, error)
        spare = _opened(":memory:")
        self._anchor.backup(spare)
        spare.begin()
        _apply(spare, changes)
        spare.execute("COMMIT")
        self._unwritten.append(changes)
        self._spare = spare
        self._waiting.begin()

    def _bring_back(self) -> bool:
        """Writes to the file what only the copy has, in order; False where there is still no room."""
        with self._lock:
            emptied = False
            while self._unwritten:
                try:
                    self._write_again(self._unwritten[0])
                except sqlite3.OperationalError as error:
                    if not emptied:
                        emptied = self._log_emptied()
                        if emptied:
                            continue
                    log.debug("still in memory: %s", error)
                    return False
                except sqlite3.Error as error:  # another program changed the file meanwhile
                    log.warning("A change that waited for room does not fit the file any more: %s", error)
                self._unwritten.popleft()
            if self._spare is not None:
                self._spare.close()
                self._spare = None
                log.info("There is room again: all that was kept in memory is in %s.", self.path.name)
            return True

    def _log_emptied(self) -> bool:
        """Whether SQLite's log gave room back: what stands in it stands in the file then."""
        beside = self.path.with_name(self.path.name + "-wal")
        with suppress(OSError, sqlite3.OperationalError):
            before = beside.stat().st_size
            self._anchor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return beside.stat().st_size < before
        return False

    def _write_again(self, changes: list[Sql]) -> None:
        db = self._connect()
        try:
            db.begin()
            with _rolled_back(db):
                _apply(db, changes)
                db.execute("COMMIT")
        finally:
            db.close()

    def _connect(self) -> Connection:
        return _opened(self.path)

    def _make_private(self) -> None:
        """The file with its folder, for its owner only; the files that SQLite makes beside it take after it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, MODE))
        for ending in BESIDE:
            with suppress(OSError):  # another's file stays as it is
                self.path.with_name(self.path.name + ending).chmod(MODE)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise StorageError(
                "This session is not here any more; it was deleted, maybe in another tab. Choose another one from the "
                "list, or load the page again."
            ) from error
        except sqlite3.Error as error:
            raise StorageError(f"cannot use the session file {self.path}: {error}; {_why(error)}") from error


def _why(error: sqlite3.Error) -> str:
    if no_room(error):
        return "the disk is full; free some space"
    if "locked" in str(error):
        return "another program holds it; close that one, or try again"
    return "is the file damaged, or another one's?"


def _opened(path: Path | str) -> Connection:
    """Each statement is a transaction of its own, outside of `begin`. A transaction waits in memory for its end, and so
    fails for want of room only there.
    """
    db = sqlite3.connect(path, timeout=LOCKED_S, isolation_level=None, check_same_thread=False, factory=Connection)
    db.changes = []
    for setting in ("foreign_keys = ON", "cache_spill = OFF", "temp_store = MEMORY"):
        db.execute(f"PRAGMA {setting}")
    db.execute(f"PRAGMA journal_size_limit = {MAX_LOG_BYTES}")
    db.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
    return db


@contextmanager
def _rolled_back(db: Connection) -> Iterator[None]:
    """What the block did is undone where it raises."""
    try:
        yield
    except BaseException:
        _roll_back(db)
        raise


def _roll_back(db: Connection) -> None:
    if db.in_transaction:  # some errors end it by themselves
        db.execute("ROLLBACK")


def _apply(db: Connection, changes: Iterable[Sql]) -> None:
    for sql, values in list(changes):
        db.execute(sql, values)
