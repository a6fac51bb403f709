"""The words that a small image model knows, from the file beside its weights; and a canvas said in them: what the model
does not know becomes a near thing that it does.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path

from lib_omost.canvas import Canvas, Region
from lib_omost.canvas.requests import beyond_count
from lib_omost.runtime.catalog import SdxlEntry

log = logging.getLogger(__name__)

WORDS_FILE = "words.json"
MOST, SQUARE = "most_of_a_kind", "square_things"
MAX_FILE_BYTES = 2**18
GROUPS = Path(__file__).parent / "near_words.txt"
PREPOSITIONS = "with|in|on|at|under|over|near|by|from|behind|between|that|which|and"
MAX_HEAD_WORDS = 4  # the last word of a longer one need not be a noun


@dataclass(frozen=True, slots=True)
class KnownWords:
    """What an image model was taught to paint: nouns, synonyms of them, colours of things, backgrounds as its captions
    say them; how many of a kind it paints at most, 0 for any number; and whether it was taught every thing as a square.
    Without nouns it is a large model, which may be asked for anything.
    """

    nouns: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    backgrounds: tuple[str, ...] = ()
    most_of_a_kind: int = 0
    square_things: bool = False

    def limits(self, request: str) -> tuple[str, ...]:
        """A sentence for each thing of which a request wants more than the model paints."""
        wanted = beyond_count(request, self.most_of_a_kind)
        return tuple(f"{phrase}: this model paints at most {self.most_of_a_kind} of a kind" for phrase in wanted)

    def mention(self, word: str) -> bool:
        """Whether the word, singular or plural, is one of them or a part of one: "table" of "wooden table"."""
        everything = (*self.nouns, *self.synonyms, *self.colours, *self.backgrounds)
        return any(_pattern(word).search(known) for known in everything)


def words_of(entry: SdxlEntry) -> KnownWords:
    """The words in the file beside an image model's weights; none where there is no such file."""
    return read_words(Path(entry.source)) if entry.place in ("embedded", "folder") else KnownWords()


def read_words(folder: Path) -> KnownWords:
    """The same for the folder of an image model. A file that cannot be used counts as none, with a warning."""
    file = folder / WORDS_FILE
    if not file.is_file():
        return KnownWords()
    try:
        with file.open(encoding="utf-8") as text:
            found = json.loads(text.read(MAX_FILE_BYTES))
        kinds = [field.name for field in fields(KnownWords) if field.name not in (MOST, SQUARE)]
        texts = {kind: _texts(found.get(kind, [])) for kind in kinds}
        return KnownWords(**texts, most_of_a_kind=_most(found), square_things=_square(found))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        log.warning("%s beside %s is left out: %s", WORDS_FILE, folder.name, error)
        return KnownWords()


def _most(found: dict[str, object]) -> int:
    most = found.get(MOST, 0)
    if type(most) is not int or most < 0:
        raise TypeError("it wants a whole number of things of a kind")
    return most


def _square(found: dict[str, object]) -> bool:
    square = found.get(SQUARE, False)
    if not isinstance(square, bool):
        raise TypeError(f"{SQUARE} is true or false")
    return square


def _texts(found: object) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(word, str) and word.strip() for word in found):
        raise TypeError("it wants lists of words")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Found:
    """What a text asks for that is unknown: the word as written, and the near known one ("" where there is none)."""

    word: str
    near: str


def in_known_words(canvas: Canvas, known: KnownWords) -> tuple[Canvas, tuple[str, ...]]:
    """The canvas with unknown things replaced by near ones, and a sentence for each. Without a list of known nouns, or
    where all is known, the canvas as it is.
    """
    notes: dict[str, None] = {}
    regions, swaps = list(canvas.regions), {}
    for index, region in enumerate(regions if known.nouns else ()):
        found = unknown_thing(region.description, known)
        if found is None:
            continue
        comes = f"it painted “{found.near}” instead" if found.near else "it may come out as anything"
        notes[f"“{found.word}” is new to this image model; {comes}."] = None
        if found.near:
            regions[index] = _swapped_region(region, found)
            swaps[found.word] = found
    changed = replace(canvas, regions=tuple(regions))
    for found in swaps.values():
        changed = replace(
            changed,
            global_description=swapped(changed.global_description, found),
            detailed_descriptions=tuple(swapped(text, found) for text in changed.detailed_descriptions),
            tags=swapped(changed.tags, found),
        )
    return changed, tuple(notes)


