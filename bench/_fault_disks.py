"""Faults of disks and of processes: no room, kill -9, SIGTERM, damaged files. Most have a server of their own."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from PIL import Image

from bench import _kills
from bench._client import Visitor
from bench._fault_rows import CODE, SMALL, Place, Row, own_site, refusal, until
from bench._site import free_port, site
from lib_omost.canvas import Canvas
from lib_omost.renderer import RenderSettings
from lib_omost.runtime import manifest
from lib_omost.studio.store.images import png_bytes
from lib_omost.studio.store.room import FULL
from lib_omost.studio.store.sessions import Sessions

DISK = "size=3m"


@contextmanager
def small_disk() -> Iterator[Path]:
    """A file system of a few megabytes. Raises AssertionError where none can be mounted."""
    with tempfile.TemporaryDirectory() as name:
        mount = ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", name]
        done = subprocess.run(mount, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"no file system can be mounted here: {done.stderr.strip()[:60]}"
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "-l", name], check=True)


def fill(disk: Path) -> Path:
    """Leaves no room; returns the file that holds it."""
    filler = disk / "filler"
    try:
        with filler.open("ab", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
    except OSError:
        pass
    return filler


def _full(temporary_too: bool, place: Place) -> None:
    """Chat and pictures go on, the picture is shown; all is written when there is room again."""
    with small_disk() as disk:
        temporary = disk / "temporary" if temporary_too else place.folder / "elsewhere"
        with site(place.llm.name, disk / "outputs", free_port(), GRADIO_TEMP_DIR=str(temporary)) as running:
            try:
                _goes_on(Visitor(running.url), disk, temporary_too)
            except BaseException:
                print(*(line for line in running.log if not line.startswith("INFO")), sep="\n")
                raise


def _goes_on(visitor: Visitor, disk: Path, temporary_too: bool) -> None:
    visitor.arrive()
    visitor.fire("message", "submit", message="a pond before")
    filler = fill(disk)
    shown = visitor.fire("message", "submit", message="a bridge while it is full")
    assert "bridge" in json.dumps(shown["chat"]) and FULL in shown["state"]["text"], shown["state"]
    shown = visitor.fire("render", "click", **SMALL)
    assert FULL in shown["progress"]["text"], shown["progress"]
    assert shown["picture"]["url"].startswith("data:image/png"), "the picture is not shown"
    if temporary_too:
        refusal(lambda: visitor.call("render", code=CODE, **SMALL))
    else:
        (file,) = visitor.call("render", code=CODE, **SMALL)
        assert visitor.http.get(f"/gradio_api/file={file['path']}").status_code == 200, "no file for the API"
    visitor.arrive()
    assert "bridge" in json.dumps(visitor.shown["chat"]), "a reload does not show it"
    filler.unlink()
    pictures, store = disk / "outputs" / "pictures", disk / "outputs" / "sessions.sqlite"
    until(lambda: any(pictures.glob("*.png")) and "bridge" in _kept(store), 15.0)
    visitor.arrive()
    assert len(visitor.shown["gallery"]) == 1, "the picture is not in the gallery"


def _kept(store: Path) -> str:
    """All the texts in the file itself."""
    with sqlite3.connect(store) as db:
        return " ".join(row[0] for row in db.execute("SELECT text FROM turn"))


def _private(place: Place) -> None:
    with place.visitor() as visitor:
        visitor.arrive()
        visitor.fire("message", "submit", message="a pond")
        visitor.call("render", code=CODE, **SMALL)
    files = [path for path in (place.folder / "outputs").rglob("*") if path.is_file()]
    assert len(files) >= 3
    open_ones = [path.name for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert not open_ones, f"others may read {', '.join(open_ones)}"


def _kill(place: Place) -> str:
    """Writers are killed inside their writes, 100 rounds; no row of the database, no picture and no file is half."""
    png = png_bytes(
        Image.effect_noise((300, 300), 90).convert("RGB"),
        Canvas.from_bot_response(CODE),
        RenderSettings(width=64, height=64),
    )
    with tempfile.TemporaryDirectory() as name:
        caught, wrong = _kills.rounds(Path(name), png, 3 if place.short else 100)
    assert not wrong, f"{len(wrong)}: {wrong[0]}"
    assert caught or place.short, "no kill was inside the write of a picture"
    return f"{3 if place.short else 100} rounds, {caught} inside the write of a picture"


def _killed_while_it_writes(place: Place) -> None:
    """kill -9 of the server in a reply: the message and what was written are there at the next start."""
    with own_site(place) as (running, folder):
        visitor = Visitor(running.url)
        visitor.arrive()
        try:
            threading.Thread(target=lambda: visitor.fire("message", "submit", message="drip"), daemon=True).start()
            until(lambda: "a a a" in _kept(folder / "sessions.sqlite"), 120.0)  # the first reply loads much
        finally:
            running.process.kill()
            running.process.wait()
        with sqlite3.connect(folder / "sessions.sqlite") as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        sessions = Sessions(folder / "sessions.sqlite")
        with site(place.llm.name, folder, free_port()) as again:
            later = Visitor(again.url)
            later.http.cookies.update(visitor.http.cookies)
            later.arrive()
            told = json.dumps(later.shown["chat"])
        assert "drip" in told and "a a a" in told, "it is not shown again"
        assert sessions.path.is_file()


def _told_to_end(place: Place) -> str:
    """SIGTERM in a long render: the server ends by itself within ten seconds, and says that it did."""
    with own_site(place) as (running, _):
        visitor = Visitor(running.url)
        visitor.begin("render", json.dumps({"code": CODE, "width": 512, "height": 512, "steps": 100}))
        time.sleep(2.0)
        running.process.send_signal(signal.SIGTERM)
        start = time.monotonic()
        assert running.process.wait(10.0) == 0, f"exit code {running.process.returncode}"
    return f"ended after {time.monotonic() - start:.1f} s"


def _health(place: Place) -> None:
    with place.visitor() as visitor:
        assert visitor.http.get("/healthz").status_code == 200
        assert visitor.http.get("/readyz").status_code == 200


def _wrong_logins(place: Place) -> None:
    with tempfile.TemporaryDirectory() as name:
        options = ("--auth", "ann:secret")
        with site(place.llm.name, Path(name) / "outputs", free_port(), *options) as running:
            http = Visitor(running.url).http
            tries = [{"username": "ann", "password": str(number)} for number in range(20)]
            codes = [http.post("/login", data=one).status_code for one in tries]
            assert http.get("/config").status_code == 401, "the page is open"
    assert 429 in codes, f"twenty wrong passwords in a row: {sorted(set(codes))}"


def _not_a_database(place: Place) -> None:
    _refuses_to_start(place, lambda folder: (folder / "sessions.sqlite").write_bytes(os.urandom(5000)))


def _no_folder(place: Place) -> None:
    def act(folder: Path) -> None:
        folder.rmdir()
        folder.write_text("a file")

    _refuses_to_start(place, act)


def _refuses_to_start(place: Place, harm: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "outputs"
        folder.mkdir()
        harm(folder)
        command = [sys.executable, "gradio_app.py", "--llm", place.llm.name, "--sdxl", "default"]
        done = subprocess.run(
            [*command, "--port", str(free_port()), "--outputs", str(folder)],
            capture_output=True, text=True, cwd=_kills.ROOT, check=False, timeout=120,
        )  # fmt: skip
    assert done.returncode == 2 and "Cannot start" in done.stdout and "Traceback" not in done.stderr, done.stderr[-100:]


def _damaged_cache(place: Place) -> None:
    """Weights that were derived here: cut or changed, they are known for it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "weights").write_bytes(os.urandom(2**20))
        manifest.write(folder)
        assert manifest.intact(folder)
        good = (folder / "weights").read_bytes()
        for harmed in (good[:-1], good[:5000] + bytes(4000) + good[9000:]):
            (folder / "weights").write_bytes(harmed)
            assert not manifest.intact(folder), "not noticed"


DISKS: tuple[Row, ...] = (
    Row("disks: files are their owner's only", _private),
    Row("disks: full, then room again", partial(_full, False), short=False),
    Row("disks: full with the temporary files, then room again", partial(_full, True), short=False),
    Row("disks: sessions that are no database", _not_a_database, short=False),
    Row("disks: outputs that are no folder", _no_folder, short=False),
    Row("disks: a damaged cache of weights", _damaged_cache),
    Row("processes: killed inside their writes", _kill),
    Row("processes: the server is killed in a reply", _killed_while_it_writes, short=False),
    Row("processes: the server is told to end", _told_to_end, short=False),
    Row("processes: it says that it is well", _health),
    Row("callers: twenty wrong passwords", _wrong_logins, short=False),
)
