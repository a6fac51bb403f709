"""Differences in a person's words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lib_omost.canvas import Box, Canvas, Region, differences, merge, read_program
from lib_omost.studio.changes import carried_out, kept, label, lines, made, nothing, place_words


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
    words, color, tree = made(differences(before, after))
    code, _ = carried_out(after.to_code(), words)
    code, put_back = carried_out(code, tree)
    assert (tree.label, put_back.label, put_back.off) == ("put back", "redo", True)
    back = read_program(code).canvas
    assert back is not None
    assert [(r.description, r.tags, r.HTML_web_color_name) for r in back.regions] == [
        ("A red apple.", "A red apple., icon", "lime"),
        ("A tree.", "A tree., icon", "green"),
    ]
    assert (color.text, color.label) == ("frog: red → lime", "undo")


def test_what_was_undone_alone_is_done_again_by_the_same_row() -> None:
    before, after = canvas(APPLE, TREE), canvas(replace(APPLE, HTML_web_color_name="gold"))
    code = after.to_code()
    for row in made(differences(before, after)):
        undone, other = carried_out(code, row)
        again, same = carried_out(undone, other)
        assert read_program(again).canvas == after and undone != code
        assert (same.text, same.label, same.do, same.off) == (row.text, row.label, row.do, False)


def test_what_a_reply_did_not_get_says_why_and_is_taken_by_its_button() -> None:
    mine = canvas(replace(APPLE, HTML_web_color_name="blue"), replace(TREE, locked=True)).to_code()
    done = merge(canvas(APPLE, TREE), canvas(replace(APPLE, HTML_web_color_name="gold")), mine)
    color, tree = kept(done.refused)
    assert color.text == "red apple: blue → gold, not done: you changed it yourself"
    assert tree.text == "tree removed, not done: it is locked"
    assert {color.label, tree.label} == {"take the model's"}
    code, after = carried_out(done.code, color)
    assert (after.text, after.label) == ("red apple: blue → gold", "undo")
    code, after = carried_out(code, tree)
    taken = read_program(code).canvas
    assert taken is not None and [r.HTML_web_color_name for r in taken.regions] == ["gold"]
    assert (after.text, after.label) == ("tree removed", "put back")


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ("swap the apple and the tree", "I did not understand “swap”."),
        ("make it more cheerful please", "I did not understand “cheerful”."),
        ("a red apple", "the model gave the same plan back."),
    ],
)
def test_a_reply_that_changed_nothing_names_the_words_that_it_did_not_follow(request_: str, why: str) -> None:
    row = nothing(request_, canvas(APPLE, TREE))
    assert (row.text, row.label) == (f"Nothing changed: {why}", "Edit by hand")


def test_a_long_description_is_cut_at_a_word() -> None:
    long = region("A very long description that goes on and on and on until nobody reads it.")
    assert label(long) == "very long description that goes on and…"


@pytest.mark.parametrize(
    ("box", "words"),
    [(Box(0, 0, 30, 30), "top left"), (Box(30, 30, 60, 60), "middle"), (Box(30, 60, 60, 90), "bottom")],
)
def test_a_box_is_told_by_thirds(box: Box, words: str) -> None:
    assert place_words(box) == words
