from __future__ import annotations

import pytest

from lib_omost.canvas import Box, Canvas
from lib_omost.runtime.known_shapes import in_squares, square
from lib_omost.runtime.known_words import KnownWords

KNOWN = KnownWords(("car", "tree", "balloon", "fish"), square_things=True)
WIDE = Box(5, 20, 85, 60)


def canvas_of(description: str, box: Box = WIDE) -> Canvas:
    canvas = Canvas()
    canvas.set_global_description("a picture", [], "", "skyblue")
    words = ("in the center", "no offset", "a medium-sized square area", 1.0)
    canvas.add_local_description(*words, description, [], "", "", "", "", "red", bbox=box)
    return canvas


def boxes(canvas: Canvas) -> list[Box]:
    return [region.box for region in canvas.regions]


@pytest.mark.parametrize("description", ["A red car.", "A tall tree by a lake.", "a fish"])
def test_a_wide_box_of_one_thing_becomes_the_square_in_its_middle(description: str) -> None:
    given = canvas_of(description)
    assert boxes(in_squares(given, KNOWN)) == [Box(22, 20, 68, 60)]
    assert boxes(given) == [WIDE]


@pytest.mark.parametrize("description", ["Two balloons.", "cars", "three fish", "The sea.", "a row of trees", ""])
def test_several_things_and_what_is_no_thing_keep_their_wide_box(description: str) -> None:
    assert boxes(in_squares(canvas_of(description), KNOWN)) == [WIDE]


def test_a_box_that_is_nearly_square_stays() -> None:
    nearly = Box(0, 15, 45, 75)
    assert boxes(in_squares(canvas_of("a car", nearly), KNOWN)) == [nearly]


def test_a_model_that_was_not_taught_squares_gets_the_canvas_as_it_is() -> None:
    given = canvas_of("a car")
    assert in_squares(given, KnownWords(("car",))) is given


@pytest.mark.parametrize("box", [Box(0, 5, 40, 85), Box(0, 0, 90, 3), Box(88, 0, 90, 90), Box(10, 40, 80, 89)])
def test_the_square_lies_in_the_box_and_in_its_middle(box: Box) -> None:
    inner = square(box)
    assert box.left <= inner.left < inner.right <= box.right and box.top <= inner.top < inner.bottom <= box.bottom
    assert abs(inner.left + inner.right - box.left - box.right) <= 1
    assert abs(inner.top + inner.bottom - box.top - box.bottom) <= 1
    assert min(inner.width, inner.height) == min(box.width, box.height)
