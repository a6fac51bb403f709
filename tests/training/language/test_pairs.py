from __future__ import annotations

import random
from pathlib import Path

import pytest
from llguidance import LLMatcher
from llguidance.hf import from_tokenizer
from transformers import AutoTokenizer

from lib_omost.canvas import read_canvas
from lib_omost.composer.grammar import brief_grammar
from lib_omost.runtime import catalog
from training.language import talk
from training.language.pairs import SYSTEM, conversation
from training.language.talk import random_talk


def test_the_system_prompt_is_the_one_that_the_product_gives_the_model() -> None:
    assert catalog.llm("default").profile.system_prompt == SYSTEM


def test_every_answer_reads_as_a_canvas_without_a_note() -> None:
    for seed in range(150):
        for message in conversation(random.Random(seed)):
            if message["content"].startswith("```"):
                reading = read_canvas(message["content"], strict=True)
                assert (reading.status, reading.notes) == ("accept", ())


def test_the_grammar_that_the_product_decodes_under_accepts_every_answer(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    vocabulary = from_tokenizer(tokenizer)
    grammar = LLMatcher(vocabulary, LLMatcher.grammar_from_lark(brief_grammar(prose=True)))
    for seed in range(12):
        answer = conversation(random.Random(seed))[2]["content"]
        matcher = grammar.deep_copy()
        assert matcher.consume_tokens(tokenizer(answer, add_special_tokens=False).input_ids)
        assert matcher.is_accepting()


def test_a_seed_always_makes_the_same_conversation() -> None:
    assert conversation(random.Random(7)) == conversation(random.Random(7))


def test_what_is_no_picture_is_answered_with_one_short_sentence_and_no_canvas() -> None:
    answers = {random_talk(random.Random(seed))[1] for seed in range(200)}
    assert answers == {talk.HELLO, talk.WELCOME, talk.ENGLISH, talk.UNCLEAR, talk.ABOUT}
    assert all(len(answer) < 100 and read_canvas(answer).canvas is None for answer in answers)


@pytest.mark.parametrize(("level", "most"), [(0.0, 0.4), (1.0, 0.55)])
def test_edits_become_more_frequent_with_the_level(level: float, most: float) -> None:
    share = sum(len(conversation(random.Random(seed), level)) > 3 for seed in range(300)) / 300
    assert most - 0.25 < share < most
