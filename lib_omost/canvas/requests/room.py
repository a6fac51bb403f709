"""Which places of the vocabulary fit what is said of a thing: a rule for each relation, over boxes and depths.

Knows neither requests nor tokens: it is given what was said and what has its place already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import NamedTuple

from lib_omost.canvas.requests.wish import BACKGROUND
from lib_omost.canvas.vocabulary import AREAS, GRID, LOCATIONS, OFFSETS, Box, box_of

PlaceWords = tuple[str, str, str]  # location, offset, area


class Spot(NamedTuple):
    """Where a thing is, and how far from the viewer."""

    box: Box
    depth: float = 1.0


@dataclass(frozen=True, slots=True)
class Bond:
    """What ties a thing to others: it stands in `relation` to `others`; `as_other`: the first of them does so to the
    rest and to it.
    """

    relation: str
    others: tuple[Spot, ...] = ()
    as_other: bool = False


_EDGE = 30  # a centre up to here is left or top, as its mirror is right or bottom
_APART = 15  # centres so far apart are plainly left, right, above and below
_CROWDED = 0.6  # of both boxes in common: one place for two
_TOUCH = 12
#: Depths to choose from where one thing is before another.
DEPTHS = (0.2, 0.5, 1.0, 3.0, 6.0)


def fitting(bonds: Sequence[Bond], taken: Iterable[Box]) -> tuple[PlaceWords, ...]:
    """The places that fit the bonds and are not another thing's; as far as that can be, the bonds first."""
    tests = [test for bond in bonds if (test := _box_test(bond))]
    close = {box for bond in bonds if bond.relation in _SHARING for box in (spot.box for spot in bond.others)}
    free = [box for box in taken if box not in close]
    for least in (_APART, 5):
        found = [words for words, box in _places() if all(test(box, least) for test in tests)]
        apart = [words for words in found if not any(_is_crowded(box_of(*words), other) for other in free)]
        not_equal = [words for words in found if not any(box_of(*words) == other for other in free)]
        if found:
            return tuple(apart or not_equal or found)
    return fitting(bonds[:-1], taken) if bonds else ()


def depths(bonds: Sequence[Bond]) -> tuple[float, ...]:
    """The depths that fit the bonds; none where these say nothing of depth."""
    less = [spot.depth for bond in bonds for spot in bond.others if _is_nearer(bond)]
    more = [spot.depth for bond in bonds for spot in bond.others if _is_farther(bond)]
    if any(bond.relation == "close" for bond in bonds):
        less.append(1.0)
    if any(bond.relation == "far" for bond in bonds):
        more.append(1.0)
    if not less and not more:
        return ()
    low, high = max(more, default=0.0), min(less, default=1000.0)
    return tuple(depth for depth in DEPTHS if low < depth < high)


def _is_nearer(bond: Bond) -> bool:
    return bond.relation == ("behind" if bond.as_other else "in front of") or (
        bond.relation == "in" and not bond.as_other
    )


def _is_farther(bond: Bond) -> bool:
    return bond.relation == ("in front of" if bond.as_other else "behind") or (bond.relation == "in" and bond.as_other)


@cache
def _places() -> tuple[tuple[PlaceWords, Box], ...]:
    return tuple((words, box_of(*words)) for words in product(LOCATIONS, OFFSETS, AREAS))


def _across(a: Box, b: Box) -> float:
    """How far A's centre lies to the right of B's."""
    return a.center[0] - b.center[0]


def _down(a: Box, b: Box) -> float:
    return a.center[1] - b.center[1]


def _shared_width(a: Box, b: Box) -> float:
    """The part of the narrower one's width that both have."""
    return (min(a.right, b.right) - max(a.left, b.left)) / min(a.width, b.width)


def _is_crowded(a: Box, b: Box) -> bool:
    """Whether neither would be seen; backgrounds lie behind all."""
    if max(a.cells, b.cells) >= BACKGROUND * GRID * GRID and a != b:
        return False
    shared = a.shared(b)
    return shared >= _CROWDED * (a.cells + b.cells - shared)


# --- relations: whether A stands so to B; `least` is how far apart is plainly apart ---


def _is_near(a: Box, b: Box, least: float) -> bool:
    gap = max(a.left, b.left) - min(a.right, b.right)
    return abs(_across(a, b)) >= max(least, 15) and abs(_down(a, b)) <= 20 and gap <= 15


def _is_on(a: Box, b: Box, least: float) -> bool:
    return _shared_width(a, b) >= 0.5 and _down(a, b) <= -min(least, 10) and a.bottom >= b.top


def _is_under(a: Box, b: Box, least: float) -> bool:
    return _shared_width(a, b) >= 0.5 and _down(a, b) >= least


def _is_in(a: Box, b: Box, least: float) -> bool:
    return a.shared(b) >= 0.9 * a.cells and a.cells <= 0.8 * b.cells


def _is_behind(a: Box, b: Box, least: float) -> bool:
    """Seen over it: some of its width in common, and not hidden."""
    seen = 1 - a.shared(b) / a.cells
    return _shared_width(a, b) >= 0.4 and seen >= (0.3 if least > 5 else 0.1) and _down(a, b) <= 0


_RELATIONS: dict[str, Callable[[Box, Box, float], bool]] = {
    "left of": lambda a, b, least: _across(a, b) <= -least and abs(_down(a, b)) <= 25,
    "right of": lambda a, b, least: _across(a, b) >= least and abs(_down(a, b)) <= 25,
    "above": lambda a, b, least: _down(a, b) <= -least and _shared_width(a, b) > 0,
    "under": _is_under,
    "on": _is_on,
    "in": _is_in,
    "near": _is_near,
    "behind": _is_behind,
    "in front of": lambda a, b, least: _is_behind(b, a, least),
}
#: Relations whose things share a place.
_SHARING = frozenset({"on", "in", "behind", "in front of", "under"})
_PLACES: dict[str, Callable[[float, float], bool]] = {
    "left": lambda x, y: x <= _EDGE,
    "right": lambda x, y: x >= GRID - _EDGE,
    "top": lambda x, y: y <= _EDGE,
    "bottom": lambda x, y: y >= GRID - _EDGE,
    "center": lambda x, y: 35 <= x <= 55 and 35 <= y <= 55,
    "far": lambda x, y: y <= 50,
    "close": lambda x, y: y >= 40,
}


def _box_test(bond: Bond) -> Callable[[Box, float], bool] | None:
    """Whether a box fits the bond."""
    if bond.relation == "between":
        return _between_test(bond)
    if not bond.others:
        tests = [_PLACES[word] for word in bond.relation.split("-") if word in _PLACES]
        return (lambda box, least: all(test(*box.center) for test in tests)) if tests else None
    rule = _RELATIONS.get(bond.relation)
    if rule is None:
        return None
    if bond.as_other:
        return lambda box, least: all(rule(spot.box, box, least) for spot in bond.others)
    return lambda box, least: all(rule(box, spot.box, least) for spot in bond.others)


def _between_test(bond: Bond) -> Callable[[Box, float], bool] | None:
    if len(bond.others) < 2:
        return None
    first, second = (spot.box for spot in bond.others[:2])
    if bond.as_other:  # the first stands between the second and this box
        return lambda box, least: _is_between(first, second, box, least)
    return lambda box, least: _is_between(box, first, second, least)


def _is_between(a: Box, b: Box, c: Box, least: float) -> bool:
    return any(
        min(one, other) + min(least, 10) <= at <= max(one, other) - min(least, 10)
        for at, one, other in zip(a.center, b.center, c.center, strict=True)
    )
