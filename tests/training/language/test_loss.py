from __future__ import annotations

import random
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from training.language import loss
from training.language.loss import ECHO_WEIGHT, PLAN_WEIGHT, RELATION_WEIGHT, TALK_WEIGHT, character_weights, tokenize
from training.language.pairs import Message
from training.language.scenes import Scene, Thing, program
from training.language.words import Spot

ANSWER = program(Scene((Thing("cat", color="red", spot=Spot("in the center", distance=0.5)),)))


def weight_of(words: str, answer: str = ANSWER, before: str = "") -> float:
    weights = character_weights(answer, before)
    at = answer.index(words)
    (weight,) = set(weights[at : at + len(words)])
    return weight


@pytest.mark.parametrize("words", ["in the center", "medium", "square", "0.5", "A red cat."])
def test_values_that_decide_the_picture_count_in_full(words: str) -> None:
    assert weight_of(words) == PLAN_WEIGHT


def test_the_sentence_of_a_relation_counts_in_full() -> None:
    text = program(Scene((Thing("cat", stands=("behind", "dog")), Thing("dog"))))
    assert weight_of("The cat is behind the dog.", text) == PLAN_WEIGHT


def test_which_keyword_comes_next_counts_where_one_may_be_left_out() -> None:
    assert weight_of("area", ANSWER) == weight_of("distance", ANSWER) == ECHO_WEIGHT


def test_whether_a_relation_is_said_counts_most() -> None:
    told = program(Scene((Thing("cat", stands=("behind", "dog")), Thing("dog"))))
    assert weight_of("detailed", told) == weight_of("HTML", ANSWER) == RELATION_WEIGHT


def test_of_an_answer_without_a_canvas_every_word_counts() -> None:
    assert set(character_weights("Hello there.")) == {TALK_WEIGHT}


@pytest.mark.parametrize("words", [".add_local_description(", "_to_viewer="])
def test_the_layout_counts_nothing(words: str) -> None:
    assert weight_of(words) == 0


def test_whether_a_region_follows_or_the_program_ends_counts() -> None:
    two = program(Scene((Thing("cat"), Thing("dog"))))
    weights = character_weights(two)
    assert weights[two.rindex(")\ncanvas") + 1] == PLAN_WEIGHT
    assert weights[two.rindex(")\n```") + 1] == PLAN_WEIGHT


def test_in_an_edit_the_lines_that_change_count_and_the_copies_hardly_do() -> None:
    after = program(Scene((Thing("cat", color="blue", spot=Spot("in the center", distance=0.5)),)))
    assert weight_of("0.5", after, before=ANSWER) == PLAN_WEIGHT * loss.UNCHANGED
    assert weight_of("A blue cat.", after, before=ANSWER) == PLAN_WEIGHT * loss.CHANGED


def test_only_words_of_the_assistant_have_a_weight(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "LAYOUT_SHARE", 1.0)
    said: list[Message] = [{"role": "user", "content": "a cat"}, {"role": "assistant", "content": "ok"}]
    tokenizer = AutoTokenizer.from_pretrained(base)
    sample = tokenize(said, tokenizer, random.Random(0))
    text = "<|im_start|>user\na cat<|im_end|>\n<|im_start|>assistant\nok<|im_end|>\n"
    assert tokenizer.decode(sample.ids) == text
    assert [tokenizer.decode([i]) for i, w in zip(sample.ids, sample.weights, strict=True) if w] == [
        "o",
        "k",
        "<|im_end|>",
    ]
