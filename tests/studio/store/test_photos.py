"""JPEG and WebP out and in."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from lib_omost.canvas import Canvas
from lib_omost.errors import StorageError
from lib_omost.renderer import RenderSettings
from lib_omost.studio.store.images import Saved, save_png
from lib_omost.studio.store.photos import (
    EXIF_IFD,
    MAX_XMP,
    USER_COMMENT,
    PhotoKind,
    photo_bytes,
    read_photo,
    read_picture,
)

PIXELS = Image.linear_gradient("L").convert("RGB")
SETTINGS = RenderSettings(width=256, height=256, steps=7, seed=99, style="watercolour")


@pytest.fixture
def of(canvas: Canvas, code: str) -> Saved:
    return Saved(canvas, f"# mine\n{code}", SETTINGS, "default", ("“dodo” is new",))


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_a_photo_brings_back_all_that_it_was_given_and_nearly_its_pixels(
    tmp_path: Path, of: Saved, kind: PhotoKind
) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(photo_bytes(PIXELS, of, kind))
    assert read_picture(path) == of
    far = max(abs(a - b) for a, b in zip(read_photo(path).tobytes(), PIXELS.tobytes(), strict=True))
    assert far < 24


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_other_programs_find_the_generation_data_in_exif(of: Saved, kind: PhotoKind) -> None:
    with Image.open(io.BytesIO(photo_bytes(PIXELS, of, kind))) as image:
        comment = image.getexif().get_ifd(EXIF_IFD)[USER_COMMENT]
    assert comment.startswith(b"UNICODE\0")
    assert "Seed: 99, Size: 256x256" in comment[8:].decode("utf-16-be")


def test_a_png_made_here_is_read_as_before(tmp_path: Path, of: Saved) -> None:
    path = save_png(PIXELS, tmp_path / "a.png", of.canvas, of.settings, code=of.code, model=of.model, notes=of.notes)
    assert read_picture(path) == of


def test_a_plan_that_a_jpeg_has_no_room_for_is_refused_with_what_has(of: Saved) -> None:
    from secrets import token_hex

    long = Saved(of.canvas, f"# {token_hex(MAX_XMP)}\n{of.code}", of.settings, "")
    with pytest.raises(StorageError, match="export it as WebP or PNG"):
        photo_bytes(PIXELS, long, "jpeg")
    assert photo_bytes(PIXELS, long, "webp")


@pytest.mark.parametrize("kind", ["jpeg", "webp", "png", "gif"])
def test_a_picture_of_others_is_told_what_it_lacks_and_what_to_do(tmp_path: Path, kind: str) -> None:
    PIXELS.save(tmp_path / f"cat.{kind}")
    words = (
        "is not a picture that can be read: PNG" if kind == "gif" else "carries no canvas; only pictures made here do"
    )
    with pytest.raises(StorageError, match=rf"cat\.{kind} {words}"):
        read_picture(tmp_path / f"cat.{kind}")


@pytest.mark.parametrize("damage", [b'omost:record="QUJD"', b'omost:record="####"', b'omost:record="eJw="'])
def test_a_forged_or_cut_record_is_refused_in_a_sentence(tmp_path: Path, damage: bytes) -> None:
    PIXELS.save(tmp_path / "a.jpg", xmp=damage)
    with pytest.raises(StorageError, match=r"a\.jpg carries"):
        read_picture(tmp_path / "a.jpg")


def test_a_bomb_in_the_metadata_is_not_unpacked(tmp_path: Path) -> None:
    import base64
    import zlib

    bomb = base64.b64encode(zlib.compress(bytes(2**24), 9))
    PIXELS.save(tmp_path / "a.webp", xmp=b'omost:record="%s"' % bomb)
    with pytest.raises(StorageError, match="unpacks to more than is read"):
        read_picture(tmp_path / "a.webp")
