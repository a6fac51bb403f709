"""A canvas out of every kind of file that holds one, and into every format."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lib_omost.canvas import Canvas, report, to_comfy, to_flux
from lib_omost.canvas.reader import read_canvas
from lib_omost.errors import CanvasError, StorageError
from lib_omost.renderer import RenderSettings
from lib_omost.studio.conversation import fenced
from lib_omost.studio.exports import TEXTS, Source, masks_zip, pictures, read_file, read_text, write
from lib_omost.studio.store.images import Saved, save_png
from lib_omost.studio.store.photos import PhotoKind, photo_bytes

SIZE = (64, 128)


def test_the_canvas_is_found_in_a_reply_a_program_and_json(canvas: Canvas, code: str) -> None:
    record = json.dumps(report(read_canvas(code)))  # what the command `read` prints
    for text in (f"Here it is:\n{fenced(code)}", code, canvas.to_json(), record):
        assert read_text(text) == Source(canvas)


def test_json_of_comfyui_renders_the_same_conditions(canvas: Canvas) -> None:
    source = read_text(to_comfy(canvas))
    assert source.canvas is not None and source.notes == ()
    for ours, theirs in zip(canvas.conditions(), source.canvas.conditions(), strict=True):
        assert np.array_equal(ours[0], theirs[0]) and ours[1:] == theirs[1:]


def test_a_picture_made_here_brings_its_canvas_and_its_size(canvas: Canvas, tmp_path: Path) -> None:
    path = save_png(Image.new("RGB", SIZE), tmp_path / "a.png", canvas, RenderSettings(width=64, height=128))
    assert read_file(path) == Source(canvas, size=SIZE)


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_a_jpeg_or_webp_made_here_brings_its_canvas_and_its_size_too(
    canvas: Canvas, tmp_path: Path, kind: PhotoKind
) -> None:
    settings = RenderSettings(width=64, height=128)
    (tmp_path / "a").write_bytes(
        photo_bytes(Image.new("RGB", SIZE), Saved(canvas, canvas.to_code(), settings, ""), kind)
    )
    assert read_file(tmp_path / "a") == Source(canvas, size=SIZE)


def test_masks_are_one_file_too(canvas: Canvas) -> None:
    with zipfile.ZipFile(io.BytesIO(masks_zip(canvas, SIZE))) as archive:
        assert archive.namelist() == ["mask-1.png", "mask-2.png", "colors.png"]


def test_a_text_file_may_begin_with_a_byte_order_mark(canvas: Canvas, code: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(code, encoding="utf-8-sig")
    assert read_file(tmp_path / "a.txt") == Source(canvas)


def test_what_was_mended_is_told_and_a_text_without_a_canvas_has_none(code: str) -> None:
    mended = read_text(code.rstrip()[:-1])
    assert mended.canvas is not None and mended.notes
    empty = read_text("I cannot draw.")
    assert empty.canvas is None and "no canvas" in empty.notes[0].message


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"version": 99}, "has version 99"), ({"regions": [{"location": "nowhere"}]}, "cannot be used as it stands")],
)
def test_json_of_ours_that_breaks_a_rule_is_refused_with_the_reason(
    canvas: Canvas, change: dict[str, object], reason: str
) -> None:
    with pytest.raises(CanvasError, match=reason):
        read_text(json.dumps({**json.loads(canvas.to_json()), **change}))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"\xfe\xd8\xff\xe0", "neither a text in UTF-8 nor a picture"),
        (b"\xff\xd8\xff\xe0", "not a picture that can be read: PNG, JPEG and WebP can"),
        (b"\x89PNG\r\n\x1a\n..", "not a PNG file that can be read"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_a_sentence(data: bytes | None, message: str, tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(StorageError, match=message):
        read_file(tmp_path / "a.png")


def test_a_picture_of_another_program_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", SIZE).save(tmp_path / "a.png")
    with pytest.raises(StorageError, match="carries no canvas"):
        read_file(tmp_path / "a.png")


def test_every_format_is_written_and_what_can_be_read_again_is_the_same_canvas(canvas: Canvas) -> None:
    written = {name: text(canvas, SIZE) for name, text in TEXTS.items()}
    assert Canvas.from_json(written["json"]) == canvas
    assert (written["comfy"], written["flux"]) == (to_comfy(canvas), to_flux(canvas))
    assert 'width="64" height="128"' in written["svg"] and "a red apple" in written["svg"]


def test_masks_are_white_in_their_boxes_and_the_colours_come_last(canvas: Canvas) -> None:
    found = {ending: Image.open(io.BytesIO(data)) for ending, data in pictures(canvas, (90, 90))}
    assert [*found] == ["mask-1", "mask-2", "colors"]
    for number, region in enumerate(canvas.regions, 1):
        assert np.array_equal(np.asarray(found[f"mask-{number}"]) / 255, region.mask)
    assert np.array_equal(np.asarray(found["colors"]), canvas.color_image())


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    assert write(tmp_path / "new" / "a.txt", b"a").read_bytes() == b"a"
    for folder in (tmp_path, Path(), Path("/")):
        with pytest.raises(StorageError, match="it is a folder; give the name of a file with --out"):
            write(folder, b"a")
    with pytest.raises(StorageError, match="give another place with --out"):
        write(tmp_path / "new" / "a.txt" / "b.txt", b"b")
