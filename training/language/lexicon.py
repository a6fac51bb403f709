"""The words that requests are made of, known and unknown: things, adjectives, verbs, colours, places, times, weather.

The words of `words.ini` and made-up ones teach to copy what was said; the lists here teach what it means.
"""

from __future__ import annotations

import configparser
import random
from dataclasses import dataclass
from pathlib import Path

from training import nouns
from training.language.words import COLORS, SIZE_WORDS


@dataclass(frozen=True, slots=True)
class Said:
    """Something of the whole picture: how it is written in a plan, ways to ask for it, the canvas's colour with it."""

    plan: str
    ways: tuple[str, ...]
    color: str = ""


_HELD_OUT = frozenset(nouns.HELD_OUT)


def _read() -> dict[str, tuple[str, ...]]:
    table = configparser.ConfigParser(interpolation=None, comment_prefixes=(";",))
    table.read(Path(__file__).with_name("words.ini"), encoding="utf-8")
    return {name: tuple(filter(_fits, table[name]["words"].split(", "))) for name in table.sections()}


def _fits(word: str) -> bool:
    """False for plurals, which would be counted as one, and for what the judges ask about and nobody trains on."""
    return not (word.endswith("s") and not word.endswith(("ss", "us", "is", "ous"))) and not _HELD_OUT & {
        word,
        *word.split(),
    }


