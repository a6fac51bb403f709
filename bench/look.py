"""Can one tell what the default image model paints? Two figures against the drawings it learnt from, and blind sheets.

fit_db: PSNR of what is painted in a box against the drawing at its best place and scale, at 128 pixels: a shift is no
fault, and another size of picture is no merit. Of several drawings of a noun, the nearest counts.
detail: energy finer than 3 of 256 pixels, as a share of that of the drawn scenes (1 is as crisp as the drawing).
in_box, leakage, background_rgb: as in `regions`, for layouts of two and of three things.

Three rows of hard layouts, each also "drawn" from the icons, since a thing that is half hidden is hard to name too:
"overlapping" (a near thing before a far one), "long" (one thing in a tall or wide box) and "planned" (40 kept answers
of the default planner, planned.png). crossed: in_box where another box lies over a part; front: of things before
others; doubled: long boxes both halves of which show the thing.

Writes things.png (every noun once, in a box of 50 units, shuffled), scenes.png (two and three things each) and keys
to both. Look at a sheet at its own size, write one name a line into a file (a scene's names with commas between them,
in any order), and only then

    python -m bench look --answers FILE --key bench/out/look/things.json

Needs the sprites of `python -m training.image.prepare`.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageColor, ImageDraw
from torch import Tensor

from bench._planned import Planned, long_boxes, measure_planned, overlapping, planned
from bench._record import Number, record, table
from bench._region_judge import MODEL, WEIGHTS, Judge
from bench.regions import (
    COLORS,
    ROOT,
    Layout,
    article,
    as_tensor,
    background_error,
    best_settings,
    common_nouns,
    layouts,
    mean,
    paint,
    seen_in_boxes,
    side_of,
)
from lib_omost.canvas import GRID, Box, Canvas
from lib_omost.renderer import StableDiffusionXLOmostPipeline
from lib_omost.runtime.known_words import KnownWords, read_words

SIDE, FINE_SIDE = 128, 256
#: the window of a match reaches this far beyond the box, in 90ths
_MARGIN = 6
_SHIFTS = (-0.18, -0.12, -0.06, 0.0, 0.06, 0.12, 0.18)
_SCALES = (0.75, 0.82, 0.89, 0.96, 1.03, 1.12)
_BLIND_SIDE, _BLIND_SCENES = 50, 60
PLANNED = "planned"


@dataclass(frozen=True, slots=True)
class Match:
    """A drawing at a place: shift across and down and side, as shares of the box's short side; its squared error."""

    error: float
    across: float = 0.0
    down: float = 0.0
    side: float = 1.0


def load_drawings(sprites: Path) -> dict[str, list[Tensor]]:
    """Noun -> its drawings, `(4, side, side)` in 0..1, colours multiplied by their opacity."""
    data = np.load(sprites)
    found: dict[str, list[Tensor]] = {}
    for noun, image in zip(data["nouns"], data["images"], strict=True):
        drawing = torch.from_numpy(image).permute(2, 0, 1).float() / 255
        found.setdefault(str(noun), []).append(torch.cat([drawing[:3] * drawing[3:], drawing[3:]]))
    return found


def fit(picture: Tensor, drawing: Tensor, box: Box, color: str) -> float:
    """dB of the best match in the box of a picture `(3, SIDE, SIDE)` in -1..1 on a plain ground of `color`."""
    tries = [(x, y, side) for side in _SCALES for y in _SHIFTS for x in _SHIFTS]
    best = _best(picture, drawing, box, color, tries)
    for step in (0.03, 0.015):
        near = (-step, 0.0, step)
        tries = [(best.across + x, best.down + y, best.side + side) for side in near for y in near for x in near]
        best = _best(picture, drawing, box, color, tries)
    return -10 * math.log10(max(best.error, 1e-9))


