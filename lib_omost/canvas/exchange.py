"""Canvases in and out of other formats: our JSON, ComfyUI_omost's JSON, FLUX 3's layout prompt. Knows no programs.

Our JSON, version 1:

    {"format": "omost-canvas", "version": 1,
     "global": {"description": text, "detailed_descriptions": [text, ...], "tags": text, "HTML_web_color_name": colour},
     "regions": [{"location": words, "offset": words, "area": words, "distance_to_viewer": number, "description": text,
                  "detailed_descriptions": [text, ...], "tags": text, "atmosphere": text, "style": text,
                  "quality_meta": text, "HTML_web_color_name": colour,
                  "bbox": [left, top, right, bottom] in 90ths, "name": text, "negative": text}, ...]}

`bbox`, `name` and `negative` are optional; a colour is one of the 149 names or #rrggbb.
"""

from __future__ import annotations

import json
import re
from typing import Any

from lib_omost.canvas.canvas import Canvas, Region, global_arguments, region_arguments
from lib_omost.canvas.json_reader import MAX_JSON, read_data
from lib_omost.canvas.notes import Notes
from lib_omost.canvas.vocabulary import GRID, Box
from lib_omost.errors import CanvasError

FORMAT, VERSION = "omost-canvas", 1
_ANGLES = re.compile("[<>]")  # they mark ids in a FLUX prompt


def to_data(canvas: Canvas) -> dict[str, Any]:
    """`canvas` as plain data, ready for JSON."""
    regions = [region_arguments(region) for region in canvas.regions]
    return {"format": FORMAT, "version": VERSION, "global": global_arguments(canvas), "regions": regions}


def to_json(canvas: Canvas) -> str:
    """Our own JSON, as the head of this file describes it."""
    return json.dumps(to_data(canvas), ensure_ascii=False, indent=2)


def from_json(text: str) -> Canvas:
    """The canvas of `to_json`. Raises `CanvasError` for a text that is not exactly that; its notes say why."""
    data = _loaded(text)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise CanvasError(f'This JSON is no canvas of ours: it has no "format": "{FORMAT}".')
    if data.get("version") != VERSION:
        raise CanvasError(
            f"This canvas has version {data.get('version')!r}, we read version {VERSION}; update the program."
        )
    notes = Notes()
    canvas = read_data(data, notes, 1)
    wrong = [note for note in notes.sorted() if note.level != "info"]
    if canvas is None or wrong:
        reason = wrong[0].message if wrong else "it holds no description."
        raise CanvasError(f"This canvas cannot be used as it stands: {reason}", wrong)
    return canvas


def to_comfy(canvas: Canvas) -> str:
    """ComfyUI_omost's JSON: the whole canvas, then the layers far to near: rect, prefixes, suffixes, color.

    `rect` is (top, bottom, left, right) in 90ths; negatives have no place there and stay behind.
    """
    boxes = [Box(0, 0, GRID, GRID), *(region.box for region in canvas.layers())]
    colors = [canvas.color, *(region.color for region in canvas.layers())]
    conditions = [
        {"rect": [box.top, box.bottom, box.left, box.right], "prefixes": prefixes, "suffixes": suffixes, "color": color}
        for (_, prefixes, suffixes), box, color in zip(canvas.conditions(), boxes, colors, strict=True)
    ]
    return json.dumps(conditions, ensure_ascii=False, indent=2)


def from_comfy(text: str) -> Canvas:
    """The canvas of ComfyUI_omost's JSON: it renders the same conditions. Raises `CanvasError` for any other text.

    That format does not tell details from tags and style, so all become detailed descriptions; its order becomes the
    distance.
    """
    notes = Notes()
    canvas = read_data(_loaded(text), notes, 1)
    if canvas is None:
        raise CanvasError(
            "This is no JSON of ComfyUI_omost: a list of rect, prefixes, suffixes and color.", notes.sorted()
        )
    return canvas


def to_flux(canvas: Canvas) -> str:
    """A layout prompt for FLUX 3: a caption that cites each region by its id in angle brackets, then a JSON array.

    Each element has an id, bbox = [top, left, bottom, right] in 0..1000 and desc.
    Source: docs.bfl.ai, "Bounding boxes" of FLUX 3 Image.
    """
    layers = canvas.layers()
    ids = _identifiers(layers)
    rows = [
        {"id": identifier, "bbox": _thousandths(region.box), "desc": _description(region)}
        for identifier, region in zip(ids, layers, strict=True)
    ]
    whole = _joined(canvas.global_description, *canvas.detailed_descriptions)
    cited = [f"{_phrase(region)} <{identifier}>" for identifier, region in zip(ids, layers, strict=True)]
    caption = " ".join(part for part in (whole, f"The picture shows {_listed(cited)}." if cited else "") if part)
    table = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rows)
    return f"{caption}\n\n[\n{table}\n]"


def _loaded(text: str) -> Any:
    if not text.strip():
        raise CanvasError("The text is empty; paste the JSON of a canvas.")
    if len(text) > MAX_JSON:
        raise CanvasError(f"The JSON has {len(text)} characters, we read at most {MAX_JSON}.")
    try:
        return json.loads(text)
    except ValueError as error:
        raise CanvasError(f"This is no JSON: {error}.") from error
    except RecursionError as error:
        raise CanvasError("This JSON is nested too deep for a canvas.") from error


def _thousandths(box: Box) -> list[int]:
    return [round(edge * 1000 / GRID) for edge in (box.top, box.left, box.bottom, box.right)]


def _identifiers(regions: list[Region]) -> list[str]:
    """`apple_1`, `apple_2`, `old_ship_1`: the name, or the first words of the description, and a number."""
    counts: dict[str, int] = {}
    found = []
    for region in regions:
        words = re.findall(r"[a-z0-9]+", (region.name or region.description).lower())
        stem = "_".join([word for word in words if word not in ("a", "an", "the", "of")][:3]) or "element"
        counts[stem] = counts.get(stem, 0) + 1
        found.append(f"{stem}_{counts[stem]}")
    return found


def _description(region: Region) -> str:
    return _joined(region.description, *region.detailed_descriptions, region.atmosphere, region.style)


def _joined(*texts: str) -> str:
    stripped = (_ANGLES.sub("", text).strip(" .,") for text in texts)
    return " ".join(f"{text}." for text in stripped if text)


def _phrase(region: Region) -> str:
    text = _ANGLES.sub("", region.description or region.name or "an element").strip(" .,")
    return text[0].lower() + text[1:] if text[:2] in ("A ", "An", "Th") else text


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
