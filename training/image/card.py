"""The card of a pipeline folder: the nouns it was taught, how it renders best, data and licences; and the same words as
data, for the programs that render with it. No figures: those come from a measurement."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from lib_omost.runtime.known_words import MOST, SQUARE, WORDS_FILE
from training.image.recolor import TINTS

BACKGROUNDS = (
    *("plain background", "meadow", "beach", "sea", "night", "desert", "snow", "room", "wooden table", "sunset"),
    *("street", "forest", "cave", "sky"),
)
MOST_DRAWN = 3  # of a kind, in the scenes that it is taught

_CARD = """---
license: mit
library_name: diffusers
pipeline_tag: text-to-image
---
# Tiny emoji-scene SDXL

A very small text-to-image model with the architecture of Stable Diffusion XL and none of its weights. It draws icons on
plain or simple backgrounds, and was trained with region-masked cross-attention, so that it follows boxes.

## The words it knows
{nouns}.

Colour words ({colours}) recolour things of one main colour.
Backgrounds: "plain <HTML colour> background", {backgrounds}. The same words as data: `words.json`.

## How it renders best
{size} x {size} pixels, 16 to 20 steps of DPM-Solver++ 2M on Karras sigmas (scheduler_config.json), CFG 3 to 4, start
latent from the canvas's colours, noise centred per channel. Regions of at least 24 of 90 units a side, at most four.
Things are painted in the middle of their boxes, up to 5.6 of 90 units off.

## Data and licences
Fluent Emoji, flat ((c) Microsoft Corporation, MIT) and Noto Emoji (Google, Apache-2.0), from the npm packages of
@iconify-json, put into made-up scenes; captions are templates of the same script. CLIP's merges (MIT). The notices are
in `LICENCES/`. The weights are released under the MIT licence.

## Training
{samples:,} samples in {steps:,} steps and {minutes:.0f} minutes. To go on:

    python -m training.image.train --start THIS_FOLDER --minutes 24

Figures: `python -m training.image.judge THIS_FOLDER`, and look at its sheet.
"""


def write_card(folder: Path, nouns: Sequence[str], size: int, steps: int, samples: int, spent_s: float) -> None:
    text = _CARD.format(
        nouns=", ".join(nouns),
        colours=", ".join(TINTS),
        backgrounds=", ".join(BACKGROUNDS[1:]),
        size=size,
        steps=steps,
        samples=samples,
        minutes=spent_s / 60,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
    write_words(folder, nouns)


def write_words(folder: Path, nouns: Sequence[str]) -> None:
    """The file in which lib_omost.runtime.known_words looks up what the model knows."""
    words = {"nouns": [*nouns], "synonyms": [], "colours": [*TINTS], "backgrounds": BACKGROUNDS}
    known = {**words, MOST: MOST_DRAWN, SQUARE: True}
    lines = ",\n".join(f" {json.dumps(kind)}: {json.dumps(texts)}" for kind, texts in known.items())
    (folder / WORDS_FILE).write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def copy_card(source: Path, folder: Path, side: int, new_side: int) -> None:
    """The card and the words of `source`, if it has any, for the same model with a decoder of another side."""
    if (source / WORDS_FILE).exists():
        shutil.copy(source / WORDS_FILE, folder)
    if (source / "README.md").exists():
        text = (source / "README.md").read_text(encoding="utf-8")
        text = text.replace(f"{side} x {side} pixels", f"{new_side} x {new_side} pixels")
        (folder / "README.md").write_text(text, encoding="utf-8")
