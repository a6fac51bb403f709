"""Layouts that are hard to paint: 40 kept answers of the default planner (planned.jsonl), overlapping and long boxes.

What goes wrong there: a thing is painted twice in a long box, or what is in front of another is not whole.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from bench._region_judge import Judge
from bench.regions import COLORS, article, fits
from lib_omost.canvas import AREAS, LOCATIONS, OFFSETS, Box, Canvas, box_of, read_canvas

FILE = Path(__file__).parent / "planned.jsonl"
#: a box is long when its long side is this many times its short one; a thing that is painted once leaves room there
LONG = 1.4
_LEAST_SIDE = 32


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and what each region shows: one thing of the judge's nouns, or "" where it is several or none of them."""

    asked: str
    canvas: Canvas
    nouns: tuple[str, ...]

    def judged(self) -> list[int]:
        return [index for index, noun in enumerate(self.nouns) if noun]

    def crossed(self, index: int) -> list[int]:
        """The regions whose boxes lie over a part of this one's."""
        regions = self.canvas.regions
        return [n for n, r in enumerate(regions) if n != index and shared(r.box, regions[index].box) > 0]

    def in_front(self, index: int) -> bool:
        """Whether the region lies before another one, and over a part of it."""
        regions = self.canvas.regions
        return any(regions[n].distance_to_viewer > regions[index].distance_to_viewer for n in self.crossed(index))


def planned(nouns: Sequence[str], file: Path = FILE) -> list[Planned]:
    """The kept plans, in which `nouns` are looked for."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        canvas = read_canvas(row["code"]).canvas
        if canvas is None:
            raise SystemExit(f"{file.name}: the plan of {row['asked']!r} holds no canvas.")
        found.append(Planned(row["asked"], canvas, tuple(one_noun(r.description, nouns) for r in canvas.regions)))
    return found


def one_noun(description: str, nouns: Sequence[str]) -> str:
    """The first of `nouns` that the description names, the longer of two there; "" for none and for several."""
    if not re.match(r"an? ", description, re.IGNORECASE):
        return ""
    places = [(m.start(), -len(noun), noun) for noun in nouns if (m := re.search(rf"\b{noun}\b", description.lower()))]
    return min(places)[2] if places else ""


def shared(a: Box, b: Box) -> float:
    """Which part of the smaller box the other one covers."""
    width, height = min(a.right, b.right) - max(a.left, b.left), min(a.bottom, b.bottom) - max(a.top, b.top)
    return max(width, 0) * max(height, 0) / min(a.width * a.height, b.width * b.height)


def overlapping(count: int, nouns: Sequence[str]) -> list[Planned]:
    """Two things, the boxes of which share 20 to 60 % of the smaller one; the first is near and the second is far."""
    chance = random.Random(0)
    found: list[Planned] = []
    while len(found) < count:
        (near, _), (far, _) = pair = [_random_words(chance) for _ in range(2)]
        if not (all(fits(box) for _, box in pair) and 0.2 <= shared(pair[0][1], pair[1][1]) <= 0.6):
            continue
        color, (front, back) = chance.choice(COLORS), chance.sample(nouns, 2)
        canvas = Canvas()
        both = f"{article(front)} in front of {article(back)}"
        canvas.set_global_description(f"{both}, plain {color} background", [], "", color)
        for noun, words, distance in ((front, near, 0.5), (back, far, 3.0)):
            canvas.add_local_description(*words, distance, article(noun), [], "", "", "", "", color)
        found.append(Planned(both, canvas, (front, back)))
    return found


def long_boxes(count: int, nouns: Sequence[str]) -> list[Planned]:
    """One thing in a tall or a wide box."""
    chance = random.Random(0)
    found: list[Planned] = []
    while len(found) < count:
        words, box = _random_words(chance)
        if is_long(box) and min(box.width, box.height) >= _LEAST_SIDE:
            color, noun, canvas = chance.choice(COLORS), chance.choice(nouns), Canvas()
            canvas.set_global_description(f"{article(noun)}, plain {color} background", [], "", color)
            canvas.add_local_description(*words, 1.0, article(noun), [], "", "", "", "", color)
            found.append(Planned(article(noun), canvas, (noun,)))
    return found


def _random_words(chance: random.Random) -> tuple[tuple[str, str, str], Box]:
    words = chance.choice(LOCATIONS), chance.choice(OFFSETS), chance.choice(AREAS)
    return words, box_of(*words)


def is_long(box: Box) -> bool:
    return max(box.width, box.height) >= LONG * min(box.width, box.height)


def halves(box: Box) -> list[Box]:
    """Of the long side."""
    if box.width > box.height:
        middle = (box.left + box.right) // 2
        return [Box(box.left, box.top, middle, box.bottom), Box(middle, box.top, box.right, box.bottom)]
    middle = (box.top + box.bottom) // 2
    return [Box(box.left, box.top, box.right, middle), Box(box.left, middle, box.right, box.bottom)]


def is_doubled(judge: Judge, picture: Tensor, box: Box, noun: str) -> bool:
    """Whether both halves of a long box show the thing. True of 2 % of boxes with one drawn icon, all with two."""
    return all(seen == noun for seen in judge.names(picture, halves(box)))


def measure_planned(judge: Judge, plans: Sequence[Planned], pictures: Sequence[Tensor]) -> dict[str, float]:
    """Shares: things in their boxes; those whose box crosses another one; those before another; long boxes with two."""
    found: dict[str, list[bool]] = {"in_box": [], "crossed": [], "front": [], "doubled": []}
    for plan, picture in zip(plans, pictures, strict=True):
        for index in plan.judged():
            noun, box = plan.nouns[index], plan.canvas.regions[index].box
            is_there = judge.names(picture, [box])[0] == noun
            found["in_box"].append(is_there)
            found["crossed"] += [is_there] if plan.crossed(index) else []
            found["front"] += [is_there] if plan.in_front(index) else []
            found["doubled"] += [is_doubled(judge, picture, box, noun)] if is_long(box) else []
    return {name: round(sum(shares) / len(shares), 3) for name, shares in found.items() if shares}
