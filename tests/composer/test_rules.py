"""What may come next, and what happens when the grammar engine gives up."""

from __future__ import annotations

import pytest
from llguidance import LLMatcher, LLParserLimits, LLTokenizer
from llguidance.hf import from_tokenizer
from transformers import PreTrainedTokenizerFast

from lib_omost.composer.grammar import canvas_grammar
from lib_omost.composer.rules import Grammar, canvas_matcher
from lib_omost.errors import ComposerError
from tests.composer.conftest import a_reply

WIDER = 40  # tokens that a model's output layer has more than its tokenizer, as Phi-3's


@pytest.fixture(scope="module")
def vocabulary(tokenizer: PreTrainedTokenizerFast) -> LLTokenizer:
    return from_tokenizer(tokenizer, n_vocab=len(tokenizer) + WIDER)


def test_rows_of_a_model_that_stand_for_no_token_are_never_allowed(
    vocabulary: LLTokenizer, tokenizer: PreTrainedTokenizerFast
) -> None:
    rules = Grammar(canvas_matcher(vocabulary, prose=True), vocabulary, len(tokenizer) + WIDER)
    mask = rules.allowed()
    assert mask.shape == (len(tokenizer) + WIDER,)
    assert mask.any() and not mask[len(tokenizer) :].any()


def test_prose_is_complete_and_needs_no_closing(vocabulary: LLTokenizer) -> None:
    rules = Grammar(canvas_matcher(vocabulary, prose=True), vocabulary, vocabulary.vocab_size)
    rules.take(vocabulary.tokenize_str("There is a ship"))
    assert rules.complete() and rules.dictated(True) == []


@pytest.mark.parametrize("cut", [40, 150, 420, 700])
def test_a_program_is_closed_from_wherever_it_is(vocabulary: LLTokenizer, cut: int) -> None:
    text = a_reply("red apple", "old ship")
    rules = Grammar(canvas_matcher(vocabulary, prose=False), vocabulary, vocabulary.vocab_size)
    rules.take(vocabulary.tokenize_str(text[: text.index("\n", cut)]))
    assert not rules.complete()
    assert rules.dictated(False) or rules.dictated(True) or rules.allowed().any()


def test_a_grammar_engine_that_gives_up_is_an_error_and_not_an_end(vocabulary: LLTokenizer) -> None:
    grammar = LLMatcher.grammar_from_lark(canvas_grammar(prose=True))
    tired = LLMatcher(vocabulary, grammar, log_level=0, limits=LLParserLimits(max_lexer_states=60))
    rules = Grammar(tired, vocabulary, vocabulary.vocab_size)
    with pytest.raises(ComposerError, match=r"could not follow the reply: .*Try again, or without it"):
        for token in vocabulary.tokenize_str("Une pomme `rouge`, 苹果, яблоко. " * 20):
            rules.allowed()
            rules.take([token])
            rules.ended()
