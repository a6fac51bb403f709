"""Canvases to and from the formats of other programs: ComfyUI_omost's JSON, FLUX 3's layout prompt. No programs."""

from __future__ import annotations

import json
import re

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.reader.json_text import load_json, read_data
from lib_omost.canvas.reader.notes import Notes
from lib_omost.canvas.vocabulary import GRID, Box
from lib_omost.errors import CanvasError

_ANGLES = re.compile("[<>]")  # they mark ids in a FLUX prompt


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
    canvas = read_data(load_json(text), notes, 1)
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
