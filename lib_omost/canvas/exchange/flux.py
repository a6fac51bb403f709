"""Canvases to and from the layout prompt of FLUX 3: a caption that cites ids, one space, one JSON array of boxes."""

from __future__ import annotations

import json
import re

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.exchange.reading import canvas_in
from lib_omost.canvas.phrases import citations, language_code, mention, sentences, text_sentence, uncited
from lib_omost.canvas.reader.layouts import TEXT_BLOCK, split_flux, stem_of, thousandths
from lib_omost.canvas.reader.notes import MAX_TEXT
from lib_omost.errors import CanvasError


def to_flux(canvas: Canvas) -> str:
    """One line: a caption that cites each region by its id in angle brackets, then a JSON array, far to near.

    Each row has an id, bbox = [top, left, bottom, right] in 0..1000 and desc. There is no place for distances beyond
    their order, colours, tags, quality, negatives, locks, the words of a place, and names of regions with `text`.
    Sources: docs.bfl.ai, "Bounding boxes" of FLUX 3 Image; diffusers, `modular_pipelines/flux3/prompt_upsampler.py`.
    """
    layers = canvas.layers()
    ids = _identifiers(layers)
    rows = [
        {"id": identifier, "bbox": thousandths(region.box), "desc": _desc(region)}
        for identifier, region in zip(ids, layers, strict=True)
    ]
    whole = sentences(uncited(canvas.global_description), *map(uncited, canvas.detailed_descriptions))
    shown = citations([_mention(region) for region in layers], ids)
    caption = " ".join([*whole, *([" ".join(shown.split())] if shown else [])])
    return f"{caption} {json.dumps(rows, ensure_ascii=False)}".lstrip()


def from_flux(text: str) -> Canvas:
    """The canvas of a FLUX 3 layout prompt: the first sentence of a text describes, the others are its details.

    The rows become regions far to near. Raises `CanvasError` for any other text.
    """
    if len(text) > MAX_TEXT:
        raise CanvasError(f"The prompt has {len(text)} characters, we read at most {MAX_TEXT}.")
    found = split_flux(text)
    data = None if found is None else {"caption": found[0], "elements": found[1]}
    return canvas_in(data, "layout prompt of FLUX 3: a caption, then a JSON array of id, bbox and desc")


def _said(region: Region) -> list[str]:
    texts = (region.description, *region.detailed_descriptions, region.atmosphere, region.style)
    said = sentences(*map(uncited, texts))
    return said if said or region.text.strip() else sentences(uncited(region.name)) or ["An element."]


def _desc(region: Region) -> str:
    return " ".join([*_said(region), *([text_sentence(region.text)] if region.text.strip() else [])])


def _mention(region: Region) -> str:
    said = _said(region)
    return mention(said[0] if said else f'the text "{region.text}"')


def _identifiers(regions: list[Region]) -> list[str]:
    """`apple_1`, `apple_2`, `Granny_1`, `En_Text_1`: what it is, numbered from left to right, then downwards."""
    stems = [_stem(region) for region in regions]
    counts: dict[str, int] = {}
    found = [""] * len(regions)
    for index in sorted(range(len(regions)), key=lambda at: (regions[at].box.left, regions[at].box.top)):
        stem = stems[index]
        counts[stem] = counts.get(stem, 0) + 1
        found[index] = f"{stem}_{counts[stem]}"
    return found


def _stem(region: Region) -> str:
    """The language of its text, or its name, letter by letter, or the first words of its description."""
    if region.text.strip():
        return f"{language_code(region.text)}_Text"
    name = "_".join(re.findall(r"[A-Za-z0-9]+", region.name))
    if name[:1].isalpha() and not TEXT_BLOCK.fullmatch(f"{name}_1"):
        return name
    said = _said(region)
    return stem_of(said[0] if said else "")
