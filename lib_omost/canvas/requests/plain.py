"""Edits that need no model: remove it, swap the two, make it bigger, blue, put it on the left. By rules, conservative.

What is not understood word by word is nobody's here: the answer is None, and a model's to find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.colors import read_color
from lib_omost.canvas.requests.room import Bond, PlaceWords, Spot, depths, fitting
from lib_omost.canvas.requests.standing import means, standings
from lib_omost.canvas.requests.wish import EditRequest, is_background, nouns_of, read_wish, same
from lib_omost.canvas.vocabulary import AREAS, box_of
from lib_omost.canvas.words.mentions import mentions_of, replaced
from lib_omost.canvas.words.noun_phrase import COLOR_WORDS, NUMBERS, phrase_of, with_article
from lib_omost.canvas.words.wish_words import ADD, SCENE, SWAP, word_set

MAX_WORDS = 16
_REMOVING = re.compile(
    r"\b(?:remove|delete|erase|get rid of|take out|drop|no|without)\b|\btake\b.*\b(?:out|away)\b|"
    r"\b(?:doesn't|does not|don't|do not|shouldn't|should not) (?:belong|want|need|like|be (?:there|here|in))\b"
)
_MORE = word_set(
    "instead rather replace replaced substitute with more another swap than but except if keep leave just only"
)
_OF_REMOVING = word_set(
    "belong need like mean but only just keep everything doesn't don't shouldn't"
)  # words of such a wish that name no thing
_BIGGER = re.compile(r"\b(?:bigger|larger|taller|enlarge|too (?:small|tiny|little)|grow)\b")
_SMALLER = re.compile(r"\b(?:smaller|shrink|too (?:big|large|huge)|tinier)\b")
_SHIFT = re.compile(
    r"^(?:please |can you |could you |now )?(?:move|shift|put|push|place|nudge)\b.*\b(?P<to>left|right|up|down|higher|"
    r"lower)\b(?: a bit| a little| slightly| more| please)*\W*$"
)
_TOWARD = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "higher": (0, -1), "down": (0, 1), "lower": (0, 1)}
_SHADES = word_set("dark light pale bright deep")


def plain_edit(message: str, canvas: Canvas) -> Canvas | None:
    """The plan after an edit that is understood word by word; None where it is not."""
    wish = read_wish(message, canvas)
    if wish.new_picture or wish.undoes or not 0 < len(wish.words) <= MAX_WORDS or any(r.locked for r in canvas.regions):
        return None
    done = _one(message, canvas)
    if done is not None:
        return done if done != canvas else None
    parts = [part for part in re.split(r"\band\b|[,;.!]", message) if part.strip()]
    after: Canvas | None = canvas if len(parts) > 1 else None
    for part in parts:
        after = None if after is None else _one(part, after)
    return after if after != canvas else None


def _one(text: str, canvas: Canvas) -> Canvas | None:
    wish = read_wish(text, canvas)
    rules: tuple[Callable[[EditRequest, str, Canvas], Canvas | None], ...] = (
        _swapped,
        _removed,
        _sized,
        _colored,
        _moved,
    )
    plain = text.lower().replace("’", "'").strip()
    return next((found for rule in rules if (found := rule(wish, plain, canvas)) is not None), None)


def _things(canvas: Canvas) -> list[int]:
    return [at for at, region in enumerate(canvas.regions) if not is_background(region)]


def _meant(wish: EditRequest, canvas: Canvas) -> int | None:
    """The one thing that is meant; None where it may be another one."""
    things = _things(canvas)
    if not wish.targets and (wish.pronoun or wish.general) and len(things) == 1 == len(canvas.regions):
        return things[0]
    return next(iter(wish.targets)) if len(wish.targets) == 1 else None


def _with(canvas: Canvas, at: int, region: Region) -> Canvas:
    return replace(canvas, regions=(*canvas.regions[:at], region, *canvas.regions[at + 1 :]))


# --- swap ---


def _swapped(wish: EditRequest, text: str, canvas: Canvas) -> Canvas | None:
    """Two things change places, each with its size and depth."""
    named, things = wish.targets | wish.landmarks, _things(canvas)
    two = sorted(named) if named else things
    if not wish.has(SWAP) or len(two) != 2 or wish.unknown or wish.colors or (not named and not wish.plural):
        return None
    one, other = (canvas.regions[at] for at in two)
    return _with(_with(canvas, two[0], _at_place_of(one, other)), two[1], _at_place_of(other, one))


def _at_place_of(region: Region, other: Region) -> Region:
    return replace(
        region,
        location=other.location,
        offset=other.offset,
        area=other.area,
        bbox=other.bbox,
        distance_to_viewer=other.distance_to_viewer,
    )


# --- remove ---


def _removed(wish: EditRequest, text: str, canvas: Canvas) -> Canvas | None:
    if not wish.targets or wish.unknown - _OF_REMOVING or wish.has(ADD | SCENE):
        return None
    gone = set(wish.targets)
    if wish.only:
        gone = set(range(len(canvas.regions))) - gone
    elif not _REMOVING.search(text) or wish.has(_MORE | NUMBERS.keys()) or wish.plural:
        return None
    is_unclear = not wish.only and _share_a_noun([canvas.regions[at] for at in gone])
    if is_unclear or not gone or len(gone) == len(canvas.regions):
        return None
    for at in sorted(gone, reverse=True):
        canvas = _without(canvas, at)
    return canvas


def _share_a_noun(regions: Iterable[Region]) -> bool:
    nouns = [noun for region in regions for noun in nouns_of(region)[-1:]]
    return any(same(one, other) for at, one in enumerate(nouns) for other in nouns[at + 1 :])


def _without(canvas: Canvas, at: int) -> Canvas:
    """The plan less one region, which the whole picture's texts no longer name."""
    region = canvas.regions[at]
    rest = canvas.regions[:at] + canvas.regions[at + 1 :]
    noun = next(iter(nouns_of(region)[-1:]), "")
    if not noun or any(same(noun, other) for one in rest for other in nouns_of(one)[-1:]):
        return replace(canvas, regions=rest)
    names = mentions_of(noun)
    return replace(
        canvas,
        global_description=_less(canvas.global_description, region, noun),
        detailed_descriptions=tuple(text for text in canvas.detailed_descriptions if not names.search(text)),
        tags=", ".join(tag for tag in canvas.tags.split(", ") if not names.search(tag)),
        regions=rest,
    )


