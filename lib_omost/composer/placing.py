"""Places by rule: which lines may say where a region is, given what the request says of it and what has its place.

Of the places that fit (canvas/requests/room.py) the model chooses. In an edit what the message does not move stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lib_omost.canvas import Canvas, Region, read_canvas, snap
from lib_omost.canvas.requests import Bond, Spot, Standing, depths, fitting, means, read_wish, standings
from lib_omost.canvas.requests.wish import EditRequest, nouns_in, same
from lib_omost.canvas.vocabulary import OFFSETS, Box
from lib_omost.canvas.words.wish_words import MOVES, SWAP

_OPENING = "\ncanvas.add_local_description(\n    description='"
_LINE = re.compile(r"^    (\w+)=(.*),$", re.MULTILINE)
_COLOR = "    HTML_web_color_name="
_NEEDS_OTHERS = frozenset(
    ["left of", "right of", "on", "above", "under", "in front of", "behind", "between", "in", "near"]
)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The (location, offset, area)s, depths and colour of a region to choose from; any where there are none."""

    places: tuple[tuple[str, str, str], ...] = ()
    depths: tuple[float, ...] = ()
    color: str = ""


Choose = Callable[[str, str], Whereabouts]  # of the reply up to a region, and that region's description


def placing(request: str, before: Canvas | None) -> Callable[[str], tuple[str, ...]]:
    """For a reply so far, what may come next, one of them up to the end of its line; () where anything may."""
    said = standings(request)
    choose: Choose = _Anew(said) if before is None else _Edited(request, said, before)
    cached = lru_cache(maxsize=4)(choose)

    def options(text: str) -> tuple[str, ...]:
        head, opening, body = text.rpartition(_OPENING)
        description, mark, lines = body.partition("',\n")
        if not opening or not mark or "\n)" in lines or re.search(rf"{_COLOR}'\w+',", lines):
            return ()
        begun = lines.rpartition("\n")[2]
        found = _next_lines(cached(head, description), dict(_LINE.findall(lines)))
        return tuple(line[len(begun) :] for line in found if line.startswith(begun))

    return options


def _next_lines(choice: Whereabouts, written: dict[str, str]) -> tuple[str, ...]:
    """The lines that may come next, of a region of which some lines are written."""
    location, offset = (written.get(field, "").strip("'") for field in ("location", "offset"))
    places = choice.places
    if not location:
        return tuple(f"    location='{one}'," for one in dict.fromkeys(place[0] for place in places))
    if "area" not in written:
        here = [place for place in places if place[0] == location and (not offset or place[1] == offset)]
        areas = [area for _, nudge, area in here if offset or nudge == OFFSETS[0]]
        nudges = [] if offset else [nudge for _, nudge, _ in here if nudge != OFFSETS[0]]
        lines = [f"    offset='{nudge}'," for nudge in nudges] + [f"    area='{area}'," for area in areas]
        return tuple(dict.fromkeys(lines))
    color = f"{_COLOR}'{choice.color}'," if choice.color else _COLOR
    if "distance_to_viewer" in written:
        return (color,)
    lines = [f"    distance_to_viewer={depth}," for depth in choice.depths if depth != 1.0]
    return (*lines, *([color] if 1.0 in choice.depths else []))


def _spot(region: Region) -> Spot:
    return Spot(region.box, region.distance_to_viewer)


def _bonds(said: Sequence[Standing], description: str, placed: Sequence[Region]) -> Iterator[Bond]:
    """What ties a region to those that have their place."""
    for one in said:
        if means(one.thing, description):
            others = [_named(words, description, placed) for words in one.others]
            if one.relation == "between" and len(others) == 1 and others[0]:
                others = [[region] for region in others[0]]
            found = tuple(_spot(regions[0]) for regions in others if regions)
            if (found and len(found) == len(others)) or one.relation not in _NEEDS_OTHERS:
                yield Bond(one.relation, found)
        elif any(means(words, description) for words in one.others):
            things = _named(one.thing, description, placed)
            rest = [_named(words, description, placed) for words in one.others if not means(words, description)]
            if len(one.others) == 1 and one.relation == "between":
                rest = [_twins(description, placed)]
            if things and all(rest):
                yield Bond(one.relation, (_spot(things[0]), *(_spot(regions[0]) for regions in rest)), as_other=True)


