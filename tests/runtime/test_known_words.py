"""The words that a small image model knows, and what becomes of those that it does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib_omost.canvas import Canvas
from lib_omost.renderer import RenderSettings
from lib_omost.runtime import SdxlEntry, entry, words_of
from lib_omost.runtime.known_words import (
    WORDS_FILE,
    Found,
    KnownWords,
    in_known_words,
    read_words,
    swapped,
    unknown_thing,
)

KNOWN = KnownWords(
    ("cat", "dog", "tree", "pizza", "car", "strawberry", "bus", "rainbow"),
    ("bicycle",),
    ("red",),
    ("plain background", "meadow", "sea", "wooden table"),
)


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
    assert unknown_thing(description, KNOWN) == Found(word, near)


@pytest.mark.parametrize(
    "description",
    [
        "a cat",
        "three cats",
        "a black cat",
        "an old oak tree",
        "the sea",
        "A wide meadow",
        "a plain blue background",
        "an old table",
        "two bicycles",
        "It says nothing of any thing",
    ],
)
def test_what_the_model_knows_is_left_alone(description: str) -> None:
    assert unknown_thing(description, KNOWN) is None


@pytest.mark.parametrize(
    ("text", "after"),
    [("an owl", "a bus"), ("Two owls sit.", "Two buses sit."), ("a bowl", "a bowl")],
)
def test_the_near_word_takes_the_article_and_the_number_of_the_unknown_one(text: str, after: str) -> None:
    assert swapped(text, Found("owl", "bus")) == after


def test_a_canvas_is_painted_in_known_words_and_each_change_is_told(canvas: Canvas) -> None:
    painted, notes = in_known_words(canvas, KnownWords(("tree", "pear")))
    assert [region.description for region in painted.regions] == ["A red pear."]
    assert notes == ("“apple” is new to this image model; it painted “pear” instead.",)
    assert canvas.regions[0].description == "A red apple."


def test_a_model_without_a_list_of_words_is_asked_for_anything(canvas: Canvas) -> None:
    assert in_known_words(canvas, KnownWords(colours=("red",))) == (canvas, ())


def test_the_default_image_model_has_its_words_beside_its_weights() -> None:
    found = entry("default", "sdxl")
    assert isinstance(found, SdxlEntry)
    words = words_of(found)
    assert len(words.nouns) == 64 and "palm tree" in words.nouns
    assert "turquoise" in words.colours and "meadow" in words.backgrounds
    card = (Path(found.source) / "README.md").read_text(encoding="utf-8")
    assert ", ".join(words.nouns) in " ".join(card.split())


def test_the_default_image_model_says_how_many_of_a_kind_it_paints() -> None:
    found = entry("default", "sdxl")
    assert isinstance(found, SdxlEntry)
    told = words_of(found).limits("a forest with five pine trees, three owls and no animals")
    assert told == ("five pine trees: this model paints at most 3 of a kind",)
    assert KnownWords().limits("nine apples") == ()


def test_the_default_image_model_was_taught_every_thing_as_a_square() -> None:
    found = entry("default", "sdxl")
    assert isinstance(found, SdxlEntry) and words_of(found).square_things


def test_a_model_from_the_hub_or_a_file_has_no_words(tmp_path: Path) -> None:
    (tmp_path / WORDS_FILE).write_text('{"nouns": ["cat"]}')
    assert words_of(SdxlEntry("a", str(tmp_path), "folder", RenderSettings())).nouns == ("cat",)
    assert words_of(SdxlEntry("a", str(tmp_path), "hub", RenderSettings())) == KnownWords()
    assert words_of(SdxlEntry("a", str(tmp_path / "a.safetensors"), "file", RenderSettings())) == KnownWords()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        '{"nouns": "cat"}',
        '{"nouns": [3]}',
        '{"nouns": [" "]}',
        '{"most_of_a_kind": "3"}',
        '{"square_things": 1}',
        "[" * 9000,
        '"' * 2**19,
    ],
)
def test_a_file_of_words_that_cannot_be_used_counts_as_none_and_is_told(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / WORDS_FILE).write_text(text)
    assert read_words(tmp_path) == KnownWords()
    assert "words.json" in caplog.text and str(tmp_path.parent) not in caplog.text


def test_a_later_version_may_add_to_the_file(tmp_path: Path) -> None:
    (tmp_path / WORDS_FILE).write_text(json.dumps({"nouns": ["cat"], "verbs": {"run": 1}}))
    assert read_words(tmp_path) == KnownWords(("cat",))
