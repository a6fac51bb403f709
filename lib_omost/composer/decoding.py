"""Writes a reply: what the grammar dictates is not asked, drafts are verified several tokens in one forward pass.

Works on token numbers and logits; text, chat templates and files are local.py's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import takewhile

from lib_omost.composer.cached_model import CachedModel
from lib_omost.composer.counting import Count
from lib_omost.composer.drafts import Lookup
from lib_omost.composer.rules import Rules
from lib_omost.composer.sampling import Logits, Pick

LONGEST_DRAFT, SHORTEST_DRAFT = 64, 6


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
            if len(unread) > (chunk := self._model.chunk):
                self._model.read(unread[:chunk], 1)
                del unread[:chunk]
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
