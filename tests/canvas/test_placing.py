"""placing.py: what a request says of two things is true of their boxes, whichever has its box first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lib_omost.canvas import Box, Canvas
from lib_omost.canvas.requests import layout_of, place_of

Holds = Callable[[Box, Box], bool]


def middle(box: Box) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def shared(one: Box, other: Box) -> int:
    across = max(0, min(one.right, other.right) - max(one.left, other.left))
    return across * max(0, min(one.bottom, other.bottom) - max(one.top, other.top))


def planned(request: str, things: list[str]) -> dict[str, tuple[Box, float]]:
    """Boxes and distances of things that get their places in that order."""
    canvas, layout = Canvas(), layout_of(request)
    for thing in things:
        place = place_of(thing, f"A {thing}.", layout, canvas, always=True)
        assert place is not None
        distance = place.distance or 1.0
        words = (place.location, place.offset, place.area)
        canvas.add_local_description(*words, distance, f"A {thing}.", [], "", "", "", "", "red")
    return {
        thing: (region.box, region.distance_to_viewer) for thing, region in zip(things, canvas.regions, strict=True)
    }


@pytest.mark.parametrize("first_is_named_first", [True, False])
@pytest.mark.parametrize(
    ("request_", "things", "holds"),
    [
        ("a whale below a boat", ("whale", "boat"), lambda a, b: middle(a)[1] > middle(b)[1] and not shared(a, b)),
        ("a kite over a house", ("kite", "house"), lambda a, b: middle(a)[1] < middle(b)[1] and not shared(a, b)),
        ("an apple left of a pear", ("apple", "pear"), lambda a, b: middle(a)[0] < middle(b)[0] and not shared(a, b)),
        ("an apple right of a pear", ("apple", "pear"), lambda a, b: middle(a)[0] > middle(b)[0] and not shared(a, b)),
        ("an apple next to a pear", ("apple", "pear"), lambda a, b: not shared(a, b) and middle(a)[1] == middle(b)[1]),
        ("a cat on a sofa", ("cat", "sofa"), lambda a, b: middle(a)[1] + 3 < middle(b)[1] and b.top < a.bottom),
        ("a fish in a bowl", ("fish", "bowl"), lambda a, b: shared(a, b) == a.cells and a.cells < b.cells),
    ],
)
def test_a_relation_holds_between_the_boxes(
    request_: str, things: tuple[str, str], holds: Holds, first_is_named_first: bool
) -> None:
    found = planned(request_, list(things) if first_is_named_first else list(reversed(things)))
    assert holds(found[things[0]][0], found[things[1]][0])


@pytest.mark.parametrize("order", [["castle", "duck"], ["duck", "castle"]])
def test_what_is_behind_is_farther_and_can_be_seen(order: list[str]) -> None:
    found = planned("a castle behind a duck", order)
    (castle, far), (duck, near) = found["castle"], found["duck"]
    assert far > near
    assert 0 < shared(castle, duck) <= 0.75 * castle.cells


def test_a_place_that_the_request_names_is_taken_and_things_without_one_find_room() -> None:
    found = planned("clouds, the sun in the top left, a boat, a dog", ["sun", "boat", "dog"])
    boxes = [box for box, _ in found.values()]
    assert middle(boxes[0])[0] < 45 > middle(boxes[0])[1]
    assert all(shared(one, other) < 0.3 * one.cells for one in boxes for other in boxes if one is not other)


def test_where_the_request_says_nothing_the_model_chooses() -> None:
    layout = layout_of("a cat and a dog, a sun in the top left")
    assert place_of("cat", "A cat.", layout, Canvas()) is None
    assert place_of("sun", "A sun.", layout, Canvas()) is not None
