"""requests/standing.py and requests/room.py: what a request says of where its things are, and which places fit."""

from __future__ import annotations

import pytest

from lib_omost.canvas import Box
from lib_omost.canvas.requests import Bond, Spot, Standing, depths, fitting, means, standings
from lib_omost.canvas.requests.room import DEPTHS
from lib_omost.canvas.vocabulary import GRID, box_of

MIDDLE = box_of("in the center", "no offset", "a medium-sized square area")


def told(request: str) -> list[str]:
    return [" ".join([one.thing[-1], one.relation, *(other[-1] for other in one.others)]) for one in standings(request)]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("a crab under a rusty anchor", ["crab under anchor"]),
        ("under the anchor there is a crab", ["crab under anchor"]),
        ("a stork and a heron on a chimney", ["stork on chimney", "heron on chimney"]),
        ("a stork on a chimney and a mole below a shed", ["stork on chimney", "mole under shed"]),
        ("a cook in a white apron waits in front of the oven", ["cook in front of oven"]),
        ("a monk holding a candle sitting on a barrel", ["monk on barrel"]),
        ("a cello, a harp to the right of it", ["harp right of cello"]),
        ("a cello and a harp, a choir behind them", ["choir behind cello", "choir behind harp"]),
        ("a mole on the baker's left side", ["mole left of baker"]),
        ("with a kiosk on its right, the old fountain", ["fountain left of kiosk"]),
        ("a goat between a tractor and a haystack", ["goat between tractor haystack"]),
        ("a wasp with a trumpet at its right-hand side", ["trumpet right of wasp"]),
        ("a goat between two tractors", ["goat between tractors"]),
        ("a tram wearing a top hat", ["hat on tram"]),
        ("a mule carrying a tower on its back", ["tower on mule"]),
        ("pretzels in a wicker basket", ["pretzels in basket"]),
        ("a canoe in the lower left corner, an eagle at the top", ["canoe bottom-left", "eagle top"]),
        ("a comet in the sky, hills in the background", ["comet top", "hills far"]),
        ("a swing in the middle of a garden", []),
        ("a lantern at night", []),
        ("a jug, a ladle and a tray on a wooden stove", ["jug on stove", "ladle on stove", "tray on stove"]),
        ("a crate full of plums, and next to it a jar of honey", ["jar near crate"]),
        ("on the left a red silo, on the right a mill", ["silo left", "mill right"]),
        ("in the background, a volcano", ["volcano far"]),
        ("a badger in front of a chapel, wearing a hat", ["badger in front of chapel", "hat on badger"]),
        ("a tram crossing a bridge", ["tram on bridge"]),
    ],
)
def test_what_a_request_says_of_where_its_things_are(request_: str, said: list[str]) -> None:
    assert told(request_) == said


def test_a_thing_is_meant_by_its_noun_unless_in_another_colour() -> None:
    assert means(("small", "swan"), "Two swans.") and not means(("swan",), "A lake with swans.")
    assert not means(("black", "swan"), "A white swan.")
    assert standings("") == () == standings("!!" * 3000)


@pytest.mark.parametrize("relation", ["left of", "right of", "above", "under", "on", "near", "behind", "in front of"])
@pytest.mark.parametrize("as_other", [False, True])
def test_each_relation_has_places_beside_a_thing_wherever_that_stands(relation: str, as_other: bool) -> None:
    for at in ("in the center", "on the left", "on the top-right", "on the bottom"):
        other = box_of(at, "no offset", "a medium-sized square area")
        found = fitting([Bond(relation, (Spot(other),), as_other)], [other])
        assert found and all(box_of(*words) != other for words in found)


def test_left_is_left_and_under_is_lower_in_the_same_column() -> None:
    for words in fitting([Bond("left of", (Spot(MIDDLE),))], [MIDDLE]):
        box = box_of(*words)
        assert (box.left + box.right) / 2 <= GRID / 2 - 15
    for words in fitting([Bond("under", (Spot(MIDDLE),))], [MIDDLE]):
        box = box_of(*words)
        assert (box.top + box.bottom) / 2 >= GRID / 2 + 15 and box.left < MIDDLE.right and box.right > MIDDLE.left


def test_nearer_and_farther_are_said_by_depths_and_only_where_something_is_said() -> None:
    spots = (Spot(MIDDLE, 1.0),)
    assert all(depth > 1 for depth in depths([Bond("behind", spots)]))
    assert all(depth < 1 for depth in depths([Bond("behind", spots, as_other=True)]))
    assert set(depths([Bond("far"), Bond("behind", spots)])) < set(DEPTHS)
    assert depths([Bond("left of", spots)]) == ()


def test_two_things_get_one_place_only_where_one_is_the_background() -> None:
    assert MIDDLE not in [box_of(*words) for words in fitting([], [MIDDLE])]
    ground = box_of("in the center", "no offset", "a large horizontal area")
    assert MIDDLE in [box_of(*words) for words in fitting([], [ground])]


def test_of_bonds_that_cannot_all_be_the_first_ones_count() -> None:
    found = fitting([Bond("top-left"), Bond("bottom")], [])
    assert found and all(box_of(*words).bottom < GRID for words in found)
    assert len(fitting([], [Box(0, 0, 90, 90)])) == 729
    assert Standing(("a",), "left") == Standing(("a",), "left", ())
