"""A canvas out of a file of any kind that holds one, and into the formats of other programs. Renders nothing."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lib_omost import atomic
from lib_omost.canvas import (
    Canvas,
    Note,
    color_png,
    layout_svg,
    mask_png,
    read_canvas,
    to_comfy,
    to_fibo,
    to_flux,
    to_ideogram,
)
from lib_omost.canvas.canvas import FORMAT
from lib_omost.errors import StorageError
from lib_omost.renderer import RenderSettings
from lib_omost.studio.store.photos import read_picture

#: How pictures begin: PNG, JPEG, WebP (after the length of its RIFF).
PICTURES = re.compile(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF....WEBP", re.DOTALL)
Size = tuple[int, int]  # width and height in pixels
#: What one text holds; `masks`, which are several pictures, come beside them.
TEXTS: dict[str, Callable[[Canvas, Size], str]] = {
    "json": lambda canvas, size: canvas.to_json(),
    "comfy": lambda canvas, size: to_comfy(canvas),
    "flux": lambda canvas, size: to_flux(canvas),
    "ideogram": lambda canvas, size: to_ideogram(canvas),
    "fibo": lambda canvas, size: to_fibo(canvas),
    "svg": lambda canvas, size: layout_svg(canvas, *size),
}
MASKS = "masks"


@dataclass(frozen=True, slots=True)
class Source:
    """The canvas of a file, None where the file holds none; what was mended; the size to draw it in."""

    canvas: Canvas | None
    notes: tuple[Note, ...] = ()
    size: Size = (RenderSettings().width, RenderSettings().height)


def read_file(path: Path) -> Source:
    """The canvas of a file with a reply, a program, JSON of ours or of ComfyUI_omost, or of a picture made here.

    Raises CanvasError for JSON of ours that breaks a rule, StorageError for a file of another kind.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}. Give a file, or - for standard input.") from error
    if PICTURES.match(data):
        saved = read_picture(path)
        return Source(saved.canvas, size=(saved.settings.width, saved.settings.height))
    try:
        return read_text(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise StorageError(
            f"{path} is neither a text in UTF-8 nor a picture. Give a reply, a program, JSON, or a picture made here."
        ) from error


def read_text(text: str) -> Source:
    """The same for a text."""
    if _is_ours(text):
        return Source(Canvas.from_json(text))
    reading = read_canvas(text)
    return Source(reading.canvas, tuple(note for note in reading.notes if note.code != "json"))


def _is_ours(text: str) -> bool:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and data.get("format") == FORMAT


def pictures(canvas: Canvas, size: Size) -> Iterator[tuple[str, bytes]]:
    """(ending of the name, PNG): the mask of each region in the order written, then the colours of the whole."""
    for number, region in enumerate(canvas.regions, 1):
        yield f"mask-{number}", mask_png(region, *size)
    yield "colors", color_png(canvas, *size)


def masks_zip(canvas: Canvas, size: Size) -> bytes:
    """The same as one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for ending, png in pictures(canvas, size):
            archive.writestr(f"{ending}.png", png)
    return file.getvalue()


def write(path: Path, data: bytes) -> Path:
    """Writes a file whole, its folder if need be; returns its path. Raises StorageError."""
    if path.is_dir():
        raise StorageError(f"cannot write {path}: it is a folder; give the name of a file with --out")
    try:
        atomic.write_bytes(path, data)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}; give another place with --out") from error
    return path
