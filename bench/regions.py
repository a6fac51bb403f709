"""Do regions hold? Renders random layouts with the default image model and lets a small classifier look into the boxes.

in_box: share of the things asked for that are found in their boxes, with regions and from the global text alone.
leakage: share of boxes that show another thing of the same picture instead.
locality: share of the change of pixels inside a region's box when only that region's words change, same seed.
background_rgb: mean error of colour, of 255, outside of the boxes, where a plain colour was asked for.
colour_share, colour_rgb: where the regions have colours of their own in the start latent: share of the change of pixels
inside of the boxes, and the mean change there, against the same words and seed with the background's colour everywhere.
kept: the same when an edit is rendered with the previous picture (`keep=`), and the change outside of the soft border.
"""

from __future__ import annotations

import argparse
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from bench._record import Number, record, table
from bench._region_judge import MODEL, NOTHING, WEIGHTS, Judge, known_nouns
from lib_omost.canvas import AREAS, GRID, LOCATIONS, OFFSETS, Box, Canvas, box_of
from lib_omost.renderer import Previous, RenderSettings, StableDiffusionXLOmostPipeline, render
from lib_omost.renderer.inpaint import changed_mask, soften
from lib_omost.runtime.known_shapes import in_squares
from lib_omost.runtime.known_words import KnownWords

ROOT = Path(__file__).parents[1]
COLORS = ("skyblue", "pink", "khaki", "gray", "green", "navy", "orange", "white", "purple", "teal")
VARIANTS: dict[str, dict[str, Any]] = {
    "no colour start": dict(canvas_start=0.0, centred_noise=False),
    "colour start, plain noise": dict(centred_noise=False),
    "region strength 3": dict(region_strengths=(3.0, 3.0)),
    "global strength 0.3": dict(global_strength=0.3),
    "regions for 60 % of steps": dict(region_steps=0.6),
    "guidance for 60 % of steps": dict(guidance_steps=0.6),
}
OWN_COLORS: dict[str, dict[str, Any]] = {
    "regions of their own colours": {},
    "the same, blurred": dict(canvas_blur=10.0),
}
THREE = "three things"
REGION_NEGATIVES = "each region's negative names the other thing"


@dataclass(frozen=True, slots=True)
class Layout:
    """Different things in boxes that do not touch, a plain background; `spare` replaces the first in an edit."""

    nouns: tuple[str, ...]
    words: tuple[tuple[str, str, str], ...]
    color: str
    spare: str

    def boxes(self) -> list[Box]:
        return [box_of(*words) for words in self.words]

    def canvas(self, *, regions: bool = True, negatives: bool = False, own_colors: bool = False) -> Canvas:
        """`negatives`: each region is told not to show the next one's thing. `own_colors`: of the start latent."""
        canvas = Canvas()
        listed = " and ".join(f"{article(n)} {words[0]}" for n, words in zip(self.nouns, self.words, strict=True))
        canvas.set_global_description(f"{listed}, plain {self.color} background", [], "", self.color)
        place = COLORS.index(self.color)
        colors = [COLORS[(place + 3 * (i + 1) * own_colors) % len(COLORS)] for i in range(len(self.nouns))]
        named = zip(self.nouns, (*self.nouns[1:], self.nouns[0]), self.words, colors, strict=True)
        for noun, other, words, color in named if regions else ():
            canvas.add_local_description(
                *words, 1.0, article(noun), [], "", "", "", "", color, negative=other if negatives else ""
            )
        return canvas

    def edited(self) -> Layout:
        """Another thing in the first box."""
        return replace(self, nouns=(self.spare, *self.nouns[1:]))


def article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def layouts(count: int, nouns: Sequence[str], things: int = 2) -> list[Layout]:
    """Random words of the vocabulary whose boxes do not overlap and are neither slivers nor half of the picture."""
    chance = random.Random(0)
    found: list[Layout] = []
    while len(found) < count:
        words = [(chance.choice(LOCATIONS), chance.choice(OFFSETS), chance.choice(AREAS)) for _ in range(things)]
        boxes = [box_of(*w) for w in words]
        if all(fits(box) for box in boxes) and all(apart(*pair) for pair in combinations(boxes, 2)):
            *named, spare = chance.sample(nouns, things + 1)
            found.append(Layout(tuple(named), tuple(words), chance.choice(COLORS), spare))
    return found


def fits(box: Box) -> bool:
    sides = (box.right - box.left, box.bottom - box.top)
    return min(sides) >= 32 and max(sides) <= 60


def apart(a: Box, b: Box) -> bool:
    return a.right <= b.left or b.right <= a.left or a.bottom <= b.top or b.bottom <= a.top


def side_of(pipe: Any) -> int:
    """The side in pixels of the pictures that the model was made for."""
    return int(pipe.unet.config.sample_size * pipe.vae_scale_factor)


def best_settings(side: int) -> RenderSettings:
    """How the default image model renders best, as its card says."""
    return RenderSettings(width=side, height=side, steps=16, guidance=4.0, canvas_start=1.0, centred_noise=True)


