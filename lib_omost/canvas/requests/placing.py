"""The box that a request gives a thing, beside those that are there: each relation in words is a rule over boxes here.

The words of a place are few, so all are weighed: what a relation asks for first, then free room, then plain words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.requests.relations import INVERSE, Layout
from lib_omost.canvas.vocabulary import AREAS, GRID, LOCATIONS, OFFSETS, Box, box_of
from lib_omost.canvas.words.noun_phrase import singular, word_set

#: What is drawn with a box higher, or wider, than the other.
TALL = word_set(
    """tree tower lighthouse lamp bottle rocket giraffe person man woman boy girl child king queen wizard witch knight
    princess prince dancer chef astronaut robot statue column candle vase skyscraper ladder cactus snowman penguin
    castle palm pine flower tulip rose sunflower lamppost windmill figure soldier scarecrow streetlight umbrella"""
)
WIDE = word_set(
    """sofa couch bench bed table desk bridge train ship boat car bus truck whale shark crocodile snake rug carpet shelf
    counter fence hill mountain island cloud stage field hedge canoe raft log pad floe plate road wall"""
)
_BIG, _LITTLE = word_set("big large huge giant gigantic enormous"), word_set("small tiny little mini miniature baby")
APART = 5  # of 90: the centres of two things are at least so far apart where one is above or beside the other


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a region shall be: words of the vocabulary, and how far; `distance` is None where any will do."""

    location: str
    offset: str
    area: str
    distance: float | None = None

    @property
    def box(self) -> Box:
        return box_of(self.location, self.offset, self.area)


@dataclass(frozen=True, slots=True)
class _Other:
    """What a new thing stands in a relation to."""

    kind: str
    box: Box
    distance: float


#: Where the other of a relation is looked for when it has no box yet, so that there is room for it.
_EXPECTED: Mapping[str, Box] = {
    "above": box_of("on the bottom", "no offset", "a medium-sized square area"),
    "below": box_of("on the top", "no offset", "a small square area"),
    "on": box_of("on the bottom", "no offset", "a large horizontal area"),
    "under": box_of("on the top", "no offset", "a small square area"),
    "left": box_of("on the right", "no offset", "a medium-sized square area"),
    "right": box_of("on the left", "no offset", "a medium-sized square area"),
    "near": box_of("on the right", "no offset", "a medium-sized square area"),
    "behind": box_of("on the bottom", "no offset", "a medium-sized square area"),
    "front": box_of("in the center", "slightly to the upper", "a large square area"),
    "in": box_of("in the center", "no offset", "a large square area"),
    "around": box_of("in the center", "no offset", "a small square area"),
}


def place_of(thing: str, description: str, layout: Layout, canvas: Canvas, *, always: bool = False) -> Placement | None:
    """Where a region about `thing` goes; None where the request does not say it. `always`: then where there is room."""
    others = list(_others(thing, layout, canvas))
    where = layout.places.get(thing)
    if not (others or where or always):
        return None
    free = [region.box for region in canvas.regions if all(region.box != one.box for one in others)]
    best = min(_candidates(description, thing, where), key=lambda place: _cost(place, others, free, description, thing))
    return Placement(best.location, best.offset, best.area, _distance(others, canvas))


def region_about(noun: str, canvas: Canvas) -> Region | None:
    """The first region that is about a noun: its description names it."""
    return next((one for one in canvas.regions if noun in words_of(one.description)), None)


def words_of(description: str) -> list[str]:
    """The words of a description, each in the singular: its nouns are among them."""
    return [singular(word.strip(".,'\"").lower()) for word in description.split()]


def _others(thing: str, layout: Layout, canvas: Canvas) -> Iterator[_Other]:
    """The other ends of a thing's relations, with the box that they have or are likely to get."""
    for one in layout.relations:
        for here, kind, there in ((one.thing, one.kind, one.other), (one.other, INVERSE[one.kind], one.thing)):
            if here != thing:
                continue
            region = region_about(there, canvas)
            if region:
                yield _Other(kind, region.box, region.distance_to_viewer)
            else:
                yield _Other(kind, _EXPECTED[kind], 1.0)