def _best(picture: Tensor, drawing: Tensor, box: Box, color: str, tries: Sequence[tuple[float, float, float]]) -> Match:
    scale = picture.shape[-1] / GRID
    grown = (box.left - _MARGIN, box.top - _MARGIN, box.right + _MARGIN, box.bottom + _MARGIN)
    left, top, right, bottom = (round(min(max(edge, 0), GRID) * scale) for edge in grown)
    seen = (picture[:, top:bottom, left:right] + 1) / 2
    ground = torch.tensor(ImageColor.getrgb(color)[:3]).view(3, 1, 1) / 255
    unit, middle = (
        min(box.width, box.height) * scale,
        ((box.left + box.right) / 2 * scale, (box.top + box.bottom) / 2 * scale),
    )
    best = Match(math.inf)
    for side in sorted({side for _, _, side in tries}):
        shifts = torch.tensor([(x, y) for x, y, s in tries if s == side])
        small = F.interpolate(drawing[None], (max(2, round(side * unit)),) * 2, mode="bilinear", antialias=True)
        x = (torch.arange(left, right) + 0.5 - middle[0] - shifts[:, :1] * unit) * 2 / (side * unit)
        y = (torch.arange(top, bottom) + 0.5 - middle[1] - shifts[:, 1:] * unit) * 2 / (side * unit)
        at = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), -1)
        placed = F.grid_sample(small.expand(len(shifts), -1, -1, -1), at, align_corners=False)
        errors = ((placed[:, :3] + ground * (1 - placed[:, 3:]) - seen) ** 2).mean((1, 2, 3))
        if errors.min() < best.error:
            best = Match(errors.min().item(), *shifts[errors.argmin()].tolist(), side)
    return best


def fits(picture: Image.Image, layout: Layout, drawings: dict[str, list[Tensor]]) -> list[float]:
    """dB of each thing of a layout, as the nearest of its drawings."""
    small = F.interpolate(as_tensor(picture)[None], (SIDE, SIDE), mode="area")[0]
    pairs = zip(layout.nouns, layout.boxes(), strict=True)
    return [max(fit(small, drawing, box, layout.color) for drawing in drawings[noun]) for noun, box in pairs]


