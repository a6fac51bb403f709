"""Backgrounds of made-up scenes: how they are painted, and how that is said. Colours are 0..1, places 0..1."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import ImageColor

Rgb = tuple[float, float, float]
MAX_DOTS = 10
#: HTML colours of plain backgrounds
PLAIN = (
    *("aliceblue", "beige", "black", "blue", "brown", "coral", "cornflowerblue", "crimson", "cyan", "darkblue"),
    *("darkgreen", "darkorange", "deepskyblue", "dimgray", "forestgreen", "gold", "gray", "green", "indigo"),
    *("ivory", "khaki", "lavender", "lightblue", "lightgray", "lightgreen", "lightpink", "lightyellow", "lime"),
    *("limegreen", "maroon", "midnightblue", "navy", "olive", "orange", "orchid", "palegreen", "peru", "pink"),
    *("purple", "red", "royalblue", "saddlebrown", "salmon", "sandybrown", "seagreen", "silver", "skyblue"),
    *("slategray", "steelblue", "tan", "teal", "tomato", "turquoise", "violet", "wheat", "white", "yellow"),
)
_NOWHERE = 2.0


@dataclass(frozen=True, slots=True)
class Paint:
    """Two vertical gradients that meet at `horizon`, then an ellipse, a band and dots over them.

    `upper`, `lower`: colours at the top and bottom of each gradient. `band`: (top, bottom). `ellipse`: (centre x,
    centre y, half width, half height). `dots`: up to MAX_DOTS of (x, y, radius).
    """

    upper: tuple[Rgb, Rgb]
    lower: tuple[Rgb, Rgb]
    horizon: float = 1.0
    band: tuple[float, float] = (_NOWHERE, _NOWHERE)
    band_rgb: Rgb = (0.0, 0.0, 0.0)
    ellipse: tuple[float, float, float, float] = (-9.0, -9.0, 0.1, 0.1)
    ellipse_rgb: Rgb = (0.0, 0.0, 0.0)
    dots: tuple[tuple[float, float, float], ...] = ()
    dot_rgb: Rgb = (1.0, 1.0, 1.0)

    @property
    def mean(self) -> Rgb:
        """The mean of the four gradient colours: what a canvas would call the background's colour."""
        ends = (*self.upper, *self.lower)
        red, green, blue = (sum(color[i] for color in ends) / 4 for i in range(3))
        return red, green, blue


@dataclass(frozen=True, slots=True)
class Background:
    """`phrase` follows the things in a caption, `noun` names it in tags."""

    phrase: str
    noun: str
    paint: Paint


def random_background(r: random.Random) -> Background:
    """A plain colour in not quite half of the cases, else one of the places."""
    if r.random() < 0.45:
        name = r.choice(PLAIN)
        color = rgb(name)
        phrase = r.choice(["on a plain {} background", "with a {} background", "on a {} background"]).format(name)
        return Background(phrase, f"{name} background", Paint((color, color), (color, color)))
    return r.choice(_PLACES)(r)


def rgb(name: str) -> Rgb:
    red, green, blue = ImageColor.getrgb(name)[:3]
    return red / 255, green / 255, blue / 255


def _near(r: random.Random, color: tuple[int, int, int]) -> Rgb:
    """A colour of 0..255 as 0..1, moved a little."""
    red, green, blue = (min(255.0, max(0.0, v + r.uniform(-12, 12))) / 255 for v in color)
    return red, green, blue


def _land(r: random.Random, *colors: tuple[int, int, int]) -> Paint:
    """Sky above ground: colours of the sky from the top down, then of the ground."""
    sky0, sky1, low0, low1 = (_near(r, color) for color in colors)
    return Paint((sky0, sky1), (low0, low1), horizon=r.uniform(0.5, 0.75))


def _meadow(r: random.Random) -> Background:
    paint = _land(r, (110, 190, 245), (200, 230, 250), (120, 200, 80), (70, 150, 50))
    if r.random() < 0.5:
        hill = (r.random(), paint.horizon + 0.19, 0.6, 0.31)
        paint = replace(paint, ellipse=hill, ellipse_rgb=_near(r, (110, 190, 75)))
    said = ["in a meadow", "on the grass under a blue sky", "in a green field", "in a park", "in a garden"]
    return Background(r.choice(said), "meadow", paint)


