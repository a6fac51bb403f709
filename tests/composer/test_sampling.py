"""Which token is picked."""

from __future__ import annotations

import numpy as np

from lib_omost.composer.sampling import FREE_CHOICE, Sampler, favoring


def test_only_allowed_tokens_are_picked() -> None:
    logits = np.array([5.0, 1.0, 3.0], dtype=np.float32)
    assert Sampler(0, 1.0, 0)(logits, np.array([False, True, True])) == 2
    picked = {Sampler(1.0, 1.0, seed)(logits, np.array([False, True, True])) for seed in range(50)}
    assert picked == {1, 2}


def test_words_of_the_request_are_favored_inside_texts_and_nowhere_else() -> None:
    logits = np.zeros(FREE_CHOICE + 10, dtype=np.float32)
    logits[3], logits[4] = 1.0, 0.5
    pick = favoring(Sampler(0, 1.0, 0), [4], bonus=1.0)
    everything, few = np.ones(logits.size, dtype=np.bool_), np.zeros(logits.size, dtype=np.bool_)
    few[3:5] = True
    assert pick(logits, everything) == 4
    assert pick(logits, few) == 3
    assert logits[4] == 0.5


def test_the_nucleus_holds_the_fewest_likely_tokens_that_make_up_top_p() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32))
    assert {Sampler(1.0, 0.75, seed)(logits, None) for seed in range(80)} == {0, 1}
    assert {Sampler(1.0, 0.4, seed)(logits, None) for seed in range(20)} == {0}
    assert {Sampler(1.0, 0.85, seed)(logits, None) for seed in range(200)} == {0, 1, 2}