def _named(words: tuple[str, ...], description: str, placed: Sequence[Region]) -> list[Region]:
    return [region for region in placed if means(words, region.description) and region.description != description]


def _twins(description: str, placed: Sequence[Region]) -> list[Region]:
    return [region for region in placed if region.description == description]


def plan_so_far(text: str) -> Canvas:
    """The plan that a reply has written by now; an empty one before its first call."""
    return read_canvas(text + "\n```").canvas or Canvas()


class _Anew:
    """The choice for a region of a new plan."""

    def __init__(self, said: Sequence[Standing]) -> None:
        self._said = said

    def __call__(self, head: str, description: str) -> Whereabouts:
        placed = plan_so_far(head).regions
        bonds = list(_bonds(self._said, description, placed))
        if not bonds and not placed:
            return Whereabouts()
        return Whereabouts(fitting(bonds, [region.box for region in placed]), depths(bonds))


class _Edited:
    """The choice for a region of a plan that is edited: what has a place and is not moved keeps it."""

    def __init__(self, request: str, said: Sequence[Standing], before: Canvas) -> None:
        self._before, self._wish = before, read_wish(request, before)
        self._said = [self._resolved(one) for one in said]

    def _resolved(self, one: Standing) -> Standing:
        """Of "them" that the message does not name: the things of the plan."""
        if one.others or one.relation not in _NEEDS_OTHERS:
            return one
        nouns = [nouns_in(region.description)[-1:] for region in self._before.regions]
        others = tuple(tuple(noun) for noun in nouns if noun and not means(one.thing, noun[0]))
        return Standing(one.thing, one.relation, others[: 2 if one.relation == "between" else 1])

    def __call__(self, head: str, description: str) -> Whereabouts:
        wish, written = self._wish, plan_so_far(head).regions
        if wish.new_picture or wish.undoes:
            return Whereabouts()
        at = self._old(description, written)
        if at is not None and self._stays(at, wish):
            old = self._before.regions[at]
            is_worded = old.bbox is None
            place = (old.location, old.offset, old.area) if is_worded else snap(old.box)
            is_same = old.description == description and at not in wish.targets and wish.names
            return Whereabouts((place,), (old.distance_to_viewer,), old.HTML_web_color_name if is_same else "")
        others = [*written, *self._to_come(written, at)]
        said = self._said if at is None else [one for one in self._said if means(one.thing, description)]
        bonds = list(_bonds(said, description, others))
        if at is not None and not bonds:
            return Whereabouts()
        gone = {self._before.regions[index].box for index in wish.targets}
        taken: list[Box] = [region.box for region in others if region.box not in gone]
        return Whereabouts(fitting(bonds, taken), depths(bonds))

    def _old(self, description: str, written: Sequence[Region]) -> int | None:
        """Which region of the plan this one is, if any."""
        used = [region.description for region in written]
        regions = self._before.regions
        same_text = [at for at, region in enumerate(regions) if region.description == description]
        again = used.count(description)
        if same_text:
            return same_text[again] if again < len(same_text) else None
        nouns = nouns_in(description)[-1:]
        alike = [
            at
            for at, region in enumerate(regions)
            if region.description not in used and any(same(a, b) for a in nouns for b in nouns_in(region.description))
        ]
        return alike[0] if len(alike) == 1 and not self._wish.multiplies else None

    def _to_come(self, written: Sequence[Region], at: int | None) -> list[Region]:
        used = [region.description for region in written]
        return [
            region
            for index, region in enumerate(self._before.regions)
            if index != at and region.description not in used
        ]

    def _stays(self, at: int, wish: EditRequest) -> bool:
        """Whether the message gives no ground to move a thing of the plan."""
        moves = wish.has(MOVES | SWAP)
        if wish.targets:
            return at not in wish.targets or not (wish.places or moves or self._is_subject(at))
        return wish.adds or (not moves and not (wish.places and (wish.pronoun or wish.general or wish.plural)))

    def _is_subject(self, at: int) -> bool:
        return any(means(one.thing, self._before.regions[at].description) for one in self._said)
