"""A model that wants to say one text: what decoding makes of a tokenizer and a grammar, without weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llguidance import LLTokenizer
from transformers import PreTrainedTokenizerFast

from lib_omost.composer.cached_model import CachedModel
from lib_omost.composer.sampling import Logits

LONGEST = 40  # bytes of a token


class Scripted(CachedModel):
    """Its logits prefer the script's next token, then shorter ones of the same text; off the script, the end."""

    def __init__(self, script: str, tokenizer: PreTrainedTokenizerFast, vocabulary: LLTokenizer, end: int) -> None:
        self._script, self._tokenizer, self._vocabulary, self._end = script.encode(), tokenizer, vocabulary, end
        spelled = ((bytes(vocabulary.decode_bytes([token])), token) for token in range(len(tokenizer)))
        self._by_bytes: dict[bytes, int] = {spelling: token for spelling, token in spelled if spelling}
        self._start = 0
        self.tokens: list[int] = []
        self.widths: list[int] = []  # of the passes so far

    @property
    def prefill_chunk(self) -> int:
        return 512

    def draft_room(self, pending: int) -> int | None:
        return None

    def reuse_prefix(self, prompt: Sequence[int]) -> int:
        self.tokens, self._start = [], len(prompt)
        return 0

    def crop(self, count: int) -> None:
        if count:
            del self.tokens[-count:]

    def forward(self, tokens: Sequence[int], answers: int) -> Logits:
        self.tokens += tokens
        self.widths.append(len(tokens))
        ends = range(len(self.tokens) - answers + 1, len(self.tokens) + 1)
        return np.stack([self._after(self.tokens[self._start : end]) for end in ends])

    def _after(self, said: Sequence[int]) -> Any:
        row = np.full(len(self._tokenizer), -30, np.float32)
        text = bytes(self._vocabulary.decode_bytes(list(said)))
        rest = self._script[len(text) :] if self._script.startswith(text) else b""
        if not rest:
            row[self._end] = 5
            return row
        for length in range(1, min(len(rest), LONGEST) + 1):
            if (token := self._by_bytes.get(rest[:length])) is not None:
                row[token] = length
        likely = self._tokenizer(rest[:400].decode(errors="ignore"), add_special_tokens=False)["input_ids"]
        row[likely[0]] = 100
        return row
