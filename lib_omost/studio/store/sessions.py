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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lib_omost.errors import StorageError

SCHEMA = """
CREATE TABLE IF NOT EXISTS session (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, updated REAL NOT NULL,
    settings TEXT NOT NULL DEFAULT '{}');
CREATE INDEX IF NOT EXISTS session_owner ON session (owner, updated);
CREATE TABLE IF NOT EXISTS turn (
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    role TEXT NOT NULL, text TEXT NOT NULL, picture TEXT NOT NULL, about TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (session, position));
CREATE TABLE IF NOT EXISTS render (
    id TEXT PRIMARY KEY, session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    code TEXT NOT NULL, settings TEXT NOT NULL, picture TEXT NOT NULL, created REAL NOT NULL);
CREATE INDEX IF NOT EXISTS render_session ON render (session, created);
"""
# What a file of an earlier version lacks: (table, column).
ADDED = (("session", "settings"), ("turn", "about"))
EMPTY = (
    "id NOT IN (SELECT session FROM turn) AND id NOT IN (SELECT session FROM render) AND name = ?"  # nothing to lose
)
FORGOTTEN_AFTER_S = 24 * 3600
NEW_NAME = "New picture"
NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `text` is the raw text, as typed or generated; `picture` is a path, and such a turn has no text.
    `about` is what is known of a reply besides (reply_stats.py), as JSON has it.
    """

    role: Literal["user", "assistant"]
    text: str
    picture: str = ""
    about: dict[str, Any] = field(default_factory=dict)


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
            for table, column in ADDED:
                if column not in [row[1] for row in db.execute(f"PRAGMA table_info({table})")]:
                    db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT NOT NULL DEFAULT '{{}}'")
            long_ago = time.time() - FORGOTTEN_AFTER_S
            db.execute(f"DELETE FROM session WHERE updated < ? AND {EMPTY}", (long_ago, NEW_NAME))

    def create(self, owner: str, name: str = NEW_NAME) -> str:
        """A session that starts with the settings that its owner used last."""
        session = secrets.token_urlsafe(16)
        latest = "SELECT settings FROM session WHERE owner = ? ORDER BY updated DESC, rowid DESC LIMIT 1"
        with self._open() as db:
            db.execute(
                f"INSERT INTO session VALUES (?, ?, ?, ?, COALESCE(({latest}), '{{}}'))",
                (session, owner, name, time.time(), owner),
            )
        return session

    def empty(self, owner: str) -> str | None:
        """A session of the owner that holds nothing yet."""
        with self._open() as db:
            found = db.execute(f"SELECT id FROM session WHERE owner = ? AND {EMPTY}", (owner, NEW_NAME)).fetchone()
        return None if found is None else str(found[0])

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

    def name(self, session: str) -> str:
        with self._open() as db:
            found = db.execute("SELECT name FROM session WHERE id = ?", (session,)).fetchone()
        return str(found[0]) if found else ""

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
            rows = db.execute(
                "SELECT role, text, picture, about FROM turn WHERE session = ? ORDER BY position", (session,)
            )
            return tuple(Turn(role, text, picture, json.loads(about)) for role, text, picture, about in rows)

    def set_turns(self, session: str, turns: Iterable[Turn]) -> None:
        """Replaces the whole chat; a session without a name of its own is named after its first message."""
        turns = tuple(turns)
        rows = [(session, position, *_columns(turn)) for position, turn in enumerate(turns)]
        with self._open() as db:
            db.execute("DELETE FROM turn WHERE session = ?", (session,))
            db.executemany("INSERT INTO turn VALUES (?, ?, ?, ?, ?, ?)", rows)
            db.execute("UPDATE session SET updated = ? WHERE id = ?", (time.time(), session))
            first = next((turn.text for turn in turns if turn.role == "user"), "")
            if first:
                name = " ".join(first.split())[:NAME_LENGTH]
                db.execute("UPDATE session SET name = ? WHERE id = ? AND name = ?", (name, session, NEW_NAME))

    def add_turn(self, session: str, turn: Turn) -> int:
        """Puts one turn at the end of the chat; returns its position, for `change_turn`."""
        last = "SELECT COALESCE(MAX(position) + 1, 0) FROM turn WHERE session = ?"
        with self._open() as db:
            (position,) = db.execute(last, (session,)).fetchone()
            db.execute("INSERT INTO turn VALUES (?, ?, ?, ?, ?, ?)", (session, position, *_columns(turn)))
            db.execute("UPDATE session SET updated = ? WHERE id = ?", (time.time(), session))
        return int(position)

    def change_turn(self, session: str, position: int, turn: Turn) -> None:
        """Replaces one turn of that role, as a growing reply; where it is gone meanwhile, it stays gone."""
        with self._open() as db:
            db.execute(
                "UPDATE turn SET role = ?, text = ?, picture = ?, about = ? "
                "WHERE session = ? AND position = ? AND role = ?",
                (*_columns(turn), session, position, turn.role),
            )

    def reply_lengths(self, model: str, limit: int = 20) -> list[int]:
        """Characters of the latest whole replies that this model wrote to anyone, for an estimate of the next one."""
        query = (
            "SELECT length(text) FROM turn WHERE json_extract(about, '$.model') = ? "
            "AND json_extract(about, '$.whole') ORDER BY rowid DESC LIMIT ?"
        )
        with self._open() as db:
            return [int(row[0]) for row in db.execute(query, (model, limit))]

    def settings(self, session: str) -> dict[str, Any]:
        """What `set_settings` was given last; empty for a new visitor."""
        with self._open() as db:
            found = db.execute("SELECT settings FROM session WHERE id = ?", (session,)).fetchone()
        return dict(json.loads(found[0])) if found else {}

    def set_settings(self, session: str, settings: dict[str, Any]) -> None:
        with self._open() as db:
            db.execute("UPDATE session SET settings = ? WHERE id = ?", (json.dumps(settings), session))

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


def _columns(turn: Turn) -> tuple[str, str, str, str]:
    return turn.role, turn.text, turn.picture, json.dumps(turn.about)
