"""Chats, canvas programs, settings and the names of pictures, in one SQLite file. Knows nothing about pages and reads
no code.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lib_omost.studio.store import history
from lib_omost.studio.store.database import Database
from lib_omost.studio.store.migrations import migrate

EMPTY = (
    "id NOT IN (SELECT session FROM turn) AND id NOT IN (SELECT session FROM render) AND name = ?"  # nothing to lose
)
FORGOTTEN_AFTER_S = 24 * 3600
NEW_NAME = "New picture"
NAME_LENGTH = 60
Data = dict[str, Any]  # as JSON has it


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `text` is the raw text, as typed or generated; `picture` is a path, and such a turn has no text.
    `about` is what is known of a reply besides (reply_stats.py), as JSON has it. `id` says which turn of its session
    it is, whatever its text becomes; two turns that say the same are equal.
    """

    role: Literal["user", "assistant"]
    text: str
    picture: str = ""
    about: Data = field(default_factory=dict)
    id: str = field(default_factory=lambda: secrets.token_urlsafe(9), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Render:
    """One picture: the program it was made from, all settings (the seed is its own, not the batch's), and where it
    lies.
    """

    id: str
    code: str
    settings: Data
    picture: str
    created: float


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    name: str
    updated: float


class Sessions:
    """The store. Any thread may call; a write is durable when it returns, unless the disk is full (`disk_words`).

    A write of turns that is a person's act gives it a name, as `step`, and can be undone (history.py).
    """

    def __init__(self, path: Path) -> None:
        """Raises StorageError where the file cannot be made, is not a database, or is of a later version."""
        self.path, self._database = path, Database(path)
        with self._write() as db:  # writes nothing where there is nothing to change: a full disk can be started from
            migrate(db, self.path)
            db.execute(
                f"DELETE FROM session WHERE updated < ? AND {EMPTY}", (time.time() - FORGOTTEN_AFTER_S, NEW_NAME)
            )

    def create(self, owner: str, name: str = NEW_NAME) -> str:
        """A session that starts with the settings that its owner used last."""
        session = secrets.token_urlsafe(16)
        latest = "SELECT settings FROM session WHERE owner = ? ORDER BY updated DESC, rowid DESC LIMIT 1"
        with self._write() as db:
            db.execute(
                "INSERT INTO session (id, owner, name, updated, settings) "
                f"VALUES (?, ?, ?, ?, COALESCE(({latest}), '{{}}'))",
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
        with self._write() as db:
            db.execute("UPDATE session SET name = ? WHERE id = ?", (name, session))

    def delete(self, session: str) -> list[str]:
        """Forgets the session; returns the paths of its pictures, which stay on disk."""
        with self._write() as db:
            pictures = [str(row[0]) for row in db.execute("SELECT picture FROM render WHERE session = ?", (session,))]
            db.execute("DELETE FROM session WHERE id = ?", (session,))
        return pictures

    def turns(self, session: str) -> tuple[Turn, ...]:
        with self._open() as db:
            rows = db.execute(
                "SELECT role, text, picture, about, id FROM turn WHERE session = ? ORDER BY position", (session,)
            )
            return tuple(Turn(role, text, picture, json.loads(about), id) for role, text, picture, about, id in rows)

    def set_turns(self, session: str, turns: Iterable[Turn], *, step: str = "") -> None:
        """Replaces the whole chat, as an import does; what anyone else was writing to it is gone with it."""
        with self._write(session, step) as db:
            db.execute("DELETE FROM turn WHERE session = ?", (session,))
            _append(db, session, turns)

    def add_turns(self, session: str, *turns: Turn, step: str = "") -> None:
        """Puts turns at the end of the chat, all or none, with nothing between them."""
        with self._write(session, step) as db:
            _append(db, session, turns)

    def change_turn(self, session: str, turn: Turn, *, step: str = "") -> bool:
        """Replaces the turn of the same id, as growing replies do. Where it is gone meanwhile, it stays gone: False."""
        with self._write(session, step) as db:
            changed = db.execute(
                "UPDATE turn SET role = ?, text = ?, picture = ?, about = ?, id = ? WHERE session = ? AND id = ?",
                (*_columns(turn), session, turn.id),
            ).rowcount
            _touch(db, session)
        return changed > 0

    def cut_turns(
        self, session: str, after: Turn | None, *instead: Turn, step: str = "", sibling: bool = False
    ) -> bool:
        """Takes all turns after one away, or all there are after None, and puts others in their place. Where that one
        is gone meanwhile, nothing is cut: False. With `sibling` what is cut stays as another reply to that message.
        """
        with self._write(session, step) as db:
            if sibling and after is not None:
                history.keep_sibling(db, session, after.id)
            position = -1
            if after is not None:
                where = "SELECT position FROM turn WHERE session = ? AND id = ?"
                found = db.execute(where, (session, after.id)).fetchone()
                if found is None:
                    return False
                (position,) = found
            db.execute("DELETE FROM turn WHERE session = ? AND position > ?", (session, position))
            _append(db, session, instead)
        return True

    def reply_lengths(self, model: str, limit: int = 20) -> list[int]:
        """Characters of the latest whole replies that this model wrote to anyone, for an estimate of the next one."""
        query = (
            "SELECT length(text) FROM turn WHERE json_extract(about, '$.model') = ? "
            "AND json_extract(about, '$.whole') ORDER BY rowid DESC LIMIT ?"
        )
        with self._open() as db:
            return [int(row[0]) for row in db.execute(query, (model, limit))]

    def settings(self, session: str) -> Data:
        """What `set_settings` was given last; empty for a new visitor."""
        with self._open() as db:
            found = db.execute("SELECT settings FROM session WHERE id = ?", (session,)).fetchone()
        return dict(json.loads(found[0])) if found else {}

    def set_settings(self, session: str, settings: Data) -> None:
        with self._write() as db:
            db.execute("UPDATE session SET settings = ? WHERE id = ?", (json.dumps(settings), session))

    def add_render(self, session: str, code: str, settings: Data, picture: str) -> Render:
        """A picture that the chat does not show, or shows already."""
        with self._write() as db:
            return _insert_render(db, session, code, settings, picture)

    def add_picture(self, session: str, code: str, settings: Data, picture: str) -> Render:
        """A picture and, in the same write, its turn at the end of the chat."""
        with self._write() as db:
            render = _insert_render(db, session, code, settings, picture)
            _append(db, session, [Turn("assistant", "", picture)])
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

    def has_picture(self, picture: str) -> bool:
        """Whether any session shows the picture of this path."""
        with self._open() as db:
            return db.execute("SELECT 1 FROM render WHERE picture = ? LIMIT 1", (picture,)).fetchone() is not None

    @property
    def disk_words(self) -> str:
        """What a person has to know about the disk: nothing most of the time."""
        return self._database.words

    def connection(self) -> AbstractContextManager[sqlite3.Connection]:
        """To read other tables of the file."""
        return self._open()

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """To change other tables of the file; the block is one transaction."""
        return self._write()

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        """To read from. Raises StorageError with the file's name."""
        return self._database.read()

    @contextmanager
    def _write(self, session: str = "", step: str = "") -> Iterator[sqlite3.Connection]:
        """The block is one transaction; on a full disk it goes on in memory. With a `step`, the chat before it is kept.
        Raises StorageError as well.
        """
        with self._database.write() as db:
            if step:
                history.add_step(db, session, step)
            yield db


def _append(db: sqlite3.Connection, session: str, turns: Iterable[Turn]) -> None:
    """Turns at the end of the chat."""
    (last,) = db.execute("SELECT COALESCE(MAX(position), -1) FROM turn WHERE session = ?", (session,)).fetchone()
    rows = [(session, position, *_columns(turn)) for position, turn in enumerate(turns, last + 1)]
    columns = "session, position, role, text, picture, about, id"
    db.executemany(f"INSERT INTO turn ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    _touch(db, session)


def _touch(db: sqlite3.Connection, session: str) -> None:
    """The session was used now; one without a name of its own is named after its first message."""
    db.execute("UPDATE session SET updated = ? WHERE id = ?", (time.time(), session))
    first = (
        "SELECT text FROM turn JOIN session ON session.id = turn.session "
        "WHERE session.id = ? AND session.name = ? AND role = 'user' ORDER BY position LIMIT 1"
    )
    found = db.execute(first, (session, NEW_NAME)).fetchone()
    if found and found[0]:
        name = " ".join(found[0].split())[:NAME_LENGTH]
        db.execute("UPDATE session SET name = ? WHERE id = ?", (name, session))


def _insert_render(db: sqlite3.Connection, session: str, code: str, settings: Data, picture: str) -> Render:
    render = Render(secrets.token_urlsafe(9), code, settings, picture, time.time())
    row = (render.id, session, code, json.dumps(settings), picture, render.created)
    db.execute("INSERT INTO render (id, session, code, settings, picture, created) VALUES (?, ?, ?, ?, ?, ?)", row)
    _touch(db, session)
    return render


def _columns(turn: Turn) -> tuple[str, str, str, str, str]:
    return turn.role, turn.text, turn.picture, json.dumps(turn.about), turn.id
