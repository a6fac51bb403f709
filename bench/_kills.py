"""A process that writes turns, pictures and jobs until it is killed, and what the next start finds of it.

python -m bench._kills FOLDER writes; the folder holds one.png.
"""

from __future__ import annotations

import itertools
import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from lib_omost.runtime.job import Job
from lib_omost.studio.store.images import new_path
from lib_omost.studio.store.jobs import StoredJobs
from lib_omost.studio.store.pictures import Pictures, sweep
from lib_omost.studio.store.sessions import Sessions, Turn

ROOT = Path(__file__).parents[1]
LONGEST_S = 0.25  # of a writer's life; a picture takes a few milliseconds of it


def write(folder: Path) -> None:
    """Until it is killed."""
    sessions, pictures = Sessions(folder / "sessions.sqlite"), Pictures(folder / "pictures")
    png, jobs = (folder / "one.png").read_bytes(), StoredJobs(sessions)
    session = sessions.create("ann")
    jobs.left()
    print("writing", flush=True)
    for number in itertools.count():
        name = f"{session}-{number}"
        job = Job(name, "ann", session, "render", {"text": _text(number, 5)}, key=name)
        jobs.add(job)
        jobs.change(job := replace(job, state="running"))
        turn = Turn("user", _text(number, 1))
        sessions.add_turns(session, turn)
        for length in (5, 50, 500):
            sessions.change_turn(session, Turn("user", _text(number, length), id=turn.id))
            jobs.change(job := replace(job, progress={"text": _text(number, 5)}))
        path = new_path(pictures.folder)
        pictures.keep(session, path, png, partial(sessions.add_picture, session, "code", {}, str(path)))
        jobs.change(replace(job, state="done", result={"text": _text(number, 5)}))
        if number % 3 == 2:
            sessions.cut_turns(session, turn)


def rounds(folder: Path, png: bytes, count: int, seed: int = 5) -> tuple[int, list[str]]:
    """Kills so many writers at random moments; returns how many died inside the write of a picture, and what was found
    to be wrong after each.
    """
    (folder / "one.png").write_bytes(png)
    chance, caught, wrong = random.Random(seed), 0, list[str]()
    for _ in range(count):
        command = [sys.executable, "-m", "bench._kills", str(folder)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(chance.uniform(0.0, LONGEST_S))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        caught += any((folder / "pictures").glob(".*"))
        wrong += found(folder, png)
    return caught, wrong


def found(folder: Path, png: bytes) -> list[str]:
    """What is wrong in the eyes of the next start."""
    wrong, listed, shown = list[str](), set[Path](), set[Path]()
    with sqlite3.connect(folder / "sessions.sqlite") as db:
        (state,) = db.execute("PRAGMA integrity_check").fetchone()
        homeless = db.execute("PRAGMA foreign_key_check").fetchall()
    wrong += [] if state == "ok" else [f"database: {state}"]
    wrong += [f"{len(homeless)} rows belong to nothing"] if homeless else []
    sessions = Sessions(folder / "sessions.sqlite")
    sweep(sessions, folder / "pictures")
    wrong += _jobs(sessions)
    for session in sessions.of("ann"):
        for turn in sessions.turns(session.id):
            if turn.picture:
                shown.add(Path(turn.picture))
            elif json.loads(turn.text)["end"] != "end":
                wrong.append("half a turn")
        listed |= {Path(render.picture) for render in sessions.renders(session.id)}
    there = set((folder / "pictures").glob("*")) | set((folder / "pictures").glob(".*"))
    wrong += [f"{path.name} is left over" for path in there - listed]
    wrong += [f"{path.name} is listed and not there" for path in (listed | shown) - there]
    wrong += [f"{path.name} is half a picture" for path in listed & there if path.read_bytes() != png]
    return wrong


def _jobs(sessions: Sessions) -> list[str]:
    """What is wrong with the jobs; they are ended then, as the service ends those that were running."""
    store = StoredJobs(sessions)
    left = store.left()
    wrong = [f"{len(left)} jobs are left, of a process that did one at a time"] if len(left) > 1 else []
    for session in sessions.of("ann"):
        for job in store.of(session.id):
            facts = [job.request, job.progress, job.result]
            whole = all(json.loads(one["text"])["end"] == "end" for one in facts if one)
            if not whole or not job.request or (job.state == "done") != bool(job.result):
                wrong.append("half a job")
    for job in left:
        store.change(replace(job, state="interrupted"))
    store.leave()
    return wrong


def _text(number: int, length: int) -> str:
    return json.dumps({"number": number, "text": "x" * 100 * length, "end": "end"})


if __name__ == "__main__":
    write(Path(sys.argv[1]))
