"""What does the quality preset "fast" cost, and what does it save? The default image model at each quality, the same
layouts and seeds, a small classifier that looks into the boxes.

in_box, leakage, background_rgb: as in `regions`, for layouts of two and of three things. runs: of the UNet, a picture.
cpu_s: seconds of one thread a picture, a busy machine left out of account; seconds: of the clock, with --threads.

--guided 0.2,0.7 --steps 10 measures settings of your own beside them, --cfg another strength of guidance.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bench._record import Number, record, table
from bench._region_judge import MODEL, WEIGHTS, Judge
from bench.look import load
from bench.regions import Layout, background_error, common_nouns, layouts, mean, paint, seen_in_boxes
from lib_omost.renderer import RenderSettings
from lib_omost.runtime.made_for import suiting
from lib_omost.studio.presets import SMALL_QUALITIES, with_quality


def runs(settings: RenderSettings) -> int:
    """How often the UNet runs for a picture."""
    shares = [step / settings.steps for step in range(settings.steps)]
    return sum(1 + (settings.guidance_start <= share < settings.guidance_steps) for share in shares)


def measure(pipe: Any, judge: Judge, plans: Sequence[Layout], settings: RenderSettings) -> dict[str, float]:
    hits, leaks, errors, cpu, clock = [], [], [], 0.0, 0.0
    for number, layout in enumerate(plans):
        began = time.process_time(), time.perf_counter()
        picture = paint(pipe, layout.canvas(), replace(settings, seed=number))
        cpu, clock = cpu + time.process_time() - began[0], clock + time.perf_counter() - began[1]
        for asked, seen in zip(layout.nouns, seen_in_boxes(judge, picture, layout), strict=True):
            hits.append(seen == asked)
            leaks.append(seen != asked and seen in layout.nouns)
        errors.append(background_error(picture, layout.canvas(), layout.boxes()))
    shares = {"in_box": mean(hits), "leakage": mean(leaks), "background_rgb": mean(errors)}
    return shares | {"cpu_s": round(cpu / len(plans), 3), "seconds": round(clock / len(plans), 3)}


def options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench fast", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--judge", type=Path, default=WEIGHTS)
    parser.add_argument("--n", type=int, default=24, help="layouts of two things, and of three")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, help="of settings of your own")
    parser.add_argument("--guided", default="0,1", help="shares of the steps between which they have guidance")
    parser.add_argument("--cfg", type=float, default=4.0)
    parser.add_argument("--save", action="store_true", help="write bench/results/fast.json")
    return parser.parse_args(argv)


def main(argv: list[str]) -> dict[str, Number]:
    args = options(argv)
    pipe, judge, defaults = load(args.model), Judge(args.judge), suiting(args.model)
    torch.set_num_threads(args.threads)
    nouns = common_nouns(judge, args.model)
    tried = {name: with_quality(defaults, name) for name in SMALL_QUALITIES}
    if args.steps:
        first, last = map(float, args.guided.split(","))
        own = {"steps": args.steps, "guidance": args.cfg, "guidance_start": first, "guidance_steps": last}
        tried |= {"own": replace(defaults, **own)}  # type: ignore[arg-type]
    numbers: dict[str, Number] = {}
    rows: list[list[Number]] = []
    for name, settings in tried.items():
        numbers[f"runs: {name}"] = runs(settings)
        for things in (2, 3):
            found = measure(pipe, judge, layouts(args.n, nouns, things), settings)
            numbers |= {f"{key}: {name}, {things} things": value for key, value in found.items()}
            rows.append([name, things, runs(settings), *found.values()])
            print(*rows[-1], flush=True)
    print(table(["quality", "things", "runs", *found], rows))
    if args.save:
        record("fast", argv, numbers, ["torch", "diffusers", "transformers"])
    return numbers
