"""requests/plain.py: plain edits done without a model, and all others left to one."""

from __future__ import annotations

import pytest

from lib_omost.canvas import Canvas, read_canvas
from lib_omost.canvas.requests import plain_edit

PLAN = """
canvas = Canvas()
canvas.set_global_description(description='A gray goat, a kite and a tub by a river.', HTML_web_color_name='teal')
canvas.add_local_description(description='A gray goat.', location='on the left', area='a small square area',
    HTML_web_color_name='gray')
canvas.add_local_description(description='A kite.', location='on the top-right', area='a medium-sized square area',
    HTML_web_color_name='red')
canvas.add_local_description(description='A tub.', location='in the center', area='a large square area',
    HTML_web_color_name='white')
"""


def plan() -> Canvas:
    canvas = read_canvas(PLAN).canvas
    assert canvas is not None
    return canvas


def edited(message: str) -> Canvas:
    canvas = plain_edit(message, plan())
    assert canvas is not None
    return canvas


@pytest.mark.parametrize(
    ("message", "left", "whole"),
    [
        ("remove the kite", ["A gray goat.", "A tub."], "A gray goat and a tub by a river."),
        ("please get rid of the goat", ["A kite.", "A tub."], "A kite and a tub by a river."),
        ("no tub", ["A gray goat.", "A kite."], "A gray goat and a kite by a river."),
        ("the kite doesn't belong there", ["A gray goat.", "A tub."], "A gray goat and a tub by a river."),
        ("remove everything but the tub", ["A tub."], "A tub by a river."),
    ],
)
def test_what_is_to_go_goes_and_the_whole_picture_no_longer_says_it(message: str, left: list[str], whole: str) -> None:
    canvas = edited(message)
    assert [region.description for region in canvas.regions] == left
    assert canvas.global_description == whole


def test_two_things_change_places_with_their_sizes_and_stay_what_they_are() -> None:
    goat, kite, tub = edited("swap the goat and the kite").regions
    assert (goat.location, goat.area) == ("on the top-right", "a medium-sized square area")
    assert (kite.location, kite.area) == ("on the left", "a small square area")
    assert tub == plan().regions[2] and goat.description == "A gray goat."


def test_sizes_step_up_and_down_and_stop_at_the_ends() -> None:
    canvas = edited("make the goat bigger and the tub smaller")
    assert [region.area.split()[1] for region in canvas.regions] == ["medium-sized", "medium-sized", "medium-sized"]
    assert edited("the kite is too big").regions[1].area == "a small square area"
    assert plain_edit("make the tub bigger", plan()) is None


def test_a_colour_is_said_and_shown_wherever_the_thing_is_named() -> None:
    canvas = edited("make the goat brown")
    assert canvas.regions[0].description == "A brown goat." and canvas.regions[0].HTML_web_color_name == "brown"
    assert canvas.global_description == "A brown goat, a kite and a tub by a river."
    assert edited("orange kite").regions[1].description == "An orange kite."


def test_a_thing_goes_where_it_is_put_and_keeps_its_size_where_that_fits() -> None:
    assert edited("put the kite in the bottom right corner").regions[1].location == "on the bottom-right"
    above = edited("put the goat above the tub").regions[0]
    assert above.box.top < plan().regions[2].box.bottom and above.area == "a small square area"
    down = edited("move the kite down a bit").regions[1]
    assert down.box.top + down.box.bottom > plan().regions[1].box.top + plan().regions[1].box.bottom
    behind = edited("put the goat behind the tub")
    assert behind.regions[0].distance_to_viewer > behind.regions[2].distance_to_viewer


@pytest.mark.parametrize(
    "message",
    [
        "",
        "hello",
        "add a boat",
        "make it night",
        "more cheerful",
        "swap the goat for a donkey",
        "a boat instead of the tub",
        "remove the goat's bell",
        "make the goat dark brown",
        "make the sky red",
        "move everything to the left",
        "move the kite away from the goat",
        "make the goat jump over the tub",
        "start over",
        "undo that",
        "remove the goat, the kite and the tub",
        "make the goat bigger than the tub",
        "two goats, not one",
    ],
)
def test_what_is_not_plain_is_left_to_the_model(message: str) -> None:
    assert plain_edit(message, plan()) is None


def test_two_of_a_kind_are_not_told_apart_and_locked_plans_are_left_alone() -> None:
    twins = read_canvas(PLAN.replace("A kite.", "A goat.")).canvas
    locked = read_canvas(PLAN.replace("'gray')", "'gray', locked=True)")).canvas
    assert twins is not None and locked is not None
    assert plain_edit("remove the goat", twins) is None
    assert plain_edit("remove the goat", locked) is None
