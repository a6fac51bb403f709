"""The sprites that scenes are made of, in two drawing styles, and their recoloured copies."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.image.recolor import color_copies
from training.nouns import SMALL

#: how each drawing style is said, in the order of the sprite sets
STYLES = (
    ("flat style", "flat illustration", "flat vector art"),
    ("cartoon style", "shaded cartoon", "soft cartoon art"),
)
#: nouns that a model of one style takes from the second set, where their outline is clearer; chosen on a sheet of both
CLEARER_IN_SECOND = frozenset(
    (
        *("ball", "bee", "bell", "cat", "cloud", "crown", "dog", "duck", "elephant", "fish", "fox", "key", "lion"),
        *("monkey", "owl", "pear", "rose", "sun", "turtle"),
    )
)
#: share of picks that keep the sprite's own colour
OWN_COLOR = 0.65
_MANY_CORES = 8


@dataclass(frozen=True, slots=True)
class Sprite:
    """A row of the bank. `color` is a word that is true of it ("" if none); a recoloured copy has to say it."""

    row: int
    color: str
    is_copy: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`images`: `(rows, side, side, 4)` uint8; `sprites`: noun and style -> its sprite and then its copies."""

    images: npt.NDArray[np.uint8]
    sprites: dict[tuple[str, int], tuple[Sprite, ...]]
    styles: int

    @property
    def nouns(self) -> list[str]:
        return sorted({noun for noun, _ in self.sprites})

    def pick(self, r: random.Random, noun: str, style: int) -> Sprite:
        """A sprite of `noun`, in `style` where there is one."""
        found = self.sprites.get((noun, style)) or next(self.sprites[n, s] for n, s in self.sprites if n == noun)
        return found[0] if len(found) == 1 or r.random() < OWN_COLOR else r.choice(found[1:])


def load(file: Path, only: Collection[str] = (), styles: int = len(STYLES), recolor: bool = True) -> Catalogue:
    """The catalogue of a sprites.npz (see prepare.py): only these nouns, if any are given, and the first styles.

    With one style, each noun is taken from the set that draws it more clearly.
    """
    data = np.load(file)
    rows = zip(data["nouns"], data["style"], data["images"], strict=True)
    drawings = [(str(n), int(s), image) for n, s, image in rows if not only or str(n) in only]
    if styles == 1:
        wanted = [(n, 0, image) for n, s, image in drawings if s == (n in CLEARER_IN_SECOND)]
    else:
        wanted = [drawing for drawing in drawings if drawing[1] < styles]
    return build(wanted, recolor)


def load_prepared(folder: Path, nouns: str, styles: int) -> Catalogue:
    """The catalogue of a training, from the folder that prepare.py wrote; `nouns` is "small" or "all"."""
    file = folder / "sprites.npz"
    if not file.exists():
        raise SystemExit(f"{file} is not there: run `python -m training.image.prepare` first (needs npm).")
    return load(file, SMALL if nouns == "small" else (), styles)


def build(drawings: list[tuple[str, int, npt.NDArray[np.uint8]]], recolor: bool = True) -> Catalogue:
    """From (noun, style, `(side, side, 4)` image). Recolouring takes 20 ms a drawing; where there are eight cores, it
    uses them."""
    if not recolor:
        plain: dict[tuple[str, int], tuple[Sprite, ...]] = {}
        for i, (noun, style, _) in enumerate(drawings):
            plain[noun, style] = (Sprite(i, "", is_copy=False),)
        return Catalogue(np.stack([image for _, _, image in drawings]), plain, 1 + max(s for _, s, _ in drawings))
    images: list[npt.NDArray[np.uint8]] = []
    sprites: dict[tuple[str, int], tuple[Sprite, ...]] = {}
    pool = multiprocessing.get_context("fork").Pool(_MANY_CORES) if (os.cpu_count() or 1) >= _MANY_CORES else None
    with pool or contextlib.nullcontext():
        pictures = [image for _, _, image in drawings]
        copies = pool.imap(color_copies, pictures, 8) if pool else map(color_copies, pictures)
        for (noun, style, image), colored in zip(drawings, copies, strict=True):
            versions = colored or [("", image)]
            sprites[noun, style] = tuple(
                Sprite(len(images) + i, word, is_copy=i > 0) for i, (word, _) in enumerate(versions)
            )
            images += [version for _, version in versions]
    return Catalogue(np.stack(images), sprites, 1 + max(style for _, style in sprites))
