from __future__ import annotations

import random

from lib_omost.canvas import LOCATIONS, OFFSETS
from training import nouns
from training.language.requests import random_request, related
from training.language.scenes import Scene, Thing, program
from training.language.words import PLACES, RELATIONS, SAID_AT


def many_requests(count: int = 400) -> list[tuple[str, Scene]]:
    return [random_request(random.Random(seed), nouns.DRAWN) for seed in range(count)]


def test_the_words_for_places_are_those_of_the_canvas() -> None:
    assert tuple(SAID_AT) == LOCATIONS
    for relation in RELATIONS.values():
        assert all(spot.location in LOCATIONS and spot.offset in OFFSETS for spot in relation.spots)


def test_everything_that_a_request_means_it_also_says() -> None:
    for text, scene in many_requests():
        if any(thing.color for thing in scene.things):
            assert all(thing.words.lower() in text.lower() for thing in scene.things)


def test_what_is_forbidden_is_nowhere_in_the_program() -> None:
    forbidding = [(text, scene) for text, scene in many_requests() if scene.absent]
    assert len(forbidding) > 20
    for text, scene in forbidding:
        (missing,) = scene.absent
        assert missing in text or nouns.plural(missing) in text
        assert missing not in [thing.noun for thing in scene.things]


def test_a_request_that_names_nothing_is_answered_with_familiar_nouns() -> None:
    opened = [
        scene
        for text, scene in many_requests(3000)
        if not any(noun.split()[-1] in text.lower() for noun in scene.nouns)
    ]
    # plurals such as "wolves" do not hold their noun, so only scenes without a said noun in any number are looked at
    silent = [scene for scene in opened if all(thing.count == 1 and not thing.color for thing in scene.things)]
    assert len(silent) > 30
    for scene in silent:
        assert set(scene.nouns) <= set(nouns.FAMILIAR)


def test_the_things_of_every_place_are_familiar() -> None:
    for place in PLACES.values():
        assert set(place.things) <= set(nouns.FAMILIAR)


def test_the_first_level_asks_for_no_more_than_two_things() -> None:
    counts = [len(random_request(random.Random(seed), nouns.DRAWN, level=0.0)[1].things) for seed in range(200)]
    assert max(counts) <= 2


def test_in_front_of_is_nearer_and_lower_than_what_is_behind() -> None:
    cat, house = related(Thing("cat"), Thing("house"), RELATIONS["in front of"])
    assert cat.spot.distance < house.spot.distance
    assert (cat.spot.offset, house.spot.offset) == ("slightly to the lower", "slightly to the upper")
    assert "a large square area" in program(Scene((house,)))