def _beach(r: random.Random) -> Background:
    paint = _land(r, (120, 200, 245), (200, 235, 250), (60, 150, 210), (60, 150, 210))
    shore = paint.horizon + (1 - paint.horizon) * r.uniform(0.25, 0.45)
    paint = replace(paint, band=(shore, 1.1), band_rgb=_near(r, (238, 214, 160)))
    return Background(r.choice(["on the beach", "on a sandy beach by the sea", "at the beach"]), "beach", paint)


def _ocean(r: random.Random) -> Background:
    paint = _land(r, (130, 200, 245), (210, 235, 250), (40, 130, 200), (15, 80, 150))
    said = ["on the sea", "in the ocean under a blue sky", "on the water", "on a lake"]
    return Background(r.choice(said), "ocean", paint)


def _night(r: random.Random) -> Background:
    paint = _land(r, (10, 12, 45), (35, 35, 85), (25, 45, 35), (15, 30, 25))
    stars = tuple(
        (r.random(), r.uniform(0, paint.horizon), r.uniform(0.006, 0.011)) for _ in range(r.randint(4, MAX_DOTS))
    )
    said = ["at night", "under a starry night sky", "at night under the stars"]
    return Background(r.choice(said), "night sky", replace(paint, dots=stars, dot_rgb=(0.98, 0.98, 0.86)))


def _desert(r: random.Random) -> Background:
    paint = _land(r, (150, 205, 240), (240, 225, 190), (230, 180, 110), (200, 140, 80))
    return Background(r.choice(["in the desert", "in a sandy desert"]), "desert", paint)


def _snow(r: random.Random) -> Background:
    paint = _land(r, (170, 195, 220), (220, 230, 240), (248, 248, 252), (215, 228, 242))
    return Background(r.choice(["in the snow", "in a snowy winter landscape", "in a snowy field"]), "snow", paint)


def _wall(r: random.Random, name: str, *floor: tuple[int, int, int]) -> Paint:
    red, green, blue = ImageColor.getrgb(name)[:3]
    return _land(r, (red, green, blue), (red, green, blue), *floor)


def _room(r: random.Random) -> Background:
    name = r.choice(["beige", "lightblue", "lightpink", "lightgreen", "lavender", "lightyellow", "white"])
    said = ["in a room", f"in a room with a {name} wall", f"in a room with a {name} wall and a wooden floor"]
    return Background(r.choice(said), "room", _wall(r, name, (170, 115, 70), (140, 90, 55)))


def _table(r: random.Random) -> Background:
    name = r.choice(["tan", "gray", "teal", "wheat", "skyblue", "pink"])
    paint = _wall(r, name, (150, 95, 55), (110, 65, 35))
    paint = replace(paint, band=(paint.horizon, paint.horizon + 0.03), band_rgb=_near(r, (190, 130, 80)))
    said = ["on a wooden table", f"on a table with a {name} wall behind"]
    return Background(r.choice(said), "wooden table", paint)


def _sunset(r: random.Random) -> Background:
    paint = _land(r, (90, 60, 130), (250, 150, 80), (90, 60, 70), (50, 35, 50))
    return Background(r.choice(["at sunset", "under a sunset sky"]), "sunset", paint)


def _street(r: random.Random) -> Background:
    paint = _land(r, (150, 200, 240), (215, 230, 240), (120, 120, 125), (85, 85, 90))
    middle = (1 + paint.horizon) / 2
    paint = replace(paint, band=(middle, middle + 0.02), band_rgb=(0.92, 0.92, 0.88))
    return Background(r.choice(["on the street", "on a road in the city", "on a city street"]), "street", paint)


def _forest(r: random.Random) -> Background:
    paint = _land(r, (40, 90, 60), (90, 140, 80), (70, 95, 45), (45, 65, 30))
    return Background(r.choice(["in a forest", "in the woods", "in a dark green forest"]), "forest", paint)


def _cave(r: random.Random) -> Background:
    paint = _land(r, (40, 38, 42), (70, 66, 70), (60, 55, 52), (35, 32, 32))
    return Background(r.choice(["in a cave", "in a dark cave"]), "cave", paint)


def _sky(r: random.Random) -> Background:
    paint = replace(_land(r, (90, 170, 240), (190, 222, 248), (190, 222, 248), (225, 238, 250)), horizon=1.0)
    return Background(r.choice(["in the sky", "in a blue sky", "in the air under a clear sky"]), "sky", paint)


_PLACES: tuple[Callable[[random.Random], Background], ...] = (
    *(_meadow, _beach, _ocean, _night, _desert, _snow, _room),
    *(_table, _sunset, _street, _forest, _cave, _sky),
)
