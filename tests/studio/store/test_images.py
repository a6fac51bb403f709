"""PNG out and in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from lib_omost.canvas import Canvas
from lib_omost.errors import StorageError
from lib_omost.renderer import RenderSettings
from lib_omost.studio.store.images import CHUNK, parameters_line, read_png, save_png

PIXELS = Image.new("RGB", (16, 8), "teal")
SETTINGS = RenderSettings(width=128, height=64, steps=7, seed=99, region_strengths=(1.0, 0.5), negative_prompt="frogs")


def forged(path: Path, record: object) -> Path:
    info = PngImagePlugin.PngInfo()
    info.add_itxt(CHUNK, record if isinstance(record, str) else json.dumps(record))
    PIXELS.save(path, pnginfo=info)
    return path


def test_a_picture_brings_back_its_canvas_settings_and_code(tmp_path: Path, canvas: Canvas, code: str) -> None:
    saved = read_png(save_png(PIXELS, tmp_path / "a.png", canvas, SETTINGS, code=code, model="default"))
    assert (saved.canvas, saved.settings, saved.code, saved.model) == (canvas, SETTINGS, code, "default")


def test_texts_in_any_script_survive(tmp_path: Path, canvas: Canvas) -> None:
    canvas.set_global_description("مرج أخضر 🌿", [], "", "skyblue")
    assert read_png(save_png(PIXELS, tmp_path / "a.png", canvas, SETTINGS)).canvas == canvas


def test_the_pixels_are_the_ones_given(tmp_path: Path, canvas: Canvas) -> None:
    with Image.open(save_png(PIXELS, tmp_path / "a.png", canvas, SETTINGS)) as image:
        assert image.tobytes() == PIXELS.tobytes()


def test_other_programs_find_prompt_negative_and_settings_in_the_parameters_line(canvas: Canvas) -> None:
    assert parameters_line(canvas, SETTINGS, (128, 64), "tiny, model").split("\n") == [
        "a meadow. a red apple. a tree",
        "Negative prompt: frogs",
        "Steps: 7, Sampler: DPM++ 2M Karras, CFG scale: 5.0, Seed: 99, "
        "Size: 128x64, Model: tiny  model, Version: omost",
    ]


def test_a_write_that_fails_leaves_no_file_and_names_the_folder(tmp_path: Path, canvas: Canvas) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(StorageError, match="cannot write"):
        save_png(PIXELS, blocked / "a.png", canvas, SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_error_in_the_middle_of_writing_keeps_the_old_picture(tmp_path: Path, canvas: Canvas) -> None:
    path = save_png(PIXELS, tmp_path / "a.png", canvas, SETTINGS)
    before = path.read_bytes()
    with pytest.raises(StorageError):
        save_png(Image.new("LAB", (4, 4)), path, canvas, SETTINGS)  # a mode that PNG cannot hold
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_picture_of_another_program_is_told_apart(tmp_path: Path) -> None:
    PIXELS.save(tmp_path / "a.png")
    with pytest.raises(StorageError, match="carries no canvas"):
        read_png(tmp_path / "a.png")


def test_what_is_no_png_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"GIF89a" + bytes(100))
    with pytest.raises(StorageError, match="not a PNG"):
        read_png(tmp_path / "a.png")


@pytest.mark.parametrize(
    "record",
    [
        "not json",
        "[" * 5000,
        [],
        {"format": 99},
        {"format": 1},
        {"format": 1, "code": 3, "settings": {}},
        {"format": 1, "code": "canvas = Canvas()", "settings": {"steps": "many"}},
        {"format": 1, "code": "canvas = Canvas()", "settings": {"steps": 10**9}},
        {"format": 1, "code": "import os; os.remove('x')", "settings": {}},
        {"format": 1, "code": "canvas = Canvas()", "settings": {"style": "sparkling"}},
        {"format": 1, "code": "canvas = Canvas()", "settings": {}, "style": ["ink drawing"]},
    ],
)
def test_forged_data_is_refused_with_a_sentence(tmp_path: Path, record: object) -> None:
    with pytest.raises(StorageError) as caught:
        read_png(forged(tmp_path / "a.png", record))
    assert "a.png" in str(caught.value)


def test_settings_that_a_later_version_added_are_left_out(tmp_path: Path, code: str) -> None:
    record = {"format": 1, "code": code, "settings": {"steps": 9, "sparkle": True}}
    assert read_png(forged(tmp_path / "a.png", record)).settings == RenderSettings(steps=9, cpu_noise=False)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([], "the settings are \\[\\]; an object of names and values is wanted"),
        ({"steps": "many"}, "steps is 'many'; it wants a whole number from 1 to 1000"),
        ({"steps": True}, "steps is True; it wants a whole number"),
        ({"guidance": None}, "guidance is None; it wants a number from 0 to 100"),
        ({"region_strengths": [1, "x"]}, "region_strengths is 'x'; it wants numbers from 0 to 100"),
        ({"negative_prompt": ["a"]}, "negative_prompt is .*; it wants a text"),
        ({"few_steps": "turbo"}, "few_steps is 'turbo'; it wants one of: lightning-4"),
    ],
)
def test_settings_that_will_not_do_are_refused_with_what_would(
    tmp_path: Path, code: str, settings: object, words: str
) -> None:
    with pytest.raises(StorageError, match=words):
        read_png(forged(tmp_path / "a.png", {"format": 1, "code": code, "settings": settings}))


@pytest.mark.parametrize("style", ["watercolour", "as described", ""])
def test_a_picture_of_version_0_1_has_its_style_beside_its_settings(tmp_path: Path, code: str, style: str) -> None:
    record = {"format": 1, "code": code, "settings": {"steps": 9}, "model": "default", "style": style, "notes": []}
    assert read_png(forged(tmp_path / "a.png", record)).settings == RenderSettings(
        steps=9, style=style, cpu_noise=False
    )
