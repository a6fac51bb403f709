"""Phi-3 with 128k: keys in the cache are rotated by the factors for as many tokens as there are."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from transformers import Phi3ForCausalLM

from lib_omost.composer.cached_model import CachedModel, FixedModel, cached_model, longrope_switch
from lib_omost.composer.decoding import GenerationLoop, PromptLookup
from lib_omost.composer.grammar import Unconstrained
from lib_omost.composer.sampling import Logits, Sampler
from tests.composer.conftest import longrope_phi, tiny_llama, tiny_phi

TOKENS = [number * 37 % 50 for number in range(6000)]


@pytest.fixture(scope="module")
def phi() -> Phi3ForCausalLM:
    return longrope_phi(50)


@pytest.fixture(scope="module")
def small() -> Phi3ForCausalLM:
    return longrope_phi(50, switch=64)


@torch.inference_mode()
def uncached(model: Phi3ForCausalLM, tokens: Sequence[int]) -> Logits:
    found: Logits = model(input_ids=torch.tensor([[*tokens]]), logits_to_keep=1).logits[0].float().numpy()
    return found


def read(cached: CachedModel, tokens: Sequence[int]) -> Logits:
    """As the generation loop prefills a prompt."""
    pending = [*tokens[cached.reuse_prefix(tokens) :]]
    while len(pending) > (chunk := cached.prefill_chunk):
        cached.forward(pending[:chunk], 1)
        del pending[:chunk]
    return cached.forward(pending, 1)


def test_the_published_settings_have_two_kinds_of_factors_and_others_have_one(phi: Phi3ForCausalLM) -> None:
    assert longrope_switch(phi) == 4096
    assert longrope_switch(tiny_phi(50)) is None and longrope_switch(tiny_llama(50)) is None


@pytest.mark.parametrize("count", [4000, 4096, 4097, 4100, 6000])
def test_a_prompt_of_any_length_reads_as_in_one_uncached_pass(phi: Phi3ForCausalLM, count: int) -> None:
    assert np.allclose(read(CachedModel(phi), TOKENS[:count]), uncached(phi, TOKENS[:count]), atol=1e-3)


def test_the_two_kinds_differ_by_far(phi: Phi3ForCausalLM) -> None:
    """What the tests above would see, were keys of both kinds mixed."""
    with torch.inference_mode():
        mixed = phi(input_ids=torch.tensor([TOKENS[:4000]]), use_cache=True)
        ids = torch.tensor([TOKENS[4000:4100]])
        after = phi(input_ids=ids, past_key_values=mixed.past_key_values, logits_to_keep=1).logits[0].float().numpy()
    assert np.abs(after - uncached(phi, TOKENS[:4100])).max() > 0.1


def test_a_chat_that_grows_and_one_that_is_taken_back_read_right_across_the_switch(small: Phi3ForCausalLM) -> None:
    cached = CachedModel(small)
    for count in (40, 60, 64, 65, 90, 200, 100, 63, 30, 70):
        assert np.allclose(read(cached, TOKENS[:count]), uncached(small, TOKENS[:count]), atol=1e-3), count
        assert cached.tokens == TOKENS[:count]


@pytest.mark.parametrize("lookup", [False, True])
def test_a_reply_that_crosses_the_switch_is_the_uncached_one(small: Phi3ForCausalLM, lookup: bool) -> None:
    prompt, wanted = TOKENS[:50], TOKENS[:50]
    while len(wanted) < 90:
        wanted = [*wanted, int(uncached(small, wanted)[0].argmax())]
    drafts = PromptLookup([*wanted, *prompt]) if lookup else None  # drafts that are all right, so as long as may be
    loop = GenerationLoop(
        CachedModel(small), Unconstrained(), Sampler(0, 0.9, 0), eos=frozenset(), limit=40, lookup=drafts
    )
    said = [token for new in loop.run(prompt, threading.Event()) for token in new]
    assert [*prompt, *said] == wanted
    assert not lookup or loop.count.drafted > 20


def test_drafts_end_at_the_switch_and_are_free_beyond_it(small: Phi3ForCausalLM) -> None:
    cached = CachedModel(small)
    cached.forward(TOKENS[:60], 1)
    assert (cached.draft_room(1), cached.draft_room(4), cached.draft_room(5)) == (3, 0, None)
    assert CachedModel(tiny_llama(50)).draft_room(10_000) is None


def test_such_a_model_never_has_padded_passes(small: Phi3ForCausalLM) -> None:
    assert not isinstance(cached_model(small, compiled=True), FixedModel)
