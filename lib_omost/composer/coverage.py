"""Coverage of a request: a plan names the time and the mood that its request names, and does not end before each of its
things has a region. By rules over words (canvas/requests), as tokens that the grammar forces; where and how a thing
is, the model chooses. Lexically constrained decoding (Hokamp and Liu, 2017) with a region as its unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from lib_omost.canvas import Canvas, read_canvas
from lib_omost.canvas.requests import Missing, missing, read_wish
from lib_omost.canvas.words.noun_phrase import MANY, NUMBERS, singular, with_article
from lib_omost.canvas.words.request_words import MASS, OF_THE_WHOLE, PARTS, SURROUNDINGS
from lib_omost.composer.grammar import Grammar
from lib_omost.composer.placing import placing
from lib_omost.composer.sampling import Mask
from lib_omost.composer.settings import Message

MOST_REGIONS = 8  # of a plan that coverage adds to
MOST_WORDS = 3  # of time, weather and mood
_WHOLE = re.compile(r"set_global_description\(\n    description='[^\n]*',\n")


class Covering:
    """The rules of a grammar, and what has to come next because the request wants it.

    `details`: the lines that must follow the reply so far. `region`: those that stand in for an end of the program.
    Either is "" where nothing lacks. `places`: texts of which one must follow, none where anything may.
    """

    def __init__(
        self,
        grammar: Grammar,
        details: Callable[[str], str],
        region: Callable[[str], str],
        places: Callable[[str], tuple[str, ...]] = lambda text: (),
    ) -> None:
        self._grammar, self._details, self._region, self._places = grammar, details, region, places
        self._is_closing = False
        self.reserve = grammar.reserve

    def allowed(self) -> Mask:
        mask = self._grammar.allowed()
        if fits := self._placing_tokens(mask):
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
        return self._grammar.forced(closing) or ([] if closing else self._tokens(self._details) or self._only())

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
        for count, token in enumerate(tokens):
            wanted = self._tokens(self._details)
            if (wanted and wanted[0] != token) or self.instead(token) or not self._may_place(token):
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


def _fits(token: str, options: Sequence[str]) -> bool:
    """Whether the token begins one of the texts, or ends it and goes on."""
    return any(text.startswith(token) or token.startswith(text) for text in options)


def covering(grammar: Grammar, messages: Sequence[Message]) -> Covering:
    """The grammar of the brief layout, covering what the newest message names, where it says.

    In an edit regions only, and only where the message asks for more things; what is there is the model's to keep.
    """
    before = plan_before(messages)
    return Covering(grammar, *lacking(messages), placing(messages[-1]["content"], before))


def plan_before(messages: Sequence[Message]) -> Canvas | None:
    """The newest plan of a conversation."""
    return next((found for one in reversed(messages) if (found := _canvas(one))), None)


def lacking(messages: Sequence[Message]) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """`details` and `region` of `Covering`: for a reply so far, the lines for a time or a mood behind the whole
    picture's sentence, and the opening of a region behind a call, while the message names one that the plan lacks.
    """
    request = messages[-1]["content"]
    before = plan_before(messages)
    adds = before is None or read_wish(request, before).adds

    @lru_cache(maxsize=1)  # it is asked at each token, and the sentence stays
    def lines_after(whole: str) -> str:
        return _lines(unsaid(request, _so_far(whole)))

    def details(text: str) -> str:
        whole = _WHOLE.search(text)
        if before is not None or whole is None or "\n)" in text:
            return ""
        return _begun(lines_after(text[: whole.end()]), text[whole.end() :])

    def region(text: str) -> str:
        end = text.rfind("\n)") + 2
        canvas = _so_far(text[:end])
        if not adds or not 0 < len(canvas.regions) < MOST_REGIONS:
            return ""
        thing = next((said for said in map(sentence, unplaced(request, canvas, before)) if said not in text), "")
        opening = f"\ncanvas.add_local_description(\n    description='{thing}',\n" if thing else ""
        return _begun(opening, text[end:])

    return details, region


def _begun(lines: str, begun: str) -> str:
    """What is left of lines that have begun, if these have."""
    return lines[len(begun) :] if lines.startswith(begun) else ""


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
