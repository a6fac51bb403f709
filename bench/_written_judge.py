"""Judge of requests and captions: is the plan what was asked? From boxes and words alone, as docs/judging.md says.

Every function gives the faults that it found, so that a failing row says what failed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from bench._written_boxes import BACKGROUND, SAME_PLACE, holds, is_at, likeness, share
from bench._written_set import SCENE_KEYS, Row, Wanted, choices, wanted
from bench._written_words import (
    color_words,
    count_of,
    denies,
    is_head,
    looks,
    means,
    places,
    says,
    tokens,
)
from lib_omost.canvas import Canvas, Region


class Fault(NamedTuple):
    """What kind of thing is wrong (thing, count, color, at, relation, time, ...), and what it is."""

    kind: str
    text: str


SCENERY = frozenset(
    (
        "sky",
        "light",
        "lights",
        "sunlight",
        "shadow",
        "wall",
        "water",
        "sea",
        "bay",
        "star",
        "cloud",
        "grass",
        "dust",
        "smoke",
    )
)
Find = Callable[[str], Sequence[Region]]  # the regions of a thing, by the name that relations use
#: Words in one region's own description that say a relation of two things which share that region.
_SAID = {
    "on": "on onto atop upon over with wearing",
    "in": "in inside into with of filled full containing holding",
    "under": "under beneath underneath below",
    "near": "near beside by next against with leaning",
    "between": "between",
}


def judged(row: Row, canvas: Canvas | None) -> list[Fault]:
    """What is wrong with the plan of a request; nothing where all is right."""
    if canvas is None:
        return [Fault("plan", "no plan")]
    things = wanted(row)
    return [
        *(fault for thing in things for fault in thing_faults(canvas, thing, things)),
        *(fault for thing in things if thing.depth for fault in depth_faults(canvas, thing, things)),
        *relation_faults(row, finder(canvas, things)),
        *compare_faults(row, canvas, things),
        *scene_faults(row, canvas),
        *gone_faults(row, canvas),
        *crowded(canvas.regions),
    ]


# --- things ---


def thing_faults(canvas: Canvas, thing: Wanted, things: Sequence[Wanted]) -> list[Fault]:
    found = regions_of(canvas, thing, things)
    if not found:
        return _scenery_faults(canvas, thing)
    faults = []
    if thing.count and (said := counted(found, thing)) != thing.count:
        faults.append(Fault("count", f"{said or 'any number'} instead of {thing.count} {thing.name}"))
    if thing.color and not all(is_colored(region, thing) for region in found):
        faults.append(Fault("color", f"{thing.name} is not {thing.color}"))
    if thing.like and not is_described(canvas, found, thing, things):
        faults.append(Fault("detail", f"{thing.name} is not {' or '.join(thing.like)}"))
    if thing.at and not all(is_at(region.box, thing.at) for region in found):
        faults.append(Fault("at", f"{thing.name} is not {thing.at}"))
    return faults


def _scenery_faults(canvas: Canvas, thing: Wanted) -> list[Fault]:
    """A thing without a region: sky, light and the like may be a matter of the whole picture."""
    sentences = re.split(r"[.;]", whole_words(canvas))
    said = [sentence for sentence in sentences if says(sentence, thing.words)]
    if not said or not SCENERY.intersection(thing.words):
        return [Fault("thing", f"no {thing.name}")]
    colors = [word for sentence in said for word in color_words(tokens(sentence))]
    if thing.color and not any(means(word, thing.color) for word in colors):
        return [Fault("color", f"{thing.name} is not {thing.color}")]
    return []


def regions_of(canvas: Canvas, thing: Wanted, things: Sequence[Wanted] = ()) -> list[Region]:
    """Where the thing is: the regions about it, by the first of its words that has any (where any number will do, by
    all of them); else the first region that names it.

    Where a row wants two kinds of one noun ("a black swan and a white swan"), only regions of the right colour.
    """
    some = [region for region in canvas.regions if any(is_head(region.description, word) for word in thing.words)]
    about = _regions_about(canvas, thing.words) if thing.count else some
    found = about or _regions_naming(canvas, thing.words)
    twins = [other for other in things if other.words == thing.words and other.color != thing.color]
    if not (thing.color and twins):
        return found
    return [region for region in found if is_colored(region, thing)] or found[:1]


def _regions_about(canvas: Canvas, words: Sequence[str]) -> list[Region]:
    for word in words:
        if found := [region for region in canvas.regions if is_head(region.description, word)]:
            return found
    return []


def _regions_naming(canvas: Canvas, words: Sequence[str]) -> list[Region]:
    for text in (lambda region: region.description, own_words):
        for word in words:
            found = [region for region in canvas.regions if places(tokens(text(region)), word)]
            if found:
                return found[:1]
    return []


def own_words(region: Region) -> str:
    """What a region says of itself: sentences that only place it beside something else are not part of it."""
    own = [text for text in region.detailed_descriptions if not _PLACING.search(text)]
    return ". ".join([region.description, *own, region.tags, region.name])


_PLACING = re.compile(
    r"\b(?:left of|right of|in front of|next to|behind|beside|between|above|below|under|beneath|near|"
    r"on the (?:left|right|top|bottom)|in the (?:center|middle|background|foreground))\b",
    re.IGNORECASE,
)


def counted(found: Sequence[Region], thing: Wanted) -> int:
    """How many there are: the numbers that the regions say, added up; 0 where one of them says no number."""
    numbers = [_count_in(region, thing) for region in found]
    return 0 if 0 in numbers else sum(numbers)


def _count_in(region: Region, thing: Wanted) -> int:
    """By the first of its words that says a number: "Scales" is no number of "scale", but it is one pair of scales."""
    text = region.description if says(region.description, thing.words) else own_words(region)
    numbers = [count_of(text, word) for word in thing.words if says(text, [word])]
    return next((number for number in numbers if number), 0)


def compare_faults(row: Row, canvas: Canvas, things: Sequence[Wanted]) -> list[Fault]:
    """More of one thing than of another: both counted, a plural without a number is no count."""
    faults = []
    named = {thing.name: thing for thing in things}
    for one, order, other in row.get("compare", []):
        a, b = (counted(regions_of(canvas, named[name], things), named[name]) for name in (one, other))
        if not (a and b and (a > b if order == ">" else a < b)):
            faults.append(Fault("count", f"{a or 'any'} {one} {order} {b or 'any'} {other}"))
    return faults


def is_colored(region: Region, thing: Wanted) -> bool:
    return any(
        all(_has_color(region, thing, color) for color in alternative.split("+"))
        for alternative in choices(thing.color)
    )


def _has_color(region: Region, thing: Wanted, color: str) -> bool:
    """By a word beside the noun; else, where the region is about it and names no other colour, by the region's own."""
    said = _words_beside(region, thing)
    if any(means(word, color) for word in said):
        return True
    about = [word for word in thing.words if is_head(region.description, word)]
    if not about:
        return False
    if any(means(word, color) for word in color_words(tokens(own_words(region)))):
        return "+" in thing.color or not said
    return not said and looks(region.color, color)


