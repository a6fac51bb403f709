"""Canvases to and from the JSON caption of Ideogram 4."""

from __future__ import annotations

import json
from typing import Any

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.colors import to_hex
from lib_omost.canvas.exchange.reading import canvas_in
from lib_omost.canvas.phrases import distinct, sentences
from lib_omost.canvas.reader.json_text import load_json
from lib_omost.canvas.reader.layouts import thousandths
from lib_omost.canvas.vocabulary import WHOLE


def to_ideogram(canvas: Canvas) -> str:
    """One line of JSON, the nearest region first, keys in the order that the model was trained with.

    Boxes are [top, left, bottom, right] in 0..1000; a region over the whole canvas has none. Atmospheres and styles
    hold for the whole picture there. There is no place for distances beyond their order, the tags of a region, quality,
    names, negatives, locks and the words of a place; the global colour needs tags, an atmosphere or a style.
    Sources: docs.ideogram.ai, "JSON prompting"; diffusers, `pipelines/ideogram4/prompt_enhancer.py`.
    """
    summary = " ".join(sentences(canvas.global_description))
    elements = [_element(region) for region in reversed(canvas.layers())]
    style = _style(canvas)
    caption = {
        "high_level_description": summary,
        **({"style_description": style} if style else {}),
        "compositional_deconstruction": {
            "background": " ".join(sentences(*canvas.detailed_descriptions)),
            "elements": elements or [{"type": "obj", "desc": summary}],
        },
    }
    return json.dumps(caption, ensure_ascii=False)


def from_ideogram(text: str) -> Canvas:
    """The canvas of an Ideogram 4 caption; the first element becomes the nearest. Raises `CanvasError` else."""
    data = load_json(text)
    known = isinstance(data, dict) and isinstance(data.get("compositional_deconstruction"), dict)
    return canvas_in(data if known else None, "caption of Ideogram 4: it has no compositional_deconstruction")


def _element(region: Region) -> dict[str, Any]:
    words = bool(region.text.strip())
    said = sentences(region.description, *region.detailed_descriptions) or sentences(region.name)
    return {
        "type": "text" if words else "obj",
        **({} if region.box == WHOLE else {"bbox": thousandths(region.box)}),
        **({"text": region.text} if words else {}),
        "desc": " ".join(said or [("Lettering." if words else "An element.")]),
        "color_palette": [to_hex(region.color).upper()],
    }


def _style(canvas: Canvas) -> dict[str, Any]:
    """The style of the whole picture, {} where the canvas says none. The caption wants a photograph or an art style."""
    lighting = distinct(*(region.atmosphere for region in canvas.layers()))
    style = distinct(*(region.style for region in canvas.layers()))
    if not (canvas.tags.strip() or lighting or style):
        return {}
    kind = (
        {"photo": style, "medium": "photograph"} if "photo" in style.lower() else {"medium": style, "art_style": style}
    )
    palette = [to_hex(canvas.color).upper()]
    return {"aesthetics": canvas.tags, "lighting": lighting, **kind, "color_palette": palette}
