"""The ground or sky of a scene as part of the whole picture's text: a band of its own would lie over every thing, and
say nothing that the whole picture does not say. For plans of small models, which write it so.
"""

from __future__ import annotations

from dataclasses import replace

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.phrases import mention
from lib_omost.canvas.reader import read_program
from lib_omost.canvas.vocabulary import GRID
from lib_omost.canvas.words.noun_phrase import phrase_of
from lib_omost.canvas.words.word_forms import bases, is_in
from lib_omost.canvas.writer import delete_region, set_keyword


def backdrop_of(canvas: Canvas) -> int | None:
    """Which region is the ground or sky behind all others, as wide as the picture and half as high; None for none.

    One with a free box, a name or a lock is a person's, and no such region.
    """
    depths = [region.distance_to_viewer for region in canvas.regions]
    farthest = max(range(len(depths)), key=depths.__getitem__, default=None)
    if farthest is None or len(depths) < 2 or depths.count(depths[farthest]) > 1:
        return None
    region = canvas.regions[farthest]
    by_hand = region.bbox or region.name or region.negative or region.locked or region.text
    return farthest if region.box.width == GRID and region.box.height * 2 >= GRID and not by_hand else None


def into_whole(code: str) -> tuple[str, str]:
    """The program with the backdrop in the whole picture's text, and a note of it; ("" where it has none).

    Raises `CanvasError` for a program that cannot be changed in place.
    """
    canvas = read_program(code).canvas
    index = None if canvas is None or canvas.locked else backdrop_of(canvas)
    if canvas is None or index is None or not canvas.global_description:
        return code, ""
    region, whole = canvas.regions[index], merged(canvas, index)
    code = delete_region(code, index)
    for field, was, now in (
        ("description", canvas.global_description, whole.global_description),
        ("detailed_descriptions", canvas.detailed_descriptions, whole.detailed_descriptions),
        ("tags", canvas.tags, whole.tags),
    ):
        code = set_keyword(code, None, field, list(now) if isinstance(now, tuple) else now) if was != now else code
    return code, f"{mention(region.description).capitalize()} covers the whole picture: its text says it."


def merged(canvas: Canvas, index: int) -> Canvas:
    """The canvas without region `index`, what it says in the texts of the whole picture."""
    region = canvas.regions[index]
    phrase = phrase_of(region.description)
    noun = region.description if phrase is None else phrase.noun
    text = canvas.global_description
    if not _says(text, noun):
        text = f"{text.rstrip(' .,')}, {mention(region.description)}."
    lines = [line for line in region.detailed_descriptions if line not in canvas.detailed_descriptions]
    return replace(
        canvas,
        global_description=text,
        detailed_descriptions=(*canvas.detailed_descriptions, *lines),
        tags=canvas.tags if _says(canvas.tags, noun) else ", ".join(filter(None, (canvas.tags, _tag(region, noun)))),
        regions=(*canvas.regions[:index], *canvas.regions[index + 1 :]),
    )


def _tag(region: Region, noun: str) -> str:
    return next((tag.strip() for tag in region.tags.split(",") if _says(tag, noun)), noun.lower())


def _says(text: str, noun: str) -> bool:
    found = frozenset().union(*(bases(word.strip(".,").lower()) for word in text.split()))
    return all(is_in(word.lower(), found) for word in noun.split())
