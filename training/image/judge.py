"""Does a pipeline folder obey regions? Renders layouts that nobody trained on, with the product's own renderer.

    python -m training.image.judge .kitwork/image/pipeline --minutes 4 --n 48

A small classifier, trained on drawn scenes for --minutes, says whether the crop of each region shows what was asked: on
the drawn truth (the ceiling), rendered with regions, and rendered from the global text alone. Writes judge.json and
sheet.png (rows: truth, regions, text alone) into --out, to be looked at.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from lib_omost.canvas import GRID, Canvas
from lib_omost.renderer import RegionGuidance
from lib_omost.renderer.pipeline import StableDiffusionXLOmostPipeline
from training.image import catalogue as sprites
from training.image import draw
from training.image.captions import place, words
from training.image.catalogue import STYLES, Catalogue
from training.image.classifier import Classifier, targets, train_classifier
from training.image.prepare import PREPARED
from training.image.scenes import Scene, Thing, make_scene

FIRST = 9 * 10**8
GUIDANCE = RegionGuidance(canvas_start=1.0, centred_noise=True)


@dataclass(frozen=True, slots=True)
class Adherence:
    """Of `things` asked for per picture: the share found in their boxes, and of pictures where all were; and how far
    the picture outside of all boxes is from the drawn one, as a mean absolute error of colours of 0..255."""

    images: str
    things: int
    in_box: float
    all_in_box: float
    background_rgb: float


def held_out(catalogue: Catalogue, count: int, things: int) -> list[Scene]:
    """`count` scenes of exactly `things` different nouns that no training draws."""
    found: list[Scene] = []
    number = FIRST + things * 10**6
    while len(found) < count:
        scene = make_scene(catalogue, number, things, distinct=True)
        number += 1
        if len(scene.things) == things:
            found.append(scene)
    return found


def canvas_of(scene: Scene, truth: Tensor, regions: bool) -> Canvas:
    """The scene as a person would plan it. truth: `(3, H, W)` in -1..1, which the colours are taken from."""
    said = [words(thing, random.Random(0)) for thing in scene.things]
    listed = " and ".join(f"{w} {place(t.box)}" for w, t in zip(said, scene.things, strict=True))
    whole = f"{listed} {scene.background.phrase}, {STYLES[scene.style][0]}"
    canvas = Canvas()
    canvas.set_global_description(whole, [], "", _hex([255 * value for value in scene.background.paint.mean]))
    for thing, description in zip(scene.things, said, strict=True) if regions else ():
        color = _hex(_sprite_color(thing, scene, truth))
        at = (place(thing.box), "no offset", "a medium-sized square area", 1.0)
        canvas.add_local_description(*at, description, [], "", "", "", "", color, bbox=thing.box)
    return canvas


def _hex(rgb: Sequence[float]) -> str:
    return "#" + "".join(f"{min(255, max(0, round(value))):02x}" for value in rgb)


def _sprite_color(thing: Thing, scene: Scene, truth: Tensor) -> list[float]:
    """Mean colour (0..255) of what stands out from the background where the first sprite is drawn."""
    size = truth.shape[-1]
    left, top, right, bottom = (min(size, max(0, round(edge * size / GRID))) for edge in thing.places[0])
    pixels = truth[:, top:bottom, left:right].flatten(1)
    background = torch.tensor(scene.background.paint.mean, device=truth.device)[:, None] * 2 - 1
    stands_out = (pixels - background).abs().sum(0) > 0.4
    seen = pixels[:, stands_out] if stands_out.sum() > 8 else pixels
    return ((seen.mean(1) + 1) * 127.5).tolist()


@torch.inference_mode()
def render(pipe: StableDiffusionXLOmostPipeline, canvases: Sequence[Canvas], size: int) -> Tensor:
    """`(n, 3, size, size)` in -1..1, each with a seed of its own."""
    pictures = [
        pipe(
            canvas,
            width=size,
            height=size,
            num_inference_steps=18,
            guidance_scale=3.5,
            generator=torch.Generator().manual_seed(seed),
            output_type="pt",
            region_guidance=GUIDANCE,
        ).images
        for seed, canvas in enumerate(canvases)
    ]
    return torch.cat(pictures).float().cpu() * 2 - 1


def adherence(name: str, images: Tensor, truth: Tensor, drawn: list[Scene], classifier: Classifier) -> Adherence:
    wanted = targets(drawn, classifier.nouns, with_none=False)
    hits = classifier.hits(images, wanted)
    every = [bool(hits[wanted.picture == i].all()) for i in range(len(drawn))]
    outside = torch.stack([_outside(scene, truth.shape[-1]) for scene in drawn])[:, None]
    error = ((images - truth).abs() * outside).sum() / (outside.sum() * 3) * 127.5
    share = round(hits.float().mean().item(), 3)
    return Adherence(name, len(drawn[0].things), share, round(sum(every) / len(every), 3), round(error.item(), 1))


def _outside(scene: Scene, size: int) -> Tensor:
    """`(size, size)`: 1 where no box is."""
    free = torch.ones(size, size)
    for thing in scene.things:
        left, top, right, bottom = (round(edge * size / GRID) for edge in thing.box)
        free[top:bottom, left:right] = 0
    return free


def _with_boxes(image: Tensor, scene: Scene, side: int = 160) -> npt.NDArray[np.uint8]:
    pixels = (image.permute(1, 2, 0).numpy() * 127.5 + 127.5).round().astype(np.uint8)
    picture = Image.fromarray(pixels).resize((side, side))
    pen = ImageDraw.Draw(picture)
    for thing in scene.things:
        left, top, right, bottom = (edge * side / GRID for edge in thing.box)
        pen.rectangle((left, top, right - 1, bottom - 1), outline=(255, 0, 255))
    return np.asarray(picture)


def judge(
    pipe: StableDiffusionXLOmostPipeline, catalogue: Catalogue, classifier: Classifier, size: int, n: int, out: Path
) -> list[Adherence]:
    """One, two and three things, `n` layouts each; writes the sheet from the ones with two."""
    painter = draw.Painter(catalogue.images, size, "cpu")
    rows = []
    for things in (1, 2, 3):
        drawn = held_out(catalogue, n, things)
        truth = torch.cat([painter(draw.pack([scene])) for scene in drawn])
        pictures = {"drawn": truth}
        for name, regions in (("regions", True), ("text alone", False)):
            canvases = [canvas_of(s, t, regions) for s, t in zip(drawn, truth, strict=True)]
            pictures[name] = render(pipe, canvases, size)
        rows += [adherence(name, images, truth, drawn, classifier) for name, images in pictures.items()]
        print(*rows[-3:], sep="\n", flush=True)
        if things == 2:
            lines = [[_with_boxes(i, s) for i, s in zip(p[:8], drawn, strict=False)] for p in pictures.values()]
            Image.fromarray(np.concatenate([np.concatenate(line, 1) for line in lines])).save(out / "sheet.png")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pipeline", type=Path, help="folder of the image model")
    parser.add_argument("--prepared", type=Path, default=PREPARED)
    parser.add_argument("--out", type=Path, default=Path(".kitwork/judge"))
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--minutes", type=float, default=4.0, help="training of the classifier")
    parser.add_argument("--n", type=int, default=48, help="layouts of each size")
    parser.add_argument("--nouns", default="", help="comma-separated, if the model knows but some")
    parser.add_argument("--styles", type=int, default=2, help="how many drawing styles the model knows")
    parser.add_argument("--own-colors", action="store_true", help="the model was not taught colour words of things")
    parser.add_argument("--workers", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    only = [noun.strip() for noun in args.nouns.split(",") if noun.strip()]
    catalogue = sprites.load(args.prepared / "sprites.npz", only, args.styles, recolor=not args.own_colors)
    dtype = torch.float16 if args.device == "cuda" else torch.float32
    pipe = StableDiffusionXLOmostPipeline.from_pretrained(args.pipeline, dtype=dtype, add_watermarker=False)
    pipe.to(args.device).set_progress_bar_config(disable=True)
    size = pipe.unet.config.sample_size * pipe.vae_scale_factor
    batch = 128 if args.device == "cuda" else 16
    classifier = train_classifier(catalogue, size, args.minutes, args.device, args.workers, batch)
    print(f"the classifier is right on {classifier.accuracy:.1%} of the regions of drawn scenes", flush=True)
    rows = judge(pipe, catalogue, classifier, size, args.n, args.out)
    report = {"classifier_accuracy": classifier.accuracy, "n": args.n, "rows": [asdict(row) for row in rows]}
    (args.out / "judge.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
