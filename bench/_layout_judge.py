"""Judge of the layout bench: from boxes and words alone. It shares no code with the grammar of the training.

What counts as right
- A thing is there where a region's description names it, in singular or plural. How often it is there is the sum over
  these regions: the number word before it, 1 for a singular; "many" and bare plurals equal no number.
- A colour is right when the description of the thing's region says it, says no other colour, and the region's HTML
  colour is nearer to it than to any other basic colour.
- What must be absent is named nowhere: not in a description, a detail or a tag, of the picture or of a region.
- left, right, above, below: centres at least 5 of 90 apart that way. beside: centres at least 15 apart across and no
  more than 25 up or down. on: over the other and touching it, centre not lower. inside: box nine tenths within the
  other's, and not farther. in front, behind: nearer or farther to the viewer, and sharing a third of the width.
- An edit is right when it does what was asked and nothing else: every region that it does not concern keeps its box,
  depth, description, details and colour (mood and style words may follow a change of mood, style or background).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bench._layout_questions import Question, Wanted
from lib_omost.canvas import Box, Canvas, Region
from training.nouns import plural

_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
_BASIC = {
    "red": (255, 0, 0),
    "blue": (0, 0, 255),
    "green": (0, 128, 0),
    "yellow": (255, 255, 0),
    "orange": (255, 165, 0),
    "purple": (128, 0, 128),
    "pink": (255, 192, 203),
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "brown": (165, 42, 42),
    "gray": (128, 128, 128),
}


def names(text: str, noun: str) -> bool:
    return re.search(rf"\b(?:{re.escape(noun)}|{re.escape(plural(noun))})\b", text.lower()) is not None


def regions_of(canvas: Canvas, noun: str) -> list[Region]:
    return [region for region in canvas.regions if names(region.description, noun)]


def count_in(region: Region, noun: str) -> int:
    """How many the description says there are; 0 where it gives no number."""
    words = re.split(rf"\b(?:{re.escape(noun)}|{re.escape(plural(noun))})\b", region.description.lower())[0].split()
    said = [_COUNTS[word] for word in words if word in _COUNTS]
    return said[-1] if said else 0


def has(canvas: Canvas, thing: Wanted) -> bool:
    found = regions_of(canvas, thing.noun)
    counts = [count_in(region, thing.noun) for region in found]
    if not found or 0 in counts or sum(counts) != thing.count:
        return False
    return not thing.color or all(is_colored(region, thing.color) for region in found)


def is_colored(region: Region, color: str) -> bool:
    said = {word for word in _BASIC if re.search(rf"\b{word}\b", region.description.lower())}
    return said == {color} and nearest_basic(region.color) == color


def nearest_basic(rgb: tuple[int, int, int]) -> str:
    return min(_BASIC, key=lambda name: sum((a - b) ** 2 for a, b in zip(rgb, _BASIC[name], strict=True)))


def mentions(canvas: Canvas, noun: str) -> bool:
    """Whether any text of the canvas names it."""
    texts = [canvas.global_description, *canvas.detailed_descriptions, canvas.tags]
    for region in canvas.regions:
        texts += [region.description, *region.detailed_descriptions, region.tags]
    return any(names(text, noun) for text in texts)


def is_right(question: Question, canvas: Canvas) -> bool:
    if not all(has(canvas, thing) for thing in question.wanted):
        return False
    if any(mentions(canvas, noun) for noun in question.absent):
        return False
    if not question.relation:
        return True
    a, b = (regions_of(canvas, thing.noun)[0] for thing in question.wanted)
    return RELATIONS[question.relation](a, b)


def centre(box: Box) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def _across(a: Region, b: Region) -> float:
    """How far A's centre lies to the right of B's, in 90ths."""
    return centre(a.box)[0] - centre(b.box)[0]


def _down(a: Region, b: Region) -> float:
    return centre(a.box)[1] - centre(b.box)[1]


def _shared_width(a: Region, b: Region) -> float:
    """The part of the narrower one's width that both have."""
    shared = min(a.box.right, b.box.right) - max(a.box.left, b.box.left)
    return shared / min(a.box.width, b.box.width)


def _is_beside(a: Region, b: Region) -> bool:
    return abs(_across(a, b)) >= 15 and abs(_down(a, b)) <= 25


def _is_on(a: Region, b: Region) -> bool:
    return _shared_width(a, b) >= 0.5 and _down(a, b) <= 0 and a.box.bottom >= b.box.top


def _is_inside(a: Region, b: Region) -> bool:
    width = min(a.box.right, b.box.right) - max(a.box.left, b.box.left)
    height = min(a.box.bottom, b.box.bottom) - max(a.box.top, b.box.top)
    within = max(width, 0) * max(height, 0) / a.box.cells
    return within >= 0.9 and a.box.cells <= b.box.cells and a.distance_to_viewer <= b.distance_to_viewer


def _is_before(a: Region, b: Region) -> bool:
    return a.distance_to_viewer < b.distance_to_viewer and _shared_width(a, b) >= 1 / 3


RELATIONS: dict[str, Callable[[Region, Region], bool]] = {
    "left": lambda a, b: _across(a, b) <= -5,
    "right": lambda a, b: _across(a, b) >= 5,
    "above": lambda a, b: _down(a, b) <= -5,
    "below": lambda a, b: _down(a, b) >= 5,
    "beside": _is_beside,
    "on": _is_on,
    "inside": _is_inside,
    "in front": _is_before,
    "behind": lambda a, b: _is_before(b, a),
}
