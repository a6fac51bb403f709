"""Sessions in SQLite."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lib_omost.errors import StorageError
from lib_omost.studio.store.sessions import NEW_NAME, Sessions, Turn

TALK = (
    Turn("user", "an apple"),
    Turn("assistant", "```python\ncanvas = Canvas()\n```"),
    Turn("assistant", "", "/p/a.png"),
)


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "store" / "sessions.sqlite")


def test_turns_come_back_as_they_were_after_a_restart(sessions: Sessions) -> None:
    session = sessions.create("ann")
    sessions.set_turns(session, TALK)
    assert Sessions(sessions.path).turns(session) == TALK


def test_a_session_is_named_after_its_first_message_and_keeps_a_name_it_was_given(sessions: Sessions) -> None:
    session = sessions.create("ann")
    assert sessions.of("ann")[0].name == NEW_NAME
    sessions.set_turns(session, TALK)
    assert sessions.of("ann")[0].name == "an apple"
    sessions.rename(session, "  still\nlife ")
    sessions.set_turns(session, [Turn("user", "a pear")])
    assert sessions.of("ann")[0].name == "still life"


def test_nobody_sees_or_owns_the_sessions_of_another(sessions: Sessions) -> None:
    session = sessions.create("ann")
    assert sessions.of("bob") == []
    assert sessions.owns("ann", session)
    assert not sessions.owns("bob", session)


def test_the_session_used_last_comes_first(sessions: Sessions) -> None:
    first, second = sessions.create("ann"), sessions.create("ann")
    sessions.set_turns(first, TALK)
    assert [one.id for one in sessions.of("ann")] == [first, second]


def test_renders_come_back_newest_first_with_their_settings(sessions: Sessions) -> None:
    session = sessions.create("ann")
    for seed in (1, 2):
        sessions.add_render(session, "code", {"seed": seed, "guidance": 4.0}, f"/p/{seed}.png")
    assert [(render.settings, render.picture) for render in sessions.renders(session)] == [
        ({"seed": 2, "guidance": 4.0}, "/p/2.png"),
        ({"seed": 1, "guidance": 4.0}, "/p/1.png"),
    ]


def test_a_deleted_session_takes_its_turns_and_renders_along_and_names_its_pictures(sessions: Sessions) -> None:
    session = sessions.create("ann")
    sessions.set_turns(session, TALK)
    sessions.add_render(session, "code", {}, "/p/a.png")
    assert sessions.delete(session) == ["/p/a.png"]
    assert (sessions.of("ann"), sessions.turns(session), sessions.renders(session)) == ([], (), [])


def test_many_threads_write_at_once_and_nothing_is_lost(sessions: Sessions) -> None:
    ids = [sessions.create("ann") for _ in range(8)]

    def work(session: str) -> None:
        for count in range(1, 6):
            sessions.set_turns(session, [Turn("user", f"{session} {count}")] * count)

    threads = [threading.Thread(target=work, args=(session,)) for session in ids]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(sessions.turns(session) == (Turn("user", f"{session} 5"),) * 5 for session in ids)


def test_a_file_that_is_no_database_is_named_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite"
    path.write_bytes(b"these are not the bytes of a database" * 100)
    with pytest.raises(StorageError, match=r"sessions\.sqlite"):
        Sessions(path)
