"""relations.py: what a request says of how its things stand to each other, and where they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_omost.canvas import Canvas
from lib_omost.canvas.requests import layout_of, place_of
from lib_omost.canvas.requests.relations import INVERSE
from lib_omost.canvas.words.noun_phrase import word_set


@pytest.mark.parametrize(
    ("request_", "relations"),
    [
        ("a blue whale below a tiny boat", {("whale", "below", "boat")}),
        ("two cats sleeping on a red sofa, a lamp in the corner", {("cat", "on", "sofa")}),
        (
            "a teapot, a cup and a plate of cookies on a wooden table",
            {("teapot", "on", "table"), ("cup", "on", "table"), ("plate", "on", "table")},
        ),
        ("a big pot on the stove and bread on the table", {("pot", "on", "stove"), ("bread", "on", "table")}),
        ("two ducks on a lake, a castle behind them", {("castle", "behind", "duck")}),
        ("a basket full of strawberries, and next to it a bottle of milk", {("bottle", "near", "basket")}),
        ("an elephant on a ball, circus tent behind", {("elephant", "on", "ball"), ("tent", "behind", "elephant")}),
        ("a rabbit in front of a house, wearing a hat", {("rabbit", "front", "house"), ("hat", "on", "rabbit")}),
        ("a cat between a dog and a horse", {("cat", "right", "dog"), ("cat", "left", "horse")}),
        ("behind the house there is a big tree", {("tree", "behind", "house")}),
        ("a train crossing a bridge, mountains in the distance",
         {("train", "on", "bridge"), ("mountain", "behind", "train")}),
        ("a tower of books with a cat on top", {("cat", "on", "tower")}),
        ("two kites, a boy looking up at them", {("kite", "above", "boy")}),
        ("a dog in a park", set()),
        ("a moon, some stars and a sleeping bear", set()),
    ],
)  # fmt: skip
def test_relations_between_things(request_: str, relations: set[tuple[str, str, str]]) -> None:
    assert {(one.thing, one.kind, one.other) for one in layout_of(request_).relations} == relations


@pytest.mark.parametrize(
    ("request_", "places"),
    [
        ("clouds, the sun in the top left", {"sun": "on the top-left"}),
        ("on the left a red barn, on the right a windmill", {"barn": "on the left", "windmill": "on the right"}),
        ("sun in the upper right corner, a boat at the bottom", {"sun": "on the top-right", "boat": "on the bottom"}),
        ("pancakes, a glass of orange juice on the right", {"glass": "on the right"}),
        ("a lamp in the corner of the room", {}),
        ("an apple to the left of a banana", {}),
    ],
)
def test_places_of_things(request_: str, places: dict[str, str]) -> None:
    assert dict(layout_of(request_).places) == places


WORDS = sorted(
    word_set(
        """a the two cat dog tree house hat , . and with behind above below it them him looking up at on in of wearing
        next to left right top corner between front inside there is stands sky under background distance over riding"""
    )
)


@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
def test_any_request_has_a_layout_whose_relations_are_between_its_things_and_have_boxes(request_: str) -> None:
    layout = layout_of(request_)
    assert {noun for one in layout.relations for noun in (one.thing, one.other)} <= set(layout.things)
    assert {one.kind for one in layout.relations} <= set(INVERSE)
    assert set(layout.places) <= set(layout.things)
    assert all(place_of(thing, thing, layout, Canvas(), always=True) for thing in layout.things)