def paint(
    pipe: Any, canvas: Canvas, settings: RenderSettings, keep: Previous | None = None, known: KnownWords | None = None
) -> Image.Image:
    """The first picture; where `known` says so, with long boxes cut to squares as the application does."""
    canvas = in_squares(canvas, known) if known else canvas
    return render(pipe, canvas, settings, lambda *_: None, threading.Event(), keep)[0]


def as_tensor(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1) / 127.5 - 1


def seen_in_boxes(judge: Judge, image: Image.Image, layout: Layout) -> list[str]:
    return judge.names(as_tensor(image), layout.boxes())


def background_error(image: Image.Image, canvas: Canvas, boxes: Sequence[Box]) -> float:
    """Mean absolute error of 255 to the canvas's colour, outside of all boxes."""
    difference = np.abs(np.asarray(image, float) - np.array(canvas.color)).mean(-1)
    return float(difference[~inside(boxes, image.width)].mean())


def inside(boxes: Sequence[Box], side: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """`(side, side)`: the pixels of the boxes."""
    mask = np.zeros((side, side), bool)
    for box in boxes:
        top, bottom, left, right = (round(edge * side / GRID) for edge in (box.top, box.bottom, box.left, box.right))
        mask[top:bottom, left:right] = True
    return mask


def change(before: Image.Image, after: Image.Image) -> np.ndarray[Any, np.dtype[np.float64]]:
    difference: np.ndarray[Any, np.dtype[np.float64]] = np.asarray(before, float) - np.asarray(after, float)
    return np.abs(difference).mean(-1)  # type: ignore[no-any-return]


Drawing = Callable[[Layout], Canvas]


def measure(
    pipe: Any, judge: Judge, plans: Sequence[Layout], settings: RenderSettings, draw: Drawing
) -> tuple[dict[str, float], list[Image.Image]]:
    """Shares over all layouts, and the pictures. Locality compares each with its edit under the same settings."""
    hits, leaks, errors, local, pictures = [], [], [], [], []
    for number, layout in enumerate(plans):
        seeded = replace(settings, seed=number)
        picture, edit = (paint(pipe, draw(x), seeded) for x in (layout, layout.edited()))
        pictures.append(picture)
        for asked, seen in zip(layout.nouns, seen_in_boxes(judge, picture, layout), strict=True):
            hits.append(seen == asked)
            leaks.append(seen != asked and seen in layout.nouns)
        errors.append(background_error(picture, layout.canvas(), layout.boxes()))
        difference = change(picture, edit)
        local.append(difference[inside(layout.boxes()[:1], picture.width)].sum() / difference.sum())
    shares = {"in_box": hits, "leakage": leaks, "locality": local, "background_rgb": errors}
    return {name: mean(values) for name, values in shares.items()}, pictures


def measure_colors(
    plans: Sequence[Layout], plain: Sequence[Image.Image], colored: Sequence[Image.Image]
) -> dict[str, float]:
    """What the regions' own colours change in pictures of the same words and seeds."""
    changes = [change(a, b) for a, b in zip(plain, colored, strict=True)]
    masks = [inside(layout.boxes(), picture.width) for layout, picture in zip(plans, plain, strict=True)]
    return {
        "colour_share": mean([c[m].sum() / c.sum() for c, m in zip(changes, masks, strict=True)]),
        "colour_rgb": mean([c[m].mean() for c, m in zip(changes, masks, strict=True)]),
    }


def mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 3)


def measure_edits(
    pipe: Any, judge: Judge, plans: Sequence[Layout], before: Sequence[Image.Image]
) -> tuple[dict[str, float], list[list[Image.Image]]]:
    """One thing replaced by another: rendered anew with the same seed, and with the previous picture kept."""
    obeyed: dict[str, list[bool]] = {"full": [], "kept": []}
    outside, loss = [], []
    rows: list[list[Image.Image]] = [[], []]
    for number, (layout, old) in enumerate(zip(plans, before, strict=True)):
        settings, canvas = replace(best_settings(old.width), seed=number), layout.edited().canvas()
        full = paint(pipe, canvas, settings)
        kept = paint(pipe, canvas, settings, Previous(layout.canvas(), (old,)))
        difference = change(old, full)
        touched = soften(changed_mask(layout.canvas(), canvas), old.size) > 0
        outside.append(change(old, kept)[~touched].mean())
        loss.append(difference[~touched].mean())
        for row, (kind, picture) in zip(rows, (("full", full), ("kept", kept)), strict=True):
            obeyed[kind].append(seen_in_boxes(judge, picture, layout)[0] == layout.spare)
            row.append(picture)
    shares = {f"edit_{kind}": mean(found) for kind, found in obeyed.items()}
    return {"kept_outside_rgb": mean(outside), "full_outside_rgb": mean(loss), **shares}, rows


