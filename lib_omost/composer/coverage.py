"""Coverage of a request: a plan names the time and the mood that its request names, puts its things where it says, and
does not end before each has a region. By rules over words and boxes (canvas/requests), as tokens that the grammar
forces; the rest the model chooses. Lexically constrained decoding (Hokamp and Liu, 2017), a region as its unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from lib_omost.canvas import Canvas, read_canvas
from lib_omost.canvas.requests import (
    Layout,
    Missing,
    Placement,
    layout_of,
    missing,
    nouns_of,
    place_of,
    read_wish,
    region_about,
)
from lib_omost.canvas.vocabulary import OFFSETS
from lib_omost.canvas.words.noun_phrase import MANY, NUMBERS, singular, with_article
from lib_omost.canvas.words.request_words import MASS, OF_THE_WHOLE, PARTS, SURROUNDINGS
from lib_omost.composer.grammar import Grammar
from lib_omost.composer.sampling import Mask
from lib_omost.composer.settings import Message

MOST_REGIONS = 8  # of a plan that coverage adds to
MOST_WORDS = 3  # of time, weather and mood
_REGION = re.compile(r"canvas\.add_local_description\(\n    description='([^\n]*)',\n")
_WHOLE = re.compile(r"set_global_description\(\n    description='[^\n]*',\n")


class Covering:
    """The rules of a grammar, and what has to come next because the request wants it.

    `lines`: those that must follow the reply so far. `region`: those that stand in for an end of the program.
    Either is "" where nothing lacks.
    """

    def __init__(self, grammar: Grammar, lines: Callable[[str], str], region: Callable[[str], str]) -> None:
        self._grammar, self._lines, self._region = grammar, lines, region
        self.reserve = grammar.reserve

    def allowed(self) -> Mask:
        """As the grammar; inside lines that must follow, their next token alone: a draft may end within them."""
        allowed, wanted = self._grammar.allowed(), self._tokens(self._lines)
        if wanted:
            allowed[:] = False
            allowed[wanted[0]] = True
        return allowed

    def forced(self, closing: bool) -> list[int]:
        return self._grammar.forced(closing) or ([] if closing else self._tokens(self._lines))

    def consume(self, tokens: Sequence[int]) -> int:
        """As the grammar, but a draft passes by nothing that is wanted, and ends no program that lacks something."""
        for count, token in enumerate(tokens):
            wanted = self._tokens(self._lines)
            if (wanted and wanted[0] != token) or self.instead(token) or not self._grammar.consume([token]):
                return count
        return len(tokens)

    def instead(self, token: int) -> list[int]:
        """Where the token would end the program too early: the opening of one more region."""
        return self._tokens(self._region) if "`" in self._grammar.text_of([token]) else []

    def _tokens(self, wanted: Callable[[str], str]) -> list[int]:
        lines = wanted(self._grammar.text)
        return self._grammar.tokens_of(lines) if lines else []

    def rollback(self, count: int) -> None:
        self._grammar.rollback(count)

    def ended(self) -> bool:
        return self._grammar.ended()

    def complete(self) -> bool:
        return self._grammar.complete()


def covering(grammar: Grammar, messages: Sequence[Message]) -> Covering:
    """The grammar of the brief layout, covering what the newest message names.

    In an edit regions only, and only where the message asks for more things; what is there is the model's to keep.
    """
    return Covering(grammar, *lacking(messages))


def lacking(messages: Sequence[Message]) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """`lines` and `region` of `Covering`: for a reply so far, the lines for a time or a mood behind the whole picture's
    sentence and for the place of a region behind its description; and the opening of a region behind a call, while
    the message names one that the plan lacks.
    """
    request = messages[-1]["content"]
    before = next((found for one in reversed(messages) if (found := _canvas(one))), None)
    adds = before is None or read_wish(request, before).adds
    layout, opened = layout_of(request), set[str]()

    @lru_cache(maxsize=1)  # it is asked at each token, and the sentence stays
    def lines_after(whole: str) -> str:
        return _lines(unsaid(request, _so_far(whole)))

    def details(text: str) -> str:
        whole = _WHOLE.search(text)
        if before is not None or whole is None or "\n)" in text:
            return ""
        return _begun(lines_after(text[: whole.end()]), text[whole.end() :])

    @lru_cache(maxsize=1)
    def placed(so_far: str, description: str) -> str:
        known = [canvas for canvas in (before, _so_far(so_far)) if canvas]
        return _place_lines(_placed(description, layout, known, always=description in opened))

    def lines(text: str) -> str:
        start = text.rfind("\ncanvas.add_local_description(")
        begun = _REGION.match(text, start + 1) if start >= 0 else None
        if begun is None or not adds:
            return details(text)
        return _begun(placed(text[:start], begun[1]), text[begun.end() :])

    def region(text: str) -> str:
        end = text.rfind("\n)") + 2
        canvas = _so_far(text[:end])
        if not adds or not 0 < len(canvas.regions) < MOST_REGIONS:
            return ""
        thing = next((said for said in map(sentence, unplaced(request, canvas, before)) if said not in text), "")
        opened.add(thing)
        opening = f"\ncanvas.add_local_description(\n    description='{thing}',\n" if thing else ""
        return _begun(opening, text[end:])

    return lines, region


def _begun(lines: str, begun: str) -> str:
    """What is left of lines that have begun, if these have."""
    return lines[len(begun) :] if lines.startswith(begun) else ""


def _placed(description: str, layout: Layout, known: Sequence[Canvas], *, always: bool) -> Placement | None:
    """Where the request puts the thing of a new region; None where it does not say, or where the thing has a region.

    `known`: the plan before, if there is one, and the plan so far. What one description tells of two things it places
    as well.
    """
    named = [noun for noun in nouns_of(description) if noun in layout.things]
    if not named or any(region_about(named[0], canvas) for canvas in known):
        return None
    relations = tuple(one for one in layout.relations if not {one.thing, one.other} <= set(named))
    return place_of(named[0], description, replace(layout, relations=relations), known[-1], always=always)


def _place_lines(place: Placement | None) -> str:
    if place is None:
        return ""
    offset = "" if place.offset == OFFSETS[0] else f"    offset='{place.offset}',\n"
    distance = "" if place.distance is None else f"    distance_to_viewer={place.distance:g},\n"
    return f"    location='{place.location}',\n{offset}    area='{place.area}',\n{distance}"


def _so_far(text: str) -> Canvas:
    return read_canvas(text + "\n```").canvas or Canvas()


def _lines(words: Sequence[str]) -> str:
    items = "".join(f"        'It is {word}.',\n" for word in words)
    return f"    detailed_descriptions=[\n{items}" if items else ""


def unsaid(request: str, canvas: Canvas) -> list[str]:
    """The times and moods of a request that the plan lacks: "night", "a foggy morning"."""
    found = [one.phrase for one in missing(request, canvas)]
    whole = [phrase for phrase in found if all(word in OF_THE_WHOLE for word in phrase.split())]
    return [with_article(phrase) if " " in phrase else phrase for phrase in whole[:MOST_WORDS]]


def unplaced(request: str, canvas: Canvas, before: Canvas | None = None) -> list[Missing]:
    """The things of a request that no region is about; what surrounds things may stand in the whole picture's text."""
    regions = replace(canvas, global_description="", detailed_descriptions=(), tags="")
    nowhere = {one.phrase for one in missing(request, canvas, before)}
    found = [(one, singular(one.phrase.split()[-1])) for one in missing(request, regions, before) if one.is_thing]
    return [one for one, noun in found if noun not in PARTS and (one.phrase in nowhere or noun not in SURROUNDINGS)]


def sentence(thing: Missing) -> str:
    """`A castle.`, `Two skaters.`, `Dark clouds.`, `Bread.`, `A pair of boots.`"""
    first, *rest = thing.phrase.replace("'", "").split()
    words = " ".join([first, *rest])
    if first in ("pair", "couple", "dozen"):
        words = f"a {first} of {' '.join(rest)}" if first != "dozen" else f"a {words}"
    elif not (first in NUMBERS or first in MANY or first.isdecimal() or _is_uncounted(words.split()[-1])):
        words = with_article(words)
    return f"{words[0].upper()}{words[1:]}."


def _is_uncounted(noun: str) -> bool:
    return noun in MASS or singular(noun) != noun


def _canvas(message: Message) -> Canvas | None:
    return read_canvas(message["content"]).canvas if message["role"] == "assistant" else None
