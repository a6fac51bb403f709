"""Bags of sub-prompts to embeddings and the pooled vector, each bag encoded once and remembered. Knows no regions and
no UNet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lib_omost.errors import ModelError
from lib_omost.renderer.bags import Packed, pack

REMEMBERED_BAGS = 256  # 0.3 MB each with SDXL's encoders in half precision

Bag = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One bag: `hidden` `(77, D1 + D2)`, the penultimate states of both encoders; `pooled` `(P,)`, encoder 2's
    projected vector."""

    hidden: Tensor
    pooled: Tensor


class TextEncoder:
    """Both CLIP encoders of a pipeline, and a memory of the bags they have read, on the CPU, oldest out first."""

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe
        self.memory: OrderedDict[tuple[Any, ...], Encoded] = OrderedDict()

    def length(self, text: str) -> int:
        """Tokens of `text` alone."""
        return len(token_ids(self.pipe, self.pipe.tokenizer, text))

    def pack(self, prefixes: Sequence[str], suffixes: Sequence[str]) -> Packed:
        return pack(prefixes, suffixes, self.length)

    def encode(self, bags: Sequence[Bag]) -> list[Encoded]:
        """In the order of `bags`. Runs the encoders, in one batch, only for bags not read before with the same
        weights."""
        weights = (weights_key(self.pipe.text_encoder), weights_key(self.pipe.text_encoder_2))
        rows = [
            (padded_ids(self.pipe, self.pipe.tokenizer, bag), padded_ids(self.pipe, self.pipe.tokenizer_2, bag))
            for bag in bags
        ]
        keys = [(weights, *row) for row in rows]
        new = {key: row for key, row in zip(keys, rows, strict=True) if key not in self.memory}
        if new:
            rows = list(new.values())
            encoded = self.pipe.on_device(("text_encoder", "text_encoder_2"), lambda: run_encoders(self.pipe, rows))
            self.memory.update(zip(new, encoded, strict=True))
        found = [self.memory[key] for key in keys]
        for key in keys:
            self.memory.move_to_end(key)
        while len(self.memory) > REMEMBERED_BAGS:
            self.memory.popitem(last=False)
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


def run_encoders(pipe: Any, rows: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]) -> list[Encoded]:
    """Each row: the ids for encoder 1 and for encoder 2. The results lie on the CPU."""
    states = []
    for encoder, ids in zip((pipe.text_encoder, pipe.text_encoder_2), zip(*rows, strict=True), strict=True):
        output = encoder(torch.tensor(ids, device=pipe.device_of(encoder)), output_hidden_states=True)
        states.append(output.hidden_states[-2].cpu())
    if not hasattr(output, "text_embeds"):
        raise ModelError(
            f"text_encoder_2 is a {type(encoder).__name__}; SDXL wants a CLIPTextModelWithProjection. "
            "Load it as that class: the weights are the same file."
        )
    return [
        Encoded(hidden, pooled) for hidden, pooled in zip(torch.cat(states, -1), output.text_embeds.cpu(), strict=True)
    ]


def weights_key(encoder: torch.nn.Module) -> int:
    """Changes when a weight is replaced or written to, or an adapter is added, switched or rescaled; not by a move."""
    parameters = tuple((id(p), p._version) for p in encoder.parameters())
    layers: list[Any] = [module for module in encoder.modules() if hasattr(module, "merged_adapters")]  # of peft
    adapters = tuple((*x.scaling.items(), *x.active_adapters, x.disable_adapters, *x.merged_adapters) for x in layers)
    return hash((parameters, adapters))
