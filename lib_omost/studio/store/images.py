"""PNG files that carry their canvas and settings: written whole or not at all, and read as untrusted input."""

from __future__ import annotations

import dataclasses
import io
import json
import secrets
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from lib_omost import atomic
from lib_omost.canvas import Canvas, read_canvas
from lib_omost.characters import whole_data
from lib_omost.errors import SettingsError, StorageError
from lib_omost.renderer import PRESETS, RenderSettings
from lib_omost.settings import read
from lib_omost.studio.store.room import DiskFullError, no_room

CHUNK = "omost"
FORMAT = 1
SAMPLERS = {"EulerDiscreteScheduler": "Euler", "DDIMScheduler": "DDIM", "LCMScheduler": "LCM"}  # as others name them
ONLY_OURS = (
    "only pictures made here do (screenshots and converted copies lose it). Describe what you want to see instead."
)
MAX_FILE_BYTES = 64 * 2**20
MAX_PIXELS = 16 * 2**20
MAX_CHUNK_CHARS = 400_000  # the reader takes 256 KB of code; JSON escapes make it longer


@dataclass(frozen=True, slots=True)
class Saved:
    """What a picture says about itself. `code` is the canvas program as it was when the picture was made, `notes` what
    its render changed or left out.
    """

    canvas: Canvas
    code: str
    settings: RenderSettings
    model: str
    notes: tuple[str, ...] = ()


def new_path(folder: Path) -> Path:
    """A name for a new picture that nobody can guess, by the day."""
    return folder / f"{time.strftime('%Y-%m-%d')}-{secrets.token_hex(16)}.png"


def png_bytes(
    image: Image.Image,
    canvas: Canvas,
    settings: RenderSettings,
    *,
    code: str = "",
    model: str = "",
    notes: Sequence[str] = (),
) -> bytes:
    """The picture as a file, with one iTXt chunk of JSON (program, settings, model) and a line that other programs
    read. `code` is kept as written where given, else the canvas is written out anew. Raises StorageError.
    """
    info = PngImagePlugin.PngInfo()
    info.add_itxt(CHUNK, record_text(canvas, settings, code=code, model=model, notes=notes))
    info.add_itxt("parameters", parameters_line(canvas, settings, image.size, model))
    file = io.BytesIO()
    try:
        image.save(file, format="PNG", pnginfo=info)
    except OSError as error:
        raise StorageError(f"cannot write this picture as PNG: {error}; make it RGB") from error
    return file.getvalue()


def record_text(
    canvas: Canvas, settings: RenderSettings, *, code: str = "", model: str = "", notes: Sequence[str] = ()
) -> str:
    """What a picture says about itself, as JSON; `code` as it was written, else the canvas is written out anew."""
    record = {
        "format": FORMAT,
        "code": code or canvas.to_code(),
        "settings": dataclasses.asdict(settings),
        "model": model,
        "notes": list(notes),
    }
    return json.dumps(record, ensure_ascii=False)


def write_png(path: Path, png: bytes, ready: Callable[[], object] | None = None) -> None:
    """The file appears under its name only when all of it is on the disk, and after `ready`, which notes it elsewhere.
    Raises DiskFullError where there is no room, StorageError, and what `ready` raises.
    """
    try:
        atomic.write_bytes(path, png, durable=True, mode=0o600, ready=ready)
    except OSError as error:
        kind = DiskFullError if no_room(error) else StorageError
        raise kind(
            f"cannot write {path}: {error.strerror or error}; free some space or choose another folder"
        ) from error


def save_png(
    image: Image.Image,
    path: Path | str,
    canvas: Canvas,
    settings: RenderSettings,
    *,
    code: str = "",
    model: str = "",
    notes: Sequence[str] = (),
) -> Path:
    """Both, for a picture that is noted nowhere. Raises DiskFullError where there is no room, StorageError."""
    path = Path(path)
    write_png(path, png_bytes(image, canvas, settings, code=code, model=model, notes=notes))
    return path


