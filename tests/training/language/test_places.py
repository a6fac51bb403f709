from __future__ import annotations

import random

from training import nouns
from training.language.free import free_request
from training.language.places import placed
from training.language.scenes import Thing

TWO = (Thing("cat"), Thing("house"))


def test_two_things_never_get_one_place() -> None:
    for seed in range(400):
        _, scene = free_request(random.Random(seed), nouns.DRAWN)
        places = [(t.spot.location, t.spot.offset, t.spot.distance) for t in scene.things]
        assert len(set(places)) == len(places)


def test_a_relation_is_counted_from_what_has_its_place_already() -> None:
    things = placed(TWO, {1: "on the bottom-right"}, [(0, "above", 1)])
    assert things is not None
    assert things[0].spot.location == "on the right"
    assert things[0].stands == ("above", "house")


def test_where_there_is_no_room_there_is_no_scene() -> None:
    assert placed(TWO, {1: "on the left"}, [(0, "left of", 1)]) is None


def test_what_is_in_the_sky_goes_up_where_nobody_says_where() -> None:
    things = placed((Thing("moon"), Thing("house")), {}, [])
    assert things is not None
    assert "top" in things[0].spot.location


def test_behind_and_in_front_share_a_place_at_two_depths() -> None:
    things = placed(TWO, {1: "on the left"}, [(0, "behind", 1)])
    assert things is not None
    assert things[0].spot.location == things[1].spot.location == "on the left"
    assert things[0].spot.distance > things[1].spot.distance
