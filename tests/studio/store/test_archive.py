"""A session as one file."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

from lib_omost.canvas import Canvas
from lib_omost.errors import StorageError
from lib_omost.renderer import RenderSettings
from lib_omost.studio.store.archive import export_session, import_session
from lib_omost.studio.store.images import save_png
from lib_omost.studio.store.sessions import Sessions, Turn

SETTINGS = RenderSettings(width=128, height=128, seed=5)


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "sessions.sqlite")


@pytest.fixture
def session(sessions: Sessions, tmp_path: Path, canvas: Canvas, code: str) -> str:
    picture = str(save_png(Image.new("RGB", (8, 8)), tmp_path / "out" / "a.png", canvas, SETTINGS, code=code))
    session = sessions.create("ann")
    sessions.set_turns(session, [Turn("user", "an apple"), Turn("assistant", code), Turn("assistant", "", picture)])
    sessions.add_render(session, code, asdict(SETTINGS), picture)
    return session


def test_an_exported_session_comes_back_whole_for_another_owner(
    sessions: Sessions, session: str, tmp_path: Path, code: str
) -> None:
    again = import_session(sessions, "bob", export_session(sessions, session, tmp_path / "exported"), tmp_path / "new")
    assert [turn.text for turn in sessions.turns(again)] == ["an apple", code, ""]
    (render,) = sessions.renders(again)
    assert (render.code, render.settings["seed"]) == (code, 5)
    assert sessions.turns(again)[2].picture == render.picture
    assert Path(render.picture).parent == tmp_path / "new"
    assert sessions.owns("bob", again)


def test_no_path_of_this_machine_is_in_the_file(sessions: Sessions, session: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(export_session(sessions, session, tmp_path / "exported")) as archive:
        assert str(tmp_path) not in archive.read("session.json").decode()
        assert all("/" not in name for name in archive.namelist())


@pytest.mark.parametrize(
    "record",
    [
        "[]",
        "{",
        "{}",
        '{"turns": 3, "pictures": []}',
        '{"turns": [{"role": "system", "text": "", "picture": ""}], "pictures": []}',
        '{"turns": [], "pictures": ["missing.png"]}',
        '{"turns": [], "pictures": ["evil.png"]}',
        '{"turns": [], "pictures": ["good.png", "evil.png"]}',
    ],
)
def test_a_forged_file_is_refused_and_leaves_nothing_behind(
    sessions: Sessions, tmp_path: Path, canvas: Canvas, record: str
) -> None:
    path = tmp_path / "forged.zip"
    good = save_png(Image.new("RGB", (8, 8)), tmp_path / "good.png", canvas, SETTINGS)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("session.json", record)
        archive.writestr("evil.png", b"#!/bin/sh")
        archive.write(good, "good.png")
    with pytest.raises(StorageError):
        import_session(sessions, "bob", path, tmp_path / "new")
    assert not list((tmp_path / "new").glob("*"))
    assert sessions.of("bob") == []


def test_a_name_in_the_file_cannot_choose_where_a_picture_goes(
    sessions: Sessions, session: str, tmp_path: Path
) -> None:
    picture = Path(sessions.renders(session)[0].picture).read_bytes()
    path = tmp_path / "forged.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("session.json", json.dumps({"turns": [], "pictures": ["../../evil.png"]}))
        archive.writestr("../../evil.png", picture)
    import_session(sessions, "bob", path, tmp_path / "deep" / "new")
    assert not list(tmp_path.rglob("evil.png"))
    assert len(list((tmp_path / "deep" / "new").iterdir())) == 1


def test_of_the_settings_in_the_file_only_those_that_the_page_can_show_are_taken(
    sessions: Sessions, tmp_path: Path
) -> None:
    good = {"steps": 9, "quality": "fine", "compose_seed": None, "sdxl": "default", "grammar": False}
    bad = {"guidance": "high", "width": 100, "images": 9, "seed_mode": [], "style": {}, "negative_prompt": "x" * 501}
    record = {"turns": [], "pictures": [], "settings": {**good, **bad, "unknown": 1}}
    with zipfile.ZipFile(tmp_path / "forged.zip", "w") as archive:
        archive.writestr("session.json", json.dumps(record))
    session = import_session(sessions, "bob", tmp_path / "forged.zip", tmp_path / "new")
    assert sessions.settings(session) == good


def test_a_picture_with_damaged_pixels_is_told_by_name_and_nothing_is_left(
    sessions: Sessions, tmp_path: Path, canvas: Canvas
) -> None:
    noise = Image.effect_noise((64, 64), 90).convert("RGB")
    png = save_png(noise, tmp_path / "a.png", canvas, SETTINGS).read_bytes()
    harmed = png[:-2000] + bytes(500) + png[-1500:]
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("session.json", json.dumps({"turns": [], "pictures": ["good.png", "harmed.png"]}))
        archive.writestr("good.png", png)
        archive.writestr("harmed.png", harmed)
    with pytest.raises(StorageError, match=r"harmed\.png"):
        import_session(sessions, "bob", tmp_path / "x.zip", tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == [] and sessions.of("bob") == []


def test_halves_of_letters_in_a_session_file_are_mended(sessions: Sessions, tmp_path: Path) -> None:
    turns = [{"role": "user", "text": "a \ud83d\ude00 and a \ud83d", "picture": ""}]
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("session.json", json.dumps({"name": "\ud800", "turns": turns, "pictures": []}))
    session = import_session(sessions, "bob", tmp_path / "x.zip", tmp_path / "new")
    assert sessions.turns(session)[0].text == "a 😀 and a \ufffd"
