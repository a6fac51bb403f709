"""Words that a small image model does not know."""

from __future__ import annotations

import pytest

from lib_omost.canvas import Canvas
from lib_omost.studio.near_words import Found, in_known_words, swapped, unknown_thing

KNOWN = ("cat", "dog", "tree", "pizza", "car", "strawberry", "bus", "rainbow")
CARD = "cat, dog, tree, pizza.\n\nBackgrounds: meadow, sea."


@pytest.mark.parametrize(
    ("description", "word", "near"),
    [
        ("a lion", "lion", "cat"),
        ("two lions and a tree", "lion", "cat"),
        ("a lion under a tree", "lion", "cat"),
        ("an orange taxi", "taxi", "car"),
        ("a hot dog on a plate", "hot dog", "pizza"),
        ("A bowl of raspberries", "raspberry", "strawberry"),
        ("a green zeppelin in the clouds", "zeppelin", ""),
    ],
)
def test_a_description_is_about_the_last_thing_before_a_preposition(description: str, word: str, near: str) -> None:
    assert unknown_thing(description, KNOWN, CARD) == Found(word, near)


@pytest.mark.parametrize(
    "description",
    [
        "a cat",
        "three cats",
        "a black cat",
        "an old oak tree",
        "the sea",
        "A wide meadow",
        "It says nothing of any thing",
    ],
)
def test_what_the_model_knows_or_its_card_mentions_is_left_alone(description: str) -> None:
    assert unknown_thing(description, KNOWN, CARD) is None


@pytest.mark.parametrize(
    ("text", "after"),
    [("an owl", "a bus"), ("Two owls sit.", "Two buses sit."), ("a bowl", "a bowl")],
)
def test_the_near_word_takes_the_article_and_the_number_of_the_unknown_one(text: str, after: str) -> None:
    assert swapped(text, Found("owl", "bus")) == after


def test_a_canvas_is_painted_in_known_words_and_each_change_is_told(canvas: Canvas) -> None:
    painted, notes = in_known_words(canvas, ("tree", "pear"))
    assert [region.description for region in painted.regions] == ["a red pear", "a tree"]
    assert notes == ("“apple” is new to this image model; it painted “pear” instead.",)
    assert canvas.regions[0].description == "a red apple"


def test_a_model_without_a_list_of_words_is_asked_for_anything(canvas: Canvas) -> None:
    assert in_known_words(canvas, ()) == (canvas, ())
