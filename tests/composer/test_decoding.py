"""Several tokens a pass, and still the text of one token a pass."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
import torch
from llguidance.hf import from_tokenizer
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from lib_omost.composer.cached_model import CachedModel, Compiler, FixedModel
from lib_omost.composer.decoding import GenerationLoop, PromptLookup
from lib_omost.composer.grammar import Grammar, Rules, Unconstrained, canvas_matcher
from lib_omost.composer.sampling import Sampler
from tests.composer.conftest import a_reply, tiny_llama, tiny_phi

LIMIT = 4096


def loop_of(
    model: PreTrainedModel,
    rules: Rules,
    lookup: PromptLookup | None,
    temperature: float = 0,
    seed: int = 0,
    limit: int = LIMIT,
    cached: CachedModel | None = None,
) -> GenerationLoop:
    cached = cached or CachedModel(model)
    return GenerationLoop(cached, rules, Sampler(temperature, 0.9, seed), eos=frozenset(), limit=limit, lookup=lookup)


def grammar_of(tokenizer: PreTrainedTokenizerFast) -> Grammar:
    vocabulary = from_tokenizer(tokenizer, n_vocab=len(tokenizer))
    matcher = canvas_matcher(vocabulary, prose=True)
    matcher.consume_tokens(vocabulary.tokenize_str("```"))  # the random model would only ever write prose
    return Grammar(matcher, vocabulary, len(tokenizer))


def first(count: int, loop: GenerationLoop, prompt: Sequence[int]) -> list[int]:
    pieces = loop.run(prompt, threading.Event())
    return list(itertools.islice(itertools.chain.from_iterable(pieces), count))


@torch.inference_mode()
def one_by_one(model: PreTrainedModel, rules: Grammar, prompt: Sequence[int], count: int, pick: Sampler) -> list[int]:
    """The plainest decoder there is: no cache, no forced tokens, no drafts."""
    said: list[int] = []
    while len(said) < count:
        logits = model(input_ids=torch.tensor([[*prompt, *said]])).logits[0, -1].float().numpy()
        token = pick(logits, rules.allowed())
        assert rules.consume([token]) == 1
        said.append(token)
    return said


@pytest.mark.parametrize("temperature", [0, 0.6], ids=["greedy", "sampled"])
def test_several_tokens_a_pass_write_what_one_a_pass_writes(
    tokenizer: PreTrainedTokenizerFast, temperature: float
) -> None:
    model = tiny_llama(len(tokenizer))
    prompt = tokenizer(a_reply("red apple", "old ship"))["input_ids"]
    plain = one_by_one(model, grammar_of(tokenizer), prompt, 160, Sampler(temperature, 0.9, 0))
    loop = loop_of(model, grammar_of(tokenizer), PromptLookup(prompt), temperature)
    assert first(160, loop, prompt) == plain
    assert loop.count.forced > 0 and loop.count.drafted > 0
    assert loop.count.passes < 160


def test_a_model_with_joint_projections_and_a_window_writes_the_same(phi_tokenizer: PreTrainedTokenizerFast) -> None:
    model = tiny_phi(len(phi_tokenizer))
    prompt = phi_tokenizer(a_reply("red apple"))["input_ids"]
    plain = one_by_one(model, grammar_of(phi_tokenizer), prompt, 100, Sampler(0, 0.9, 0))
    assert first(100, loop_of(model, grammar_of(phi_tokenizer), PromptLookup(prompt)), prompt) == plain


@pytest.mark.parametrize("compiler", [None, partial(torch.compile, backend="eager", dynamic=False)])
def test_keys_and_values_in_place_and_padded_passes_change_no_token(
    llama_tokenizer: PreTrainedTokenizerFast, compiler: Compiler | None
) -> None:
    model, prompt = tiny_llama(len(llama_tokenizer)), llama_tokenizer(a_reply("red apple", "old ship"))["input_ids"]
    growing = loop_of(model, grammar_of(llama_tokenizer), PromptLookup(prompt))
    fixed = loop_of(model, grammar_of(llama_tokenizer), PromptLookup(prompt), cached=FixedModel(model, compiler))
    assert first(160, fixed, prompt) == first(160, growing, prompt)
    assert (fixed.count.passes, fixed.count.drafted) == (growing.count.passes, growing.count.drafted)
    assert fixed.count.drafted > 0


def test_without_a_grammar_the_text_is_that_of_generate() -> None:
    model = tiny_llama(300)
    prompt = [*range(1, 40), *range(20, 40)]  # 0 pads
    expected = model.generate(torch.tensor([prompt]), max_new_tokens=60, do_sample=False, pad_token_id=0)
    loop = loop_of(model, Unconstrained(), PromptLookup(prompt), limit=60)
    assert first(60, loop, prompt) == expected[0, len(prompt) :].tolist()


def test_speculative_sampling_keeps_the_distribution() -> None:
    model = tiny_llama(6, seed=1)
    prompt = [1, 2, 3, 1, 2, 4, 1, 2]
    runs = 500
    loops = (loop_of(model, Unconstrained(), PromptLookup(prompt), 1.0, seed, 2) for seed in range(runs))
    seen = Counter(tuple(first(2, loop, prompt)) for loop in loops)
    expected = {pair: share * runs for pair, share in pair_shares(model, prompt, top_p=0.9).items()}
    assert set(seen) <= set(expected)
    chi_square = sum((seen[pair] - count) ** 2 / count for pair, count in expected.items())
    freedom = len(expected) - 1
    assert chi_square < freedom + 4 * (2 * freedom) ** 0.5  # four standard deviations; the seeds are fixed


def pair_shares(model: PreTrainedModel, prompt: list[int], top_p: float) -> dict[tuple[int, int], float]:
    """How often each pair of next tokens should be drawn, from the model's own probabilities."""
    shares = {}
    for one, share in nucleus(model, prompt, top_p).items():
        shares |= {(one, two): share * more for two, more in nucleus(model, [*prompt, one], top_p).items()}
    return shares


