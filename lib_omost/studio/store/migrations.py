"""The tables of the session file, version by version. The file itself says its version (`PRAGMA user_version`)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from lib_omost.errors import StorageError


def _1_sessions_turns_renders(db: sqlite3.Connection) -> None:
    """The first tables. Files from before there were versions have them already, older ones without two columns."""
    db.execute(
        "CREATE TABLE IF NOT EXISTS session (id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, "
        "updated REAL NOT NULL, settings TEXT NOT NULL DEFAULT '{}')"
    )
    db.execute("CREATE INDEX IF NOT EXISTS session_owner ON session (owner, updated)")
    db.execute(
        "CREATE TABLE IF NOT EXISTS turn (session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE, "
        "position INTEGER NOT NULL, role TEXT NOT NULL, text TEXT NOT NULL, picture TEXT NOT NULL, "
        "about TEXT NOT NULL DEFAULT '{}', PRIMARY KEY (session, position))"
    )
    db.execute(
        "CREATE TABLE IF NOT EXISTS render (id TEXT PRIMARY KEY, "
        "session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE, code TEXT NOT NULL, settings TEXT NOT NULL, "
        "picture TEXT NOT NULL, created REAL NOT NULL)"
    )
    db.execute("CREATE INDEX IF NOT EXISTS render_session ON render (session, created)")
    for table, column in (("session", "settings"), ("turn", "about")):
        if column not in [row[1] for row in db.execute(f"PRAGMA table_info({table})")]:
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT NOT NULL DEFAULT '{{}}'")


def _2_a_name_for_each_turn(db: sqlite3.Connection) -> None:
    """A position is given again after a cut, so it cannot say which turn a late writer means; an id can."""
    db.execute("ALTER TABLE turn ADD COLUMN id TEXT NOT NULL DEFAULT ''")
    db.execute("UPDATE turn SET id = lower(hex(randomblob(9)))")
    db.execute("CREATE UNIQUE INDEX turn_id ON turn (session, id)")


def _4_history(db: sqlite3.Connection) -> None:
    """Steps to undo and to do again, replies in whose place others stand, and what was said of the last act."""
    of_a_session = "session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE"
    db.execute(
        f"CREATE TABLE version (key INTEGER PRIMARY KEY, {of_a_session}, role TEXT NOT NULL, text TEXT NOT NULL, "
        "picture TEXT NOT NULL, about TEXT NOT NULL, id TEXT NOT NULL)"
    )
    db.execute("CREATE INDEX version_turn ON version (session, id)")
    db.execute(
        f"CREATE TABLE step ({of_a_session}, position INTEGER NOT NULL, done INTEGER NOT NULL, name TEXT NOT NULL, "
        "turns TEXT NOT NULL, PRIMARY KEY (session, position))"
    )
    db.execute(
        f"CREATE TABLE sibling ({of_a_session}, question TEXT NOT NULL, reply TEXT NOT NULL, turns TEXT NOT NULL, "
        "PRIMARY KEY (session, question, reply))"
    )
    db.execute("ALTER TABLE session ADD COLUMN told TEXT NOT NULL DEFAULT '{}'")


#: The n-th one makes version n of version n - 1. One that was released is never changed; a new one goes to the end.
MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _1_sessions_turns_renders,
    _2_a_name_for_each_turn,
    _4_history,
)


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Brings the file to the newest version, inside the transaction that the caller began. Raises StorageError for a
    file of a later version than any known here.
    """
    version = version_of(db)
    if version > len(MIGRATIONS):
        raise StorageError(
            f"the session file {path} was written by a newer Omost: it has version {version}, this one knows up to "
            f"{len(MIGRATIONS)}. Update Omost, or keep sessions in another folder (--outputs)."
        )
    if version == len(MIGRATIONS):
        return
    for step in MIGRATIONS[version:]:
        step(db)
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def version_of(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