WORDS = _read()
#: kind of word -> the colour of such a region when nobody said one
KIND_COLORS = {
    "animal": "tan",
    "artifact": "gray",
    "food": "peru",
    "landscape": "darkgray",
    "person": "peachpuff",
    "plant": "forestgreen",
    "made up": "gray",
}
NOUN_KIND = {noun: kind for kind in reversed(KIND_COLORS) if kind in WORDS for noun in WORDS[kind]}
#: colour words of people -> HTML colour name
WIDE_COLORS = COLORS | {
    "grey": "gray", "gold": "gold", "magenta": "magenta", "cyan": "cyan", "maroon": "maroon", "olive": "olive",
    "olive green": "olive", "lavender": "lavender", "indigo": "indigo", "lime": "lime", "lime green": "limegreen",
    "ivory": "ivory", "cream": "cornsilk", "tan": "tan", "coral": "coral", "salmon": "salmon", "mint": "aquamarine",
    "mint green": "aquamarine", "mustard": "goldenrod", "scarlet": "crimson", "sky blue": "skyblue", "rose": "pink",
    "navy blue": "navy", "emerald": "mediumseagreen", "copper": "peru", "bronze": "peru", "charcoal": "darkslategray",
    "peach": "peachpuff", "plum": "plum", "khaki": "khaki", "burgundy": "maroon", "aqua": "aqua", "rust": "sienna",
    "pale green": "palegreen", "pale blue": "lightblue", "dark red": "darkred", "bright red": "red", "snow white":
    "snow", "hot pink": "hotpink", "deep blue": "darkblue", "light brown": "tan", "dark brown": "saddlebrown",
    "blond": "khaki", "ginger": "darkorange", "pitch black": "black", "pale pink": "lightpink",
}  # fmt: skip
#: place -> (what stands before it, HTML colour); words of the old training's places come from words.py
MORE_PLACES = {
    name: (before, color)
    for before, color, names in (
        ("in a", "wheat", "bakery, barn, cottage, cabin, workshop, attic, barnyard, hut, tavern"),
        ("in a", "beige", "hall, house, hotel lobby, office, studio, waiting room, dining room, hallway, nursery"),
        ("in a", "lightsteelblue", "hospital, bathroom, laboratory, swimming pool, train station, airport, garage"),
        ("in a", "dimgray", "cellar, dungeon, tunnel, warehouse, ruined city, graveyard, basement, mine"),
        ("in a", "forestgreen", "pine forest, bamboo forest, rainforest, orchard, greenhouse, vineyard, wood"),
        ("in a", "yellowgreen", "wheat field, corn field, pasture, valley, backyard, playground, flower field, zoo"),
        ("in a", "slategray", "city, village, town, big city, back street, parking lot, factory, courtyard"),
        ("in a", "darkred", "theater, circus, church, palace, ballroom, throne room, restaurant, bar, pub"),
        ("on a", "lightgray", "mountain top, hill, cliff, bridge, balcony, terrace, porch, sidewalk, roof"),
        ("on a", "steelblue", "pier, boat deck, riverbank, lake shore, dock, ship, raft"),
        ("on the", "darkgray", "moon, seabed, highway, road, train tracks"),
        ("on", "orangered", "mars"),
        ("on an", "sandybrown", "island, empty beach, alien planet"),
        ("at the", "steelblue", "seaside, sea, bottom of the sea, harbor, lake"),
        ("at a", "lightsteelblue", "bus stop, train station, gas station, crossroads, market stall, fair, funfair"),
        ("in the", "steelblue", "mountains, arctic, water, clouds, countryside, suburbs, snow, woods, bath, sky"),
        ("under", "teal", "water"),
        ("in a", "tan", "canyon, savanna, stable, farmyard, wild west town, ghost town, temple, pyramid"),
        ("in an", "tan", "old house, empty room, abandoned factory, open field, art gallery, ice cave"),
    )
    for name in names.split(", ")
}  # fmt: skip
TIMES = (
    Said("at night", ("at night", "at night", "by night", "it is night", "night", "during the night", "night time",
        "in the night", "late at night", "nighttime", "in the dark of night"), "midnightblue"),
    Said("at sunset", ("at sunset", "sunset", "during sunset", "while the sun goes down", "sunset light",
        "at sundown", "the sun is setting"), "coral"),
    Said("at sunrise", ("at sunrise", "sunrise", "as the sun comes up", "at dawn", "dawn", "at daybreak"),
        "lightsalmon"),
    Said("at dusk", ("at dusk", "dusk", "twilight", "in the twilight"), "slateblue"),
    Said("in the evening", ("in the evening", "evening", "one evening", "in the late evening", "it is evening",
        "evening light"), "darkslateblue"),
    Said("in the morning", ("in the morning", "morning", "early morning", "one morning", "in the early morning",
        "morning light", "early in the morning"), "lightyellow"),
    Said("at noon", ("at noon", "midday", "at midday", "noon"), "lightyellow"),
    Said("in the afternoon", ("in the afternoon", "afternoon", "late afternoon", "on a slow afternoon"), "moccasin"),
    Said("at midnight", ("at midnight", "midnight", "around midnight"), "midnightblue"),
    Said("by moonlight", ("by moonlight", "in the moonlight", "moonlit", "under a full moon's light"), "midnightblue"),
)  # fmt: skip
WEATHER = (
    Said("in the rain", ("in the rain", "it is raining", "it rains", "rain", "rainy", "rainy day", "heavy rain",
        "rain falling", "while it rains", "it's raining", "on a rainy day", "pouring rain"), "slategray"),
    Said("in the snow", ("in the snow", "it is snowing", "snow", "snowy", "snow falling", "snowfall", "it snows",
        "everything covered in snow", "snowflakes in the air"), "snow"),
    Said("in a storm", ("in a storm", "storm", "stormy", "stormy weather", "a storm is coming", "during a storm",
        "in stormy weather", "thunderstorm"), "darkslategray"),
    Said("in fog", ("in fog", "fog", "foggy", "in the fog", "thick fog", "on a foggy day", "lots of fog", "misty",
        "in the mist"), "lightgray"),
    Said("in sunny weather", ("in sunny weather", "sunny", "sunny day", "sunshine", "in the sun",
        "the sun is shining", "on a sunny day", "bright sunshine"), "lightskyblue"),
    Said("in the wind", ("in the wind", "windy", "windy day", "strong wind", "it is windy", "on a windy day"),
        "lightsteelblue"),
    Said("under a cloudy sky", ("under a cloudy sky", "cloudy", "overcast", "gray sky", "cloudy day", "grey skies"),
        "lightslategray"),
    Said("in winter", ("in winter", "winter", "wintertime", "in deep winter", "winter scene", "it is winter",
        "on a winter day"), "aliceblue"),
    Said("in summer", ("in summer", "summer", "summertime", "on a summer day", "hot summer", "it is summer"),
        "palegoldenrod"),
    Said("in autumn", ("in autumn", "autumn", "in the fall", "autumn leaves everywhere", "fall colors",
        "it is autumn"), "darkorange"),
    Said("in spring", ("in spring", "spring", "springtime", "on a spring day", "first day of spring"), "palegreen"),
)  # fmt: skip
OCCASIONS = (
    Said("at a birthday party", ("birthday party", "at a birthday party", "birthday", "for a birthday",
        "birthday card", "somebody's birthday"), "lightpink"),
    Said("at christmas", ("at christmas", "christmas", "christmas card", "christmas eve", "for christmas"),
        "darkgreen"),
    Said("at halloween", ("at halloween", "halloween", "halloween night", "for halloween", "halloween card"),
        "darkorange"),
    Said("at a wedding", ("at a wedding", "wedding", "wedding day", "on their wedding day"), "ivory"),
    Said("at easter", ("at easter", "easter", "easter card"), "lightyellow"),
    Said("on new year's eve", ("on new year's eve", "new year", "fireworks for new year"), "midnightblue"),
    Said("at a party", ("at a party", "party", "during a party"), "plum"),
    Said("at a picnic", ("at a picnic", "picnic", "having a picnic"), "yellowgreen"),
    Said("at a concert", ("at a concert", "concert", "during a concert"), "indigo"),
)  # fmt: skip
MOOD_WORDS = (
    "calm", "lively", "mysterious", "cheerful", "dramatic", "cozy", "quiet", "peaceful", "warm", "gloomy", "romantic",
    "festive", "dreamy", "scary", "sad", "funny", "magical", "lonely", "happy", "spooky", "epic", "creepy", "joyful",
    "nostalgic", "tense", "melancholic", "playful", "silly", "serene", "wild", "cute", "elegant", "dark", "bright",
    "angry", "cold", "chaotic", "hopeful", "strange", "colorful",
)  # fmt: skip
WORN = ("hat", "scarf", "coat", "crown", "backpack", "helmet", "dress", "suit", "raincoat", "cape", "mask", "bow tie",
        "sweater", "apron", "uniform", "kimono", "shirt", "jacket", "cap", "top hat")  # fmt: skip
