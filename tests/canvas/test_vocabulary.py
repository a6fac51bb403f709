"""The 729 boxes against the arithmetic of the design, and words by meaning."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_omost.canvas.vocabulary import (
    AREAS,
    LOCATIONS,
    OFFSETS,
    Box,
    box_of,
    fills_canvas,
    find_area,
    find_location,
    find_offset,
    snap,
)
from lib_omost.errors import VocabularyError

COLUMNS = {"left": 15, "right": 75}
ROWS = {"top": 15, "bottom": 75}
SIDES = {
    "a small square area": (50, 50),
    "a small vertical area": (40, 60),
    "a small horizontal area": (60, 40),
    "a medium-sized square area": (60, 60),
    "a medium-sized vertical area": (50, 80),
    "a medium-sized horizontal area": (80, 50),
    "a large square area": (70, 70),
    "a large vertical area": (60, 90),
    "a large horizontal area": (90, 60),
}
boxes = st.tuples(st.integers(0, 89), st.integers(0, 89), st.integers(1, 90), st.integers(1, 90)).map(
    lambda b: Box(b[0], b[1], max(b[2], b[0] + 1), max(b[3], b[1] + 1))
)


def by_hand(location: str, offset: str, area: str) -> tuple[int, int, int, int]:
    """The vocabulary of docs/design.md, written down a second time without looking at the code."""
    x = next((at for word, at in COLUMNS.items() if word in location), 45)
    y = next((at for word, at in ROWS.items() if word in location), 45)
    x += {"left": -10, "right": 10}.get(offset.split("-")[-1].split(" ")[-1], 0)
    y += -10 if "upper" in offset else 10 if "lower" in offset else 0
    width, height = SIDES[area]
    return max(x - width // 2, 0), max(y - height // 2, 0), min(x + width // 2, 90), min(y + height // 2, 90)


def test_all_729_word_combinations_have_the_boxes_of_the_design() -> None:
    combinations = list(product(LOCATIONS, OFFSETS, AREAS))
    assert len(combinations) == 729
    for words in combinations:
        assert tuple(box_of(*words)) == by_hand(*words), words


def test_the_729_combinations_are_661_rectangles_and_none_is_the_whole_canvas() -> None:
    rectangles = {tuple(box_of(*words)) for words in product(LOCATIONS, OFFSETS, AREAS)}
    assert len(rectangles) == 661
    assert (0, 0, 90, 90) not in rectangles


def test_snapping_a_worded_box_gives_back_that_box() -> None:
    for words in product(LOCATIONS, OFFSETS, AREAS):
        assert box_of(*snap(box_of(*words))) == box_of(*words)


@given(boxes)
def test_no_worded_box_overlaps_better_than_the_snapped_one(box: Box) -> None:
    def iou(other: Box) -> float:
        across = max(0, min(box.right, other.right) - max(box.left, other.left))
        down = max(0, min(box.bottom, other.bottom) - max(box.top, other.top))
        return across * down / (box.cells + other.cells - across * down)

    assert iou(box_of(*snap(box))) == max(iou(box_of(*words)) for words in product(LOCATIONS, OFFSETS, AREAS))


@pytest.mark.parametrize("edges", [(0, 0, 0, 90), (10, 0, 5, 90), (-1, 0, 9, 9), (0, 0, 91, 9), (0.5, 0, 9, 9)])
def test_a_box_outside_the_grid_is_refused_with_what_to_do(edges: tuple[int, int, int, int]) -> None:
    with pytest.raises(VocabularyError, match="whole numbers"):
        Box(*edges)


def test_an_unknown_word_is_refused_with_the_words_there_are() -> None:
    with pytest.raises(VocabularyError, match="in the center, on the left"):
        box_of("in the middle", "no offset", "a small square area")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("in the middle", "in the center"),
        ("Centre", "in the center"),
        ("everywhere", "in the center"),
        ("upper left", "on the top-left"),
        ("on the upper left", "on the top-left"),
        ("top left", "on the top-left"),
        ("top", "on the top"),
        ("left side", "on the left"),
        ("on the far right edge", "on the right"),
        ("at the bottom right corner", "on the bottom-right"),
        ("on the ground", "on the bottom"),
        ("lower-right", "on the bottom-right"),
        ("center left", "on the left"),
        ("top center", "on the top"),
        ("in the foreground", "on the bottom"),
        ("in the background", "on the top"),
        ("north west", "on the top-left"),
        ("botom rihgt", "on the bottom-right"),
        ("between left and right", "in the center"),
        ("somewhere", None),
        ("", None),
    ],
)
def test_a_location_is_found_by_its_direction_words(text: str, meant: str | None) -> None:
    assert find_location(text) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("slightly to the top", "slightly to the upper"),
        ("slightly to the bottom", "slightly to the lower"),
        ("slightly to the center", "no offset"),
        ("none", "no offset"),
        ("", "no offset"),
        ("a bit left", "slightly to the left"),
        ("up and to the right", "slightly to the upper-right"),
        ("lower left", "slightly to the lower-left"),
        ("purple", None),
    ],
)
def test_an_offset_is_found_by_its_direction_words(text: str, meant: str | None) -> None:
    assert find_offset(text) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a full image area", "a large square area"),
        ("large", "a large square area"),
        ("a tall area", "a medium-sized vertical area"),
        ("a wide area", "a medium-sized horizontal area"),
        ("a tiny area", "a small square area"),
        ("small vertical", "a small vertical area"),
        ("medium square", "a medium-sized square area"),
        ("a huge panoramic area", "a large horizontal area"),
        ("a meduim-sized squre area", "a medium-sized square area"),
        ("an area", None),
    ],
)
def test_an_area_is_found_by_its_size_and_shape_words(text: str, meant: str | None) -> None:
    assert find_area(text) == meant


def test_only_an_area_that_says_everything_fills_the_canvas() -> None:
    assert fills_canvas("a full image area") and fills_canvas("the entire canvas")
    assert not fills_canvas("a large square area") and not fills_canvas("full height, narrow column")