def _less(text: str, region: Region, noun: str) -> str:
    """A sentence without the phrase of a region: "A cow and a barn on a farm." without the barn."""
    phrase = phrase_of(region.description)
    said = rf"(?:an?|the|one|two|three|four|five|six|many|several) (?:[\w'-]+ ){{0,3}}?{mentions_of(noun).pattern}"
    said = re.escape(phrase.head.lower()) if phrase and phrase.head.lower() in text.lower() else _unnamed(said)
    behind = rf"(?:, and|,| and|, with| with) {said}(?= and\b|,|\.|$| (?:in|on|at|under|by)\b)"
    for pattern in (behind, rf"\b{said}(?: and|,) "):
        less = re.sub(pattern, "", text, count=1, flags=re.IGNORECASE)
        if less != text:
            if " and " not in less and not re.search(r", (?:in|on|at|under|by|with)\b", less):
                less = " and ".join(less.rsplit(", ", 1))
            return less[:1].upper() + less[1:]
    return text


def _unnamed(pattern: str) -> str:
    """A pattern without names for its groups, which another one may have too."""
    return re.sub(r"\?P<\w+>", "?:", pattern)


# --- bigger, smaller ---


def _sized(wish: EditRequest, text: str, canvas: Canvas) -> Canvas | None:
    at = _meant(wish, canvas)
    grows, shrinks = bool(_BIGGER.search(text)), bool(_SMALLER.search(text))
    said_else = wish.unknown or wish.colors or wish.landmarks or wish.has(SCENE | ADD) or wish.removes
    if at is None or grows == shrinks or said_else:
        return None
    region = canvas.regions[at]
    step = AREAS.index(region.area) + (3 if grows else -3)
    if region.bbox is not None or not 0 <= step < len(AREAS):
        return None
    return _with(canvas, at, replace(region, area=AREAS[step]))


