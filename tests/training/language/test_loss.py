from __future__ import annotations

import random
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from training.language import loss
from training.language.loss import ECHO_WEIGHT, PLAN_WEIGHT, character_weights, tokenize
from training.language.pairs import Message
from training.language.scenes import Scene, Thing, program

ANSWER = program(Scene((Thing("cat", color="red"),)))


def weight_of(words: str, answer: str = ANSWER, before: str = "") -> float:
    weights = character_weights(answer, before)
    at = answer.index(words)
    (weight,) = set(weights[at : at + len(words)])
    return weight


@pytest.mark.parametrize("words", ["in the center", "a medium-sized square area", "2.0", "A red cat.", "the cat"])
def test_values_that_decide_the_picture_count_in_full(words: str) -> None:
    assert weight_of(words) == PLAN_WEIGHT


def test_the_sentence_that_places_a_thing_counts_in_full() -> None:
    assert weight_of("The red cat is in the center.") == PLAN_WEIGHT


@pytest.mark.parametrize("words", ["High resolution.", "Calm mood.", "The scene feels calm."])
def test_values_that_only_echo_count_less(words: str) -> None:
    assert weight_of(words) == ECHO_WEIGHT


@pytest.mark.parametrize("words", ["canvas.add_local_description(", "distance_to_viewer=", "```python"])
def test_the_layout_counts_nothing(words: str) -> None:
    assert weight_of(words) == 0


def test_whether_a_region_follows_or_the_program_ends_counts() -> None:
    two = program(Scene((Thing("cat"), Thing("dog"))))
    weights = character_weights(two)
    assert weights[two.index(")\n\n# Add the dog") + 1] == PLAN_WEIGHT
    assert weights[two.rindex(")\n```") + 1] == PLAN_WEIGHT


def test_in_an_edit_the_lines_that_change_count_and_the_copies_hardly_do() -> None:
    after = program(Scene((Thing("cat", color="blue"),)))
    assert weight_of("2.0", after, before=ANSWER) == PLAN_WEIGHT * loss.UNCHANGED
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
