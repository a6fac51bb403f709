"""Coverage of a request: a plan names the time and the mood that its request names, puts its things where it says, and
does not end before each has a region. By rules over words and boxes (canvas/requests), as tokens that the grammar
forces; the rest the model chooses. Lexically constrained decoding (Hokamp and Liu, 2017), a region as its unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, MutableSet, Sequence, Set
from dataclasses import replace
from functools import lru_cache

import numpy as np

from lib_omost.canvas import Canvas, Region, read_canvas, snap
from lib_omost.canvas.requests import (
    Layout,
    Missing,
    Placement,
    layout_of,
    missing,
    place_of,
    plain_edit,
    read_wish,
    region_about,
    words_of,
)
from lib_omost.canvas.requests.wish import EditRequest, is_background, nouns_of, same
from lib_omost.canvas.vocabulary import OFFSETS
from lib_omost.canvas.words.noun_phrase import MANY, NUMBERS, singular, with_article
from lib_omost.canvas.words.request_words import MASS, OF_THE_WHOLE, PARTS, SURROUNDINGS
from lib_omost.composer.grammar import Grammar
from lib_omost.composer.placing import placing, plan_so_far
from lib_omost.composer.sampling import Mask
from lib_omost.composer.settings import Message

MOST_REGIONS = 8  # of a plan that coverage adds to
BY_RULE = "This change was plain enough to be made by rule, so the language model was not asked."
MOST_WORDS = 3  # of time, weather and mood
_REGION = re.compile(r"canvas\.add_local_description\(\n    description='([^\n]*)',\n")
_WHOLE = re.compile(r"set_global_description\(\n    description='[^\n]*',\n")


class Covering:
    """The rules of a grammar, and what has to come next because the request wants it.

    `details`: the lines that must follow the reply so far. `region`: those that stand in for an end of the program.
    Either is "" where nothing lacks. `places`: texts of which one must follow, none where anything may.
    `note`: what the person should know of the reply.
    """

    def __init__(
        self,
        grammar: Grammar,
        details: Callable[[str], str],
        region: Callable[[str], str],
        places: Callable[[str], tuple[str, ...]] = lambda text: (),
        note: str = "",
    ) -> None:
        self._grammar, self._details, self._region, self._places = grammar, details, region, places
        self._is_closing = False
        self.note = note
        self._granted: list[int] = []  # what was last given to append
        self.reserve = grammar.reserve

    def allowed(self) -> Mask:
        """As the grammar; inside lines that must follow, their next token alone: a draft may end within them."""
        mask = self._grammar.allowed()
        if fits := self._tokens(self._details)[:1] or self._placing_tokens(mask):
            mask[:] = False
            mask[fits] = True
        return mask

    def _placing_tokens(self, mask: Mask) -> list[int]:
        """Of the allowed tokens those that put the region where it may be; none where it may be anywhere."""
        options = self._options()
        found = np.flatnonzero(mask) if options else ()
        return [int(token) for token in found if _fits(self._grammar.text_of([int(token)]), options)]

    def forced(self, closing: bool) -> list[int]:
        self._is_closing = closing
        self._granted = self._grammar.forced(closing) or (
            [] if closing else self._tokens(self._details) or self._only()
        )
        return self._granted

    def _only(self) -> list[int]:
        """The next token where one text alone may follow: the longest that begins it."""
        if len(self._options()) != 1:
            return []
        tokens = self._placing_tokens(self._grammar.allowed())
        return [max(tokens, key=lambda token: len(self._grammar.text_of([token])))] if tokens else []

    def _options(self) -> tuple[str, ...]:
        return () if self._is_closing else self._places(self._grammar.text)

    def consume(self, tokens: Sequence[int]) -> int:
        """As the grammar, but a draft passes by nothing that is wanted, and ends no program that lacks something."""
        if list(tokens) == self._granted:
            return self._grammar.consume(tokens)
        for count, token in enumerate(tokens):
            wanted = self._tokens(self._details)
            if (wanted and wanted[0] != token) or self._instead(token) or not self._may_place(token):
                return count
            if not self._grammar.consume([token]):
                return count
        return len(tokens)

    def _may_place(self, token: int) -> bool:
        options = self._options()
        is_right = not options or _fits(self._grammar.text_of([token]), options)
        return is_right or not self._placing_tokens(self._grammar.allowed())

    def instead(self, token: int) -> list[int]:
        """Where the token would end the program too early: the opening of one more region."""
        self._granted = self._instead(token)
        return self._granted

    def _instead(self, token: int) -> list[int]:
        return self._tokens(self._region) if not self._is_closing and "`" in self._grammar.text_of([token]) else []

    def _tokens(self, wanted: Callable[[str], str]) -> list[int]:
        lines = wanted(self._grammar.text)
        return self._grammar.tokens_of(lines) if lines else []

    def rollback(self, count: int) -> None:
        self._grammar.rollback(count)

    def ended(self) -> bool:
        return self._grammar.ended()

    def complete(self) -> bool:
        return self._grammar.complete()


def _fits(token: str, options: Sequence[str]) -> bool:
    """Whether the token begins one of the texts, or ends it and goes on."""
    return any(text.startswith(token) or token.startswith(text) for text in options)


def covering(grammar: Grammar, messages: Sequence[Message]) -> Covering:
    """The grammar of the brief layout, covering what the newest message names, where it says.

    In an edit regions only, where the message asks for more things or the model would lose one; an edit that needs no
    model is written whole.
    """
    request, before = messages[-1]["content"], plan_before(messages)
    reply, opened = by_rule(messages), set[str]()
    if reply and grammar.tokens_of(reply):
        return Covering(grammar, lambda text: _begun(reply, text), lambda text: "", note=BY_RULE)
    return Covering(grammar, *lacking(messages, opened), whereabouts(request, before, opened))


def by_rule(messages: Sequence[Message]) -> str:
    """The whole reply to an edit that needs no model, of a plan in the brief layout; "" to all else."""
    before = plan_before(messages)
    if before is None or any(map(_has_more, before.regions)):
        return ""
    after = plain_edit(messages[-1]["content"], before)
    return brief_program(after) if after is not None else ""


def _has_more(region: Region) -> bool:
    """Whether the brief layout would lose something of a region."""
    texts = (region.tags, region.atmosphere, region.style, region.quality_meta, region.negative, region.text)
    return bool(region.bbox or region.detailed_descriptions or any(texts))


def brief_program(canvas: Canvas) -> str:
    """A canvas in the brief layout: what carries nothing is left out."""
    details = "".join(f"        {_quoted(text)},\n" for text in canvas.detailed_descriptions)
    return (
        "```python\ncanvas = Canvas()\ncanvas.set_global_description(\n"
        f"    description={_quoted(canvas.global_description)},\n"
        + (f"    detailed_descriptions=[\n{details}    ],\n" if details else "")
        + f"    HTML_web_color_name='{canvas.HTML_web_color_name}',\n)"
        + "".join(map(_brief_region, canvas.regions))
        + "\n```"
    )


def _brief_region(region: Region) -> str:
    location, offset, area = snap(region.box) if region.bbox else (region.location, region.offset, region.area)
    depth = region.distance_to_viewer
    return (
        f"\ncanvas.add_local_description(\n    description={_quoted(region.description)},\n"
        f"    location='{location}',\n"
        + (f"    offset='{offset}',\n" if offset != "no offset" else "")
        + f"    area='{area}',\n"
        + (f"    distance_to_viewer={depth:g},\n" if depth != 1.0 else "")
        + f"    HTML_web_color_name='{region.HTML_web_color_name}',\n)"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", " ").replace("'", "\\'") + "'"


def plan_before(messages: Sequence[Message]) -> Canvas | None:
    """The newest plan of a conversation."""
    return next((found for one in reversed(messages) if (found := _canvas(one))), None)


def whereabouts(
    request: str, before: Canvas | None, opened: Set[str] = frozenset()
) -> Callable[[str], tuple[str, ...]]:
    """For a reply so far, the texts of which one must follow; () where anything may.

    A new plan's thing whose place the request says, and one that coverage `opened`, get their box by one rule; all
    others may choose among the places that fit.
    """
    fitting = placing(request, before)
    if before is not None:
        return fitting
    layout = layout_of(request)

    @lru_cache(maxsize=1)
    def placed(so_far: str, description: str) -> str:
        return _place_lines(_placed(description, layout, plan_so_far(so_far), always=description in opened))

    def options(text: str) -> tuple[str, ...]:
        start = text.rfind("\ncanvas.add_local_description(")
        begun = _REGION.match(text, start + 1) if start >= 0 else None
        if begun is None or not (lines := placed(text[:start], begun[1])):
            return fitting(text)
        rest = _begun(lines, text[begun.end() :])
        return (rest,) if rest else ()

    return options


def _placed(description: str, layout: Layout, so_far: Canvas, *, always: bool) -> Placement | None:
    """Where the request puts the thing of a new region; None where it does not say, or where the thing has a region.

    What one description tells of two things it places as well.
    """
    named = [noun for noun in words_of(description) if noun in layout.things]
    if not named or region_about(named[0], so_far):
        return None
    relations = tuple(one for one in layout.relations if not {one.thing, one.other} <= set(named))
    return place_of(named[0], description, replace(layout, relations=relations), so_far, always=always)


def _place_lines(place: Placement | None) -> str:
    if place is None:
        return ""
    offset = "" if place.offset == OFFSETS[0] else f"    offset='{place.offset}',\n"
    distance = "" if place.distance is None else f"    distance_to_viewer={place.distance:g},\n"
    return f"    location='{place.location}',\n{offset}    area='{place.area}',\n{distance}"


def lacking(
    messages: Sequence[Message], opened: MutableSet[str] | None = None
) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """`details` and `region` of `Covering`: for a reply so far, the lines for a time or a mood behind the whole
    picture's sentence, and the opening of a region behind a call, while the message names one that the plan lacks.
    `opened` gets the descriptions of such regions.
    """
    request = messages[-1]["content"]
    before = plan_before(messages)
    wish = None if before is None else read_wish(request, before)
    adds = wish is None or wish.adds
    stays = [] if before is None or wish is None else _stays(wish, before)

    @lru_cache(maxsize=1)  # it is asked at each token, and the sentence stays
    def lines_after(whole: str) -> str:
        return _lines(unsaid(request, plan_so_far(whole)))

    def details(text: str) -> str:
        whole = _WHOLE.search(text)
        if before is not None or whole is None or "\n)" in text:
            return ""
        return _begun(lines_after(text[: whole.end()]), text[whole.end() :])

    def region(text: str) -> str:
        end = text.rfind("\n)") + 2
        canvas = plan_so_far(text[:end])
        if not 0 < len(canvas.regions) < MOST_REGIONS:
            return ""
        if lost := next((one for one in stays if _is_lost(one, canvas)), None):
            return _begun(_brief_region(lost), text[end:])
        if not adds:
            return ""
        thing = next((said for said in map(sentence, unplaced(request, canvas, before)) if said not in text), "")
        if thing and opened is not None:
            opened.add(thing)
        opening = f"\ncanvas.add_local_description(\n    description='{thing}',\n" if thing else ""
        return _begun(opening, text[end:])

    return details, region


def _stays(wish: EditRequest, before: Canvas) -> list[Region]:
    """The things of a plan that an edit of others, or of one more, gives no ground to take out."""
    of_all = wish.new_picture or wish.undoes or wish.only or wish.plural or wish.general or wish.elsewhere
    if of_all or not (wish.targets or wish.adds):
        return []
    return [region for at, region in enumerate(before.regions) if at not in wish.targets and not is_background(region)]


def _is_lost(region: Region, canvas: Canvas) -> bool:
    """Whether nothing in the plan is called so."""
    nouns = nouns_of(region)[-1:]
    return not any(same(noun, other) for noun in nouns for one in canvas.regions for other in nouns_of(one))


def _begun(lines: str, begun: str) -> str:
    """What is left of lines that have begun, if these have."""
    return lines[len(begun) :] if lines.startswith(begun) else ""


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
