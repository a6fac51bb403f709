"""Made-up scenes: which things are where, on the canvas's grid of 90 x 90. Scene number n is always the same."""

from __future__ import annotations

import random
from dataclasses import dataclass

from lib_omost.canvas import AREAS, GRID, LOCATIONS, OFFSETS, Box, box_of
from training.image.backgrounds import Background, random_background
from training.image.catalogue import Catalogue, Sprite
from training.nouns import countable

#: left, top, right, bottom of a drawn sprite in 90ths
Place = tuple[float, float, float, float]
MAX_SPRITES = 8
#: regions under this side hold nothing that can be recognised
_LEAST_SIDE = 24
#: a sprite may hide at most this share of another one
_MOST_HIDDEN = 0.15
_NO_LARGE = tuple(area for area in AREAS if "large" not in area)


@dataclass(frozen=True, slots=True)
class Thing:
    """One region: its box, the sprite, and where each copy of the sprite is drawn."""

    noun: str
    sprite: Sprite
    box: Box
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """`style` is a row of catalogue.STYLES."""

    background: Background
    style: int
    things: tuple[Thing, ...]


def make_scene(catalogue: Catalogue, number: int, things: int = 0, distinct: bool = False) -> Scene:
    """Scene `number`, with up to `things` things (0: one to four); `distinct`: all of different nouns."""
    r = random.Random(number)
    background = random_background(r)
    style = r.randrange(catalogue.styles)
    wanted = things or r.choices([1, 2, 3, 4], [0.28, 0.38, 0.24, 0.10])[0]
    placed: list[Thing] = []
    nouns = catalogue.nouns
    for _ in range(60):
        if len(placed) == wanted:
            break
        thing = _random_thing(r, catalogue, nouns, style, copies_left=MAX_SPRITES - wanted)
        if thing and not (distinct and thing.noun in [t.noun for t in placed]) and not _collides(thing, placed):
            placed.append(thing)
    return Scene(background, style, tuple(placed))


def _random_thing(
    r: random.Random, catalogue: Catalogue, nouns: list[str], style: int, copies_left: int
) -> Thing | None:
    box = _random_box(r)
    if min(box.width, box.height) < _LEAST_SIDE:
        return None
    noun = r.choice(nouns)
    count = r.choice([2, 2, 3]) if copies_left >= 3 and countable(noun) and r.random() < 0.1 else 1
    return Thing(noun, catalogue.pick(r, noun, style), box, _places(r, box, count))


def _random_box(r: random.Random) -> Box:
    """Four in five from the words of the canvas; the others free, as a person draws them."""
    if r.random() < 0.8:
        offset = "no offset" if r.random() < 0.43 else r.choice(OFFSETS)
        return box_of(r.choice(LOCATIONS), offset, r.choice(_NO_LARGE if r.random() < 0.75 else AREAS))
    width, height = r.randint(26, 75), r.randint(26, 75)
    left, top = r.randint(0, GRID - width), r.randint(0, GRID - height)
    return Box(left, top, left + width, top + height)


def _places(r: random.Random, box: Box, count: int) -> tuple[Place, ...]:
    """`count` squares in a row or column along the box's long side; a single one sits a little off its centre."""
    wide = box.width >= box.height
    side = min(box.width / count, box.height) if wide else min(box.width, box.height / count)
    side *= r.uniform(0.82, 1.0)
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    if count == 1:
        x += r.uniform(-1, 1) * (box.width - side) * 0.2
        y += r.uniform(-1, 1) * (box.height - side) * 0.2
    steps = [(i - (count - 1) / 2) * side * 1.02 for i in range(count)]
    centres = [(x + step, y) if wide else (x, y + step) for step in steps]
    return tuple((cx - side / 2, cy - side / 2, cx + side / 2, cy + side / 2) for cx, cy in centres)


def _collides(thing: Thing, others: list[Thing]) -> bool:
    return any(_hides(p, q) for other in others for p in thing.places for q in other.places)


def _hides(p: Place, q: Place) -> bool:
    width, height = min(p[2], q[2]) - max(p[0], q[0]), min(p[3], q[3]) - max(p[1], q[1])
    return width > 0 and height > 0 and width * height > _MOST_HIDDEN * min((p[2] - p[0]) ** 2, (q[2] - q[0]) ** 2)
