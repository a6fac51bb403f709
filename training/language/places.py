"""Where things go: one rule for what is said of places and relations. Two things never get one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from training.language.lexicon import SKY
from training.language.scenes import Thing
from training.language.words import GRID, RELATIONS, Spot

#: (thing, relation of words.RELATIONS, thing), by number
Link = tuple[int, str, int]
Cell = tuple[int, int]
#: where A goes when B has its place already, (rows, columns) from B; the first free one counts
_STEPS: dict[str, tuple[Cell, ...]] = {
    "left of": ((0, -1), (0, -2)),
    "right of": ((0, 1), (0, 2)),
    "above": ((-1, 0), (-2, 0)),
    "below": ((1, 0), (2, 0)),
    "next to": ((0, 1), (0, -1)),
    "and": ((0, 1), (0, -1)),
    "facing": ((0, 1), (0, -1)),
    "on": ((-1, 0),),
}
#: relations that put A into B's own place: (offset, distance) of A, and of B
_SHARED = {
    "in front of": (("slightly to the lower", 0.5), ("slightly to the upper", 3.0)),
    "behind": (("slightly to the upper", 3.0), ("slightly to the lower", 0.5)),
    "inside": (("no offset", 0.5), ("no offset", 1.0)),
    "holding": (("no offset", 1.0), ("slightly to the lower-right", 0.5)),
}
_ROWS = {
    1: ((1, 1),),
    2: ((1, 0), (1, 2)),
    3: ((1, 0), (1, 1), (1, 2)),
    4: ((0, 0), (0, 2), (2, 0), (2, 2)),
    5: ((0, 0), (0, 2), (1, 1), (2, 0), (2, 2)),
    6: ((0, 0), (0, 1), (0, 2), (2, 0), (2, 1), (2, 2)),
}
#: where things go that nothing is said of, beside others
_FREE = ((1, 1), (1, 0), (1, 2), (2, 1), (0, 0), (0, 2), (2, 0), (2, 2), (0, 1))
_SKY = ((0, 1), (0, 2), (0, 0))
CROWD = 5


def cell_of(location: str) -> Cell:
    return next((row, line.index(location)) for row, line in enumerate(GRID) if location in line)


def placed(things: Sequence[Thing], fixed: Mapping[int, str], links: Sequence[Link]) -> tuple[Thing, ...] | None:
    """The things at their places: those that are `fixed` to a location, those that a link puts somewhere, the rest
    where there is room. None where that cannot be."""
    spots: dict[int, Spot] = {i: Spot(at) for i, at in fixed.items()}
    areas: dict[int, str] = {}
    for a, name, b in links:
        if not _link(spots, areas, a, name, b):
            return None
    if not _fill(things, spots):
        return None
    places = [(spots[i].location, spots[i].offset, spots[i].distance) for i in range(len(things))]
    if len(set(places)) < len(places):
        return None
    usual = "small" if len(things) >= CROWD else "medium-sized"
    said = {a: (RELATIONS[name].said[0], things[b].noun) for a, name, b in links if RELATIONS[name].is_spoken}
    return tuple(
        replace(thing, spot=spots[i], area=areas.get(i, usual), stands=said.get(i, ("", "")))
        for i, thing in enumerate(things)
    )


def _link(spots: dict[int, Spot], areas: dict[int, str], a: int, name: str, b: int) -> bool:
    """Give both a place; False where there is none."""
    if a in spots and b in spots:
        return False
    if a not in spots and b not in spots:
        pair = RELATIONS[name].spots
        spots[a], spots[b] = pair
        if any(spot.location == pair[k].location for i, spot in spots.items() for k in (0, 1) if i not in (a, b)):
            return False
    elif name in _SHARED:
        return _share(spots, areas, a, name, b)
    else:
        anchor, other, sign = (b, a, 1) if b in spots else (a, b, -1)
        cell = _step(spots, spots[anchor], name, sign)
        if cell is None:
            return False
        spots[other] = Spot(GRID[cell[0]][cell[1]])
    for index, area in ((RELATIONS[name].large, "large"), (RELATIONS[name].small, "small")):
        if index is not None:
            areas[(a, b)[index]] = area
    return True


def _share(spots: dict[int, Spot], areas: dict[int, str], a: int, name: str, b: int) -> bool:
    anchor = b if b in spots else a
    if spots[anchor] != Spot(spots[anchor].location):
        return False
    for i, (offset, distance) in zip((a, b), _SHARED[name], strict=True):
        spots[i] = Spot(spots[anchor].location, offset, distance)
    for index, area in ((RELATIONS[name].large, "large"), (RELATIONS[name].small, "small")):
        if index is not None:
            areas[(a, b)[index]] = area
    return True


def _step(spots: Mapping[int, Spot], anchor: Spot, name: str, sign: int) -> Cell | None:
    row, column = cell_of(anchor.location)
    used = {cell_of(spot.location) for spot in spots.values()}
    for down, right in _STEPS[name]:
        cell = (row + sign * down, column + sign * right)
        if 0 <= cell[0] <= 2 and 0 <= cell[1] <= 2 and cell not in used:
            return cell
    return None


def _fill(things: Sequence[Thing], spots: dict[int, Spot]) -> bool:
    """Places for those that nothing is said of."""
    left = [i for i in range(len(things)) if i not in spots]
    if not spots and not any(things[i].noun in SKY for i in left):
        cells = list(_ROWS.get(len(left), ()))
    else:
        used = {cell_of(spot.location) for spot in spots.values()}
        cells = []
        for i in left:
            wishes = (*(_SKY if things[i].noun in SKY else ()), *_FREE)
            cell = next((cell for cell in wishes if cell not in used), None)
            if cell is None:
                return False
            used.add(cell)
            cells.append(cell)
    if len(cells) < len(left):
        return False
    for i, (row, column) in zip(left, cells, strict=False):
        spots[i] = Spot(GRID[row][column])
    return True
