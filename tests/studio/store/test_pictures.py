"""Pictures on disk, in memory while the disk is full, and after a process died in the middle of a write."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench._kills import rounds
from lib_omost.canvas import Canvas
from lib_omost.errors import StorageError
from lib_omost.renderer import RenderSettings
from lib_omost.studio.store.images import png_bytes, read_pixels
from lib_omost.studio.store.pictures import Pictures, sweep
from lib_omost.studio.store.room import FULL, ROOM
from lib_omost.studio.store.sessions import Sessions

ROUNDS = int(os.environ.get("OMOST_KILLS", "12"))  # 100 by hand and in `bench faults`


@pytest.fixture
def png(canvas: Canvas) -> bytes:
    return png_bytes(Image.effect_noise((300, 300), 90).convert("RGB"), canvas, RenderSettings(width=64, height=64))


def keep(pictures: Pictures, sessions: Sessions, session: str, path: Path, png: bytes) -> bool:
    return pictures.keep(session, path, png, lambda: sessions.add_picture(session, "code", {}, str(path)))


def test_a_picture_is_on_disk_and_noted_and_its_owners_only(tmp_path: Path, png: bytes) -> None:
    sessions, path = Sessions(tmp_path / "sessions.sqlite"), tmp_path / "pictures" / "a.png"
    session = sessions.create("ann")
    assert keep(Pictures(path.parent), sessions, session, path, png)
    assert path.read_bytes() == png
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [turn.picture for turn in sessions.turns(session)] == [str(path)]


def test_a_picture_waits_for_room_and_is_written_and_noted_then(small_disk: Any, until: Any, png: bytes) -> None:
    sessions, path = Sessions(small_disk.folder / "sessions.sqlite"), small_disk.folder / "pictures" / "a.png"
    session, pictures = sessions.create("ann"), Pictures(path.parent)
    path.parent.mkdir()
    small_disk.fill()
    assert not keep(pictures, sessions, session, path, png)
    assert pictures.waiting(session) == png
    assert pictures.waiting("another") is None
    assert pictures.disk_words == FULL
    assert list(path.parent.iterdir()) == [] and sessions.renders(session) == []
    small_disk.free()
    until(lambda: pictures.disk_words == ROOM)
    assert path.read_bytes() == png and pictures.waiting(session) is None
    assert [render.picture for render in sessions.renders(session)] == [str(path)]


def test_a_picture_whose_session_is_gone_meanwhile_leaves_nothing(small_disk: Any, until: Any, png: bytes) -> None:
    sessions, path = Sessions(small_disk.folder / "sessions.sqlite"), small_disk.folder / "pictures" / "a.png"
    session, pictures = sessions.create("ann"), Pictures(path.parent)
    path.parent.mkdir()
    small_disk.fill()
    keep(pictures, sessions, session, path, png)
    sessions.delete(session)
    small_disk.free()
    until(lambda: pictures.disk_words == ROOM)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("at", [0.3, 0.6, 0.95])
def test_damaged_pixels_are_told_in_a_sentence(tmp_path: Path, png: bytes, at: float) -> None:
    path, where = tmp_path / "a.png", int(len(png) * at)
    path.write_bytes(png[:where] + bytes(64) + png[where + 64 :])
    with pytest.raises(StorageError, match=r"a\.png is damaged: its pixels cannot be read"):
        read_pixels(path)
    path.write_bytes(png[:where])
    with pytest.raises(StorageError, match=r"a\.png"):
        read_pixels(path)


def test_what_was_renamed_last_and_noted_first_gets_its_name_at_the_next_start(tmp_path: Path, png: bytes) -> None:
    sessions, folder = Sessions(tmp_path / "sessions.sqlite"), tmp_path / "pictures"
    session = sessions.create("ann")
    folder.mkdir()
    noted, other = folder / ".a.png-0123456789abcdef", folder / ".b.png-0123456789abcdef"
    noted.write_bytes(png)
    other.write_bytes(png[:100])
    sessions.add_picture(session, "code", {}, str(folder / "a.png"))
    sweep(sessions, folder)
    assert [file.name for file in folder.iterdir()] == ["a.png"]


def test_a_file_that_a_living_process_writes_is_not_swept(tmp_path: Path) -> None:
    sessions, folder = Sessions(tmp_path / "sessions.sqlite"), tmp_path / "pictures"
    pictures, seen = Pictures(folder), list[str]()

    def note() -> None:
        sweep(sessions, folder)
        seen.extend(file.name for file in folder.iterdir())

    pictures.keep("", folder / "a.png", b"png", note)
    assert len(seen) == 1 and seen[0].startswith(".a.png-")
    assert [file.name for file in folder.iterdir()] == ["a.png"]


@pytest.mark.slow
def test_a_process_that_dies_inside_writes_leaves_nothing_half(tmp_path: Path, png: bytes) -> None:
    """Killed at any moment: the database is sound, each turn and picture is whole, no file is left over."""
    caught, wrong = rounds(tmp_path, png, ROUNDS)
    assert wrong == []
    assert ROUNDS < 50 or caught  # some kills were inside the write of a picture
