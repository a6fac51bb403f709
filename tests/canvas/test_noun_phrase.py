"""Descriptions as noun phrases."""

from __future__ import annotations

import pytest

from lib_omost.canvas.words.noun_phrase import phrase_of, plural, singular, with_article


@pytest.mark.parametrize(
    ("text", "head", "count", "noun", "tail"),
    [
        ("A small red apple on a plate.", "A small red apple", 1, "apple", "on a plate"),
        ("Three balloons.", "Three balloons", 3, "balloons", ""),
        ("Snow.", "Snow", 1, "Snow", ""),
        (
            "a majestic red dragon soaring through the sky",
            "a majestic red dragon",
            1,
            "dragon",
            "soaring through the sky",
        ),
        ("A pair of scissors", "A pair of scissors", 2, "scissors", ""),
        ("An orange.", "An orange", 1, "orange", ""),
        ("Some grapes", "Some grapes", 0, "grapes", ""),
        ("A pine tree.", "A pine tree", 1, "pine tree", ""),
    ],
)
def test_a_description_is_number_adjectives_noun_and_tail(
    text: str, head: str, count: int, noun: str, tail: str
) -> None:
    phrase = phrase_of(text)
    assert phrase is not None
    assert (phrase.head, phrase.count, phrase.noun, phrase.tail) == (head, count, noun, tail)


@pytest.mark.parametrize("text", ["", "...", " , "])
def test_a_text_without_words_is_no_phrase(text: str) -> None:
    assert phrase_of(text) is None


@pytest.mark.parametrize("noun", ["fox", "cherry", "mouse", "leaf", "pine tree", "bus", "glass of milk", "sheep"])
def test_the_singular_of_a_plural_is_the_noun(noun: str) -> None:
    assert singular(plural(noun)) == noun


def test_a_vowel_wants_an() -> None:
    assert (with_article("orange cat"), with_article("pear")) == ("an orange cat", "a pear")


def test_no_noun_has_no_other_form() -> None:
    assert (singular(""), plural(" ")) == ("", "")