@torch.inference_mode()
def nucleus(model: PreTrainedModel, tokens: list[int], top_p: float) -> dict[int, float]:
    values, order = torch.softmax(model(input_ids=torch.tensor([tokens])).logits[0, -1].double(), -1).sort(
        descending=True
    )
    keep = [k for k in range(len(values)) if values[:k].sum() < top_p]
    return {int(order[k]): float(values[k] / values[keep].sum()) for k in keep}


def test_a_seed_repeats_and_another_differs() -> None:
    model, prompt = tiny_llama(50), [1, 2, 3]
    texts = [first(30, loop_of(model, Unconstrained(), None, 1.0, seed), prompt) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_the_limit_finishes_a_program_and_cuts_prose(tokenizer: PreTrainedTokenizerFast) -> None:
    model, rules = tiny_llama(len(tokenizer)), grammar_of(tokenizer)
    loop = loop_of(model, rules, None, limit=300)
    said = first(LIMIT, loop, [1, 2, 3])
    assert rules.complete()
    assert len(said) < 600
    assert len(first(LIMIT, loop_of(model, Unconstrained(), None, limit=20), [1, 2, 3])) == 20


def test_stop_is_seen_between_the_chunks_of_a_long_prompt() -> None:
    cached, stop = CachedModel(tiny_llama(50)), threading.Event()
    loop = loop_of(cached.model, Unconstrained(), None, cached=cached)
    forward = cached.forward

    def forward_and_stop(tokens: Sequence[int], answers: int) -> np.ndarray:
        stop.set()
        return forward(tokens, answers)

    cached.forward = forward_and_stop  # type: ignore[method-assign]
    assert list(loop.run([1] * 10 * cached.prefill_chunk, stop)) == []
    assert len(cached.tokens) == cached.prefill_chunk


# --- prompt lookup: where drafts are copied from ---


def test_a_draft_continues_the_longest_match() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 9, 2, 3, 5, 1, 2, 3])
    assert lookup.draft([], 2) == [4, 9]


def test_of_equal_matches_the_latest_counts_before_anything_was_copied() -> None:
    assert PromptLookup([7, 1, 2, 8, 1, 3, 5, 1]).draft([], 1) == [3]


def test_after_a_changed_word_the_draft_goes_on_where_it_was() -> None:
    # two regions "= value ; name"; the reply copies the first one, and changes its value
    lookup = PromptLookup([50, 10, 11, 60, 12, 13, 51, 10, 11, 61, 12, 14, 99])
    lookup.append([50])
    assert lookup.draft([], 3) == [10, 11, 60]
    lookup.append([10, 11, 77, 12])
    assert lookup.draft([], 2) == [13, 51]


def test_nothing_is_drafted_where_nothing_matches() -> None:
    assert PromptLookup([1, 2, 3]).draft([], 4) == []


def test_a_draft_can_look_past_tokens_that_are_only_planned() -> None:
    assert PromptLookup([1, 2, 3, 4, 5]).draft([2, 3], 2) == [4, 5]
