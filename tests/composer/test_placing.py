"""placing.py: where a region may be, of which the model chooses; an edit moves what it is about alone."""

from __future__ import annotations

from lib_omost.canvas import Canvas, read_canvas
from lib_omost.composer.placing import placing

WHOLE = (
    "```python\ncanvas = Canvas()\ncanvas.set_global_description(\n    description='A pond.',\n"
    "    HTML_web_color_name='teal',\n)"
)
PLACE = "    location='in the center',\n    area='a medium-sized square area',\n"


def region(description: str, place: str = PLACE) -> str:
    return opened(description) + place + "    HTML_web_color_name='white',\n)"


def opened(description: str) -> str:
    return f"\ncanvas.add_local_description(\n    description='{description}',\n"


def plan(text: str) -> Canvas:
    canvas = read_canvas(text + "\n```").canvas
    assert canvas is not None
    return canvas


def test_a_region_behind_another_may_stand_above_it_and_farther() -> None:
    options = placing("two ducks on a pond, a castle behind them", None)
    text = WHOLE + region("Two ducks.") + opened("A castle.")
    assert "    location='on the top'," in options(text)
    assert "    location='on the bottom'," not in options(text)
    placed = text + "    location='on the top',\n    area='a large square area',\n"
    assert {"    distance_to_viewer=3.0,"} <= set(options(placed)) and "    HTML_web" not in "".join(options(placed))


def test_what_has_begun_is_gone_on_with_and_nothing_is_said_outside_of_a_place() -> None:
    options = placing("a duck left of a castle", None)
    text = WHOLE + region("A castle.") + opened("A duck.")
    assert "on the left'," in options(text + "    location='")
    for free in ("", "Hello", WHOLE, text + PLACE + "    HTML_web_color_name='"):
        assert options(free) == ()


def test_the_other_thing_of_a_relation_may_come_second() -> None:
    options = placing("a duck left of a castle", None)
    found = options(WHOLE + region("A duck.") + opened("A castle."))
    assert "    location='on the right'," in found and "    location='on the left'," not in found


def test_two_things_of_which_nothing_is_said_get_two_places() -> None:
    options = placing("a fox and a hare", None)
    text = WHOLE + region("A fox.") + opened("A hare.") + "    location='in the center',\n"
    assert "    area='a medium-sized square area'," not in options(text)


BEFORE = WHOLE + region("A duck.") + region("A castle.", PLACE.replace("in the center", "on the left"))


def test_an_edit_leaves_what_it_does_not_move_where_it_is() -> None:
    for request in ("make the castle red", "let it snow", "put the castle behind the duck", "add a tree"):
        assert placing(request, plan(BEFORE))(WHOLE + opened("A duck.")) == ("    location='in the center',",)
    assert placing("make the castle red", plan(BEFORE))(WHOLE + region("A duck.") + opened("A red castle.")) == (
        "    location='on the left',",
    )


def test_an_edit_moves_what_it_says_and_is_free_where_it_says_no_place() -> None:
    moved = placing("put the castle to the right of the duck", plan(BEFORE))
    assert "    location='on the right'," in moved(WHOLE + region("A duck.") + opened("A castle."))
    assert placing("swap them", plan(BEFORE))(WHOLE + opened("A duck.")) == ()
    assert placing("start over with a beach", plan(BEFORE))(WHOLE + opened("A duck.")) == ()


def test_one_more_of_a_thing_has_a_place_of_its_own_and_them_are_the_things_of_the_plan() -> None:
    again = placing("add another duck", plan(BEFORE))(BEFORE + opened("A duck."))
    assert again and again != ("    location='in the center',",)
    between = placing("a goat between them", plan(BEFORE))
    assert between(BEFORE + opened("A goat."))