def _words_beside(region: Region, thing: Wanted) -> list[str]:
    """The colour words in the noun phrase of the thing: up to five words before it ("A black and white dog")."""
    found: list[str] = []
    for sentence in re.split(r"[.;]", ". ".join([region.description, *region.detailed_descriptions])):
        words = tokens(sentence)
        ends = [end for word in thing.words for end in places(words, word)]
        for end in ends:
            found += color_words(words[max(end - 6, 0) : end - 1])
            if end < len(words) and words[end] in ("is", "are", "in"):
                found += color_words(words[end : end + 5])
    return found


def is_described(canvas: Canvas, found: Sequence[Region], thing: Wanted, things: Sequence[Wanted]) -> bool:
    """Whether a region of the thing says one of the wanted words, or a sentence of the whole picture that names the
    thing or no other one."""
    others = [word for other in things if other is not thing for word in other.words]
    sentences = re.split(r"[.;]", ". ".join([canvas.global_description, *canvas.detailed_descriptions]))
    whole = [text for text in sentences if says(text, thing.words) or not says(text, others)]
    texts = [". ".join([*region.detailed_descriptions, own_words(region)]) for region in found]
    return any(says(text, thing.like) for text in [*texts, *whole])


def depth_faults(canvas: Canvas, thing: Wanted, things: Sequence[Wanted]) -> list[Fault]:
    mine = [region.distance_to_viewer for region in regions_of(canvas, thing)]
    others = [r.distance_to_viewer for other in things if other is not thing for r in regions_of(canvas, other)]
    if not mine or not others:
        return []
    right = max(mine) >= max(others) if thing.depth == "far" else min(mine) <= min(others)
    return [] if right else [Fault("depth", f"{thing.name} is not {thing.depth}")]


