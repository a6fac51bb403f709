"""Endless batches of conversations for the training, made by worker processes or in the loop itself."""

from __future__ import annotations

import multiprocessing.sharedctypes
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from transformers import AutoTokenizer

from training.language.loss import Sample, tokenize
from training.language.pairs import conversation

#: share of the training after which requests are as hard as they get
LEVELLED_AT = 0.1
_ROUND = 32


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """`tokens` of a batch, `longest` conversation in tokens, `seed` of the words."""

    base: Path
    tokens: int
    longest: int
    seed: int
    workers: int = 0


class Conversations(IterableDataset[tuple[torch.Tensor, torch.Tensor]]):
    """Batches (ids `(n, L)`, weights `(n, L)`) of conversations of like length, padded on the right.

    `fraction` is shared with the training loop: the part of the training that is done, which sets how hard they are.
    """

    def __init__(self, settings: FeedSettings, fraction: multiprocessing.sharedctypes.Synchronized[float]) -> None:
        self.settings, self.fraction = settings, fraction

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        worker = get_worker_info()
        r = random.Random(self.settings.seed * 1000 + (worker.id if worker else 0))
        tokenizer = AutoTokenizer.from_pretrained(self.settings.base)
        while True:
            pool: list[Sample] = []
            while sum(len(sample.ids) for sample in pool) < 6 * self.settings.tokens:
                sample = tokenize(conversation(r, min(1.0, self.fraction.value / LEVELLED_AT)), tokenizer, r)
                if len(sample.ids) <= self.settings.longest:
                    pool.append(sample)
            batches = grouped(pool, self.settings.tokens)
            r.shuffle(batches)
            yield from map(padded, batches)


def grouped(samples: list[Sample], tokens: int) -> list[list[Sample]]:
    """Batches of samples of like length that hold at most `tokens` with their padding (one sample may be longer)."""
    batches: list[list[Sample]] = []
    for sample in sorted(samples, key=lambda s: len(s.ids)):
        if batches and (len(batches[-1]) + 1) * len(sample.ids) <= tokens:
            batches[-1].append(sample)
        else:
            batches.append([sample])
    return batches


def padded(batch: list[Sample]) -> tuple[torch.Tensor, torch.Tensor]:
    width = -(-max(len(sample.ids) for sample in batch) // _ROUND) * _ROUND
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    weights = torch.zeros(len(batch), width)
    for row, sample in enumerate(batch):
        ids[row, : len(sample.ids)] = torch.tensor(sample.ids)
        weights[row, : len(sample.ids)] = torch.tensor(sample.weights)
    return ids, weights


def batches(
    settings: FeedSettings, fraction: multiprocessing.sharedctypes.Synchronized[float]
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    stream = Conversations(settings, fraction)
    return iter(DataLoader(stream, batch_size=None, num_workers=settings.workers))