def unknown_thing(description: str, known: KnownWords) -> Found | None:
    """What a region's description is about, where the model does not know it; None where it does.

    That is the last thing named before a preposition: "an orange taxi under a tree" is a taxi.
    """
    head = _head(description)
    nouns = (*known.nouns, *known.synonyms)
    thing = _last(head, (*nouns, *_things()))
    if thing in nouns:
        return None
    if not thing:
        words = head.split()
        unknown = bool(words) and len(words) <= MAX_HEAD_WORDS and not known.mention(words[-1])
        return Found(words[-1], "") if unknown else None
    near = next((word for word in _things()[thing] if word in nouns), "")
    named = any(word in nouns and _pattern(word).search(thing) for word in _things()[thing])  # an oak tree is a tree
    return None if named or known.mention(thing) else Found(thing, near)


def is_one_of(description: str, known: KnownWords) -> bool:
    """Whether a region's description is about a single thing that the model knows: "a red car", and not "two cars"."""
    head, nouns = _head(description), (*known.nouns, *known.synonyms)
    thing = _last(head, (*nouns, *_things()))
    return thing in nouns and not any(match[2] for match in _pattern(thing).finditer(head))


def swapped(text: str, found: Found) -> str:
    """The text with the unknown word, singular or plural, replaced by the near one; "an" and "a" follow."""

    def put(match: re.Match[str]) -> str:
        article = "" if not match[1] else "an " if found.near[0] in "aeiou" else "a "
        return article + (_plural(found.near) if match[2] else found.near)

    return _pattern(found.word).sub(put, text)


def _swapped_region(region: Region, found: Found) -> Region:
    return replace(
        region,
        description=swapped(region.description, found),
        detailed_descriptions=tuple(swapped(text, found) for text in region.detailed_descriptions),
        tags=swapped(region.tags, found),
    )


def _head(description: str) -> str:
    """The description up to its first preposition or mark, in small letters."""
    return re.split(rf"\b(?:{PREPOSITIONS})\b|[^\w\s-]", description.strip().lower())[0].strip()


def _last(text: str, words: Iterable[str]) -> str:
    """The word that ends last in the text, the longest of those; "" for none."""
    found = [(match.end(), len(word), word) for word in words for match in _pattern(word).finditer(text)]
    return max(found)[2] if found else ""


def _plural(noun: str) -> str:
    if noun.endswith(("s", "sh", "ch", "x")):
        return noun + "es"
    return noun[:-1] + "ies" if noun[-1] == "y" and noun[-2] not in "aeiou" else noun + "s"


@cache
def _pattern(word: str) -> re.Pattern[str]:
    """The word with an article before it (group 1), its plural ending (group 2)."""
    singular, plural = (word[:-1], "(ies)|y") if re.search("[^aeiou]y$", word) else (word, "(e?s)|")
    return re.compile(rf"\b(an? )?{re.escape(singular)}(?:{plural})\b", re.IGNORECASE)


@cache
def _things() -> dict[str, tuple[str, ...]]:
    """Each thing of near_words.txt with the words near it, the nearest first."""
    lines = [line for line in GROUPS.read_text(encoding="utf-8").splitlines() if line and not line.startswith(";")]
    found: dict[str, tuple[str, ...]] = {}
    for group in ([word.strip() for word in line.split(",")] for line in lines):
        for at, word in enumerate(group):
            by_distance = sorted((abs(other - at), other) for other in range(len(group)) if other != at)
            found[word] = (*found.get(word, ()), *(group[other] for _, other in by_distance))
    return found
