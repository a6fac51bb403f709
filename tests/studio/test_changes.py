"""Differences in a person's words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lib_omost.canvas import Box, Canvas, Region, differences, read_program
from lib_omost.studio.changes import label, lines, place_words


def region(text: str, location: str = "in the center", color: str = "red") -> Region:
    place = (location, "no offset", "a small square area", 2.0)
    return Region(*place, text, (f"{text} up close",), f"{text}, icon", "", "", "", color)


APPLE, TREE = region("A red apple.", "on the left"), region("A tree.", "on the right", "green")


def canvas(*regions: Region) -> Canvas:
    made = Canvas(regions=regions)
    made.set_global_description("A meadow.", [], "meadow", "green")
    return made


def texts(before: Canvas, after: Canvas) -> list[str]:
    return [line.text for line in lines(differences(before, after))]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"HTML_web_color_name": "yellow"}, "red apple: red → yellow"),
        ({"location": "on the top-right"}, "red apple: moved to the top right"),
        ({"offset": "slightly to the left"}, "red apple: moved a bit left"),
        ({"area": "a large square area"}, "red apple: larger"),
        ({"distance_to_viewer": 1.0}, "red apple: nearer"),
        ({"tags": "fruit"}, "red apple: tags changed"),
        ({"name": "hero", "negative": "leaf"}, "hero: name and not here changed"),
        ({"description": "A green frog.", "tags": "frog"}, "red apple → green frog"),
    ],
)
def test_each_kind_of_change_is_one_line(changed: dict[str, object], line: str) -> None:
    before = replace(APPLE, location="in the center") if {"area", "offset"} & set(changed) else APPLE
    assert texts(canvas(before, TREE), canvas(replace(before, **changed), TREE)) == [line]  # type: ignore[arg-type]


def test_what_came_and_what_went_is_named_with_its_place() -> None:
    dog = region("A dog.", "on the bottom-right")
    assert texts(canvas(APPLE, TREE), canvas(APPLE, dog)) == ["tree removed", "dog added, bottom right"]


def test_the_whole_picture_has_its_own_line() -> None:
    night = replace(canvas(APPLE), global_description="A meadow at night.")
    assert texts(canvas(APPLE), night) == ["whole picture: “meadow” → “meadow at night”"]


def test_the_same_canvas_has_no_line() -> None:
    assert texts(canvas(APPLE), canvas(APPLE)) == []


def test_a_line_is_undone_alone() -> None:
    before = canvas(APPLE, TREE)
    after = canvas(replace(APPLE, description="A frog.", tags="frog", HTML_web_color_name="lime"))
    words, color, tree = lines(differences(before, after))
    back = read_program(tree.undo(words.undo(after.to_code()))).canvas
    assert back is not None
    assert [(r.description, r.tags, r.HTML_web_color_name) for r in back.regions] == [
        ("A red apple.", "A red apple., icon", "lime"),
        ("A tree.", "A tree., icon", "green"),
    ]
    assert color.text == "frog: red → lime"


def test_a_long_description_is_cut_at_a_word() -> None:
    long = region("A very long description that goes on and on and on until nobody reads it.")
    assert label(long) == "very long description that goes on and…"


@pytest.mark.parametrize(
    ("box", "words"),
    [(Box(0, 0, 30, 30), "top left"), (Box(30, 30, 60, 60), "middle"), (Box(30, 60, 60, 90), "bottom")],
)
def test_a_box_is_told_by_thirds(box: Box, words: str) -> None:
    assert place_words(box) == words