def fine_energy(picture: Tensor) -> float:
    """Mean square of what a mean over 3 x 3 pixels takes away from a picture `(3, H, W)`, brought to FINE_SIDE."""
    large = F.interpolate(picture[None], (FINE_SIDE, FINE_SIDE), mode="bicubic", antialias=True)
    blurred = F.avg_pool2d(F.pad(large, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return float(((large - blurred) ** 2).mean())


def drawn(layout: Layout, drawings: dict[str, list[Tensor]]) -> Tensor:
    """The layout with the first drawing of each noun in the middle of its box: `(3, FINE_SIDE, FINE_SIDE)`."""
    things = [(drawings[noun][0], box) for noun, box in zip(layout.nouns, layout.boxes(), strict=True)]
    return laid_on(ImageColor.getrgb(layout.color)[:3], things)


def laid_on(color: Sequence[int], things: Sequence[tuple[Tensor, Box]]) -> Tensor:
    """Drawings one after another over a plain ground, each in the middle of its box."""
    scale = FINE_SIDE / GRID
    picture = (torch.tensor(color).view(3, 1, 1) / 255).expand(3, FINE_SIDE, FINE_SIDE).clone()
    for drawing, box in things:
        side = round(min(box.width, box.height) * 0.9 * scale)
        left, top = (round((a + b) / 2 * scale - side / 2) for a, b in ((box.left, box.right), (box.top, box.bottom)))
        small = F.interpolate(drawing[None], (side, side), mode="bilinear", antialias=True)[0]
        part = picture[:, top : top + side, left : left + side]
        part.copy_(small[:3] + part * (1 - small[3:]))
    return picture * 2 - 1


def drawn_plan(plan: Planned, drawings: dict[str, list[Tensor]]) -> Tensor:
    """The known things of a plan far to near, later ones over earlier ones: how high the judge's shares can be."""
    regions = plan.canvas.regions
    order = sorted(plan.judged(), key=lambda index: -regions[index].distance_to_viewer)
    things = [(drawings[plan.nouns[index]][0], regions[index].box) for index in order]
    return laid_on(plan.canvas.color, things)


def measure_hard(
    pipe: Any, judge: Judge, known: KnownWords, rows: dict[str, list[Planned]], drawings: dict[str, list[Tensor]]
) -> tuple[dict[str, Number], list[Image.Image]]:
    """The figures of _planned.py, row by row, of what is painted and of what is drawn; and the planned pictures."""
    settings = best_settings(side_of(pipe))
    numbers: dict[str, Number] = {}
    shown: list[Image.Image] = []
    for row, plans in rows.items():
        seeded = [(plan.canvas, replace(settings, seed=number)) for number, plan in enumerate(plans)]
        pictures = [paint(pipe, canvas, chosen, known=known) for canvas, chosen in seeded]
        painted = measure_planned(judge, plans, [as_tensor(picture) for picture in pictures])
        truth = measure_planned(judge, plans, [drawn_plan(plan, drawings) for plan in plans])
        print(f"{row}: {painted}; drawn: {truth}", flush=True)
        numbers |= {f"{key}: {row}": value for key, value in painted.items()}
        numbers |= {f"{key}: {row}, drawn": value for key, value in truth.items()}
        shown = pictures if row == PLANNED else shown
    return numbers, shown


def measure(
    pipe: Any, judge: Judge, known: KnownWords, plans: Sequence[Layout], drawings: dict[str, list[Tensor]]
) -> tuple[dict[str, float], list[Image.Image]]:
    """The figures of the docstring over all layouts, and the pictures."""
    settings, pictures = best_settings(side_of(pipe)), []
    hits, leaks, errors, matches, fine, truth = [], [], [], [], [], []
    for number, layout in enumerate(plans):
        picture = paint(pipe, layout.canvas(), replace(settings, seed=number), known=known)
        pictures.append(picture)
        for asked, seen in zip(layout.nouns, seen_in_boxes(judge, picture, layout), strict=True):
            hits.append(seen == asked)
            leaks.append(seen != asked and seen in layout.nouns)
        errors.append(background_error(picture, layout.canvas(), layout.boxes()))
        matches += fits(picture, layout, drawings)
        fine.append(fine_energy(as_tensor(picture)))
        truth.append(fine_energy(drawn(layout, drawings)))
    shares = {"in_box": mean(hits), "leakage": mean(leaks), "background_rgb": mean(errors)}
    return shares | {"fit_db": mean(matches), "detail": round(sum(fine) / sum(truth), 3)}, pictures


def blind_things(pipe: Any, nouns: Sequence[str], seed: int) -> tuple[list[Image.Image], list[list[str]]]:
    """Every noun once, cut out with a little of the ground around its box, in a shuffled order; and the order."""
    chance, tiles = random.Random(seed), []
    order = chance.sample(list(nouns), len(nouns))
    settings = best_settings(side_of(pipe))
    for number, noun in enumerate(order):
        color, left, top = chance.choice(COLORS), chance.randint(2, 38), chance.randint(2, 38)
        box = Box(left, top, left + _BLIND_SIDE, top + _BLIND_SIDE)
        canvas = Canvas()
        canvas.set_global_description(f"{article(noun)}, plain {color} background", [], "", color)
        words = ("in the center", "no offset", "a medium-sized square area", 1.0)
        canvas.add_local_description(*words, article(noun), [], "", "", "", "", color, bbox=box)
        picture = paint(pipe, canvas, replace(settings, seed=1000 * (1 + seed) + number))
        scale = picture.width / GRID
        left, top = (min(max(0, edge - 4), GRID - _BLIND_SIDE - 8) for edge in (left, top))
        side = round((_BLIND_SIDE + 8) * scale)
        corner = (round(left * scale), round(top * scale))
        tiles.append(picture.crop((*corner, corner[0] + side, corner[1] + side)))
    return tiles, [[noun] for noun in order]


def blind_scenes(
    pipe: Any, nouns: Sequence[str], known: KnownWords, count: int, seed: int
) -> tuple[list[Image.Image], list[list[str]]]:
    """Layouts of two and of three things in turns; and their nouns."""
    settings = best_settings(side_of(pipe))
    pairs, triples = (layouts(200 + count, nouns, things)[200:] for things in (2, 3))
    plans = [(pairs if i % 2 == 0 else triples)[i // 2] for i in range(count)]
    seeded = [(plan.canvas(), replace(settings, seed=5000 * (1 + seed) + i)) for i, plan in enumerate(plans)]
    pictures = [paint(pipe, canvas, chosen, known=known) for canvas, chosen in seeded]
    return pictures, [list(plan.nouns) for plan in plans]


def numbered(tiles: Sequence[Image.Image], columns: int) -> Image.Image:
    """All tiles at their own size, each with its number over it."""
    side, rows = tiles[0].width, -(-len(tiles) // columns)
    picture = Image.new("RGB", (columns * (side + 4), rows * (side + 16)), "white")
    pen = ImageDraw.Draw(picture)
    for i, tile in enumerate(tiles):
        x, y = i % columns * (side + 4), i // columns * (side + 16)
        pen.text((x + 2, y + 1), str(i + 1), fill="black")
        picture.paste(tile, (x, y + 13))
    return picture


def score(answers: Path, key: Path) -> dict[str, Number]:
    """How many of the things, and of the pictures as a whole, were named rightly, in any order; prints the others."""
    given = [Counter(name.strip() for name in line.split(",")) for line in answers.read_text().splitlines()]
    wanted = [Counter(names) for names in json.loads(key.read_text())]
    if len(given) != len(wanted):
        raise SystemExit(f"{answers} has {len(given)} lines; {key} wants {len(wanted)}.")
    things = sum((said & asked).total() for said, asked in zip(given, wanted, strict=True))
    wrong = [(i + 1, asked, said) for i, (asked, said) in enumerate(zip(wanted, given, strict=True)) if asked != said]
    print(*(f"{i}: {', '.join(asked)} was taken for {', '.join(said)}" for i, asked, said in wrong), sep="\n")
    count = sum(asked.total() for asked in wanted)
    return {
        "things_named": round(things / count, 3),
        "pictures_named": round(1 - len(wrong) / len(wanted), 3),
        "things": count,
    }


def load(model: Path) -> Any:
    torch.set_num_threads(1)  # the model is small: a second thread waits more than it computes
    pipe = StableDiffusionXLOmostPipeline.from_pretrained(model, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench look", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--sprites", type=Path, default=ROOT / ".kitwork" / "prepared" / "sprites.npz")
    parser.add_argument("--judge", type=Path, default=WEIGHTS)
    parser.add_argument("--n", type=int, default=36, help="layouts of two things, and of three; 0: sheets alone")
    parser.add_argument("--scenes", type=int, default=_BLIND_SCENES, help="pictures of the second sheet")
    parser.add_argument("--seed", type=int, default=0, help="of the sheets: another one for every viewer")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "out" / "look")
    parser.add_argument("--answers", type=Path, help="names that a viewer wrote down")
    parser.add_argument("--key", type=Path, help="the key that --answers is compared with")
    parser.add_argument("--save", action="store_true", help="write bench/results/look.json")
    return parser.parse_args(argv)


def main(argv: list[str]) -> dict[str, Number]:
    args = options(argv)
    if args.answers:
        return score(args.answers, args.key)
    pipe, judge = load(args.model), Judge(args.judge)
    nouns, known = common_nouns(judge, args.model), read_words(args.model)
    args.out.mkdir(parents=True, exist_ok=True)
    numbers: dict[str, Number] = {}
    if args.n:
        drawings = load_drawings(args.sprites)
        rows = {things: layouts(args.n, nouns, things) for things in (2, 3)}
        found = {things: measure(pipe, judge, known, plans, drawings)[0] for things, plans in rows.items()}
        print(
            table(["things", *found[2]], [[things, *shares.values()] for things, shares in found.items()]), flush=True
        )
        numbers |= {f"{key}: {things} things": value for things, f in found.items() for key, value in f.items()}
        hard_rows = {
            "overlapping": overlapping(args.n, nouns),
            "long": long_boxes(args.n, nouns),
            PLANNED: planned(nouns),
        }
        hard, pictures = measure_hard(pipe, judge, known, hard_rows, drawings)
        numbered(pictures, columns=8).save(args.out / "planned.png")
        numbers |= hard
    sheets = {"things": blind_things(pipe, nouns, args.seed)}
    if args.scenes:
        sheets["scenes"] = blind_scenes(pipe, nouns, known, args.scenes, args.seed)
    for name, (tiles, key) in sheets.items():
        numbered(tiles, columns=8).save(args.out / f"{name}.png")
        (args.out / f"{name}.json").write_text(json.dumps(key) + "\n")
    if args.save:
        record("look", argv, numbers, ["torch", "diffusers", "transformers"])
    return numbers
