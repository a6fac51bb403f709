from __future__ import annotations

import pytest

from lib_omost.canvas.colors import COLORS
from training import nouns


def test_no_training_may_name_a_held_out_noun() -> None:
    assert set(nouns.HELD_OUT).isdisjoint(nouns.DRAWN + nouns.NAMED)


def test_every_familiar_noun_can_be_drawn() -> None:
    assert set(nouns.SMALL) <= set(nouns.DRAWN)
    assert len(nouns.SMALL) >= 64


def test_every_noun_has_two_different_phrases_and_a_html_color() -> None:
    for noun in nouns.DRAWN + nouns.NAMED + nouns.HELD_OUT:
        first, second = nouns.parts(noun)
        assert first != second
        assert nouns.color(noun) in COLORS


@pytest.mark.parametrize(
    ("words", "article"),
    [("cat", "a"), ("owl", "an"), ("hourglass", "an"), ("unicorn", "a"), ("ufo", "a"), ("old house", "an")],
)
def test_the_article_follows_the_sound(words: str, article: str) -> None:
    assert nouns.with_article(words) == f"{article} {words}"


@pytest.mark.parametrize(
    ("noun", "many"),
    [("cat", "cats"), ("fox", "foxes"), ("fairy", "fairies"), ("wolf", "wolves"), ("sheep", "sheep"), ("key", "keys")],
)
def test_plurals(noun: str, many: str) -> None:
    assert nouns.plural(noun) == many


def test_a_plural_noun_takes_no_article_and_no_number() -> None:
    assert nouns.phrase("red grapes", "grapes") == "red grapes"
    assert not nouns.countable("grapes")


def test_there_is_one_sun() -> None:
    assert not nouns.countable("sun")
    assert nouns.phrase("sun", "sun") == "a sun"
