"""Feeds the trainings: packed scenes to draw, and token rows with their boxes, made ahead by worker processes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from transformers import CLIPTokenizer

from lib_omost.canvas.vocabulary import WHOLE, Box
from lib_omost.renderer.bags import BAG_TOKENS, partition
from training.image import draw
from training.image.captions import NEGATIVES, Caption, Text, caption
from training.image.catalogue import Catalogue
from training.image.scenes import make_scene

ROW = BAG_TOKENS + 2
#: tokens of a row in a batch of short texts, and how often a text is worded anew to find one that fits
SHORT_ROW, TRIES = 32, 8
MAX_BAGS = 8
#: shares of prompts with regions, and of prompts that are dropped (the others are the global text alone)
REGIONS, DROPPED = 0.73, 0.12
#: share of dropped prompts whose embeddings are zeros instead of a negative prompt
ZEROED = 0.35
Row = tuple[Box, list[int]]


@dataclass(frozen=True, slots=True)
class TextBatch:
    """What n samples are told. Unused bags have an empty box.

    scene: `(n,)` which scene each sample shows. ids: `(m, L)` token rows of all bags, L = 77 or SHORT_ROW. slot:
    `(m,)` the bag of each row, counted over the batch, MAX_BAGS a sample. boxes: `(n, MAX_BAGS, 4)` left, top, right,
    bottom in 90ths. silent: `(n,)` true where the text is zeros.
    """

    scene: Tensor
    ids: Tensor
    slot: Tensor
    boxes: Tensor
    silent: Tensor


class Rows:
    """Texts as rows of 77 token ids, packed into bags as the renderer packs them."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        self.tokenizer = tokenizer
        self.ids = lru_cache(maxsize=200_000)(self._ids)

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False).input_ids)

    def __call__(self, text: Text) -> list[list[int]]:
        bags = partition(text.prefixes, text.suffixes, lambda words: len(self.ids(words))).bags
        return [self._row([i for words in bag for i in self.ids(words)]) for bag in bags]

    def _row(self, ids: list[int]) -> list[int]:
        marked = [self.tokenizer.bos_token_id, *ids[:BAG_TOKENS], self.tokenizer.eos_token_id]
        return marked + [self.tokenizer.pad_token_id] * (ROW - len(marked))

    def ends(self, row: list[int]) -> int:
        """Where the end mark is."""
        return row.index(self.tokenizer.eos_token_id)

    def cut(self, row: list[int]) -> list[int]:
        """The row in SHORT_ROW tokens, with its end mark."""
        if self.ends(row) < SHORT_ROW:
            return row[:SHORT_ROW]
        return [*row[: SHORT_ROW - 1], self.tokenizer.eos_token_id]


class SceneStream(IterableDataset[tuple[int, draw.Packed]]):
    """(number of the first scene, packed batch), scenes `first`, `first` + 1, ...; workers take turns."""

    def __init__(self, catalogue: Catalogue, first: int, batch: int, batches: int) -> None:
        self.catalogue, self.first, self.batch, self.batches = catalogue, first, batch, batches

    def __iter__(self) -> Iterator[tuple[int, draw.Packed]]:
        worker = get_worker_info()
        for i in range(worker.id if worker else 0, self.batches, worker.num_workers if worker else 1):
            at = self.first + i * self.batch
            yield at, draw.pack([make_scene(self.catalogue, n) for n in range(at, at + self.batch)])


class TextStream(IterableDataset[TextBatch]):
    """Endless batches of texts about scenes `first` to `first` + `scenes`; each is worded anew at every use.

    `short` is the share of batches whose rows hold SHORT_ROW tokens, which costs a CPU two thirds of the time.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        tokenizer: Path,
        first: int,
        scenes: int,
        batch: int,
        seed: int,
        short: float = 0.0,
    ) -> None:
        self.catalogue, self.tokenizer, self.first = catalogue, tokenizer, first
        self.scenes, self.batch, self.seed, self.short = scenes, batch, seed, short

    def __iter__(self) -> Iterator[TextBatch]:
        worker = get_worker_info()
        r = random.Random(self.seed * 1000 + (worker.id if worker else 0))
        rows = Rows(CLIPTokenizer.from_pretrained(self.tokenizer))
        while True:
            index = [r.randrange(self.scenes) for _ in range(self.batch)]
            if r.random() < self.short:
                yield text_batch(index, [self._said_shortly(r, rows, i) for i in index])
            else:
                yield text_batch(index, [self._said(r, rows, i) for i in index])

    def _said_shortly(self, r: random.Random, rows: Rows, index: int) -> tuple[list[Row], bool]:
        """Worded anew until all rows fit; if none does, the last wording is cut."""
        for _ in range(TRIES):
            bags, silent = self._said(r, rows, index)
            if all(rows.ends(row) < SHORT_ROW for _, row in bags):
                break
        return [(box, rows.cut(row)) for box, row in bags], silent

    def _said(self, r: random.Random, rows: Rows, index: int) -> tuple[list[Row], bool]:
        u = r.random()
        if u < DROPPED:
            return said(Caption(Text((r.choice(NEGATIVES),))), rows, r), r.random() < ZEROED
        told = caption(make_scene(self.catalogue, self.first + index), r)
        return said(told if u < DROPPED + REGIONS else Caption(told.whole), rows, r), False


def said(told: Caption, rows: Rows, r: random.Random) -> list[Row]:
    """At most MAX_BAGS bags with their boxes: up to two of the whole canvas first, then the regions in any order."""
    regions = list(told.regions)
    r.shuffle(regions)
    bags = [(WHOLE, row) for row in rows(told.whole)][:2]
    bags += [(box, row) for box, text in regions for row in rows(text)]
    return bags[:MAX_BAGS]


def text_batch(index: list[int], samples: list[tuple[list[Row], bool]]) -> TextBatch:
    boxes = torch.zeros(len(samples), MAX_BAGS, 4, dtype=torch.long)
    ids, slot = [], []
    for i, (bags, _) in enumerate(samples):
        for j, (box, row) in enumerate(bags):
            boxes[i, j] = torch.tensor(tuple(box))
            ids.append(row)
            slot.append(i * MAX_BAGS + j)
    silent = torch.tensor([zeros for _, zeros in samples])
    return TextBatch(torch.tensor(index), torch.tensor(ids), torch.tensor(slot), boxes, silent)


def texts(stream: TextStream, workers: int) -> Iterator[TextBatch]:
    return iter(DataLoader(stream, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None))


def scenes(stream: SceneStream, workers: int) -> Iterator[tuple[int, draw.Packed]]:
    return iter(DataLoader(stream, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None))
