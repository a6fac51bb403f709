"""What a request names and its plan lacks."""

from __future__ import annotations

import time

import pytest

from lib_omost.canvas import Canvas
from lib_omost.canvas.requests import Missing, beyond_count, missing


def plan(*texts: str, color: str = "darkseagreen") -> Canvas:
    canvas = Canvas()
    canvas.set_global_description(texts[0], [], "", "beige")
    for text in texts[1:]:
        place = ("on the left", "no offset", "a small square area", 2.0)
        canvas.add_local_description(*place, text, [], "", "Calm mood.", "Flat illustration.", "Sharp.", color)
    return canvas


def phrases(request: str, canvas: Canvas, before: Canvas | None = None) -> list[str]:
    return [found.phrase for found in missing(request, canvas, before)]


CAT = plan("A blue cat in a city.", "A blue cat.", "A city.")


def test_a_thing_and_a_time_of_day_that_the_plan_lacks_are_named_with_the_words_that_ask_for_them() -> None:
    found = missing("a blue cat riding a bicycle through the city at night", CAT)
    assert found == (
        Missing("riding", "show riding"),
        Missing("bicycle", "add a bicycle"),
        Missing("night", "make it night"),
    )


def test_a_plan_that_holds_all_lacks_nothing() -> None:
    assert missing("Please draw me a blue cat in a city, thanks!", CAT) == ()


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        ("a red scarf", ["red scarf"]),
        ("a red cat", ["red cat"]),
        ("three cats", ["three cats"]),
        ("a cat with a top hat", ["top hat"]),
        ("a cat in new york", ["new york"]),
        ("my daughter's birthday, a cat", ["birthday"]),
    ],
)
def test_the_phrase_is_named_and_not_the_word(request_: str, found: list[str]) -> None:
    assert phrases(request_, CAT) == found


@pytest.mark.parametrize(
    "request_",
    ["cats", "a kitty", "a catt", "a blue cat in town", "a cat in the cities", "a cat, 8k, masterpiece"],
)
def test_plurals_synonyms_slips_and_talk_of_quality_are_no_loss(request_: str) -> None:
    assert phrases(request_, CAT) == []


def test_a_known_word_is_no_slip_of_another() -> None:
    assert phrases("a horse", plan("A house.", "A house.")) == ["horse"]


@pytest.mark.parametrize("request_", ["a cat without a hat", "no dogs, a cat", "a cat instead of a dog"])
def test_what_is_not_wanted_is_not_missed(request_: str) -> None:
    assert phrases(request_, CAT) == []


def test_what_an_edit_took_away_is_told_by_the_difference() -> None:
    before = plan("A cat and a dog.", "A cat.", "A dog.")
    assert phrases("the dog is ugly, paint it over", plan("A cat.", "A cat."), before) == ["ugly"]
    assert phrases("remove the dog", plan("A cat.", "A cat."), before) == []
    assert phrases("replace the dog with a bus", plan("A cat.", "A cat."), before) == ["bus"]


def test_a_colour_that_the_region_has_without_a_word_is_there() -> None:
    assert phrases("a green pear", plan("A pear.", "A pear.", color="green")) == []
    assert phrases("a green pear", plan("A pear.", "A pear.", color="crimson")) == ["green pear"]


def test_the_numbers_of_regions_add_up() -> None:
    assert phrases("two cats", plan("Cats.", "A white cat.", "A black cat.")) == []


def test_counts_beyond_what_a_model_paints_are_named() -> None:
    assert beyond_count("five pine trees and two owls", 3) == ("five pine trees",)
    assert beyond_count("five pine trees", 0) == ()


@pytest.mark.parametrize("request_", ["", "\n", "?!", "a " * 4000, "~~'’-" * 400, "don't " * 300, "5 5 5"])
def test_any_text_is_taken(request_: str) -> None:
    assert phrases(request_, CAT) == []


def test_the_longest_request_takes_a_fraction_of_a_second() -> None:
    words = [f"wo{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}rd" for n in range(300)]
    canvas = plan(*(" ".join(words[n : n + 10]) for n in range(0, 300, 10)))
    start = time.perf_counter()
    missing(" ".join(word[::-1] for word in words), canvas)
    assert time.perf_counter() - start < 2
