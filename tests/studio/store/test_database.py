"""One file, many threads, and a disk that is full."""

from __future__ import annotations

import resource
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from lib_omost.errors import StorageError
from lib_omost.studio.store.room import FULL, ROOM
from lib_omost.studio.store.sessions import Sessions, Turn

LONG = "x" * 20_000


def on_disk(path: Path) -> list[str]:
    """The texts that another program finds in the file."""
    with sqlite3.connect(path) as db:
        return [row[0] for row in db.execute("SELECT text FROM turn ORDER BY position")]


def test_a_chat_goes_on_while_the_disk_is_full_and_is_written_when_there_is_room(small_disk: Any, until: Any) -> None:
    sessions = Sessions(small_disk.folder / "sessions.sqlite")
    session = sessions.create("ann")
    sessions.add_turns(session, Turn("user", "before"))
    small_disk.fill()
    reply = Turn("assistant", LONG)
    sessions.add_turns(session, Turn("user", LONG * 3), reply)
    assert sessions.change_turn(session, Turn("assistant", "whole " + LONG, id=reply.id))
    other = sessions.create("bob")
    sessions.rename(session, "kept")
    assert [turn.text[:5] for turn in sessions.turns(session)] == ["befor", "xxxxx", "whole"]
    assert sessions.owns("bob", other) and sessions.name(session) == "kept"
    assert sessions.disk_words == FULL
    assert on_disk(sessions.path) == ["before"]
    small_disk.free()
    until(lambda: sessions.disk_words == ROOM)
    assert on_disk(sessions.path) == ["before", LONG * 3, "whole " + LONG]
    assert Sessions(sessions.path).turns(session) == sessions.turns(session)


def test_a_page_opens_from_a_full_disk(small_disk: Any) -> None:
    path = small_disk.folder / "sessions.sqlite"
    sessions = Sessions(path)
    session = sessions.create("ann")
    sessions.add_turns(session, Turn("user", "before"))
    small_disk.fill()
    assert [one.id for one in sessions.of("ann")] == [session]
    assert Sessions(path).turns(session)[0].text == "before"  # a second process, or the API of the first


def test_many_threads_write_to_a_full_disk_and_nothing_is_lost(small_disk: Any, until: Any) -> None:
    sessions = Sessions(small_disk.folder / "sessions.sqlite")
    session = sessions.create("ann")
    small_disk.fill()

    def work(name: int) -> None:
        for count in range(20):
            sessions.add_turns(session, Turn("user", f"{name} {count} {LONG[:2000]}"))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    [thread.start() for thread in threads]
    threads[0].join()
    small_disk.free()
    [thread.join() for thread in threads]
    until(lambda: sessions.disk_words == ROOM)
    found = on_disk(sessions.path)
    assert len(found) == len(set(found)) == 80


def test_what_does_not_fit_any_more_is_left_out_and_the_rest_is_written(small_disk: Any, until: Any) -> None:
    sessions = Sessions(small_disk.folder / "sessions.sqlite")
    gone, stays = sessions.create("ann"), sessions.create("ann")
    small_disk.fill()
    sessions.add_turns(gone, Turn("user", LONG))
    sessions.add_turns(stays, Turn("user", LONG))
    small_disk.free()
    with sqlite3.connect(sessions.path) as db:  # another program
        db.execute("DELETE FROM session WHERE id = ?", (gone,))
    until(lambda: sessions.disk_words == ROOM)
    assert len(sessions.turns(stays)) == 1 and sessions.turns(gone) == ()


LIMITED = """
import resource, sys
from pathlib import Path
from lib_omost.studio.store.sessions import Sessions, Turn
sessions = Sessions(Path(sys.argv[1]))
session = sessions.create("ann")
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
sessions.add_turns(session, Turn("user", "x" * 200_000))
sessions.add_turns(session, Turn("assistant", "y" * 200_000))
assert [len(turn.text) for turn in sessions.turns(session)] == [200_000] * 2
assert sessions.disk_words
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
sessions.rename(session, "written")
"""


def test_a_limit_on_the_size_of_files_is_a_full_disk_too(tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    path = tmp_path / "sessions.sqlite"
    subprocess.run([sys.executable, "-c", LIMITED, str(path)], check=True, timeout=120)
    assert [len(text) for text in on_disk(path)] == [200_000] * 2


def test_all_files_of_the_database_are_their_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite"
    path.touch(mode=0o644)  # as an earlier version made it
    sessions = Sessions(path)
    sessions.create("ann")
    files = list(tmp_path.iterdir())
    assert {file.name for file in files} == {"sessions.sqlite", "sessions.sqlite-wal", "sessions.sqlite-shm"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_an_error_inside_a_write_changes_nothing_in_memory_either(small_disk: Any) -> None:
    sessions = Sessions(small_disk.folder / "sessions.sqlite")
    session = sessions.create("ann")
    small_disk.fill()
    turn = Turn("user", LONG)
    sessions.add_turns(session, turn)
    with pytest.raises(StorageError):
        sessions.add_turns(session, Turn("user", "one more"), turn)  # the same turn twice
    assert sessions.turns(session) == (turn,)