def sheet(rows: Sequence[tuple[str, Sequence[Image.Image]]], plans: Sequence[Layout], most: int = 10) -> Image.Image:
    """One row of pictures for each setting, with the boxes drawn over them."""
    columns = min(most, len(plans))
    side = rows[0][1][0].width
    picture = Image.new("RGB", (columns * side, len(rows) * (side + 14)), "white")
    pen = ImageDraw.Draw(picture)
    for y, (name, images) in enumerate(rows):
        pen.text((2, y * (side + 14)), name, fill="black")
        for x, (image, layout) in enumerate(zip(images[:columns], plans, strict=False)):
            framed = image.copy()
            for box in layout.boxes():
                edges = [edge * side / GRID for edge in (box.left, box.top, box.right - 1, box.bottom - 1)]
                ImageDraw.Draw(framed).rectangle(edges, outline="magenta")
            picture.paste(framed, (x * side, y * (side + 14) + 14))
    return picture


def common_nouns(judge: Judge, model: Path) -> list[str]:
    """What both the judge and the image model know. A judge that knows less than the model says so: train it anew."""
    known, told_apart = known_nouns(model), [noun for noun in judge.nouns if noun != NOTHING]
    missing = [noun for noun in known if noun not in told_apart]
    if missing:
        print(f"the judge does not know {', '.join(missing)}: python -m bench._region_judge SPRITES trains another")
    return [noun for noun in told_apart if noun in known or not known]


def variants(best: RenderSettings) -> dict[str, tuple[RenderSettings, Drawing]]:
    """Settings that are no one's default, to see what each does."""
    coloured = partial(Layout.canvas, own_colors=True)
    runs: dict[str, tuple[RenderSettings, Drawing]] = {}
    runs |= {name: (replace(best, **extra), Layout.canvas) for name, extra in VARIANTS.items()}
    runs |= {name: (replace(best, **extra), coloured) for name, extra in OWN_COLORS.items()}
    return runs | {REGION_NEGATIVES: (best, lambda layout: layout.canvas(negatives=True))}


def main(argv: list[str]) -> dict[str, Number]:
    parser = argparse.ArgumentParser(prog="python -m bench regions", description=__doc__)
    parser.add_argument("--n", type=int, default=32, help="layouts of two things, and of three")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--judge", type=Path, default=WEIGHTS, help="what python -m bench._region_judge wrote")
    parser.add_argument("--sheet", type=Path, default=ROOT / "bench" / "out" / "regions.png", help="the picture grid")
    parser.add_argument("--brief", action="store_true", help="without the settings that are no one's default")
    parser.add_argument("--save", action="store_true", help="write bench/results/regions.json")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)  # the model is small: a second thread waits more than it computes
    pipe = StableDiffusionXLOmostPipeline.from_pretrained(options.model, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    pipe.notify = lambda sentence: None  # every edit here restates the global description, on purpose
    judge, best = Judge(options.judge), best_settings(side_of(pipe))
    plans = layouts(options.n, common_nouns(judge, options.model))
    runs: dict[str, tuple[RenderSettings, Drawing]] = {
        "regions": (best, Layout.canvas),
        "global text alone": (best, lambda layout: layout.canvas(regions=False)),
    }
    runs |= {} if options.brief else variants(best)
    rows: list[tuple[str, Sequence[Image.Image]]] = []
    found: dict[str, dict[str, float]] = {}
    for name, (settings, draw) in runs.items():
        found[name], pictures = measure(pipe, judge, plans, settings, draw)
        rows.append((name, pictures))
        print(f"{name}: {found[name]}", flush=True)
    crowded = layouts(options.n, common_nouns(judge, options.model), things=3)
    found[THREE], three = measure(pipe, judge, crowded, best, Layout.canvas)
    print(f"{THREE}: {found[THREE]}", flush=True)
    painted = dict(rows)
    colored = [name for name in OWN_COLORS if name in painted]
    colors = {name: measure_colors(plans, painted["regions"], painted[name]) for name in colored}
    edits, pictures_of_edits = measure_edits(pipe, judge, plans, rows[0][1])
    rows[1:1] = list(zip(("edited, rendered anew", "edited, the rest kept"), pictures_of_edits, strict=True))
    options.sheet.parent.mkdir(parents=True, exist_ok=True)
    sheet(rows, plans).save(options.sheet)
    sheet([(THREE, three)], crowded).save(options.sheet.with_stem(f"{options.sheet.stem}-three"))
    print(table(["setting", *found["regions"]], [[name, *shares.values()] for name, shares in found.items()]))
    for name, shares in colors.items():
        print(f"{name}: {shares}")
    print(table(["edit", "share or RGB"], [[name, value] for name, value in edits.items()]))
    print(f"pictures: {options.sheet}")
    numbers: dict[str, Number] = {
        "in_box_regions": found["regions"]["in_box"],
        "in_box_text": found["global text alone"]["in_box"],
        "leakage": found["regions"]["leakage"],
        "locality": found["regions"]["locality"],
        "background_rgb": found["regions"]["background_rgb"],
        **edits,
        "things": 2 * options.n,
    }
    others = [name for name in found if name != "regions"]
    numbers |= {f"{key}: {name}": value for name in others for key, value in found[name].items()}
    numbers |= {f"{key}: {name}": value for name, shares in colors.items() for key, value in shares.items()}
    if options.save:
        record("regions", argv, numbers, ["torch", "diffusers", "transformers"])
    return numbers