# --- another colour ---


def _colored(wish: EditRequest, text: str, canvas: Canvas) -> Canvas | None:
    at = _meant(wish, canvas)
    if at is None or not wish.colors or wish.landmarks or not wish.only_colors or wish.has(_SHADES | ADD | SCENE):
        return None
    region = canvas.regions[at]
    old = phrase_of(region.description)
    new = [color for color in wish.colors if old and color not in map(str.lower, old.colors)]
    value = read_color(new[0]) if len(new) == 1 else None
    if old is None or value is None or wish.has(_MORE | NUMBERS.keys()):
        return None
    plain = tuple(word for word in old.adjectives if word.lower() not in COLOR_WORDS)
    now = replace(old, adjectives=(*plain, new[0]))
    number = "" if old.number.lower() in ("a", "an") else f"{old.number} "
    words = f"{number}{now.words}" if number or not old.number else with_article(now.words)
    words = f"{words} {old.tail}".strip()
    whole = replaced(canvas.global_description, old, now, alone=False)
    changed = replace(region, description=f"{words[:1].upper()}{words[1:]}.", HTML_web_color_name=value)
    return _with(replace(canvas, global_description=whole), at, changed)


# --- elsewhere ---


def _moved(wish: EditRequest, text: str, canvas: Canvas) -> Canvas | None:
    at = _meant(wish, canvas)
    if at is None or not wish.only_places or wish.has(ADD | SCENE):
        return None
    region = canvas.regions[at]
    if region.bbox is not None:
        return None
    shift = _SHIFT.match(text)
    bonds = _bonds(text, at, canvas)
    if shift and not bonds and not wish.landmarks:
        places = _beyond(region, *_TOWARD[shift["to"]])
    elif bonds:
        others = [one.box for index, one in enumerate(canvas.regions) if index != at]
        places = list(fitting(bonds, others))
    else:
        return None
    return _with(canvas, at, _placed(region, places, depths(bonds))) if places else None


def _bonds(text: str, at: int, canvas: Canvas) -> list[Bond]:
    """What the message says of the thing's place, if it says it of things of the plan alone."""
    region, found = canvas.regions[at], list[Bond]()
    for one in standings(text):
        others = [
            next((r for i, r in enumerate(canvas.regions) if i != at and means(words, r.description)), None)
            for words in one.others
        ]
        if not means(one.thing, region.description) or None in others:
            return []
        spots = tuple(Spot(other.box, other.distance_to_viewer) for other in others if other is not None)
        found.append(Bond(one.relation, spots))
    return found


def _beyond(region: Region, across: int, down: int) -> list[PlaceWords]:
    """The places plainly farther that way, and not aside."""
    x, y = region.box.center
    found = []
    for words in fitting([], []):
        new_x, new_y = box_of(*words).center
        along = (new_x - x) * across + (new_y - y) * down
        aside = abs((new_x - x) * down) + abs((new_y - y) * across)
        if along >= 8 and aside <= 5 and words[2] == region.area:
            found.append(words)
    return found


def _placed(region: Region, places: Iterable[PlaceWords], far: tuple[float, ...]) -> Region:
    """At the place that changes least: of its size if any is, in plain words, near where it was."""
    x, y = region.box.center

    def cost(words: PlaceWords) -> tuple[bool, bool, float]:
        at_x, at_y = box_of(*words).center
        return words[2] != region.area, words[1] != "no offset", abs(at_x - x) + abs(at_y - y)

    location, offset, area = min(places, key=cost)
    depth = region.distance_to_viewer
    if far and depth not in far:
        depth = min(far, key=lambda one: abs(one - depth))
    return replace(region, location=location, offset=offset, area=area, distance_to_viewer=depth)
