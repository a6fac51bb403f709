"""Made-up scenes: which things are where, on the canvas's grid of 90 x 90. Scene number n is always the same."""

from __future__ import annotations

import random
from collections.abc import Callable
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
#: rows and columns of a region mask: what the UNet is told of a box, where it reads texts, is no finer than this
MASK_SIDE = 8
#: part of the masked cells' short side that a sprite takes up
FILL = 0.9
#: in most scenes two sprites share at most this part of the smaller one's square
_MOST_SHARED = 0.15
#: in this share of the scenes the front one may instead hide so much of the one behind it, as planned boxes do
_OVERLAPPING, _MOST_HIDDEN = 0.4, 0.55
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
    wanted = things or r.choices([1, 2, 3, 4], [0.15, 0.3, 0.3, 0.25])[0]
    collide = _hides if r.random() < _OVERLAPPING else _touches
    placed: list[Thing] = []
    nouns = catalogue.nouns
    for _ in range(60):
        if len(placed) == wanted:
            break
        thing = _random_thing(r, catalogue, nouns, style, copies_left=MAX_SPRITES - wanted)
        if thing and not (distinct and thing.noun in [t.noun for t in placed]) and not _any(collide, thing, placed):
            placed.append(thing)
    return Scene(background, style, tuple(sorted(placed, key=_behind, reverse=True)))


def _behind(thing: Thing) -> tuple[float, float, float]:
    """Larger for what is drawn sooner: a small thing is in front of a large one, a low one of a high one.

    The UNet sees boxes and not who is nearer, so the boxes have to decide it; and so the small one is seen too.
    """
    left, top, right, _ = thing.places[0]
    return right - left, -top, left


def _random_thing(
    r: random.Random, catalogue: Catalogue, nouns: list[str], style: int, copies_left: int
) -> Thing | None:
    box = _random_box(r)
    if min(box.width, box.height) < _LEAST_SIDE:
        return None
    noun = r.choice(nouns)
    count = r.choice([2, 2, 3]) if copies_left >= 3 and countable(noun) and r.random() < 0.1 else 1
    return Thing(noun, catalogue.pick(r, noun, style), box, places(box, count))


def _random_box(r: random.Random) -> Box:
    """Four in five from the words of the canvas; the others free, as a person draws them."""
    if r.random() < 0.8:
        offset = "no offset" if r.random() < 0.43 else r.choice(OFFSETS)
        return box_of(r.choice(LOCATIONS), offset, r.choice(_NO_LARGE if r.random() < 0.75 else AREAS))
    width, height = r.randint(26, 75), r.randint(26, 75)
    left, top = r.randint(0, GRID - width), r.randint(0, GRID - height)
    return Box(left, top, left + width, top + height)


def masked_cells(box: Box) -> Place:
    """What of a MASK_SIDE x MASK_SIDE mask shows the box: the cells whose centre it covers, as in the renderer."""
    cell = GRID / MASK_SIDE
    centres = [int((i + 0.5) * cell) for i in range(MASK_SIDE)]
    columns = [i for i, x in enumerate(centres) if box.left <= x < box.right]
    rows = [i for i, y in enumerate(centres) if box.top <= y < box.bottom]
    return columns[0] * cell, rows[0] * cell, (columns[-1] + 1) * cell, (rows[-1] + 1) * cell


def places(box: Box, count: int) -> tuple[Place, ...]:
    """`count` squares in a row or column along the long side of the masked cells, a single one in their middle.

    The mask alone decides where a thing is, so a picture is a function of its text and mask, and a sprite always meets
    the latent's pixels in the same phase: a few dozen patterns a noun to learn. The price: half a cell off, at most.
    """
    left, top, right, bottom = masked_cells(box)
    width, height = right - left, bottom - top
    wide = width >= height
    side = FILL * (min(width / count, height) if wide else min(width, height / count))
    x, y = (left + right) / 2, (top + bottom) / 2
    steps = [(i - (count - 1) / 2) * side * 1.02 for i in range(count)]
    middles = [(x + step, y) if wide else (x, y + step) for step in steps]
    return tuple((cx - side / 2, cy - side / 2, cx + side / 2, cy + side / 2) for cx, cy in middles)


def _any(collide: Callable[[Place, Place], bool], thing: Thing, others: list[Thing]) -> bool:
    return any(collide(p, q) for other in others for p in thing.places for q in other.places)


def _touches(p: Place, q: Place) -> bool:
    return _shared(p, q) > _MOST_SHARED * min((p[2] - p[0]) ** 2, (q[2] - q[0]) ** 2)


def _hides(p: Place, q: Place) -> bool:
    return _shared(p, q) > _MOST_HIDDEN * max((p[2] - p[0]) ** 2, (q[2] - q[0]) ** 2)


def _shared(p: Place, q: Place) -> float:
    width, height = min(p[2], q[2]) - max(p[0], q[0]), min(p[3], q[3]) - max(p[1], q[1])
    return max(width, 0) * max(height, 0)
