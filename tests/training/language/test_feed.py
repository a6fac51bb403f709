from __future__ import annotations

import multiprocessing
from pathlib import Path

import torch

from training.language.feed import FeedSettings, batches, grouped, padded
from training.language.loss import Sample


def sample(length: int) -> Sample:
    return Sample(tuple(range(length)), (1.0,) * length)


def test_no_batch_holds_more_tokens_than_its_budget() -> None:
    groups = grouped([sample(length) for length in (5, 90, 30, 31, 60, 8, 8, 8)], tokens=100)
    assert all(len(group) * max(len(s.ids) for s in group) <= 100 for group in groups)
    assert sorted(len(s.ids) for group in groups for s in group) == [5, 8, 8, 8, 30, 31, 60, 90]


def test_padding_has_no_weight() -> None:
    ids, weights = padded([sample(3), sample(5)])
    assert ids.shape == weights.shape == (2, 32)
    assert weights.sum(1).tolist() == [3, 5]


def test_the_feed_starts_again_with_its_seed(base: Path) -> None:
    settings = FeedSettings(base, tokens=4096, longest=4096, seed=3)
    fraction = multiprocessing.get_context().Value("d", 0.0)
    first, again = (next(batches(settings, fraction)) for _ in range(2))
    assert torch.equal(first[0], again[0])
    assert first[0].shape[1] <= 4096 + 32