PARTS = ("eyes", "wings", "wheels", "stripes", "spots", "windows", "hair", "leaves", "buttons", "ears", "legs",
    "a tail",
         "a handle", "a roof", "a beard", "flowers", "a ribbon", "feathers", "curtains", "sails", "doors",
             "dots")  # fmt: skip
STUFF = ("wood", "glass", "gold", "stone", "paper", "ice", "steel", "clay", "chocolate", "crystal", "wool", "straw",
         "marble", "metal", "bricks", "bamboo", "candy", "cloth", "rusty iron", "lego")  # fmt: skip
#: nouns that belong to the top of a picture when nobody says where
SKY = frozenset({"sun", "moon", "full moon", "star", "cloud", "rain cloud", "rainbow", "comet", "shooting star"})
_NO_ADJECTIVES = {
    *WIDE_COLORS, *(word for words in SIZE_WORDS.values() for word in words), *MOOD_WORDS, "one", "first", "last",
    "second", "both", "other", "another", "upper", "lower", "top", "left", "right", "same", "many", "few", "several",
    "more", "most", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "thirteen", "all", "every",
    "each", "own", "such", "least", "less", "next", "near", "far", "front", "back", "middle", "central", "inner",
    "outer", "halfway", "inward", "outward", "smaller", "bigger", "larger", "absent", "missing", "void", "high", "low",
    "deep", "double", "single", "half", "little", "long", "short", "plain", "clear", "red", "above", "below", "rainy",
    "sunny", "stormy", "windy", "foggy", "cloudy", "snowy", "any", "some", "enough", "much", "very", "dark", "light",
}  # fmt: skip
ADJECTIVES = tuple(word for word in WORDS["adjective"] if word not in _NO_ADJECTIVES)
VERBS = WORDS["verb"]
_SYLLABLES = (
    "zor", "bla", "mip", "qua", "fen", "dro", "lu", "ka", "vex", "ti", "gro", "shi", "pol", "nam", "wub", "ri", "sto",
    "che", "bo", "fli", "yor", "gax", "mel", "pu", "tra", "snor", "ig", "dle", "oo", "bix", "cra", "nel", "um", "tle",
)  # fmt: skip


def participle(verb: str) -> str:
    """ride -> riding, sit -> sitting, sleep -> sleeping."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return verb[:-1] + "ing"
    vowels = "aeiou"
    short = len(verb) <= 4 and len(verb) > 2 and verb[-1] not in vowels + "wxy" and verb[-2] in vowels
    return verb + (verb[-1] if short and verb[-3] not in vowels else "") + "ing"


def made_up(r: random.Random) -> str:
    word = "".join(r.sample(_SYLLABLES, r.choice([2, 2, 3])))
    return word if 4 <= len(word) <= 9 else made_up(r)


def html_color(words: str) -> str:
    """The HTML colour of a colour word, of "black and white" the first one's."""
    for name in (words, *words.split(" and ")):
        if name in WIDE_COLORS:
            return WIDE_COLORS[name]
    return ""


def own_color(noun: str) -> str:
    """The HTML colour of a thing that nobody gave one."""
    if noun in nouns.TYPICAL_COLORS or nouns.is_known(noun):
        return nouns.color(noun)
    return KIND_COLORS[NOUN_KIND.get(noun, "made up")]


def random_noun(r: random.Random, known: tuple[str, ...]) -> str:
    """A noun of `known` or of the word lists, or one that nobody ever heard."""
    u = r.random()
    if u < 0.4:
        return r.choice(known)
    if u < 0.95:
        kind = r.choices(["animal", "artifact", "food", "landscape", "person", "plant"], [3, 6, 1.5, 1, 4, 1.5])[0]
        return r.choice(WORDS[kind])
    return made_up(r)
