"""Writes a reply: what the grammar dictates is not asked, drafts are verified several tokens in one forward pass.

Works on token numbers and logits; text, chat templates and files are local.py's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import Any, Protocol

import llguidance
import numpy as np
import torch
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer

from lib_omost.composer.counting import Count
from lib_omost.composer.drafts import Lookup
from lib_omost.composer.sampling import Logits, Mask

PREFILL_CHUNK = 128  # tokens of one pass at most: about 0.3 s on two CPU cores, so that Stop is seen in between
CLOSING_TOKENS = 256  # enough to finish any call that has begun
ROOM_TOKENS = 512  # the key-value buffers grow by this much
LONGEST_DRAFT, SHORTEST_DRAFT = 64, 6

Pick = Callable[[Logits, Mask | None], int]


class RoomyLayer(DynamicLayer):  # type: ignore[misc]  # transformers is not typed
    """A layer's keys and values in buffers with room to grow: a pass appends instead of copying all that was read."""

    keys: torch.Tensor
    values: torch.Tensor
    _rooms: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """key_states, value_states: `(1, heads, new, width)`. Returns both for all tokens: `(1, heads, all, width)`."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, end = self.get_seq_length(), self.get_seq_length() + key_states.shape[-2]
        if self._rooms is None or end > self._rooms[0].shape[-2]:
            self._rooms = (_room(self.keys, key_states, end), _room(self.values, value_states, end))
        keys, values = self._rooms
        keys[..., start:end, :] = key_states
        values[..., start:end, :] = value_states
        self.keys, self.values = keys[..., :end, :], values[..., :end, :]
        return self.keys, self.values

    def nbytes(self) -> int:
        """What the buffers take up."""
        return sum(room.nbytes for room in self._rooms or ())

    def shrink(self) -> None:
        """Give back the room that is not used."""
        end = self.get_seq_length()
        self._rooms = (_room(self.keys, self.keys, end), _room(self.values, self.values, end))
        self.keys, self.values = (room[..., :end, :] for room in self._rooms)


def _room(held: torch.Tensor, new: torch.Tensor, end: int) -> torch.Tensor:
    room = new.new_empty(*new.shape[:-2], -(-end // ROOM_TOKENS) * ROOM_TOKENS, new.shape[-1])
    if held.numel():
        room[..., : held.shape[-2], :] = held
    return room


READ_AT_ONCE = 2048  # tokens


class CachedModel:
    """A causal language model and what it has read: the tokens and their keys and values."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self.release()

    def release(self) -> None:
        """Forget everything; frees the keys and values."""
        self._cache = Cache(layer_class_to_replicate=RoomyLayer)
        self.tokens: list[int] = []

    def resume(self, prompt: Sequence[int]) -> int:
        """Go back to the longest beginning shared with `prompt`, less its end, which is asked. Returns its length."""
        if self._cache.layers and self._cache.layers[0].device != self.model.device:
            self.release()  # the model has moved since
        shared = 0
        for ours, theirs in zip(self.tokens, prompt[:-1], strict=False):
            if ours != theirs:
                break
            shared += 1
        self.rewind(len(self.tokens) - shared)
        return shared

    def rewind(self, count: int) -> None:
        """Forget the last `count` tokens."""
        if count:
            self._cache.crop(-count)
            del self.tokens[-count:]

    @torch.inference_mode()
    def read(self, tokens: Sequence[int], answers: int) -> Logits:
        """Read `tokens`; the logits after the last `answers` of them: `(answers, vocabulary)`.

        In one pass, but for a long beginning: 8,000 tokens at once would take 0.7 GiB more on an 8B model's card.
        """
        while len(tokens) - answers > READ_AT_ONCE:
            self.read(tokens[:READ_AT_ONCE], 1)
            tokens = tokens[READ_AT_ONCE:]
        # by index, not by count: a slice is a view that the matrix product takes a path for that is slower by 130 ms
        asked = torch.arange(len(tokens) - answers, len(tokens), device=self.model.device)
        try:
            output = self.model(
                input_ids=torch.tensor([tokens], device=self.model.device),
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=asked,
            )
        except BaseException:
            self.release()  # some layers have read the tokens and others have not
            raise
        self.tokens += tokens
        logits: Logits = output.logits[0, -answers:].float().cpu().numpy()
        return logits

    def cache_mib(self) -> float:
        """What keys and values take up, in MiB."""
        layers: list[RoomyLayer] = self._cache.layers
        return sum(layer.nbytes() for layer in layers) / 2**20

    def keep(self, limit_mib: float) -> None:
        """Forget the end of what was read, so that keys and values take at most `limit_mib`."""
        if self.cache_mib() <= limit_mib:
            return
        held = -(-len(self.tokens) // ROOM_TOKENS) * ROOM_TOKENS
        room = int(limit_mib / self.cache_mib() * held) // ROOM_TOKENS * ROOM_TOKENS
        self.rewind(max(0, len(self.tokens) - room))
        for layer in self._cache.layers:
            layer.shrink()


class Rules(Protocol):
    """What a reply may say next; follows the reply. `reserve`: how many tokens before the limit it turns to the end."""

    reserve: int

    def allowed(self) -> Mask | None: ...
    def dictated(self, closing: bool) -> list[int]: ...
    def take(self, tokens: Sequence[int]) -> int: ...
    def undo(self, count: int) -> None: ...
    def ended(self) -> bool: ...
    def complete(self) -> bool: ...


class Anything:
    """No rules: every token is allowed, and the reply is complete wherever it is cut."""

    reserve = 0

    def allowed(self) -> Mask | None:
        return None

    def dictated(self, closing: bool) -> list[int]:
        return []

    def take(self, tokens: Sequence[int]) -> int:
        return len(tokens)

    def undo(self, count: int) -> None:
        pass

    def ended(self) -> bool:
        return False

    def complete(self) -> bool:
        return True


class Grammar:
    """A reply followed through a grammar of grammar.py. `vocabulary` is the width of the model's logits."""

    reserve = CLOSING_TOKENS

    def __init__(self, matcher: llguidance.LLMatcher, tokenizer: llguidance.LLTokenizer, vocabulary: int) -> None:
        self._matcher, self._tokenizer, self._vocabulary = matcher, tokenizer, vocabulary
        self._tokens: list[int] = []

    def allowed(self) -> Mask:
        """Which tokens may come next, `(vocabulary,)`."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        mask = np.zeros(self._vocabulary, dtype=np.bool_)
        unpacked = np.unpackbits(bits, bitorder="little", count=min(self._vocabulary, bits.size * 8))
        mask[: unpacked.size] = unpacked
        return mask

    def dictated(self, closing: bool) -> list[int]:
        """The tokens that must come next; with `closing` also those that bring the program to its end."""
        return self._matcher.compute_ff_tokens() or (self._closer() if closing else [])

    def take(self, tokens: Sequence[int]) -> int:
        """Follow `tokens` as far as they are allowed; how many were."""
        count: int = self._matcher.try_consume_tokens(list(tokens))
        self._tokens += tokens[:count]
        return count

    def undo(self, count: int) -> None:
        """Go back by `count` tokens."""
        if count:
            self._matcher.rollback(count)
            del self._tokens[-count:]

    def ended(self) -> bool:
        """Nothing can follow."""
        return bool(self._matcher.is_stopped())

    def complete(self) -> bool:
        """The reply may end here."""
        return bool(self._matcher.is_accepting())

    def _closer(self) -> list[int]:
        _, opened, rest = self._tokenizer.decode_str(self._tokens).partition("description=")
        quote = rest[:1] if opened else "'"
        certain = self._matcher.compute_ff_bytes().decode()  # dictated, but not yet as tokens: a longer one may fit
        for text in (f"{quote},", "```", "\n```", "    ],\n", "\n", ",\n"):
            tokens: list[int] = self._tokenizer.tokenize_str(certain + text)
            if self._matcher.validate_tokens(tokens) == len(tokens):
                return tokens
        return []


class Writing:
    """One reply being written. `ends` end a turn; `limit`, in tokens, never cuts a program that has begun."""

    def __init__(
        self,
        model: CachedModel,
        rules: Rules,
        pick: Pick,
        *,
        ends: frozenset[int],
        limit: int,
        lookup: Lookup | None,
        count: Count | None = None,
    ) -> None:
        self._model, self._rules, self._pick, self._lookup = model, rules, pick, lookup
        self._ends, self._limit = ends, limit
        self._closing_at = limit - min(rules.reserve, limit // 2)
        self._draft_size = 8
        self._over = False
        self.count = count or Count()

    def run(self, prompt: Sequence[int], stop: threading.Event) -> Iterator[list[int]]:
        """The reply's tokens as they become final, without the one that ends the turn. `stop` ends it, in silence."""
        unread = list(prompt[self._model.resume(prompt) :])
        if said := self._dictated():
            unread += said
            yield said
        while not self._over and not stop.is_set():
            if len(unread) > PREFILL_CHUNK:
                self._model.read(unread[:PREFILL_CHUNK], 1)
                del unread[:PREFILL_CHUNK]
                continue
            said, unread = self._step(unread)
            yield said

    def _step(self, unread: list[int]) -> tuple[list[int], list[int]]:
        """One forward pass: what was said, and of it what the model has not read."""
        guesses = self._guesses()
        logits = self._model.read(unread + guesses, len(guesses) + 1)
        said = self._confirmed(logits, guesses)
        agreed = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(said, guesses, strict=False)))
        self._model.rewind(len(guesses) - agreed)
        self._draft_size = _next_size(self._draft_size, len(guesses), agreed)
        self.count.passes += 1
        self.count.drafted += agreed
        said += self._dictated()
        return said, said[agreed:]

    def _confirmed(self, logits: Logits, guesses: Sequence[int]) -> list[int]:
        """The model's own choices, as far as the guesses before them were right."""
        said: list[int] = []
        for row, guess in zip(logits, [*guesses, None], strict=True):
            token = self._pick(row, self._rules.allowed())
            if token in self._ends:
                self._over = True
                break
            self._say([token])
            said.append(token)
            if self._over or token != guess:
                break
        return said

    def _dictated(self) -> list[int]:
        said: list[int] = []
        while not self._over and (tokens := self._rules.dictated(self.count.new >= self._closing_at)):
            self._say(tokens)
            self.count.forced += len(tokens)
            said += tokens
        return said

    def _say(self, tokens: Sequence[int]) -> None:
        if self._rules.take(tokens) < len(tokens):
            raise RuntimeError(f"the grammar refuses the tokens {list(tokens)}, which it had allowed")
        if self._lookup:
            self._lookup.add(tokens)
        self.count.new += len(tokens)
        self._over = self._rules.ended() or (self.count.new >= self._limit and self._rules.complete())

    def _guesses(self) -> list[int]:
        """A draft: looked up, as far as the grammar allows, with what the grammar dictates in between."""
        size = min(
            self._draft_size, self._closing_at - self.count.new - 1
        )  # closing begins at the same token in any case
        walk: list[int] = []
        while self._lookup and len(walk) < size and not self._rules.ended():
            found = takewhile(lambda token: token not in self._ends, self._lookup.guess(walk, size - len(walk)))
            tokens = list(found)
            step = tokens[: self._rules.take(tokens)]
            dictated = self._rules.dictated(False)
            self._rules.take(dictated)
            if not step and not dictated:
                break
            walk += step + dictated
        self._rules.undo(len(walk))
        return walk[:size] if size > 0 else []


def _next_size(size: int, guessed: int, agreed: int) -> int:
    """Longer drafts while they are right, shorter ones when they are not."""
    if guessed and agreed == guessed:
        return min(2 * size, LONGEST_DRAFT)
    return max(SHORTEST_DRAFT, min(size, 2 * agreed))
