"""A description changed by hand: does the picture show the new thing? Plans of the default language model, painted.

shown, shown_alone: share of the changes whose box shows the new thing, with what follows from it and with the
description alone. before: share of the unchanged plans whose box shows the old thing, which is what judge and image
model can do; false: the same asked for the new thing. The judge (bench/_region_judge.py) sees the box with `MARGIN`
around it, since things are painted a little over the edge; in_box: the share without it. Look at the pictures.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw

from bench._record import Number, record, table
from bench._region_judge import MODEL, WEIGHTS, Judge
from bench.regions import as_tensor, best_settings, paint, side_of
from lib_omost.canvas import GRID, Box, Canvas, followed, read_program, set_keyword
from lib_omost.renderer import StableDiffusionXLOmostPipeline

ROOT = Path(__file__).parents[1]
PLANS = Path(__file__).parent / "requests" / "follow.jsonl"
MARGIN = 4  # in 90ths of the picture
#: Which plan, which region of it, its new description; the last word is what the judge shall see.
CHANGES = """
f01 0 A green frog.; f01 1 A red car.; f02 0 A purple butterfly.; f02 1 A yellow bus.; f03 0 A fox.
f03 1 A blue umbrella.; f04 0 A yellow banana.; f04 1 A watermelon.; f05 0 A brown bear.; f05 1 An owl.
f06 0 A sun.; f06 1 A rocket.; f07 0 A panda.; f07 1 A cactus.; f08 0 A pink flower.
f08 1 A green turtle.; f09 0 A red tulip.; f09 1 An orange fish.; f10 0 A snowman.; f10 1 A robot.
f11 0 An apple.; f11 1 A cupcake.; f12 0 A blue whale.; f12 1 A rainbow.; f13 0 A dog.
f13 1 A red balloon.; f14 0 A yellow star.; f14 1 An elephant.; f02 0 A penguin.; f09 1 A small red strawberry.
"""


def changes() -> list[tuple[str, int, str, str]]:
    """Plan, region, new description, the noun to be seen."""
    found = []
    for entry in CHANGES.replace("\n", ";").split(";"):
        if entry.strip():
            plan, index, text = entry.strip().split(" ", 2)
            found.append((plan, int(index), text, text.strip(".").split()[-1]))
    return found


def canvas_of(code: str) -> Canvas:
    canvas = read_program(code).canvas
    if canvas is None:
        raise ValueError(f"a plan of {PLANS.name} does not read")
    return canvas


def pictures_of(pipe: Any, code: str, index: int, text: str, seed: int) -> tuple[list[Image.Image], Canvas]:
    """The plan, with the description alone changed, with what follows; and the last canvas."""
    alone = set_keyword(code, index, "description", text)
    canvases = [canvas_of(code), canvas_of(alone), canvas_of(followed(canvas_of(code), alone).code)]
    settings = replace(best_settings(side_of(pipe)), seed=seed)
    return [paint(pipe, canvas, settings) for canvas in canvases], canvases[-1]


def with_margin(box: Box) -> Box:
    edges = (box.left - MARGIN, box.top - MARGIN, box.right + MARGIN, box.bottom + MARGIN)
    return Box(*(min(max(edge, 0), GRID) for edge in edges))


def sheet(rows: list[tuple[str, list[Image.Image]]], columns: int = 5) -> Image.Image:
    """Three pictures a change: the plan, the description alone, with what follows."""
    side = rows[0][1][0].width
    across, down = 3 * side + 8, side + 14
    picture = Image.new("RGB", (columns * across, -(-len(rows) // columns) * down), "white")
    pen = ImageDraw.Draw(picture)
    for number, (name, images) in enumerate(rows):
        x, y = number % columns * across, number // columns * down
        pen.text((x + 2, y + 1), name, fill="black")
        for at, image in enumerate(images):
            picture.paste(image, (x + at * side, y + 14))
    return picture


def main(argv: list[str]) -> dict[str, Number]:
    parser = argparse.ArgumentParser(prog="python -m bench follow", description=__doc__)
    parser.add_argument("--n", type=int, default=len(changes()), help="how many of the changes")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--judge", type=Path, default=WEIGHTS, help="what python -m bench._region_judge wrote")
    parser.add_argument("--sheet", type=Path, default=ROOT / "bench" / "out" / "follow.png", help="the pictures")
    parser.add_argument("--save", action="store_true", help="write bench/results/follow.json")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    pipe = StableDiffusionXLOmostPipeline.from_pretrained(options.model, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    pipe.notify = lambda sentence: None  # every change restates the global description, on purpose
    judge = Judge(options.judge)
    codes = {row["id"]: row["code"] for row in map(json.loads, PLANS.read_text(encoding="utf-8").splitlines())}
    rows: list[tuple[str, list[Image.Image]]] = []
    found: dict[str, list[bool]] = {name: [] for name in ("shown", "shown_alone", "before", "false", "in_box")}
    table_rows: list[list[str]] = []
    for number, (plan, index, text, noun) in enumerate(changes()[: options.n]):
        pictures, canvas = pictures_of(pipe, codes[plan], index, text, number)
        box, was = canvas.regions[index].box, canvas_of(codes[plan]).regions[index].description
        old, alone, new = (judge.names(as_tensor(picture), [with_margin(box)])[0] for picture in pictures)
        in_box = judge.names(as_tensor(pictures[2]), [box])[0]
        answers = (new == noun, alone == noun, was.strip(".").endswith(old), old == noun, in_box == noun)
        for name, answer in zip(found, answers, strict=True):
            found[name].append(answer)
        table_rows.append([f"{was} {text}", old, alone, new])
        rows.append((f"{was} > {text}", pictures))
        print(table_rows[-1], flush=True)
    options.sheet.parent.mkdir(parents=True, exist_ok=True)
    sheet(rows).save(options.sheet)
    print(table(["change", "before", "description alone", "with what follows"], table_rows))
    print(f"pictures: {options.sheet}")
    shares = {name: round(sum(answers) / len(rows), 3) for name, answers in found.items()}
    numbers: dict[str, Number] = {"changes": len(rows), **shares}
    if options.save:
        record("follow", argv, numbers, ["torch", "diffusers", "transformers"])
    return numbers
