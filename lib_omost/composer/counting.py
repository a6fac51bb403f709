"""Counts and times one reply while it is written."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from lib_omost.composer.settings import ComposeStats


@dataclass(slots=True)
class Count:
    """Of one reply so far. `new` tokens: of them `forced` were dictated and `drafted` guessed and confirmed."""

    prompt: int = 0
    cached: int = 0
    new: int = 0
    forced: int = 0
    drafted: int = 0
    passes: int = 0
    notes: tuple[str, ...] = ()
    _began: float = field(default_factory=time.monotonic)
    _first: float | None = None
    _latest: float | None = None

    def mark(self) -> None:
        """Something was said just now."""
        self._latest = time.monotonic()
        if self._first is None and self.new > self.forced:
            self._first = self._latest

    def stats(self) -> ComposeStats:
        return ComposeStats(
            prompt_tokens=self.prompt,
            cached_tokens=self.cached,
            new_tokens=self.new,
            forced_tokens=self.forced,
            drafted_tokens=self.drafted,
            passes=self.passes,
            seconds=(self._latest or self._began) - self._began,
            first_token_s=(self._first or self._began) - self._began,
            notes=self.notes,
        )
