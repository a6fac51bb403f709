"""Boxes as a small image model paints them: one that was taught every thing as a square fills a tall or wide box with a
second copy, so such a box of a single thing becomes the square in its middle. The words that it knows: known_words.
"""

from __future__ import annotations

import re
from dataclasses import replace

from lib_omost.canvas import Box, Canvas, Region
from lib_omost.runtime.known_words import KnownWords, is_one_of

#: a box is long where its long side is this many times its short one; the square's side in short sides
LONG, SQUARE = 1.4, 1.15
_SEVERAL = re.compile(r"\b(?:two|three|four|five|six|seven|eight|nine|ten|some|several|many|few|pair|row|\d+)\b", re.I)


def in_squares(canvas: Canvas, known: KnownWords) -> Canvas:
    """The canvas with the long boxes of single known things cut to squares; as it is for any other model."""
    if not known.square_things:
        return canvas
    regions = tuple(replace(r, bbox=square(r.box)) if _is_one_in_a_long_box(r, known) else r for r in canvas.regions)
    return canvas if regions == canvas.regions else replace(canvas, regions=regions)


def square(box: Box) -> Box:
    """In the middle of the box, a little longer than its short side."""
    side = round(SQUARE * min(box.width, box.height))
    width, height = min(side, box.width), min(side, box.height)
    left, top = (box.left + box.right - width) // 2, (box.top + box.bottom - height) // 2
    return Box(left, top, left + width, top + height)


def _is_one_in_a_long_box(region: Region, known: KnownWords) -> bool:
    if max(region.box.width, region.box.height) < LONG * min(region.box.width, region.box.height):
        return False
    return is_one_of(region.description, known) and not _SEVERAL.search(region.description)
