"""The generation loop: forced tokens, then draft, verify and append; several tokens in one forward pass.

Works on token numbers and logits; text, chat templates and files are local.py's.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import takewhile

from lib_omost.composer.cached_model import CachedModel
from lib_omost.composer.grammar import Rules
from lib_omost.composer.sampling import Logits, Pick
from lib_omost.composer.settings import Count

LONGEST_DRAFT, SHORTEST_DRAFT = 64, 6
LONGEST_MATCH = 12


class PromptLookup:
    """Prompt lookup decoding (Saxena 2023) that keeps its place: drafts are copied from earlier text.

    Among the places where the last tokens were seen before, it takes the one with the longest match and, of equal
    ones, the nearest behind the place that was copied from last: an edit walks once through the canvas before it, so
    after a changed word this region goes on, not another one. Without such a place the latest one counts. Knows no
    model and no grammar.
    """

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._places: defaultdict[int, list[int]] = defaultdict(list)
        self._copied: int | None = None  # the last token here that was copied, or would have been
        self._drafted: int | None = None  # where the newest draft begins, less one
        self.append(tokens)
        self._copied = None

    def append(self, tokens: Sequence[int]) -> None:
        """The next tokens of the text, of the prompt or of the reply, in order."""
        for token in tokens:
            for place in (self._drafted, self._copied):
                if place is not None and self._tokens[place + 1] == token:
                    self._copied = place + 1
                    break
            self._drafted = None
            self._places[token].append(len(self._tokens))
            self._tokens.append(token)

    def draft(self, ahead: Sequence[int], count: int) -> list[int]:
        """At most `count` tokens that may follow the text and then `ahead`; none where nothing matches."""
        tail = [*self._tokens[-LONGEST_MATCH:], *ahead][-LONGEST_MATCH:]
        place = self._best(tail)
        if place is None:
            return []
        if not ahead:
            self._drafted = place
        return self._tokens[place + 1 : place + 1 + count]

    def _best(self, tail: list[int]) -> int | None:
        places = [place for place in self._places.get(tail[-1], ()) if place + 1 < len(self._tokens)]
        return max(places, key=lambda place: (self._match(tail, place), *self._nearness(place)), default=None)

    def _nearness(self, place: int) -> tuple[bool, int]:
        if self._copied is None or place < self._copied:
            return False, place
        return True, -place

    def _match(self, tail: list[int], place: int) -> int:
        length = 1
        while length < len(tail) and length <= place and self._tokens[place - length] == tail[-1 - length]:
            length += 1
        return length


class GenerationLoop:
    """Generates one reply by speculative decoding under a grammar.

    `eos`: the tokens that end a turn. `limit`, in tokens, never cuts a program that has begun. `lookup` None: no
    drafts.
    """

    def __init__(
        self,
        model: CachedModel,
        rules: Rules,
        pick: Pick,
        *,
        eos: frozenset[int],
        limit: int,
        lookup: PromptLookup | None,
        count: Count | None = None,
    ) -> None:
        self._model, self._rules, self._pick, self._lookup = model, rules, pick, lookup
        self._eos, self._limit = eos, limit
        self._closing_at = limit - min(rules.reserve, limit // 2)
        self._draft_size = 8
        self._finished = False
        self.count = count or Count()

    def run(self, prompt: Sequence[int], stop: threading.Event) -> Iterator[list[int]]:
        """The reply's tokens as they become final, without the one that ends the turn. `stop` ends it, in silence."""
        pending = list(prompt[self._model.reuse_prefix(prompt) :])  # not in the KV cache yet
        if new := self._append_forced():
            pending += new
            yield new
        while not self._finished and not stop.is_set():
            if len(pending) > (chunk := self._model.prefill_chunk):  # prefill, all but the last chunk
                self._model.forward(pending[:chunk], 1)
                del pending[:chunk]
                continue
            new, pending = self._step(pending)
            yield new

    def _step(self, pending: list[int]) -> tuple[list[int], list[int]]:
        """One decode step, one forward pass: the new tokens, and of them those that are not in the KV cache."""
        # 1. Draft: tokens that may come next, from earlier text and from the grammar.
        draft = self._draft(len(pending))
        # 2. Forward: the logits after the last pending token and after each token of the draft.
        logits = self._model.forward(pending + draft, len(draft) + 1)
        # 3. Verify: the model's own choices, as far as the draft is what it would have chosen; the rest is cropped.
        new = self._verify(logits, draft)
        accepted = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(new, draft, strict=False)))
        self._model.crop(len(draft) - accepted)
        self._draft_size = _next_size(self._draft_size, len(draft), accepted)
        self.count.passes += 1
        self.count.drafted += accepted
        # 4. Forced tokens: what the grammar leaves no choice about is appended without a pass.
        new += self._append_forced()
        return new, new[accepted:]

    def _draft(self, pending: int) -> list[int]:
        """Looked up, as far as the grammar allows, with the grammar's forced tokens in between."""
        # closing begins at the same token in any case
        size = min(self._draft_size, self._closing_at - self.count.new - 1)
        if (room := self._model.draft_room(pending)) is not None:
            size = min(size, room)
        draft: list[int] = []
        while self._lookup and len(draft) < size and not self._rules.ended():
            found = takewhile(lambda token: token not in self._eos, self._lookup.draft(draft, size - len(draft)))
            tokens = list(found)
            allowed = tokens[: self._rules.consume(tokens)]
            forced = self._rules.forced(False)
            self._rules.consume(forced)
            if not allowed and not forced:
                break
            draft += allowed + forced
        self._rules.rollback(len(draft))
        return draft[:size] if size > 0 else []

    def _verify(self, logits: Logits, draft: Sequence[int]) -> list[int]:
        """logits `(len(draft) + 1, vocabulary)`. The accepted part of the draft and one token more, appended."""
        new: list[int] = []
        for row, drafted in zip(logits, [*draft, None], strict=True):
            token = self._pick(row, self._rules.allowed())
            if token in self._eos:
                self._finished = True
                break
            if instead := self._rules.instead(token):
                self._append(instead)
                new += instead
                break
            self._append([token])
            new.append(token)
            if self._finished or token != drafted:
                break
        return new

    def _append_forced(self) -> list[int]:
        new: list[int] = []
        while not self._finished and (tokens := self._rules.forced(self.count.new >= self._closing_at)):
            self._append(tokens)
            self.count.forced += len(tokens)
            new += tokens
        return new

    def _append(self, tokens: Sequence[int]) -> None:
        if self._rules.consume(tokens) < len(tokens):
            raise RuntimeError(f"the grammar refuses the tokens {list(tokens)}, which it had allowed")
        if self._lookup:
            self._lookup.append(tokens)
        self.count.new += len(tokens)
        self._finished = self._rules.ended() or (self.count.new >= self._limit and self._rules.complete())


def _next_size(size: int, drafted: int, accepted: int) -> int:
    """Longer drafts while they are right, shorter ones when they are not."""
    if drafted and accepted == drafted:
        return min(2 * size, LONGEST_DRAFT)
    return max(SHORTEST_DRAFT, min(size, 2 * accepted))
