"""A language model with its KV cache: reuses the prefix that two prompts share, runs forward passes, crops the end.

Works on token numbers and logits. Which tokens are run is decoding.py's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer, StaticLayer

from lib_omost.composer.sampling import Logits

GROWTH_TOKENS = 512  # growing KV buffers grow by this much
FIXED_TOKENS = 2048  # fixed buffers are as long as this, or twice, three times: each length is compiled anew
PASS_SIZES = (1, 8, 32)  # tokens of a compiled pass; ours have 8 on average in a new canvas and 18 in an edit

Forward = Callable[..., Any]
Compiler = Callable[[Forward], Forward]


class GrowingLayer(DynamicLayer):  # type: ignore[misc]  # transformers is not typed
    """A layer's keys and values in buffers with room to grow: a pass appends instead of copying all tokens before."""

    keys: torch.Tensor
    values: torch.Tensor
    _buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """key_states, value_states: `(1, heads, new, width)`. Returns both for all tokens: `(1, heads, all, width)`."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, end = self.get_seq_length(), self.get_seq_length() + key_states.shape[-2]
        if self._buffers is None or end > self._buffers[0].shape[-2]:
            self._buffers = (_buffer(self.keys, key_states, end), _buffer(self.values, value_states, end))
        keys, values = self._buffers
        keys[..., start:end, :] = key_states
        values[..., start:end, :] = value_states
        self.keys, self.values = keys[..., :end, :], values[..., :end, :]
        return self.keys, self.values

    def nbytes(self) -> int:
        """What the buffers take up."""
        return sum(buffer.nbytes for buffer in self._buffers or ())

    def shrink(self) -> None:
        """Give back the part of the buffers that is not used."""
        end = self.get_seq_length()
        self._buffers = (_buffer(self.keys, self.keys, end), _buffer(self.values, self.values, end))
        self.keys, self.values = (buffer[..., :end, :] for buffer in self._buffers)


def _buffer(held: torch.Tensor, new: torch.Tensor, end: int) -> torch.Tensor:
    buffer = new.new_empty(*new.shape[:-2], -(-end // GROWTH_TOKENS) * GROWTH_TOKENS, new.shape[-1])
    if held.numel():
        buffer[..., : held.shape[-2], :] = held
    return buffer


class FixedLayer(StaticLayer):  # type: ignore[misc]
    """A layer's keys and values at one address, which CUDA graphs want; unlike transformers' own it can be cropped."""

    keys: torch.Tensor
    values: torch.Tensor

    def crop(self, tokens_to_remove: int) -> None:
        """Forget as many tokens, given below zero as transformers does; the next ones are written over them."""
        if self.is_initialized:
            self.cumulative_length.sub_(abs(tokens_to_remove))

    def nbytes(self) -> int:
        """What the buffers take up."""
        return self.keys.nbytes + self.values.nbytes if self.is_initialized else 0

    def resize(self, capacity: int, held: int) -> None:
        """Buffers for `capacity` tokens, with the `held` ones that are there."""
        self.max_cache_len = capacity
        if self.is_initialized:
            keys, values = self.keys, self.values
            self.lazy_initialization(keys, values)
            self.keys[..., :held, :] = keys[..., :held, :]
            self.values[..., :held, :] = values[..., :held, :]


def longrope_switch(model: PreTrainedModel) -> int | None:
    """Up to how many tokens a model rotates its keys by short factors, by long ones beyond; None for one kind of them.

    Phi-3 with a context of 128k is such a model (longrope, arXiv 2402.13753): 4,096.
    """
    settings = getattr(model.config.get_text_config(), "rope_parameters", None) or {}
    if settings.get("rope_type") != "longrope":
        return None
    return int(settings["original_max_position_embeddings"])


class CachedModel:
    """A causal language model and its KV cache: `tokens` and their keys and values.

    Where a model has two kinds of rotary factors, all keys in the cache are of the kind for as many tokens as there
    are: a pass over that length reads everything anew.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self._switch = longrope_switch(model)
        self._prompt_is_long = False
        self.release()

    def _is_long(self, count: int) -> bool:
        return self._switch is not None and count > self._switch

    def draft_room(self, pending: int) -> int | None:
        """How many draft tokens may follow `pending` ones so that cropping them leaves the cache right; None: any."""
        if self._switch is None or self._is_long(len(self.tokens) + pending):
            return None
        return self._switch - len(self.tokens) - pending

    @property
    def prefill_chunk(self) -> int:
        """How many tokens of a long prompt are prefilled in one pass, so that Stop is seen in between.

        128 take about 0.3 s on two CPU cores; a GPU is idle in part below some hundreds. The first piece of a prompt
        with long factors is long enough to have them.
        """
        if self._switch is not None and self._prompt_is_long and not self.tokens:
            return self._switch + 1
        return 128 if self.model.device.type == "cpu" else 512

    def release(self) -> None:
        """Forget everything; frees the KV cache."""
        self._cache = self._empty()
        self.tokens: list[int] = []

    def _empty(self) -> Cache:
        return Cache(layer_class_to_replicate=GrowingLayer)

    def reuse_prefix(self, prompt: Sequence[int]) -> int:
        """Crop to the longest prefix shared with `prompt`, less its last token, whose logits are wanted. Its length."""
        if self.tokens and self._cache.layers[0].device != self.model.device:
            self.release()  # the model has moved since
        shared = 0
        for ours, theirs in zip(self.tokens, prompt[:-1], strict=False):
            if ours != theirs:
                break
            shared += 1
        self._prompt_is_long = self._is_long(len(prompt))
        self.crop(len(self.tokens) - shared)
        if self._prompt_is_long and not self._is_long(len(self.tokens)):
            self.release()
        return len(self.tokens)

    @torch.inference_mode()
    def crop(self, count: int) -> None:
        """Forget the last `count` tokens."""
        if not count:
            return
        if self._is_long(len(self.tokens)) != self._is_long(len(self.tokens) - count):
            self.release()
            return
        self._cache.crop(-count)
        del self.tokens[-count:]

    @torch.inference_mode()
    def forward(self, tokens: Sequence[int], answers: int) -> Logits:
        """One forward pass over `tokens`; the logits after the last `answers` of them: `(answers, vocabulary)`."""
        if self.tokens and self._is_long(len(self.tokens) + len(tokens)) != self._is_long(len(self.tokens)):
            tokens = [*self.tokens, *tokens]
            self.release()
        try:
            logits = self._pass(tokens, answers)
        except BaseException:
            self.release()  # some layers have cached the tokens and others have not
            raise
        self.tokens += tokens
        answered: Logits = logits.float().cpu().numpy()
        return answered

    def _pass(self, tokens: Sequence[int], answers: int) -> torch.Tensor:
        # by index, not by count: a slice is a view that the matrix product takes a path for that is slower by 130 ms
        asked = torch.arange(len(tokens) - answers, len(tokens), device=self.model.device)
        return self._logits(self.model, tokens, asked)[-answers:]

    def _logits(self, forward: Forward, tokens: Sequence[int], asked: torch.Tensor | int) -> torch.Tensor:
        """The logits at the places `asked` for, at all with 0."""
        ids = torch.tensor([tokens], device=self.model.device)
        output = forward(input_ids=ids, past_key_values=self._cache, use_cache=True, logits_to_keep=asked)
        logits: torch.Tensor = output.logits[0]
        return logits

    def cache_mib(self) -> float:
        """What the KV cache takes up, in MiB."""
        layers: list[GrowingLayer | FixedLayer] = self._cache.layers
        return sum(layer.nbytes() for layer in layers) / 2**20

    def trim(self, limit_mib: float) -> None:
        """Forget the last tokens, so that the KV cache takes at most `limit_mib`."""
        if self.cache_mib() <= limit_mib:
            return
        capacity, step = self._capacity_and_growth()
        room = int(limit_mib / self.cache_mib() * capacity) // step * step
        self.crop(max(0, len(self.tokens) - room))
        self._fit(room)

    def _capacity_and_growth(self) -> tuple[int, int]:
        """How many tokens the buffers hold, and by how many they grow."""
        return -(-len(self.tokens) // GROWTH_TOKENS) * GROWTH_TOKENS, GROWTH_TOKENS

    def _fit(self, capacity: int) -> None:
        for layer in self._cache.layers:
            layer.shrink()


class FixedModel(CachedModel):
    """A static KV cache; with a compiler also passes of a few fixed sizes, padded at their end.

    Padding comes after all tokens whose logits are wanted, so it changes none of them, and it is cropped at once.
    """

    def __init__(self, model: PreTrainedModel, compiler: Compiler | None = None) -> None:
        self._compiled = compiler(model) if compiler else None
        super().__init__(model)

    def _empty(self) -> Cache:
        self._capacity = FIXED_TOKENS
        count: int = self.model.config.get_text_config().num_hidden_layers
        return Cache(layers=[FixedLayer(FIXED_TOKENS) for _ in range(count)])

    def _pass(self, tokens: Sequence[int], answers: int) -> torch.Tensor:
        size = next((size for size in PASS_SIZES if size >= len(tokens)), None)
        if self._compiled is None or size is None:
            self._make_buffer(len(tokens))
            return super()._pass(tokens, answers)
        self._make_buffer(size)
        padding = size - len(tokens)
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        logits = self._logits(self._compiled, [*tokens, *[0] * padding], 0)
        if padding:
            self._cache.crop(-padding)
        return logits[len(tokens) - answers : len(tokens)]

    def _make_buffer(self, count: int) -> None:
        needed = len(self.tokens) + count
        if needed > self._capacity:
            self._fit(-(-needed // FIXED_TOKENS) * FIXED_TOKENS)

    def _capacity_and_growth(self) -> tuple[int, int]:
        return self._capacity, FIXED_TOKENS

    def _fit(self, capacity: int) -> None:
        if not capacity:
            self.release()
            return
        self._capacity = capacity
        for layer in self._cache.layers:
            layer.resize(capacity, len(self.tokens))


def cached_model(
    model: PreTrainedModel, *, compiled: bool = False, device: torch.device | str | None = None
) -> CachedModel:
    """Buffers that grow, of which a pass reads what is filled; with `compiled`, on CUDA, those that stay in place.

    device: where the model will compute, None = where it is.
    """
    on_cuda = torch.device(device or model.device).type == "cuda"
    if not (compiled and on_cuda) or longrope_switch(model):  # compiled passes are padded, which could cross it
        return CachedModel(model)
    return FixedModel(model, _graphs)


def _graphs(forward: Forward) -> Forward:
    """CUDA graphs: a pass over a few tokens is bound by the launching of some thousand kernels, not by their work."""
    compiled: Forward = torch.compile(forward, mode="reduce-overhead", dynamic=False)
    return compiled
