"""Messages that are no picture get a sentence without a model; requests do not."""

from __future__ import annotations

import random

import pytest

from lib_omost.composer import Message
from lib_omost.composer.talk import ABOUT, EMPTY, ENGLISH, HELLO, PAGE, UNCLEAR, WELCOME, answer, answer_to
from training import nouns
from training.language.free import free_request
from training.language.refer import random_change
from training.language.talk import random_talk


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Hello there!", HELLO),
        ("good evening, how are you?", HELLO),
        ("thanks, this looks great", WELCOME),
        ("Perfect!", WELCOME),
        ("What is the highest mountain of Europe?", ABOUT),
        ("are you a person", ABOUT),
        ("can you explain the rules of chess", ABOUT),
        ("write a song about the rain", ABOUT),
        ("17 + 25 =", ABOUT),
        ("def area(r):\n    return r * r", ABOUT),
        ("how do I download this?", PAGE),
        ("...", EMPTY),
        ("draw me something nice", EMPTY),
        ("sdfgh jklö", UNCLEAR),
        ("ένας σκύλος στο δάσος", ENGLISH),
    ],
)
def test_each_kind_of_talk_has_its_sentence(message: str, said: str) -> None:
    assert answer(message) == said


@pytest.mark.parametrize(
    "message",
    ["ein altes Schloss im Nebel, bitte", "un petit chien avec un ballon", "quiero un caballo blanco", "zwei Bäume"],
)
def test_another_language_is_told_in_it_and_in_english(message: str) -> None:
    said = answer(message)
    assert said is not None and said.endswith(ENGLISH) and said != ENGLISH


@pytest.mark.parametrize(
    "message",
    [
        "can you make it blue?",
        "could he be a horse instead?",
        "what about a lake?",
        "what a huge dragon over a tiny village",
        "how about night",
        "why not a cat",
        "is it possible to move the lamp to the left?",
        "hello kitty on a pink skateboard",
        "a café in Paris with a señor on the terrace",
        "nice old car, red",
        "great wave",
        "liberty",
        "sky",
        "something spooky in the cellar",
        "a question mark made of ice?",
        "La La Land poster",
        "two kids saying thanks to a waiter",
        "no",
        "more",
        "{'description': 'an apple'}",
        "canvas = Canvas()",
        "swap the dog and the cat",
        "winter",
    ],
)
def test_a_request_is_not_taken_for_talk(message: str) -> None:
    assert answer(message) is None


def test_that_the_plan_stays_is_said_where_there_is_one() -> None:
    plan: Message = {"role": "assistant", "content": "```python\ncanvas = Canvas()\n```"}
    question: Message = {"role": "user", "content": "who are you?"}
    assert answer_to([question]) == ABOUT
    assert answer_to([{"role": "user", "content": "a cat"}, plan, question]) == f"{ABOUT} The plan stays as it is."
    assert answer_to([]) is None


def test_of_the_training_grammars_talk_most_is_answered_and_hardly_a_request_is() -> None:
    r, pool = random.Random(7), nouns.DRAWN + nouns.NAMED
    talk = [random_talk(r)[0] for _ in range(200)]
    scenes = [free_request(r, pool, 1.0) for _ in range(200)]
    requests = [text for text, _ in scenes] + [random_change(r, scene)[0] for _, scene in scenes if scene.things]
    assert sum(answer(text) is not None for text in talk) >= 0.9 * len(talk)
    assert sum(answer(text) is not None for text in requests) <= 0.01 * len(requests)
