"""Canvases to and from the structured JSON prompt of FIBO, which says places in words."""

from __future__ import annotations

import json
from typing import Any

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.exchange.reading import canvas_in
from lib_omost.canvas.phrases import distinct, sentences
from lib_omost.canvas.reader.json_text import load_json
from lib_omost.canvas.reader.layouts import is_fibo
from lib_omost.canvas.vocabulary import snap


def to_fibo(canvas: Canvas) -> str:
    """One line of compact JSON, the nearest region first; what the canvas does not say is empty.

    A free box becomes the nearest three words. Atmospheres and styles hold for the whole picture there. There is no
    place for distances beyond their order, the tags of a region, quality, names, negatives and locks.
    Sources: bria-vgl (the published schema); diffusers, `pipelines/bria_fibo2/pipeline_bria_fibo2.py`.
    """
    near_first = list(reversed(canvas.layers()))
    mood = distinct(*(region.atmosphere for region in canvas.layers()))
    prompt = {
        "short_description": " ".join(sentences(canvas.global_description)),
        "objects": [_object(region) for region in near_first],
        "background_setting": " ".join(sentences(*canvas.detailed_descriptions)),
        "lighting": {"conditions": "", "direction": ""},
        "aesthetics": {"composition": "", "color_scheme": canvas.HTML_web_color_name, "mood_atmosphere": mood},
        "style_medium": distinct(*(region.style for region in canvas.layers())),
        "text_render": [_text(region) for region in near_first if region.text.strip()],
        "context": canvas.tags,
    }
    return json.dumps(prompt, ensure_ascii=False, separators=(",", ":"))


def from_fibo(text: str) -> Canvas:
    """The canvas of a FIBO prompt; the first object becomes the nearest. Raises `CanvasError` for any other text."""
    data = load_json(text)
    return canvas_in(data if is_fibo(data) else None, "structured prompt of FIBO: it has no short_description")


def _object(region: Region) -> dict[str, Any]:
    said = sentences(region.description, *region.detailed_descriptions) or sentences(region.name)
    first, *details = said or ["Lettering." if region.text.strip() else "An element."]
    location, size = _place(region)
    return {
        "description": first,
        "location": location,
        "relationship": "",
        "relative_size": size,
        "shape_and_color": region.HTML_web_color_name,
        "appearance_details": " ".join(details),
    }


def _text(region: Region) -> dict[str, Any]:
    location, size = _place(region)
    color = region.HTML_web_color_name
    return {"text": region.text, "location": location, "size": size, "color": color, "font": ""}


def _place(region: Region) -> tuple[str, str]:
    """('top-left, slightly to the lower', 'small square')."""
    words = (region.location, region.offset, region.area) if region.bbox is None else snap(region.bbox)
    location = words[0].removeprefix("in the ").removeprefix("on the ")
    where = location if words[1] == "no offset" else f"{location}, {words[1]}"
    return where, words[2].removeprefix("a ").removesuffix(" area")
