from __future__ import annotations

import random

from training import nouns
from training.language import lexicon
from training.language.free import free_request, slipped
from training.language.lexicon import html_color, made_up, participle
from training.language.scenes import Scene


def many() -> list[tuple[str, Scene]]:
    return [free_request(random.Random(seed), nouns.DRAWN) for seed in range(500)]


def test_every_thing_of_a_scene_is_named_in_its_request() -> None:
    missing = [text for text, scene in many() for thing in scene.things if thing.name not in text.lower()]
    assert len(missing) < 25  # slips of the keyboard


def test_one_to_six_things_are_asked_for() -> None:
    assert {len(scene.things) for _, scene in many()} == {1, 2, 3, 4, 5, 6}


def test_time_and_weather_are_said_in_one_way_in_the_plan_and_in_many_in_the_request() -> None:
    for said in (*lexicon.TIMES, *lexicon.WEATHER, *lexicon.OCCASIONS):
        assert len(set(said.ways)) >= 3 and said.color


def test_held_out_nouns_are_in_no_list() -> None:
    words = {word for held in lexicon.WORDS.values() for word in held}
    assert not words & set(nouns.HELD_OUT)


def test_words_are_formed_as_english_forms_them() -> None:
    assert [participle(verb) for verb in ("ride", "sit", "sleep", "lie", "see", "mix")] == [
        *("riding", "sitting", "sleeping", "lying", "seeing", "mixing")
    ]
    assert html_color("black and white") == "black"
    assert made_up(random.Random(1)).isalpha()


def test_a_slip_changes_a_letter_and_no_made_up_word() -> None:
    assert slipped(random.Random(1), "a zorblat") == "a zorblat"
    assert slipped(random.Random(1), "a bicycle") != "a bicycle"