def _candidates(description: str, thing: str, where: str | None) -> Iterator[Placement]:
    locations = (where,) if where else LOCATIONS
    return (Placement(location, offset, area) for offset, location, area in product(OFFSETS, locations, AREAS))


def _cost(place: Placement, others: Sequence[_Other], free: Sequence[Box], description: str, thing: str) -> float:
    """Lower is better: relations weigh most, then room, then size and shape, then few words."""
    box = place.box
    cost = sum(_wrong(one.kind, box, one.box) for one in others)
    cost += 12 * sum(_shared(box, other) for other in free)
    cost += 2 * sum(_shared(box, one.box) for one in others if one.kind not in ("in", "around"))
    size, shape = _wanted(description, thing, len(others) + len(free))
    named = place.area.split()
    sizes = ("small", "medium-sized", "large")
    cost += 1.5 * abs(sizes.index(named[1]) - size) + 1.0 * (named[2] != shape)
    full = box_of("in the center", "no offset", place.area)
    cost += 8 * (1 - box.cells / full.cells)
    return cost + 0.4 * (place.offset != OFFSETS[0]) + 0.02 * sum(_away(box, one.box) for one in others)


def _wanted(description: str, thing: str, beside: int) -> tuple[int, str]:
    """The size, 0 to 2, and the shape that a thing has if nothing stands in its way."""
    words = set(words_of(description))
    size = 2 if words & _BIG else 0 if words & _LITTLE or beside > 2 else 1
    return size, "vertical" if thing in TALL else "horizontal" if thing in WIDE else "square"


def _shared(one: Box, other: Box) -> float:
    """The part of the smaller box that both share, 0 to 1."""
    return one.shared(other) / min(one.cells, other.cells)


def _away(one: Box, other: Box) -> float:
    (x, y), (u, v) = one.center, other.center
    return abs(x - u) + abs(y - v)


def _wrong(kind: str, box: Box, other: Box) -> float:
    """How far from true a relation is: 0 where it holds, 30 and more where it does not."""
    (x, y), (u, v) = box.center, other.center
    under, over = max(0.0, min(box.right, other.right) - max(box.left, other.left)), min(box.width, other.width)
    beside = 30 * (under < over / 2)
    match kind:
        case "above":
            return _short(v - y, GRID / 4) + beside + 20 * _shared(box, other)
        case "below":
            return _short(y - v, GRID / 4) + beside + 20 * _shared(box, other)
        case "on":  # its foot stands a little below the other's upper edge
            return _short(v - y, GRID / 6) + beside + abs(box.bottom - (other.top + 0.25 * other.height)) / 4
        case "under":
            return _short(y - v, GRID / 6) + beside + abs(other.bottom - (box.top + 0.25 * box.height)) / 4
        case "left":
            return _short(u - x, GRID / 4) + 20 * _shared(box, other) + abs(y - v) / 5
        case "right":
            return _short(x - u, GRID / 4) + 20 * _shared(box, other) + abs(y - v) / 5
        case "near":
            return _short(abs(x - u), GRID / 4) + 20 * _shared(box, other) + abs(y - v) / 5
        case "behind":  # seen over what is before it
            return _short(v - y, GRID / 6) + 30 * (under < over / 4) + 20 * max(0.0, _shared(box, other) - 0.5)
        case "front":
            return _short(y - v, GRID / 6) + 30 * (under < over / 4) + 20 * max(0.0, _shared(box, other) - 0.5)
        case "in":
            return 40 * (1 - _shared(box, other)) + 30 * (box.cells > 0.8 * other.cells)
        case "around":
            return 40 * (1 - _shared(box, other)) + 30 * (other.cells > 0.8 * box.cells)
    return 0.0


def _short(found: float, wanted: float) -> float:
    """What a distance lacks: 30 where it is not there at all, less where it is only short."""
    return 30.0 if found < APART else max(0.0, wanted - found) / 3


def _distance(others: Sequence[_Other], canvas: Canvas) -> float | None:
    """How far a thing is by its relations: behind is farther, and what stands on or in something is nearer."""
    for one in others:
        if one.kind in ("behind", "under", "around"):
            return max(one.distance * 2, one.distance + 1)
        if one.kind in ("front", "on", "in"):
            return max(0.1, round(one.distance / 2, 2))
    return None
