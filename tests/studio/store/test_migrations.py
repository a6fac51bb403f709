"""Files of earlier versions open and keep all that they hold; a file of a later one is refused."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from lib_omost.errors import StorageError
from lib_omost.studio.store.migrations import MIGRATIONS, version_of
from lib_omost.studio.store.sessions import Sessions, Turn

#: The tables as they were before the file said its version.
UNNUMBERED = """
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
TALK = (
    Turn("user", "an apple"),
    Turn("assistant", "```python\ncanvas = Canvas()\n```", about={"model": "scripted", "whole": True}),
    Turn("assistant", "", "/p/a.png"),
    Turn("user", "an apple"),
)
SETTINGS = {"steps": 20}


def written(path: Path, schema: str, *, settings: bool = True, about: bool = True) -> Path:
    """A file as an earlier program leaves it: one session, a chat, a picture; in WAL, closed."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(schema)
    session = ("s1", "ann", "still life", 1e12, json.dumps(SETTINGS))
    db.execute(f"INSERT INTO session VALUES ({','.join('?' * (4 + settings))})", session[: 4 + settings])
    for position, turn in enumerate(TALK):
        row = ("s1", position, turn.role, turn.text, turn.picture, json.dumps(turn.about))
        db.execute(f"INSERT INTO turn VALUES ({','.join('?' * (5 + about))})", row[: 5 + about])
    db.execute("INSERT INTO render VALUES (?, ?, ?, ?, ?, ?)", ("r1", "s1", "code", '{"seed": 1}', "/p/a.png", 3.0))
    db.commit()
    db.close()
    return path


def version(path: Path) -> int:
    with sqlite3.connect(path) as db:
        return version_of(db)


def test_a_new_file_has_the_newest_version(tmp_path: Path) -> None:
    assert version(Sessions(tmp_path / "sessions.sqlite").path) == len(MIGRATIONS)


def test_a_file_from_before_the_versions_opens_and_keeps_all(tmp_path: Path) -> None:
    path = written(tmp_path / "sessions.sqlite", UNNUMBERED)
    sessions = Sessions(path)
    assert version(path) == len(MIGRATIONS)
    assert [(one.id, one.name) for one in sessions.of("ann")] == [("s1", "still life")]
    assert (sessions.turns("s1"), sessions.settings("s1")) == (TALK, SETTINGS)
    assert [turn.about for turn in sessions.turns("s1")] == [turn.about for turn in TALK]
    assert [(r.id, r.code, r.settings, r.picture, r.created) for r in sessions.renders("s1")] == [
        ("r1", "code", {"seed": 1}, "/p/a.png", 3.0)
    ]
    assert sessions.reply_lengths("scripted") == [len(TALK[1].text)]


def test_its_turns_can_be_told_apart_and_changed_from_then_on(tmp_path: Path) -> None:
    sessions = Sessions(written(tmp_path / "sessions.sqlite", UNNUMBERED))
    turns = sessions.turns("s1")
    assert len({turn.id for turn in turns}) == len(turns)
    assert sessions.turns("s1")[3].id == turns[3].id
    assert sessions.cut_turns("s1", turns[1], Turn("user", "more"))
    assert sessions.turns("s1") == (*TALK[:2], Turn("user", "more"))


def test_a_file_of_the_first_days_gets_the_columns_that_it_lacks(tmp_path: Path) -> None:
    first = UNNUMBERED.replace(",\n    settings TEXT NOT NULL DEFAULT '{}'", "")
    first = first.replace(", about TEXT NOT NULL DEFAULT '{}'", "")
    assert first.count("DEFAULT") == 0
    sessions = Sessions(written(tmp_path / "sessions.sqlite", first, settings=False, about=False))
    assert [turn.text for turn in sessions.turns("s1")] == [turn.text for turn in TALK]
    assert (sessions.settings("s1"), sessions.turns("s1")[1].about) == ({}, {})
    sessions.set_settings("s1", SETTINGS)
    assert sessions.settings("s1") == SETTINGS


def test_a_file_of_a_later_version_is_refused_with_what_to_do_and_left_as_it_is(tmp_path: Path) -> None:
    path = Sessions(tmp_path / "sessions.sqlite").path
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE later (id TEXT)")
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match=r"sessions\.sqlite was written by a newer Omost.*99.*Update Omost"):
        Sessions(path)
    with sqlite3.connect(path) as db:
        assert version_of(db) == 99
        assert db.execute("SELECT COUNT(*) FROM job").fetchone() == (0,)


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = written(tmp_path / "sessions.sqlite", UNNUMBERED)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE turn_id (a)")  # takes the name of the index that the second one makes
    with pytest.raises(StorageError, match="turn_id"):
        Sessions(path)
    with sqlite3.connect(path) as db:
        assert version_of(db) == 0
        assert "id" not in [row[1] for row in db.execute("PRAGMA table_info(turn)")]


@pytest.mark.parametrize("old", [False, True], ids=["new file", "old file"])
def test_programs_that_start_at_once_all_find_the_file_ready(tmp_path: Path, old: bool) -> None:
    path = tmp_path / "sessions.sqlite"
    if old:
        written(path, UNNUMBERED)
    program = "import sys; from pathlib import Path; from lib_omost.studio.store.sessions import Sessions; "
    program += "sys.stdin.readline(); Sessions(Path(sys.argv[1])).create('ann')"
    start = [sys.executable, "-c", program, str(path)]
    running = [subprocess.Popen(start, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
    ended = [process.communicate() for process in running]
    assert [error for _, error in ended] == [""] * 4
    assert len(Sessions(path).of("ann")) == 4 + old
