"""What a text names, how often and in which colour: inflections, heads of descriptions, numbers and colour words.

English only, by rules that fit on a page; docs/judging.md states them. Knows nothing of canvases or rows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from PIL import ImageColor

RGB = tuple[int, int, int]
_IRREGULAR = {
    "men": "man",
    "women": "woman",
    "children": "child",
    "feet": "foot",
    "mice": "mouse",
    "geese": "goose",
    "teeth": "tooth",
    "oxen": "ox",
    "cacti": "cactus",
    "leaves": "leaf",
    "axes": "axe",
    "snowmen": "snowman",
    "policemen": "policeman",
    "fishermen": "fisherman",
    "grey": "gray",
    "colour": "color",
    "colours": "color",
    "harbour": "harbor",
    "pyjamas": "pajamas",
}
_NUMBERS = "a:1 an:1 one:1 single:1 two:2 pair:2 couple:2 both:2 three:3 trio:3 four:4 five:5 six:6 seven:7 eight:8"
COUNTS = {word: int(number) for word, number in (pair.split(":") for pair in _NUMBERS.split())}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Words after which a description no longer says what the region shows, only how and where it is.
_CUTS = _set(
    """with without on onto in inside into at under beneath underneath below above over behind before near by beside
    against between among around across along through from to toward towards next atop upon holding wearing carrying
    riding eating drinking playing reading watching looking facing sitting standing lying leaning hanging growing that
    who which where while is are has as for like"""
)
_SPLITS = frozenset({"and", "of", "or"})
#: What may follow the noun at the end of a head: "A dog asleep", "A cat alone".
_AFTER = _set("asleep alone awake outside outdoors indoors together up down away overhead ahead")

#: Reference values of colours that people name. The first eleven are the basic ones.
COLORS: dict[str, RGB] = {
    "red": (220, 20, 30),
    "orange": (255, 140, 0),
    "yellow": (250, 220, 40),
    "green": (40, 140, 50),
    "blue": (40, 80, 220),
    "purple": (128, 30, 140),
    "pink": (255, 160, 190),
    "brown": (125, 75, 35),
    "black": (15, 15, 15),
    "white": (250, 250, 250),
    "gray": (128, 128, 128),
}
_SHADES = {
    "red": "crimson scarlet maroon burgundy ruby cherry firebrick darkred tomato wine vermilion",
    "orange": "tangerine darkorange coral ginger amber",
    "yellow": "gold golden mustard lemon goldenrod khaki amber",
    "green": "lime olive emerald mint forestgreen darkgreen limegreen seagreen teal turquoise",
    "blue": "navy azure turquoise teal cyan indigo skyblue royalblue dodgerblue steelblue midnightblue",
    "purple": "violet lilac lavender magenta plum indigo mauve darkviolet blueviolet orchid",
    "pink": "rose salmon hotpink magenta fuchsia lightpink peach",
    "brown": "tan beige chocolate sienna saddlebrown bronze chestnut copper peru burgundy maroon",
    "black": "ebony jet",
    "white": "ivory snow cream beige",
    "gray": "silver slategray dimgray darkgray lightgray charcoal",
}
_OTHERS: dict[str, RGB] = {
    "mustard": (225, 173, 1),
    "burgundy": (128, 0, 32),
    "mint": (152, 255, 152),
    "cream": (255, 253, 208),
    "golden": (255, 215, 0),
    "lilac": (200, 162, 200),
    "silvery": (192, 192, 192),
}
BASIC = tuple(COLORS)
_CLOSE = 0.14  # in OKLab: crimson and firebrick, not red and orange


def tokens(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower().replace("'s", "").replace("’s", ""))


@lru_cache(maxsize=4096)
def bases(word: str) -> frozenset[str]:
    """The words that `word` may be a form of, itself among them."""
    found = {word, _IRREGULAR.get(word, word)}
    for ending, instead in _ENDINGS:
        stem = word.removesuffix(ending)
        if word.endswith(ending) and len(stem) + len(instead) >= 3:
            found.add(stem + instead)
            if ending in ("ing", "ed") and len(stem) > 3 and stem[-1] == stem[-2]:
                found.add(stem[:-1])
    return frozenset(found)


_ENDINGS = (
    *(("s", ""), ("es", ""), ("ies", "y"), ("ves", "f"), ("ves", "fe")),
    *(("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"), ("ied", "y")),
)


def same(word: str, other: str) -> bool:
    return not bases(word).isdisjoint(bases(other))


def singular(noun: str) -> str:
    """A noun phrase with its last word in the singular: "wine glasses" -> "wine glass"."""
    *before, last = noun.split()
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith("ies"):
        last = last[:-3] + "y"
    elif last.endswith(("ches", "shes", "xes", "sses")):
        last = last[:-2]
    elif last.endswith("s") and not last.endswith("ss"):
        last = last[:-1]
    return " ".join([*before, last])


def places(text: Sequence[str], phrase: str) -> list[int]:
    """Where `phrase` ends in the tokens, as the index behind it: each of its words in any inflection, or written as
    one word where it is two and the other way round."""
    words = tokens(phrase)
    return [end for end in range(1, len(text) + 1) if _ends_with(text, end, words)]


def _ends_with(text: Sequence[str], end: int, words: Sequence[str]) -> bool:
    begin, joined = end - len(words), "".join(words)
    if begin >= 0 and all(map(same, text[begin:end], words)):
        return True
    if len(words) > 1:
        return same(text[end - 1], joined)
    return end > 1 and len(joined) > 5 and same(text[end - 2] + text[end - 1], joined)


def says(text: str, phrases: Iterable[str]) -> bool:
    """Whether `text` has any of the phrases."""
    words = tokens(text)
    return any(places(words, phrase) for phrase in phrases)


def denies(text: str, phrase: str) -> bool:
    """Whether every mention of `phrase` in the text is a denial: no, without, not, never, nobody."""
    words = tokens(text)
    found = places(words, phrase)
    return bool(found) and all(
        {"no", "without", "not", "never", "empty", "nor"} & set(words[max(end - 4, 0) : end]) for end in found
    )


# --- what a description shows ---


def heads(description: str) -> list[list[str]]:
    """The noun phrases that a description is about: "A cat and a bowl of milk on a mat" -> cat, bowl, milk."""
    parts: list[list[str]] = [[]]
    for sentence in re.split(r"[.;:]", description):
        parts.append([])
        for piece in sentence.split(","):
            parts.append([])
            for word in tokens(piece):
                if word in _CUTS and parts[-1]:
                    break
                if word in _SPLITS:
                    parts.append([])
                else:
                    parts[-1].append(word)
    return [part for part in parts if part]


def is_head(description: str, phrase: str) -> bool:
    """Whether the description is about `phrase`: a noun phrase of it ends so, but for what may follow a noun."""
    for part in heads(description):
        for end in places(part, phrase):
            if all(word in _AFTER or word.endswith(("ing", "ed")) for word in part[end:]):
                return True
    return False


def count_of(text: str, phrase: str) -> int:
    """How many of `phrase` a text says there are, at its first mention; 0 where it gives no number ("Many cats")."""
    words = tokens(text)
    found = places(words, phrase)
    if not found:
        return 0
    end = found[0]
    for word in reversed(words[max(end - len(tokens(phrase)) - 5, 0) : end - 1]):
        if word in ("with", "and", "on", "in", "the"):
            break
        if word.isdecimal():
            return int(word)
        if word in COUNTS and not _of_a_plural(word, words[end - 1], phrase):
            return COUNTS[word]
    return 0 if _is_plural(words[end - 1], phrase) else 1


def _of_a_plural(word: str, last: str, phrase: str) -> bool:
    """True for the "a" of "a pile of books" or "a few books": it counts piles, not books."""
    return word in ("a", "an") and _is_plural(last, phrase)


def _is_plural(word: str, phrase: str) -> bool:
    """Whether `word`, the end of a mention, is the plural of what the phrase says in the singular."""
    base = tokens(phrase)[-1]
    return word != base and (word in _IRREGULAR or word == base + "s" or word.endswith(("es", "ies", "ves", "s")))


# --- colours ---


def color_words(words: Iterable[str]) -> list[str]:
    """The colour words among tokens, in their usual spelling."""
    plain = [_IRREGULAR.get(word, word) for word in words]
    return [word for word in plain if word in _KNOWN]


def means(word: str, color: str) -> bool:
    """Whether a colour word may stand for the wanted colour: the same, or one of them a shade of the other."""
    word, color = _IRREGULAR.get(word, word), _IRREGULAR.get(color, color)
    if word == color:
        return True
    return word in _SHADES.get(color, "").split() or color in _SHADES.get(word, "").split()


def looks(rgb: RGB, color: str) -> bool:
    """Whether a value goes by the name of the wanted colour."""
    value = value_of(color)
    if value is None:
        return False
    basic = _IRREGULAR.get(color, color)
    is_nearest = basic in BASIC and nearest_basic(rgb) == basic
    return is_nearest or distance(rgb, value) <= _CLOSE


def nearest_basic(rgb: RGB) -> str:
    return min(BASIC, key=lambda name: distance(rgb, COLORS[name]))


def value_of(color: str) -> RGB | None:
    color = _IRREGULAR.get(color, color)
    known = COLORS.get(color) or _OTHERS.get(color)
    return known or (ImageColor.getrgb(color)[:3] if color in ImageColor.colormap else None)


def distance(one: RGB, other: RGB) -> float:
    """How unlike two colours look: 0 the same, 1 black and white (OKLab, Ottosson 2020)."""
    return math.dist(_oklab(one), _oklab(other))


@lru_cache(maxsize=1024)
def _oklab(rgb: RGB) -> tuple[float, float, float]:
    r, g, b = (((c / 255 + 0.055) / 1.055) ** 2.4 if c > 10 else c / 255 / 12.92 for c in rgb)
    l = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    m = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    s = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
        1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
        0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
    )


_KNOWN = frozenset([*BASIC, *_OTHERS, *(word for shades in _SHADES.values() for word in shades.split())])