def read_png(path: Path | str) -> Saved:
    """What `save_png` put in. Nothing in the file is believed: sizes are capped, the program goes through the strict
    reader.

    Raises StorageError where the file is no PNG of ours, CanvasError where its program breaks a rule.
    """
    path = Path(path)
    text, pixels = _chunk(path)
    return saved(path.name, text, pixels)


def saved(name: str, text: object, pixels: int) -> Saved:
    """What the text in a picture says (None: there is none), which is called `name` and has so many pixels. Raises as
    `read_png`.
    """
    record = _record(name, text, pixels)
    try:
        settings = _settings(record["settings"], record.get("style", ""))
        code, model, notes = record["code"], record.get("model", ""), list(record.get("notes", ()))
        if not all(isinstance(text, str) for text in (code, model, *notes)):
            raise TypeError("the program, the model or a note is not a text")
    except (KeyError, TypeError, SettingsError) as error:
        raise StorageError(f"{name} carries settings that cannot be used: {error}") from error
    reading = read_canvas(code, strict=True)
    if reading.canvas is None:
        raise StorageError(f"{name} carries a program that cannot be read: {reading.summary}")
    return Saved(reading.canvas, code, settings, model[:200], tuple(note[:500] for note in notes[:20]))


def read_pixels(path: Path | str, formats: tuple[str, ...] = ("PNG",)) -> Image.Image:
    """The picture in RGB. Raises StorageError where it is damaged."""
    try:
        with Image.open(path, formats=formats) as image:
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, zlib.error, Image.DecompressionBombError) as error:
        raise StorageError(
            f"{Path(path).name} is damaged: its pixels cannot be read ({error}). Get another copy of this file."
        ) from error


def parameters_line(canvas: Canvas, settings: RenderSettings, size: tuple[int, int], model: str = "") -> str:
    """The generation data in the form that AUTOMATIC1111's web UI introduced: prompt, negative prompt, one line of
    pairs.
    """
    prompt = ". ".join([canvas.global_description, *(region.description for region in canvas.regions)])
    pairs = {
        "Steps": settings.steps,
        "Sampler": SAMPLERS[PRESETS[settings.few_steps].scheduler] if settings.few_steps else "DPM++ 2M Karras",
        "CFG scale": settings.guidance,
        "Seed": settings.seed,
        "Size": f"{size[0]}x{size[1]}",
        "Model": model.replace(",", " "),
        "Version": "omost",
    }
    tail = ", ".join(f"{key}: {value}" for key, value in pairs.items() if value != "")
    return f"{_one_line(prompt)}\nNegative prompt: {_one_line(settings.negative_prompt)}\n{tail}"


def checked_size(path: Path) -> None:
    """Raises StorageError for a file that is too large to be one of ours."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise StorageError(f"{path.name} is larger than {MAX_FILE_BYTES // 2**20} MB; pictures of this program are not")


def _chunk(path: Path) -> tuple[object, int]:
    """The text of our chunk, and how many pixels there are; none of them is decoded."""
    try:
        checked_size(path)
        with Image.open(path, formats=["PNG"]) as image:
            return image.info.get(CHUNK), image.width * image.height
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise StorageError(f"{path.name} is not a PNG file that can be read") from error


def _record(name: str, text: object, pixels: int) -> dict[str, Any]:
    """The JSON object that a picture carries."""
    if not isinstance(text, str):
        raise StorageError(f"{name} carries no canvas; {ONLY_OURS}")
    if pixels > MAX_PIXELS:
        raise StorageError(f"{name} has {pixels} pixels; pictures of this program have at most {MAX_PIXELS}")
    if len(text) > MAX_CHUNK_CHARS:
        raise StorageError(f"{name} carries {len(text)} characters of data; at most {MAX_CHUNK_CHARS} are read")
    try:
        record = whole_data(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{name} carries data that is not JSON") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise StorageError(f"{name} was written in a format that this version does not know")
    return record


def _settings(found: Any, style: Any) -> RenderSettings:
    """`style`: where a picture made before version 0.2 has it, beside its settings. One that does not say where its
    noise was drawn has the device's. Raises SettingsError."""
    return read(RenderSettings, {"style": style, "cpu_noise": False, **found} if isinstance(found, dict) else found)


def _one_line(text: str) -> str:
    return " ".join(text.split())
