"""Which token is picked."""

from __future__ import annotations

import numpy as np

from lib_omost.composer.sampling import Sampler


def test_only_allowed_tokens_are_picked() -> None:
    logits = np.array([5.0, 1.0, 3.0], dtype=np.float32)
    assert Sampler(0, 1.0, 0)(logits, np.array([False, True, True])) == 2
    picked = {Sampler(1.0, 1.0, seed)(logits, np.array([False, True, True])) for seed in range(50)}
    assert picked == {1, 2}
