"""Jobs in the session file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lib_omost.errors import StorageError
from lib_omost.runtime.job import Job, Tell
from lib_omost.runtime.jobs import Jobs
from lib_omost.studio.store import database
from lib_omost.studio.store.jobs import StoredJobs
from lib_omost.studio.store.sessions import Sessions, Turn

OTHER = """
import sys
from pathlib import Path
from lib_omost.studio.store.jobs import StoredJobs
from lib_omost.studio.store.sessions import Sessions
print([job.id for job in StoredJobs(Sessions(Path(sys.argv[1]))).left()])
"""


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "sessions.sqlite")


def job(name: str, session: str = "", **more: object) -> Job:
    return Job(name, "ann", session, "render", {"code": "x"}, **more)  # type: ignore[arg-type]


def test_a_job_is_found_as_it_was_kept_and_as_it_was_changed(sessions: Sessions) -> None:
    store, one = StoredJobs(sessions), job("1", sessions.create("ann"), key="k", attached=True)
    store.add(one)
    assert store.get("1") == one
    later = replace(one, state="running", progress={"step": 7, "steps": 25})
    store.change(later)
    assert store.get("1") == later and store.of(one.session) == [later]
    assert store.get("2") is None


def test_the_twin_of_a_key_is_one_that_did_not_come_to_nothing(sessions: Sessions) -> None:
    store = StoredJobs(sessions)
    store.add(job("1", key="k"))
    assert store.twin("ann", "k") and not store.twin("bob", "k")
    store.change(replace(job("1", key="k"), state="failed"))
    assert store.twin("ann", "k") is None
    store.add(job("2", key="k"))
    assert store.get("1") is None and store.twin("ann", "k") == store.get("2")


def test_any_number_of_jobs_have_no_key(sessions: Sessions) -> None:
    store = StoredJobs(sessions)
    for name in "123":
        store.add(job(name))
    assert [one.id for one in store.left()] == ["1", "2", "3"]


def test_a_session_takes_its_jobs_with_it(sessions: Sessions) -> None:
    store, session = StoredJobs(sessions), sessions.create("ann")
    store.add(job("1", session))
    sessions.delete(session)
    assert store.get("1") is None
    store.change(replace(job("1", session), state="done"))  # one that ran then has nobody to tell


def test_what_is_left_is_taken_over_by_one_process_only_and_by_the_next_when_it_is_gone(sessions: Sessions) -> None:
    store = StoredJobs(sessions)
    store.add(job("1"))
    store.change(replace(job("2"), state="done"))

    def other() -> str:
        start = [sys.executable, "-c", OTHER, str(sessions.path)]
        return subprocess.run(start, capture_output=True, text=True, check=True).stdout.strip()

    assert other() == "['1']"
    assert [one.id for one in store.left()] == ["1"]
    assert other() == "[]"


def test_on_a_full_disk_jobs_are_taken_and_end_and_are_in_the_file_when_there_is_room(
    small_disk: Any, until: Any
) -> None:
    path = small_disk.folder / "sessions.sqlite"
    jobs, go = work_on(StoredJobs(Sessions(path)))
    small_disk.fill()
    one = jobs.submit("ann", "work", {"text": "x" * 5000}, key="k")
    assert jobs.submit("ann", "work", {}, key="k").id == one.id
    go.set()
    *_, last = jobs.watch(one.id)
    assert last.job.state == "done" and jobs.get(one.id) == last.job
    small_disk.free()

    def kept() -> list[tuple[str, str]]:
        with sqlite3.connect(path) as db:
            return db.execute("SELECT id, state FROM job").fetchall()

    until(lambda: kept() == [(one.id, "done")])


def test_while_another_program_holds_the_file_jobs_end_and_their_states_are_kept_with_the_next_one(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCKED_S", 0.1)
    jobs, go = work_on(store := StoredJobs(sessions))
    one = jobs.submit("ann", "work", {})
    with closing(sqlite3.connect(sessions.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="another program holds it; close that one, or try again"):
            jobs.submit("bob", "work", {})
        go.set()
        *_, last = jobs.watch(one.id)
        assert last.job.state == "done" and jobs.get(one.id) == last.job
        assert (store.get(one.id) or one).state == "running"
        other.execute("COMMIT")
    two = jobs.submit("ann", "work", {})
    *_, _ = jobs.watch(two.id)
    assert [job.state for job in (store.get(one.id), store.get(two.id)) if job] == ["done", "done"]


def work_on(store: StoredJobs) -> tuple[Jobs, threading.Event]:
    """A job service whose jobs end when the event is set."""
    go = threading.Event()

    def work(job: Job, tell: Tell, stop: threading.Event) -> dict[str, Any]:
        tell("begun", {"step": 1})
        assert go.wait(20)
        return {"n": 1}

    return Jobs({"work": work}, store), go


def test_turns_and_pictures_land_behind_the_turn_that_they_belong_to(sessions: Sessions) -> None:
    session = sessions.create("ann")
    ask, plan, more = Turn("user", "an apple"), Turn("assistant", "plan"), Turn("user", "make it red")
    sessions.add_turns(session, ask, more)
    sessions.add_turns(session, plan, after=ask.id)
    for number in "12":
        sessions.add_picture(session, "code", {}, f"/p/{number}.png", plan.id)
    sessions.add_turns(session, Turn("assistant", "red plan"), after=more.id)
    sessions.add_picture(session, "code", {}, "/p/3.png", "a turn that is gone")
    told = [turn.text or turn.picture for turn in sessions.turns(session)]
    assert told == ["an apple", "plan", "/p/1.png", "/p/2.png", "make it red", "red plan", "/p/3.png"]
