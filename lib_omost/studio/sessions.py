"""Chats, canvas programs, settings and the names of pictures, in one SQLite file. Knows nothing about pages and reads
no code.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lib_omost.errors import StorageError

SCHEMA = """
CREATE TABLE IF NOT EXISTS session (id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, updated REAL NOT
NULL);
CREATE INDEX IF NOT EXISTS session_owner ON session (owner, updated);
CREATE TABLE IF NOT EXISTS turn (
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    role TEXT NOT NULL, text TEXT NOT NULL, picture TEXT NOT NULL, PRIMARY KEY (session, position));
CREATE TABLE IF NOT EXISTS render (
    id TEXT PRIMARY KEY, session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    code TEXT NOT NULL, settings TEXT NOT NULL, picture TEXT NOT NULL, created REAL NOT NULL);
CREATE INDEX IF NOT EXISTS render_session ON render (session, created);
"""
NEW_NAME = "New picture"
NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `text` is the raw text, as typed or generated; `picture` is a path, and such a turn has no text."""

    role: Literal["user", "assistant"]
    text: str
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Render:
    """One picture: the program it was made from, all settings (the seed is its own, not the batch's), and where it
    lies.
    """

    id: str
    code: str
    settings: dict[str, Any]
    picture: str
    created: float


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    name: str
    updated: float


class Sessions:
    """The store. Every call opens its own connection, so any thread may call; a write is durable when it returns."""

    def __init__(self, path: Path) -> None:
        """Raises StorageError where the file cannot be made or is not a database."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot make the folder {path.parent}: {error.strerror}; choose another one") from error
        with self._open() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(SCHEMA)

    def create(self, owner: str, name: str = NEW_NAME) -> str:
        session = secrets.token_urlsafe(16)
        with self._open() as db:
            db.execute("INSERT INTO session VALUES (?, ?, ?, ?)", (session, owner, name, time.time()))
        return session

    def of(self, owner: str) -> list[Session]:
        """The owner's sessions, the last used one first."""
        with self._open() as db:
            rows = db.execute("SELECT id, name, updated FROM session WHERE owner = ? ORDER BY updated DESC", (owner,))
            return [Session(*row) for row in rows]

    def owns(self, owner: str, session: str) -> bool:
        with self._open() as db:
            return (
                db.execute("SELECT 1 FROM session WHERE id = ? AND owner = ?", (session, owner)).fetchone() is not None
            )

    def rename(self, session: str, name: str) -> None:
        name = " ".join(name.split())[:NAME_LENGTH] or NEW_NAME
        with self._open() as db:
            db.execute("UPDATE session SET name = ? WHERE id = ?", (name, session))

    def delete(self, session: str) -> list[str]:
        """Forgets the session; returns the paths of its pictures, which stay on disk."""
        pictures = [render.picture for render in self.renders(session)]
        with self._open() as db:
            db.execute("DELETE FROM session WHERE id = ?", (session,))
        return pictures

    def turns(self, session: str) -> tuple[Turn, ...]:
        with self._open() as db:
            rows = db.execute("SELECT role, text, picture FROM turn WHERE session = ? ORDER BY position", (session,))
            return tuple(Turn(*row) for row in rows)

    def set_turns(self, session: str, turns: Iterable[Turn]) -> None:
        """Replaces the whole chat; a session without a name of its own is named after its first message."""
        turns = tuple(turns)
        rows = [(session, position, turn.role, turn.text, turn.picture) for position, turn in enumerate(turns)]
        with self._open() as db:
            db.execute("DELETE FROM turn WHERE session = ?", (session,))
            db.executemany("INSERT INTO turn VALUES (?, ?, ?, ?, ?)", rows)
            db.execute("UPDATE session SET updated = ? WHERE id = ?", (time.time(), session))
            first = next((turn.text for turn in turns if turn.role == "user"), "")
            if first:
                name = " ".join(first.split())[:NAME_LENGTH]
                db.execute("UPDATE session SET name = ? WHERE id = ? AND name = ?", (name, session, NEW_NAME))

    def add_render(self, session: str, code: str, settings: dict[str, Any], picture: str) -> Render:
        render = Render(secrets.token_urlsafe(9), code, settings, picture, time.time())
        row = (render.id, session, code, json.dumps(settings), picture, render.created)
        with self._open() as db:
            db.execute("INSERT INTO render VALUES (?, ?, ?, ?, ?, ?)", row)
            db.execute("UPDATE session SET updated = ? WHERE id = ?", (render.created, session))
        return render

    def renders(self, session: str) -> list[Render]:
        """The session's pictures, the newest first."""
        query = (
            "SELECT id, code, settings, picture, created FROM render WHERE session = ? "
            "ORDER BY created DESC, rowid DESC"
        )
        with self._open() as db:
            rows = db.execute(query, (session,)).fetchall()
        return [Render(key, code, json.loads(settings), picture, at) for key, code, settings, picture, at in rows]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection whose block is one transaction. Raises StorageError with the file's name."""
        try:
            db = sqlite3.connect(self.path, timeout=10)
            try:
                db.execute("PRAGMA foreign_keys = ON")
                with db:
                    yield db
            finally:
                db.close()
        except sqlite3.Error as error:
            raise StorageError(
                f"cannot use the session file {self.path}: {error}; is the disk full or the file damaged?"
            ) from error
