"""The nouns of both trainings: kind, icon, outline and the English around them. The words are in nouns.ini."""

from __future__ import annotations

import configparser
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Kind:
    """What the nouns of one kind share: `color` is an HTML name, `parts` are phrases that are true of any of them."""

    name: str
    color: str
    parts: tuple[str, ...]


def _items(text: str) -> list[str]:
    return [item for part in " ".join(text.split()).split(",") if (item := part.strip())]


def _pairs(text: str) -> dict[str, str]:
    return {noun: value for noun, _, value in (item.partition("=") for item in _items(text))}


def _read() -> configparser.ConfigParser:
    table = configparser.ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=(";",))
    table.read(HERE / "nouns.ini", encoding="utf-8")
    return table


_TABLE = _read()
_EVERY = _TABLE["*"]
_KINDS = {
    name: Kind(name, _TABLE[name]["color"], tuple(_items(_TABLE[name]["parts"])))
    for name in _TABLE.sections()
    if name != "*"
}


def _of(key: str) -> dict[str, str]:
    """Noun -> kind of all nouns listed under `key`."""
    return {noun: kind for kind in _KINDS for noun in _pairs(_TABLE[kind].get(key, ""))}


#: noun -> key of its icon, for every noun that can be drawn
ICONS = {
    noun: icon or noun.replace(" ", "-")
    for kind in _KINDS
    for noun, icon in _pairs(_TABLE[kind].get("drawn", "")).items()
}
DRAWN = tuple(ICONS)
NAMED = tuple(_of("named"))
HELD_OUT = tuple(_of("held_out"))
#: nouns that every image model of this package was trained on; what to plan with when the person named nothing
FAMILIAR = tuple(_items(_EVERY["familiar"]))
#: the nouns of an image model that is trained without a GPU
SMALL = FAMILIAR + tuple(_items(_EVERY["small"]))
#: noun -> HTML colour that covers most of its icon; made by training/image/prepare.py
TYPICAL_COLORS: dict[str, str] = json.loads((HERE / "colors.json").read_text(encoding="utf-8"))

_KIND_OF = {**_of("drawn"), **_of("named"), **_of("held_out")}
_TALL, _WIDE = frozenset(_items(_EVERY["tall"])), frozenset(_items(_EVERY["wide"]))
_MASS, _SINGLE = frozenset(_items(_EVERY["mass"])), frozenset(_items(_EVERY["single"]))
_PLURAL_ONLY = frozenset(_items(_EVERY["plural_only"]))
_PLURALS = _pairs(_EVERY["plurals"])


def kind(noun: str) -> Kind:
    return _KINDS[_KIND_OF.get(noun, "object")]


def is_known(noun: str) -> bool:
    """True of the nouns of nouns.ini."""
    return noun in _KIND_OF


def kinds() -> tuple[str, ...]:
    return tuple(_KINDS)


def of_kind(name: str, among: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(noun for noun in among if _KIND_OF.get(noun) == name)


def color(noun: str) -> str:
    """The HTML colour name that a region of `noun` gets when the person asked for none."""
    return TYPICAL_COLORS.get(noun) or kind(noun).color


def parts(noun: str) -> tuple[str, str]:
    """Two different phrases about `noun`; always the same two, so that a model can learn them."""
    phrases = kind(noun).parts
    digest = zlib.crc32(noun.encode())
    first = digest % len(phrases)
    second = (first + 1 + digest // 7 % (len(phrases) - 1)) % len(phrases)
    return phrases[first], phrases[second]


def outline(noun: str) -> str:
    """The shape word of the area that suits the noun: vertical, horizontal or square."""
    if noun in _TALL or kind(noun).name == "person":
        return "vertical"
    return "horizontal" if noun in _WIDE else "square"


def is_mass(noun: str) -> bool:
    """True of plural and uncountable nouns, which take no article and no number."""
    return noun in _MASS


def is_plural(noun: str) -> bool:
    """True of nouns that are plural by nature: the socks are, the bread is."""
    return noun in _PLURAL_ONLY


def countable(noun: str) -> bool:
    return noun not in _MASS and noun not in _SINGLE


def plural(noun: str) -> str:
    if noun in _PLURALS:
        return _PLURALS[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def with_article(words: str) -> str:
    """`words` behind its article; adjectives may come first, but it must be singular and countable."""
    vowel = words[0] in "aeiou" and not words.startswith(
        ("uni", "ufo", "u-", "one ", "one-", "use", "usu", "uti", "eu", "ewe")
    )
    return ("an " if vowel or words.startswith("hour") else "a ") + words


def phrase(words: str, noun: str) -> str:
    """`words` (adjectives and noun) with an article where the noun takes one."""
    return words if is_mass(noun) else with_article(words)
