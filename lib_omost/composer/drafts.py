"""Guesses what comes next by looking up how the same words went on before. Knows no model and no grammar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

LONGEST_MATCH = 12


class Lookup:
    """Prompt lookup (Saxena 2023) that keeps its place.

    Among the places where the last tokens were seen before, it takes the one with the longest match and, of equal
    ones, the nearest behind the place that was copied from last: an edit walks once through the canvas before it, so
    after a changed word this region goes on, not another one. Without such a place the latest one counts.
    """

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._places: defaultdict[int, list[int]] = defaultdict(list)
        self._copied: int | None = None  # the last token here that was copied, or would have been
        self._guessed: int | None = None  # where the newest guess begins, less one
        self.add(tokens)
        self._copied = None

    def add(self, tokens: Sequence[int]) -> None:
        """Tokens that were said, of the prompt or of the reply, in order."""
        for token in tokens:
            for place in (self._guessed, self._copied):
                if place is not None and self._tokens[place + 1] == token:
                    self._copied = place + 1
                    break
            self._guessed = None
            self._places[token].append(len(self._tokens))
            self._tokens.append(token)

    def guess(self, ahead: Sequence[int], count: int) -> list[int]:
        """At most `count` tokens that may follow what was said and then `ahead`; none where nothing matches."""
        tail = [*self._tokens[-LONGEST_MATCH:], *ahead][-LONGEST_MATCH:]
        place = self._best(tail)
        if place is None:
            return []
        if not ahead:
            self._guessed = place
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
