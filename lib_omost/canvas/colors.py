"""Colour words and values to red, green and blue, by value. Knows nothing of canvases or notes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import ImageColor

RGB = tuple[int, int, int]

#: The 148 CSS names, plus the one that the published models were taught besides.
COLORS: dict[str, RGB] = {name: ImageColor.getrgb(name)[:3] for name in ImageColor.colormap}
COLORS["navyblue"] = COLORS["navy"]

#: What people say and CSS does not, as usual colour dictionaries have it.
_WORDS = """
amber ffbf00, amethyst 9966cc, apricot fbceb1, ash b2beb5, ashen b2beb5, aubergine 472c4c, auburn a52a2a,
avocado 568203, baby blue 89cff0, blonde faf0be, blood red 8a0303, blush f4c2c2, bone e3dac9, brass b5a642,
brick b22222, bronze cd7f32, brown 8b5a2b, burgundy 800020, butter fff2a6, camel c19a6b, caramel c68e4e,
carrot ed9121, cerise de3163, cerulean 2a7fb8, champagne f7e7ce, charcoal 36454f, cherry c4123f,
chestnut 954535, cinnamon b5651d, clay b66a50, cobalt 0047ab, coffee 6f4e37, copper b87333, cream fffdd0,
cyan blue 00b7eb, denim 3b5b8c, ebony 2b2826, ecru c2b280, eggplant 472c4c, electric blue 0892d0,
emerald 50c878, espresso 4b3621, fire red ce2029, flesh f0c8a8, forest 228b22, ginger b06500, golden ffd700,
grape 6f2da8, graphite 41424c, gunmetal 2a3439, hazel 8e7618, honey e0a526, hunter green 355e3b, ice d6f0ff,
ice blue d6f0ff, jade 00a86b, jet 000000, jet black 000000, kelly green 4cbb17, lemon fff44f, lilac c8a2c8,
mahogany c04000, mauve b784a7, melon fdbcb4, midnight 191970, mint 98ff98, mocha 7b5141, moss 8a9a5b,
mulberry c54b8c, mustard e1ad01, nude e3bc9a, oak 806517, ocean 006994, ochre cc7722, off white f8f6f0,
onyx 353839, oxblood 4a0000, peach ffcba4, pearl eae0c8, periwinkle ccccff, petrol 005f6a, pewter 8e9294,
pine 01796f, pistachio 93c572, platinum e5e4e2, poppy e35335, pumpkin ff7518, racing green 004225,
raspberry b3446c, raven 0f0f14, rose ff66a3, rose gold b76e79, royal 4169e1, ruby e0115f, russet 80461b,
rust b7410e, saffron f4c430, sage 9caf88, sand c2b280, sapphire 0f52ba, scarlet ff2400, sea 2e8b8b,
seafoam 93e9be, sepia 704214, silvery c0c0c0, skin f0c8a8, sky 87ceeb, slate 708090, smoke 848884,
steel 71797e, straw e4d96f, strawberry fc5a8d, sunflower ffda03, sunset fa8a5f, tangerine f28500, taupe 8b7d70,
terracotta e2725b, ultramarine 120a8f, umber 635147, vanilla f3e5ab, vermilion e34234, walnut 5c4033,
wine 722f37, wood 966f33, wooden 966f33
"""
EVERYDAY: dict[str, str] = {
    words: "#" + value for words, _, value in (entry.strip().rpartition(" ") for entry in _WORDS.split(","))
}
#: A change of lightness and of chroma (OKLab, both as a share of what is left or there) for each adjective.
ADJECTIVES: dict[str, tuple[float, float]] = {
    word: change
    for change, words in {
        (0.3, 1.0): "light lighter",
        (0.55, 0.55): "pale pastel",
        (0.3, 0.7): "soft",
        (0.3, 0.5): "faded",
        (0.4, 0.5): "washed",
        (-0.35, 0.9): "dark darker",
        (-0.3, 1.0): "deep",
        (-0.1, 1.1): "rich",
        (-0.05, 0.5): "dull",
        (0.0, 0.5): "muted",
        (0.1, 0.5): "dusty",
        (0.0, 0.4): "grayish greyish",
        (0.0, 1.2): "bright",
        (0.0, 1.3): "vivid vibrant intense saturated",
        (0.1, 1.4): "neon",
        (0.0, 1.0): "pure medium warm cool shiny glossy very classic",
        (0.0, 0.8): "metallic",
        (0.0, 0.9): "matte natural",
        (-0.2, 0.9): "burnt",
    }.items()
    for word in words.split()
}
#: Two colours at most this far apart in OKLab go by one name.
_ALIKE = 0.1
#: And by one colour word, of which each has many names.
_ONE_WORD = 0.14
_HEX = re.compile(r"(?:#|0x)?([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
_FUNCTION = re.compile(r"(rgb|hsl|hsv|hsb)a?\(([^()]*)\)")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?%?")


def to_hex(rgb: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def is_canonical(color: str) -> bool:
    """True for what a canvas holds: one of the 149 names, or `#rrggbb` in lower case where the value has no name."""
    return color in COLORS or (len(color) == 7 and color[0] == "#" and read_color(color) == color)


def rgb_of(color: str) -> RGB:
    """Red, green and blue in 0..255 of a canonical colour."""
    if color in COLORS:
        return COLORS[color]
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def read_color(text: str) -> str | None:
    """The canonical colour that `text` means, by value; None where it names no colour.

    A number in CSS notation keeps its value, under its name if it has one; words become the name that
    looks alike, or a value.
    """
    plain = " ".join(re.split(r"[\s_-]+", text[:80].strip().lower()))
    squeezed = plain.replace(" ", "")
    if squeezed in COLORS:
        return squeezed
    if (value := _css("".join(text[:80].lower().split()))) is not None:
        return _by_value(value)
    if (mixed := _by_words(plain)) is not None:
        return nearest_name(mixed, _ALIKE) or to_hex(mixed)
    return None


def read_triple(values: Sequence[float]) -> str | None:
    """The canonical colour of three numbers, 0..255 or, where all are fractions of at most 1, 0..1."""
    if len(values) != 3 or not all(0 <= value <= 255 for value in values):
        return None
    scale = 255.0 if max(values) <= 1.0 and any(isinstance(value, float) for value in values) else 1.0
    r, g, b = (round(value * scale) for value in values)
    return _by_value((r, g, b))


@lru_cache(maxsize=1024)
def nearest_name(rgb: RGB, limit: float = math.inf) -> str | None:
    """The name whose colour looks most alike: least distance in OKLab (Ottosson 2020), None beyond `limit`."""
    names, places = _named_places()
    distances = np.linalg.norm(places - _oklab(np.array(rgb)), axis=-1)
    best = int(distances.argmin())
    return names[best] if distances[best] <= limit else None


def alike(one: str, other: str) -> bool:
    """Whether two canonical colours go by one word: crimson and firebrick do, red and orange do not."""
    apart = _oklab(np.array(rgb_of(one))) - _oklab(np.array(rgb_of(other)))
    return float(np.linalg.norm(apart)) <= _ONE_WORD


@lru_cache(maxsize=1)
def _named_places() -> tuple[list[str], npt.NDArray[np.float64]]:
    return list(COLORS), _oklab(np.array(list(COLORS.values())))


def color_in(text: str) -> str | None:
    """The first colour word of a sentence such as 'A red apple on a table', None if it has none."""
    words: list[str] = re.findall(r"[a-z]+", text[:400].lower())
    return next((word for word in words if word in COLORS and word not in _NOUNS), None)


#: The first name of each value: `aqua` for aqua and cyan, so that one value always reads as one name.
_BY_VALUE: dict[RGB, str] = {COLORS[name]: name for name in reversed(list(COLORS))}
#: Colour names that a description more often uses for the thing.
_NOUNS = {
    "snow",
    "linen",
    "chocolate",
    "tomato",
    "orchid",
    "salmon",
    "wheat",
    "peru",
    "plum",
    "coral",
    "seashell",
    "thistle",
}


def _by_value(rgb: RGB) -> str:
    return _BY_VALUE.get(rgb) or to_hex(rgb)


def _css(text: str) -> RGB | None:
    if match := _HEX.fullmatch(text):
        digits = match[1]
        if len(digits) < 6:
            digits = "".join(2 * digit for digit in digits)
        return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)
    if match := _FUNCTION.match(text):
        return _css_function(match[1], _NUMBER.findall(match[2])[:3])
    return None


def _css_function(kind: str, parts: list[str]) -> RGB | None:
    if len(parts) < 3:
        return None
    if kind == "rgb":
        values = [float(p[:-1]) * 2.55 if p.endswith("%") else float(p) for p in parts]
        r, g, b = (round(min(max(value, 0.0), 255.0)) for value in values)
        return r, g, b
    hue = float(parts[0].rstrip("%")) % 360
    second, third = (min(max(float(p.rstrip("%")), 0.0), 100.0) for p in parts[1:])
    found = ImageColor.getrgb(f"{kind}({hue:.2f},{second:.2f}%,{third:.2f}%)")
    return found[0], found[1], found[2]


def _by_words(text: str) -> RGB | None:
    """Average the colours that the words name (the longest names first), then apply the adjectives."""
    words: list[str] = re.findall(r"[a-z]+", text)
    named: list[tuple[str, RGB]] = []
    adjectives, at = [], 0
    while at < len(words):
        taken, rgb = _longest_name(words, at)
        if rgb is not None:
            named.append((words[at] if taken == 1 else "", rgb))
        elif words[at] in ADJECTIVES:
            adjectives.append(ADJECTIVES[words[at]])
        at += taken
    if not named:
        return None
    particular = [(word, rgb) for word, rgb in named if word not in _BASIC and not word.endswith("ish")]
    mixed = particular or named  # olive green is olive, blue green is both
    weights = [_TINGE if word.endswith("ish") else 1.0 for word, _ in mixed]
    lab = np.average(_oklab(np.array([rgb for _, rgb in mixed])), axis=0, weights=weights)
    for lightness, chroma in adjectives:
        lab[0] += lightness * ((1.0 - lab[0]) if lightness > 0 else lab[0])
        lab[1:] *= chroma
    return _srgb(lab)


_BASIC = frozenset(
    ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "gray", "grey", "white", "black"]
)
#: How much of a colour 'reddish' adds to another one.
_TINGE = 0.3


def _longest_name(words: list[str], at: int) -> tuple[int, RGB | None]:
    for length in (3, 2, 1):
        part = words[at : at + length]
        if len(part) == length and (rgb := _one_name(part)) is not None:
            return length, rgb
    return 1, None


def _one_name(words: list[str]) -> RGB | None:
    joined, spaced = "".join(words), " ".join(words)
    if spaced in EVERYDAY:
        return rgb_of(EVERYDAY[spaced])
    if joined in COLORS:
        return COLORS[joined]
    if len(words) > 1 or joined in ADJECTIVES:
        return None
    if joined.endswith("ish"):  # reddish, greenish, bluish
        stem = joined[:-3]
        return next((COLORS[name] for name in (stem, stem[:-1], stem + "e") if name in COLORS), None)
    return _one_slip_away(joined) if len(joined) > 4 else None


def _one_slip_away(word: str) -> RGB | None:
    """The colour of the name that `word` must be misspelt from: 'turqoise', 'yelow'."""
    similar = [name for name in (*COLORS, *EVERYDAY) if abs(len(name) - len(word)) <= 1 and name[0] == word[0]]
    close = get_close_matches(word, similar, 1, 0.85)
    return _one_name([close[0]]) if close else None


def _oklab(rgb: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    """`(..., 3)` sRGB 0..255 to OKLab."""
    c = np.asarray(rgb, np.float64) / 255.0
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    lab: npt.NDArray[np.float64] = np.cbrt(linear @ _LMS.T) @ _LAB.T
    return lab


def _srgb(lab: npt.NDArray[np.float64]) -> RGB:
    linear = (lab @ np.linalg.inv(_LAB).T) ** 3 @ np.linalg.inv(_LMS).T
    linear = linear.clip(0.0, 1.0)
    c = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    r, g, b = (int(value) for value in np.rint(c * 255))
    return r, g, b


_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