# --- relations ---


def finder(canvas: Canvas, things: Sequence[Wanted]) -> Find:
    """The regions of a thing of the row by its name; a name that is no thing's is looked for as a word."""
    named = {thing.name: thing for thing in things}
    return lambda name: regions_of(canvas, named.get(name, Wanted((name,))), things)


def relation_faults(row: Row, find: Find) -> list[Fault]:
    """Relations that do not hold. One whose things are not all there is passed over: the missing thing is the fault."""
    faults = []
    for a, relation, *others in row.get("relations", []):
        places_of = [find(name) for name in (a, *others)]
        if all(places_of) and not any(stands(one, (a, *others), places_of) for one in choices(relation)):
            faults.append(Fault("relation", f"{a} {relation} {' and '.join(others)}"))
    return faults


def stands(relation: str, names: Sequence[str], places_of: Sequence[Sequence[Region]]) -> bool:
    first = places_of[0]
    shared = [region for region in first if any(region is other for rest in places_of[1:] for other in rest)]
    if shared:
        return _is_said(relation, shared[0], names)
    return holds(relation, *places_of)


def _is_said(relation: str, region: Region, names: Sequence[str]) -> bool:
    """Two things in one region: their relation is as its description says it; one of places is not said at all."""
    return says(region.description, _SAID.get(relation, "").split())


def crowded(regions: Sequence[Region]) -> list[Fault]:
    """Regions in one place: neither would be seen. Whole backgrounds are no such pair."""
    return [
        Fault("crowd", f"{one.description} {other.description}")
        for at, one in enumerate(regions)
        for other in regions[at + 1 :]
        if likeness(one.box, other.box) >= SAME_PLACE and min(share(one), share(other)) < BACKGROUND
    ]


# --- the whole picture ---


def whole_words(canvas: Canvas) -> str:
    return ". ".join([canvas.global_description, *canvas.detailed_descriptions, canvas.tags])


def all_words(canvas: Canvas) -> str:
    texts = [whole_words(canvas)]
    for region in canvas.regions:
        texts += [region.description, *region.detailed_descriptions, region.tags, region.atmosphere, region.style]
    return ". ".join(texts)


def scene_faults(row: Row, canvas: Canvas) -> list[Fault]:
    text = all_words(canvas)
    asked = [(key, choices(row[key])) for key in SCENE_KEYS if key in row]
    return [
        Fault(key.rstrip("2"), f"nothing says {' or '.join(words[:3])}")
        for key, words in asked
        if not says(text, words) and not any(looks(canvas.color, word) for word in words)
    ]


def gone_faults(row: Row, canvas: Canvas) -> list[Fault]:
    return [
        Fault("gone", f"{choices(words)[0]} is still there")
        for words in row.get("gone", [])
        if any(names_it(canvas, word) for word in choices(words))
    ]


def names_it(canvas: Canvas, word: str) -> bool:
    """Whether the plan says the word anywhere but to deny it ("no people")."""
    sentences = re.split(r"[.;]", all_words(canvas))
    return any(says(sentence, [word]) and not denies(sentence, word) for sentence in sentences)


def is_kind(reply: str, canvas: Canvas | None) -> bool:
    """Whether a message that asks for no picture got a sentence and no canvas."""
    words = re.findall(r"[^\W\d_]{2,}", reply)
    return canvas is None and "Canvas" not in reply and len(words) >= 2 and len(reply) <= 800


def tally(faults: Iterable[Fault]) -> dict[str, int]:
    """How many rows... by kind of fault, the most frequent first."""
    found: dict[str, int] = {}
    for fault in faults:
        found[fault.kind] = found.get(fault.kind, 0) + 1
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))
