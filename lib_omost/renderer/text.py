"""Bags of sub-prompts to embeddings and the pooled vector, each bag encoded once and cached. Knows no regions and no
UNet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lib_omost.errors import ModelError
from lib_omost.renderer.bags import Partition, partition

CACHED_BAGS = 256  # 0.3 MB each with SDXL's encoders in half precision

Bag = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EncodedBag:
    """One bag: `hidden` `(77, D1 + D2)`, the penultimate states of both encoders; `pooled` `(P,)`, encoder 2's
    projected vector."""

    hidden: Tensor
    pooled: Tensor


class TextEncoder:
    """Both CLIP encoders of a pipeline, and a cache of encoded bags on the CPU, least recently used out first."""

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe
        self.cache: OrderedDict[tuple[Any, ...], EncodedBag] = OrderedDict()

    def length(self, text: str) -> int:
        """Tokens of `text` alone."""
        return len(token_ids(self.pipe, self.pipe.tokenizer, text))

    def partition(self, prefixes: Sequence[str], suffixes: Sequence[str]) -> Partition:
        return partition(prefixes, suffixes, self.length)

    def encode(self, bags: Sequence[Bag]) -> list[EncodedBag]:
        """In the order of `bags`. Runs the encoders only for bags that are not in the cache with the same weights.

        One by one: in a batch the last bits of a bag would depend on the others, and so on what was in the cache.
        """
        weights = (weights_key(self.pipe.text_encoder), weights_key(self.pipe.text_encoder_2))
        tokenizers = (self.pipe.tokenizer, self.pipe.tokenizer_2)
        keys = [(weights, *(padded_ids(self.pipe, tokenizer, bag) for tokenizer in tokenizers)) for bag in bags]
        new = [key for key in dict.fromkeys(keys) if key not in self.cache]
        if new:
            parts = ("text_encoder", "text_encoder_2")
            encoded = self.pipe.on_device(parts, lambda: [run_encoders(self.pipe, *ids) for _, *ids in new])
            self.cache.update(zip(new, encoded, strict=True))
        for key in keys:
            self.cache.move_to_end(key)
        found = [self.cache[key] for key in keys]
        while len(self.cache) > CACHED_BAGS:
            self.cache.popitem(last=False)
        return found


def token_ids(pipe: Any, tokenizer: Any, text: str) -> list[int]:
    """Without start, end and padding; words of a textual inversion with several vectors are written out."""
    ids: list[int] = tokenizer(
        pipe.maybe_convert_prompt(text, tokenizer), add_special_tokens=False, verbose=False
    ).input_ids
    return ids


def padded_ids(pipe: Any, tokenizer: Any, bag: Bag) -> tuple[int, ...]:
    """start + the texts, cut to 75 tokens + end + padding: 77 token ids."""
    room = tokenizer.model_max_length - 2
    ids = [i for text in bag for i in token_ids(pipe, tokenizer, text)][:room]
    padding = [tokenizer.pad_token_id] * (room - len(ids))
    return (tokenizer.bos_token_id, *ids, tokenizer.eos_token_id, *padding)


def run_encoders(pipe: Any, *ids: tuple[int, ...]) -> EncodedBag:
    """`ids`: a bag's 77 token ids for encoder 1 and for encoder 2. The result lies on the CPU."""
    states = []
    for encoder, row in zip((pipe.text_encoder, pipe.text_encoder_2), ids, strict=True):
        output = encoder(torch.tensor([row], device=pipe.device_of(encoder)), output_hidden_states=True)
        states.append(output.hidden_states[-2][0].cpu())
    if not hasattr(output, "text_embeds"):
        raise ModelError(
            f"text_encoder_2 is a {type(encoder).__name__}; SDXL wants a CLIPTextModelWithProjection. "
            "Load it as that class: the weights are the same file."
        )
    return EncodedBag(torch.cat(states, -1), output.text_embeds[0].cpu())


def weights_key(encoder: torch.nn.Module) -> int:
    """Changes when a weight is replaced or written to, or an adapter is added, switched or rescaled; not by a move."""
    parameters = tuple((id(p), p._version) for p in encoder.parameters())
    layers: list[Any] = [module for module in encoder.modules() if hasattr(module, "merged_adapters")]  # of peft
    adapters = tuple((*x.scaling.items(), *x.active_adapters, x.disable_adapters, *x.merged_adapters) for x in layers)
    return hash((parameters, adapters))
