"""How the things of a request stand to each other, and where it puts them: "a whale below a tiny boat", "a sun in the
top left". English, by rules; runs no model. Which box that is, placing.py says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lib_omost.canvas.canvas import Canvas
from lib_omost.canvas.requests.missing import MAX_REQUEST, missing
from lib_omost.canvas.words.noun_phrase import singular
from lib_omost.canvas.words.request_words import PARTS, SURROUNDINGS

#: What stands between two things, longest first: the first one is ... the second one.
_SAID = {
    "above": r"(?:high )?above|over|hovering over",
    "below": r"below|beneath|underneath|under",
    "on": r"on (?:the )?top of|atop|on|upon|onto|riding|rides|crossing",
    "left": r"(?:to |on )?the left(?: side)? of|left of",
    "right": r"(?:to |on )?the right(?: side)? of|right of",
    "behind": r"behind|at the back of",
    "front": r"in front of|before",
    "near": r"next to|beside|besides|by|near|close to|alongside|against|chasing|facing|fighting|feeding|watching",
    "in": r"inside of|inside|in",
    "worn": r"wearing|wears|with (?=an? (?:\w+ )?(?:hat|crown|cap|helmet|wreath)\b)",
    "seen": r"looking up at|gazing at|staring at|howling at",
}
_KINDS = "|".join(rf"(?P<{kind}>\b(?:{words})\b)" for kind, words in _SAID.items())
#: The same of B and A.
INVERSE = {
    "above": "below", "below": "above", "on": "under", "under": "on", "left": "right", "right": "left",
    "behind": "front", "front": "behind", "near": "near", "in": "around", "around": "in",
}  # fmt: skip
_SWAPPED = {"worn": "on", "seen": "above"}  # A wears B: B is on A
_THEM = r"(?:it|them|him|her|that|this)"
_BARE = {
    "behind": r"behind|in the (?:far )?(?:background|distance)|far away|at the back",
    "front": r"in front|in the foreground|close by|nearby",
    "on": r"on (?:the )?top",
    "below": r"underneath|below|beneath",
    "above": r"above|overhead",
    "in": r"inside",
}
_PLACE = (
    r"(?:up |down |far )?(?:in|on|at|to) (?:the |its )?(?:far |very )?"
    r"(?P<down>top|upper|bottom|lower)?[ -]?(?P<across>left|right)?(?:[ -]hand)?(?: ?(?:corner|side|edge|half))?"
    r"(?: of (?:the |my |your )?(?:picture|image|scene|canvas|frame|page))?"
)
_SKY = r"(?:high )?(?:up )?(?:in|across) the (?:\w+ )?(?:sky|air)"
_DETERMINED = r"(?:\s*(?:there )?(?:is|are|sits?|stands?|lies?|hangs?)?)?\s*(?:an?|the|some|one|two|my)?\s*"
_STOP = re.compile(r"[,.;:!?\n]|\b(?:and|while|with|plus)\b")
_CLAUSE = re.compile(r"[,.;:!?\n]|\b(?:and|while)\b")
_THERE = re.compile(r"\s*(?:there (?:is|are)|is|are|sits?|stands?|lies?|hangs?)\s+(?:an?|the|some|one|two|my)?\s*")
_LISTED = re.compile(r"\s*,?\s*(?:and)?\s*(?:an?|the|some|one)?\s*")


@dataclass(frozen=True, slots=True)
class Relation:
    """`thing` is `kind` of `other`, both nouns in the singular; kind: a key of `INVERSE`."""

    thing: str
    kind: str
    other: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The nouns of a request and how they stand to each other, in order; `places`: words of LOCATIONS by noun."""

    things: tuple[str, ...] = ()
    relations: tuple[Relation, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Thing:
    noun: str
    start: int
    end: int


def layout_of(request: str) -> Layout:
    """The things of a request, how they stand to each other and where they are: only what it says without doubt."""
    text = request[:MAX_REQUEST].lower()
    things = _things(text)
    nouns = [thing.noun for thing in things]
    gaps = [text[one.end : other.start] for one, other in pairwise(things)]
    gaps += [text[things[-1].end :]] if things else []
    found, places = list[Relation](), dict[str, str]()
    if things and (place := _place_before(text[: things[0].start])):
        places[nouns[0]] = place
    for at, gap in enumerate(gaps):
        here, _, rest = _split(gap)
        subject = _subject(gaps, at)
        if at + 1 < len(things):
            found += _between(nouns, gaps, text[: things[0].start], at, found)
            if place := _place_before(rest):
                places.setdefault(nouns[at + 1], place)
        if subject != at and (kind := _of_subject(here)):
            found += _related(nouns[at], kind, nouns[subject])
        elif place := _place_after(here):
            places.setdefault(nouns[at], place)
    real = [one for one in found if one.thing != one.other and _is_between_things(one)]
    return Layout(tuple(dict.fromkeys(nouns)), tuple(dict.fromkeys(real)), places)


def _things(text: str) -> list[_Thing]:
    """The things that want a region, where the text names them; of "a slice of cake" the first one."""
    found, at = list[_Thing](), 0
    for one in missing(text, Canvas()):
        start = text.find(one.phrase, at)
        if not one.is_thing or start < 0:
            continue
        held = found and re.fullmatch(r"\s*(?:full )?of\s+(?:an? |the )?", text[found[-1].end : start])
        worn = re.search(r"\bwear(?:ing|s)\s+(?:an?\s+)?$", text[:start])
        at, noun = start + len(one.phrase), singular(one.phrase.split()[-1])
        if not held and (noun not in PARTS or worn):
            found.append(_Thing(noun, start, at))
    return found


def _is_between_things(one: Relation) -> bool:
    """Whether both are things with boxes of their own; what something is in the middle of surrounds it."""
    return one.other not in SURROUNDINGS or one.kind not in ("in", "on", "near")


def _split(gap: str) -> tuple[str, str, str]:
    """What stands before the first stop of a gap, the stop, and what follows the last one."""
    stops = list(_STOP.finditer(gap))
    return (gap[: stops[0].start()], stops[0][0], gap[stops[-1].end() :]) if stops else (gap, "", "")


def _subject(gaps: Sequence[str], at: int) -> int:
    """Of whom a clause that ends after the thing `at` speaks: the first thing of the clause before it."""
    starts = [0, *(index + 1 for index, gap in enumerate(gaps[:-1]) if _CLAUSE.search(gap))]
    return max((one for one in starts if one < at), default=0)


def _between(
    nouns: Sequence[str], gaps: Sequence[str], before: str, at: int, found: Sequence[Relation]
) -> list[Relation]:
    """The relations that the words between two things say of them, or of the second one and a pronoun."""
    here, stop, rest = _split(gaps[at])
    after = nouns[at + 1]
    if stop:
        starts = [0, *(one for one in range(1, at + 1) if _CLAUSE.search(gaps[one - 1]))]
        if them := re.fullmatch(rf"\s*(?:{_KINDS})\s+{_THEM}{_DETERMINED}", rest):
            return _related(after, _named(them), nouns[starts[-1]])
        said = re.fullmatch(rf"(?:\s*[\w'-]+){{0,3}}?\s+(?:{_KINDS}){_DETERMINED}", rest)
        return _related(nouns[starts[-1]], _named(said), after) if said else []
    if re.search(r"\bbetween\b", here) and at + 2 < len(nouns) and re.match(r"\s*and\b", gaps[at + 1]):
        return [Relation(nouns[at], "right", after), Relation(nouns[at], "left", nouns[at + 2])]
    said = re.fullmatch(rf"(?:\s+[\w'-]+){{0,4}}?\s+(?:{_KINDS}){_DETERMINED}", here)
    if not said:
        lead = _split(gaps[at - 1])[2] if at else before
        led = re.fullmatch(rf"\s*(?:{_KINDS}){_DETERMINED}", lead) if _THERE.fullmatch(here) else None
        return _related(after, _named(led), nouns[at]) if led else []
    return [one for member in _listed(nouns, gaps, at, found) for one in _related(member, _named(said), after)]


def _listed(nouns: Sequence[str], gaps: Sequence[str], at: int, found: Sequence[Relation]) -> list[str]:
    """The thing and those listed before it: "a teapot, a cup and a plate"; what another one stands on is none."""
    first = at
    while first > 0 and _LISTED.fullmatch(gaps[first - 1]) and all(one.other != nouns[first - 1] for one in found):
        first -= 1
    return list(nouns[first : at + 1]) if any("and" in gap for gap in gaps[first:at]) else [nouns[at]]


def _named(found: re.Match[str]) -> str:
    return next(name for name, value in found.groupdict().items() if value)


def _related(thing: str, kind: str, other: str) -> list[Relation]:
    return [Relation(other, _SWAPPED[kind], thing)] if kind in _SWAPPED else [Relation(thing, kind, other)]


def _of_subject(here: str) -> str:
    """The relation to what the sentence is about, of "a castle behind them", "mountains in the distance"."""
    if them := re.fullmatch(rf"(?:\s+[\w'-]+){{0,3}}?\s+(?:{_KINDS})\s+{_THEM}\s*", here):
        return _named(them)
    words = here.strip()
    return next((kind for kind, said in _BARE.items() if re.fullmatch(rf"(?:[\w'-]+ )??(?:{said})", words)), "")


def _place_after(here: str) -> str:
    found = re.fullmatch(rf"(?:\s+[\w'-]+){{0,3}}?\s+{_PLACE}\s*", here)
    return _location(found) or ("on the top" if re.fullmatch(rf"(?:\s+[\w'-]+){{0,2}}?\s+{_SKY}\s*", here) else "")


def _place_before(rest: str) -> str:
    found = re.fullmatch(rf"\s*{_PLACE}{_DETERMINED}", rest)
    return _location(found) or ("on the top" if re.fullmatch(rf"\s*{_SKY}{_DETERMINED}", rest) else "")


def _location(found: re.Match[str] | None) -> str:
    down, across = (found["down"] or "", found["across"] or "") if found else ("", "")
    down = {"upper": "top", "lower": "bottom"}.get(down, down)
    return f"on the {'-'.join(word for word in (down, across) if word)}" if down or across else ""
