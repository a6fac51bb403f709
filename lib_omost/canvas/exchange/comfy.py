"""Canvases to and from ComfyUI_omost's JSON."""

from __future__ import annotations

import json

from lib_omost.canvas.canvas import Canvas
from lib_omost.canvas.exchange.reading import canvas_in
from lib_omost.canvas.reader.json_text import load_json
from lib_omost.canvas.vocabulary import GRID, Box


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
    return canvas_in(load_json(text), "JSON of ComfyUI_omost: a list of rect, prefixes, suffixes and color")
