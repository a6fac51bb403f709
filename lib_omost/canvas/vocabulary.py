"""The words that place a region, the boxes they stand for, the nearest word by meaning. Knows no canvas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt

from lib_omost.errors import VocabularyError

#: The canvas is a grid of GRID x GRID cells, x to the right, y down.
GRID = 90

LOCATIONS: tuple[str, ...] = (
    "in the center",
    "on the left",
    "on the right",
    "on the top",
    "on the bottom",
    "on the top-left",
    "on the top-right",
    "on the bottom-left",
    "on the bottom-right",
)
OFFSETS: tuple[str, ...] = (
    "no offset",
    "slightly to the left",
    "slightly to the right",
    "slightly to the upper",
    "slightly to the lower",
    "slightly to the upper-left",
    "slightly to the upper-right",
    "slightly to the lower-left",
    "slightly to the lower-right",
)
AREAS: tuple[str, ...] = tuple(
    f"a {size} {shape} area"
    for size in ("small", "medium-sized", "large")
    for shape in ("square", "vertical", "horizontal")
)

#: The arguments of the two calls, in order, as models are taught them; then with those that are ours and optional.
GLOBAL_FIELDS: tuple[str, ...] = ("description", "detailed_descriptions", "tags", "HTML_web_color_name")
GLOBAL_KEYWORDS: tuple[str, ...] = (*GLOBAL_FIELDS, "locked")
TAUGHT_FIELDS: tuple[str, ...] = (
    "location",
    "offset",
    "area",
    "distance_to_viewer",
    "description",
    "detailed_descriptions",
    "tags",
    "atmosphere",
    "style",
    "quality_meta",
    "HTML_web_color_name",
)
OUR_FIELDS: tuple[str, ...] = ("bbox", "name", "negative", "locked", "text")
LOCAL_FIELDS: tuple[str, ...] = (*TAUGHT_FIELDS, *OUR_FIELDS)
#: What may be left out without a note, in either call: a usual place and depth, and words that add nothing.
OMITTABLE_FIELDS = frozenset(
    {"offset", "distance_to_viewer", "detailed_descriptions", "tags", "atmosphere", "style", "quality_meta"}
)

_SIZES = dict(
    zip(AREAS, [(50, 50), (40, 60), (60, 40), (60, 60), (50, 80), (80, 50), (70, 70), (60, 90), (90, 60)], strict=True)
)
_STEP, _NUDGE = 30, 10


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in 90ths of the canvas, half-open: the right and bottom edges belong to the next cell."""

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        if any(type(edge) is not int for edge in self) or not (
            0 <= self.left < self.right <= GRID and 0 <= self.top < self.bottom <= GRID
        ):
            raise VocabularyError(
                f"bbox {tuple(self)} is no box: give whole numbers (left, top, right, bottom) "
                f"with 0 <= left < right <= {GRID} and 0 <= top < bottom <= {GRID}"
            )

    def __iter__(self) -> Iterator[int]:
        return iter((self.left, self.top, self.right, self.bottom))

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def cells(self) -> int:
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def shared(self, other: Box) -> int:
        """How many cells both have."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(across, 0) * max(down, 0)


WHOLE = Box(0, 0, GRID, GRID)


def _direction(words: str) -> tuple[int, int]:
    """(-1, 0 or 1 across, the same down) of a location or an offset of the vocabulary."""
    across = ("right" in words) - ("left" in words)
    down = ("bottom" in words or "lower" in words) - ("top" in words or "upper" in words)
    return across, down


_LOCATION_AT = {_direction(words): words for words in LOCATIONS}
_OFFSET_AT = {_direction(words): words for words in OFFSETS}


def center_of(location: str, offset: str) -> tuple[int, int]:
    """(x, y) in cells of two words of the lists."""
    (across, down), (nudge_x, nudge_y) = _direction(location), _direction(offset)
    return GRID // 2 + across * _STEP + nudge_x * _NUDGE, GRID // 2 + down * _STEP + nudge_y * _NUDGE


@cache
def box_of(location: str, offset: str, area: str) -> Box:
    """The box of three words: centre plus offset, plus and minus half the size, clipped to the canvas.

    Raises `VocabularyError` for a word that is not in the lists.
    """
    for kind, word, words in (("location", location, LOCATIONS), ("offset", offset, OFFSETS), ("area", area, AREAS)):
        if word not in words:
            raise VocabularyError(f"{kind} {word[:60]!r} is not a word of the canvas; use one of: {', '.join(words)}")
    (x, y), (width, height) = center_of(location, offset), _SIZES[area]
    return Box(max(0, x - width // 2), max(0, y - height // 2), min(GRID, x + width // 2), min(GRID, y + height // 2))


@lru_cache(maxsize=4096)
def snap(box: Box) -> tuple[str, str, str]:
    """The (location, offset, area) whose box overlaps `box` best (IoU), then lies nearest, then has no offset."""
    words, boxes = _worded_boxes()
    left, top, right, bottom = boxes.T
    across = (np.minimum(right, box.right) - np.maximum(left, box.left)).clip(0)
    down = (np.minimum(bottom, box.bottom) - np.maximum(top, box.top)).clip(0)
    shared = across * down
    iou = shared / ((right - left) * (bottom - top) + box.cells - shared)
    off = np.hypot(left + right - box.left - box.right, top + bottom - box.top - box.bottom)
    return words[int(np.lexsort((off, -iou))[0])]


@lru_cache(maxsize=1)
def _worded_boxes() -> tuple[list[tuple[str, str, str]], npt.NDArray[np.int64]]:
    words = [(location, offset, area) for offset, location, area in product(OFFSETS, LOCATIONS, AREAS)]
    return words, np.array([tuple(box_of(*three)) for three in words])


# ---------------------------------------------------------------------------- words by meaning


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LEFT = _set("left west leftmost lefthand")
_RIGHT = _set("right east rightmost righthand")
_UP = _set("top upper above up upward upwards north topmost uppermost overhead sky ceiling high")
_DOWN = _set(
    "bottom lower below down downward downwards south lowermost beneath under underneath ground floor foot low"
)
_MIDDLE = _set("center centre middle mid central centered centred centrally midst everywhere")
_NOT_MOVED = _set("no none zero without nothing null nil na")
_SMALL = _set("small smaller tiny little mini minor compact short thin narrow")
_MEDIUM = _set("medium mid middle moderate moderately average normal regular standard")
_LARGE = _set("large larger big huge giant massive major vast enormous great wider")
_FULL = _set("full whole entire all everything complete fullscreen")
_SQUARE = _set("square squared round circular box circle")
_TALL = _set("vertical vertically tall portrait upright high narrow column columnar standing")
_WIDE = _set("horizontal horizontally wide broad landscape panoramic panorama row strip lying")
#: Depth said as a place: near things stand low in a picture, far ones high.
_NEAR, _FAR = _set("foreground front"), _set("background backdrop behind back horizon")
_KNOWN = frozenset().union(
    _LEFT, _RIGHT, _UP, _DOWN, _MIDDLE, _SMALL, _MEDIUM, _LARGE, _FULL, _SQUARE, _TALL, _WIDE, _NEAR, _FAR
)
_KNOWN_SORTED = sorted(_KNOWN)


def find_location(text: str) -> str | None:
    """The location that `text` means, by its direction words; None where it has none."""
    words = _words(text)
    near, far = bool(words & _NEAR), bool(words & _FAR)
    across, down = _toward(words)
    if not (words & (_LEFT | _RIGHT | _UP | _DOWN | _MIDDLE)):
        if near == far:
            return None
        down = 1 if near else -1
    return _LOCATION_AT[across, down]


def find_offset(text: str) -> str | None:
    """The offset that `text` means, by its direction words; None where it has none."""
    words = _words(text)
    across, down = _toward(words)
    if (across, down) == (0, 0) and text.strip() and not words & (_NOT_MOVED | _MIDDLE | _LEFT | _UP):
        return None
    return _OFFSET_AT[across, down]


def find_area(text: str) -> str | None:
    """The area that `text` means, by its size and shape words; None where it has neither."""
    words = _words(text)
    size = "large" if words & (_LARGE | _FULL) else "small" if words & _SMALL else "medium-sized"
    shape = "vertical" if words & _TALL else "horizontal" if words & _WIDE else "square"
    if not words & (_LARGE | _FULL | _SMALL | _MEDIUM | _TALL | _WIDE | _SQUARE):
        return None
    return f"a {size} {shape} area"


def fills_canvas(text: str) -> bool:
    """True for an area such as 'a full image area', which only a free box can express."""
    words = _words(text)
    return bool(words & _FULL) and not words & (_TALL | _WIDE | _SMALL | _MEDIUM)


def _toward(words: set[str]) -> tuple[int, int]:
    return bool(words & _RIGHT) - bool(words & _LEFT), bool(words & _DOWN) - bool(words & _UP)


def _words(text: str) -> set[str]:
    """The words of `text`; where none is of ours, a long one that is a slip away from one counts as that one."""
    found = set(re.findall(r"[a-z]+", text[:200].lower()))
    if found & _KNOWN:
        return found
    return found.union(*(_one_slip_away(word) for word in sorted(found)[:8] if len(word) > 4))


def _one_slip_away(word: str) -> list[str]:
    return get_close_matches(word, [known for known in _KNOWN_SORTED if abs(len(known) - len(word)) <= 1], 1, 0.8)
