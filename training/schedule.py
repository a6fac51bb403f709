"""The clock of a time-boxed training that can be stopped and goes on later, and the learning rate that follows it."""

from __future__ import annotations

import math
import time


class Clock:
    """Counts the seconds that a training has run, over all its commands.

    `total_s` is the whole training, `slot_s` the most that this command may take, `spent_s` what earlier ones took.
    """

    def __init__(self, total_s: float, slot_s: float, spent_s: float = 0.0) -> None:
        self.total_s, self.slot_s, self._before_s, self._start = total_s, slot_s, spent_s, time.monotonic()

    @property
    def here_s(self) -> float:
        """Seconds in this command."""
        return time.monotonic() - self._start

    @property
    def spent_s(self) -> float:
        return self._before_s + self.here_s

    @property
    def fraction(self) -> float:
        """How much of the whole training is done, 0 to 1."""
        return min(1.0, self.spent_s / self.total_s)

    @property
    def is_over(self) -> bool:
        return self.spent_s >= self.total_s or self.here_s >= self.slot_s


def cosine(peak: float, fraction: float, step: int, warmup: int, floor: float = 0.02) -> float:
    """Learning rate: `warmup` linear steps, then half a cosine from `peak` to `floor * peak` over `fraction` 0 to 1."""
    return peak * min(1.0, (step + 1) / warmup) * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * fraction)))
