"""Where boxes are and how two of them stand to each other, in the judge's rules: docs/judging.md states them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lib_omost.canvas import GRID, Box, Region

APART = 5  # of 90: centres this far apart count as left, right, above, below
EDGE = 35  # a centre up to here is left (top); its mirror is right (bottom)
MIDDLE = (28, 62)
NEAR = 15  # the widest gap between boxes that are near each other
BACKGROUND = 0.55  # a box of this part of the canvas may be a background
SAME_PLACE = 0.8  # boxes that share this much of both are in one place


def centre(box: Box) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def across(a: Region, b: Region) -> float:
    """How far A's centre lies to the right of B's, in 90ths."""
    return centre(a.box)[0] - centre(b.box)[0]


def down(a: Region, b: Region) -> float:
    return centre(a.box)[1] - centre(b.box)[1]


def overlap(a: Box, b: Box) -> int:
    """Cells that both have."""
    width, height = min(a.right, b.right) - max(a.left, b.left), min(a.bottom, b.bottom) - max(a.top, b.top)
    return max(width, 0) * max(height, 0)


def likeness(a: Box, b: Box) -> float:
    """Intersection over union: 1 the same box, 0 apart."""
    shared = overlap(a, b)
    return shared / (a.cells + b.cells - shared)


def share(region: Region) -> float:
    """The part of the canvas that its box has."""
    return region.box.cells / GRID**2


def is_at(box: Box, where: str) -> bool:
    """Whether a box is at `left`, `top-right`, `center`, ...: by the thirds that its centre lies in, with a margin."""
    x, y = centre(box)
    tests = {
        "left": x <= EDGE,
        "right": x >= GRID - EDGE,
        "top": y <= EDGE,
        "bottom": y >= GRID - EDGE,
        "center": MIDDLE[0] <= x <= MIDDLE[1],
    }
    return all(tests[word] for word in where.split("-"))


def _shared_width(a: Region, b: Region) -> float:
    """The part of the narrower one's width that both have."""
    shared = min(a.box.right, b.box.right) - max(a.box.left, b.box.left)
    return shared / min(a.box.width, b.box.width)


def _within(a: Region, b: Region) -> float:
    return overlap(a.box, b.box) / a.box.cells


def _is_inside(a: Region, b: Region) -> bool:
    """A on B's area: mostly within it, smaller than it, and not behind it."""
    smaller = a.box.cells <= 0.9 * b.box.cells
    return _within(a, b) >= 0.6 and smaller and a.distance_to_viewer <= b.distance_to_viewer


def _is_on_top(a: Region, b: Region) -> bool:
    """A over B and touching it."""
    touches = a.box.bottom >= b.box.top - 3
    return _shared_width(a, b) >= 1 / 3 and down(a, b) <= -3 and touches


def is_on(a: Region, b: Region) -> bool:
    return _is_on_top(a, b) or _is_inside(a, b)


def is_in(a: Region, b: Region) -> bool:
    return _is_inside(a, b) or (_is_on_top(a, b) and _within(a, b) >= 0.2)


def is_under(a: Region, b: Region) -> bool:
    if _shared_width(a, b) < 1 / 3:
        return False
    inside = _within(a, b) >= 0.6 and a.box.cells <= 0.8 * b.box.cells
    return down(a, b) >= APART or (inside and down(a, b) >= 0)


def is_near(a: Region, b: Region) -> bool:
    gap_x = max(a.box.left, b.box.left) - min(a.box.right, b.box.right)
    gap_y = max(a.box.top, b.box.top) - min(a.box.bottom, b.box.bottom)
    return max(gap_x, gap_y) <= NEAR and likeness(a.box, b.box) < SAME_PLACE


def is_behind(a: Region, b: Region) -> bool:
    """A farther than B, with some width in common, and not wholly hidden by it."""
    seen = 1 - _within(a, b)
    return a.distance_to_viewer > b.distance_to_viewer and _shared_width(a, b) >= 0.2 and seen >= 0.1


def is_between(a: Region, b: Region, c: Region) -> bool:
    return any(
        min(b_at, c_at) + APART <= a_at <= max(b_at, c_at) - APART
        for a_at, b_at, c_at in zip(centre(a.box), centre(b.box), centre(c.box), strict=True)
    )


RELATIONS: dict[str, Callable[[Region, Region], bool]] = {
    "left of": lambda a, b: across(a, b) <= -APART,
    "right of": lambda a, b: across(a, b) >= APART,
    "above": lambda a, b: down(a, b) <= -APART,
    "below": lambda a, b: down(a, b) >= APART,
    "on": is_on,
    "in": is_in,
    "under": is_under,
    "near": is_near,
    "behind": is_behind,
    "in front of": lambda a, b: is_behind(b, a),
}


def holds(relation: str, a: Sequence[Region], b: Sequence[Region], c: Sequence[Region] = ()) -> bool:
    """Whether every region of A stands so to one of B's (and one of C's, for `between`)."""
    if relation == "between":
        return all(_stands_between(one, b, c) for one in a)
    return all(any(RELATIONS[relation](one, other) for other in b if other is not one) for one in a)


def _stands_between(a: Region, b: Sequence[Region], c: Sequence[Region]) -> bool:
    """Also true in the middle of one region that shows both: "Two candles"."""
    pairs = [(x, y) for x in b for y in c if x is not y]
    if not pairs:
        return any(abs(across(a, x)) <= 15 and x is not a for x in b)
    return any(is_between(a, x, y) for x, y in pairs)
