from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from transformers import CLIPTextModel

from lib_omost.errors import ModelError
from lib_omost.renderer import StableDiffusionXLOmostPipeline
from lib_omost.renderer.text import CACHED_BAGS, TextEncoder, padded_ids, weights_key

Pipe = StableDiffusionXLOmostPipeline


@contextmanager
def counted_runs(pipe: Pipe) -> Iterator[list[int]]:
    """One entry for each run of encoder 1."""
    runs: list[int] = []
    hook = pipe.text_encoder.register_forward_hook(lambda *_: runs.append(1))
    yield runs
    hook.remove()


def test_a_bag_is_start_texts_end_and_padding_with_each_tokenizers_own_padding(pipe: Pipe) -> None:
    ids = padded_ids(pipe, pipe.tokenizer, ("a cat.", "a dog."))
    tokens = [*pipe.tokenizer("a cat.").input_ids[1:-1], *pipe.tokenizer("a dog.").input_ids[1:-1]]
    assert len(ids) == 77
    assert ids[: len(tokens) + 2] == (pipe.tokenizer.bos_token_id, *tokens, pipe.tokenizer.eos_token_id)
    assert set(ids[len(tokens) + 2 :]) == {pipe.tokenizer.pad_token_id}


def test_a_bag_is_cut_at_75_tokens_and_still_ends(pipe: Pipe) -> None:
    ids = padded_ids(pipe, pipe.tokenizer, ("cat " * 90,))
    assert len(ids) == 77
    assert ids[-1] == pipe.tokenizer.eos_token_id


def test_embeddings_and_pooled_vector_are_those_of_diffusers(pipe: Pipe) -> None:
    hidden, _, pooled, _ = pipe.encode_prompt("a red apple on the left", do_classifier_free_guidance=False)
    with torch.no_grad():
        encoded = TextEncoder(pipe).encode([("a red apple on the left",)])[0]
    assert torch.equal(encoded.hidden, hidden[0])
    assert torch.equal(encoded.pooled, pooled[0])


@torch.no_grad()
def test_a_bag_is_encoded_once(pipe: Pipe) -> None:
    encoder = TextEncoder(pipe)
    with counted_runs(pipe) as runs:
        first = encoder.encode([("a cat.",), ("a dog.",), ("a cat.",)])
        again = encoder.encode([("a dog.",)])
        encoder.encode([("a dog.",), ("a fish.",)])
    assert len(runs) == 3
    assert first[0] is first[2] and again[0] is first[1]


@torch.no_grad()
def test_an_embedding_does_not_depend_on_the_bags_beside_it(pipe: Pipe) -> None:
    alone = TextEncoder(pipe).encode([("a cat.",)])[0]
    beside = TextEncoder(pipe).encode([("a dog.",), ("a cat.",), ("a fish.",)])[1]
    assert torch.equal(alone.hidden, beside.hidden) and torch.equal(alone.pooled, beside.pooled)


@torch.no_grad()
def test_a_changed_weight_is_noticed_and_a_move_is_not(fresh_pipe: Pipe) -> None:
    before = weights_key(fresh_pipe.text_encoder)
    fresh_pipe.to("cpu")
    assert weights_key(fresh_pipe.text_encoder) == before
    next(fresh_pipe.text_encoder.parameters()).mul_(2)
    assert weights_key(fresh_pipe.text_encoder) != before


@torch.no_grad()
def test_the_least_recently_used_bags_leave_the_cache(pipe: Pipe) -> None:
    encoder = TextEncoder(pipe)
    for start in range(0, CACHED_BAGS + 50, 50):
        encoder.encode([(str(n),) for n in range(start, start + 50)])
    assert len(encoder.cache) == CACHED_BAGS


def test_a_second_encoder_without_projection_is_a_clear_error(fresh_pipe: Pipe) -> None:
    fresh_pipe.text_encoder_2 = CLIPTextModel(fresh_pipe.text_encoder_2.config)
    with torch.no_grad(), pytest.raises(ModelError, match="wants a CLIPTextModelWithProjection"):
        TextEncoder(fresh_pipe).encode([("a cat.",)])
