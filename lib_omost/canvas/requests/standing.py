"""Where a request puts its things: beside, on, behind one another, in a corner. By rules over English words, no model.

What such words mean for boxes is room.py's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lib_omost.canvas.requests.missing import MAX_REQUEST, chunks, is_verb, wanted
from lib_omost.canvas.requests.wish import nouns_in, same, tokens
from lib_omost.canvas.words.noun_phrase import COLOR_WORDS, singular, word_set
from lib_omost.canvas.words.request_words import PARTS

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """`thing` stands in `relation` to `others`, or at a place of the canvas ("top-left", "far") where there are none.

    Things are the words of their phrases: ("small", "boat").
    """

    thing: Words
    relation: str
    others: tuple[Words, ...] = ()


class _Part(NamedTuple):
    """A piece of a request: a "thing", a "verb", a "relation", a "place", a "pronoun", an "and" or a "mark"."""

    kind: str
    name: str = ""
    words: Words = ()


_HAND = r"(?:[- ]?hand)?(?: side)?"
_A = r"(?:an? |the |my |his |her |its |their |some )?"
_HATS = "hat|cap|crown|helmet|beret|sombrero|tiara|beanie|turban|halo|wig|antlers"
_VESSELS = (
    "drawer|box|basket|bowl|cup|mug|glass|vase|jar|bottle|pot|pan|tank|aquarium|cage|bag|bucket|pocket|nest|bathtub|tub|"
    "sink|fridge|oven|chest|crib|suitcase|barrel|wheelbarrow|cart|fishbowl|teacup|crate|stroller"
)
#: What may say where something is, in the order in which it is looked for: kind, name, pattern.
_SIGNS: tuple[tuple[str, str, str], ...] = (
    ("mark", "", r",(?! with\b)|[.;:!?\n()]|\b(?:while|but|then)\b"),
    ("relation", "left of", rf"\b(?:(?:to|on|at) )?(?:the )?left{_HAND} of\b"),
    ("relation", "right of", rf"\b(?:(?:to|on|at) )?(?:the )?right{_HAND} of\b"),
    ("its", "left of", rf"\b(?:to|on|at) (?:its|his|her|their) left{_HAND}\b"),
    ("its", "right of", rf"\b(?:to|on|at) (?:its|his|her|their) right{_HAND}\b"),
    (
        "relation",
        "on",
        r"\b(?:on (?:the )?top of|on top\b(?! (?:left|right))|atop|upon|riding|crossing(?= (?:\w+ ){1,2}bridge))\b",
    ),
    ("relation", "in front of", r"\bin front of\b|\bin front\b"),
    ("place", "close", r"\bin the (?:near )?foreground\b|\b(?:at|in) the front\b"),
    ("place", "far", r"\b(?:in|at) the (?:far )?(?:back(?:ground)?|distance)\b|\bon the horizon\b|\bfar away\b"),
    ("place", "top", r"\b(?:up |high )?in the (?:night |blue |dark |cloudy )?(?:sky|air)\b"),
    ("spot", "", r"\b(?:(?:in|on|at|to|near|into) the )?(?:very |far )?(?:top|upper|bottom|lower)[- ](?:left|right)\b"),
    ("spot", "", r"\b(?:in|on|at|to|near|into) the (?:very |far )?(?:left|right|top|bottom|middle|cent(?:er|re))\b"),
    ("relation", "above", r"\b(?:from above|above|over)\b"),
    ("relation", "under", r"\b(?:under(?:neath)?|beneath|below)\b"),
    ("relation", "behind", r"\b(?:from )?behind\b"),
    ("relation", "between", r"\b(?:in )?between\b"),
    ("relation", "near", rf"\b(?:next to|beside|alongside|close to)\b|\b(?:near|by)\b(?= {_A}[a-z0-9])"),
    ("relation", "in", rf"\binside(?: of)?\b|\bin\b(?= {_A}(?:\w+ ){{0,2}}(?:{_VESSELS})s?\b)"),
    ("relation", "on", rf"\b(?:onto|on)\b(?! the other)(?= {_A}[a-z0-9])"),
    ("relation", "carries", r"\bupholding\b"),
    ("relation", "wears", rf"\bwear(?:ing|s)?\b(?= {_A}(?:\w+[ ~]){{0,3}}(?:{_HATS})\b)"),
    ("link", "", r"\b(?:wear(?:ing|s)?|hold(?:ing|s)?|dressed in|in|of)\b"),
    (
        "verb",
        "",
        r"(?<!\ba )(?<!\ban )(?<!\bthe )\b(?!(?:\w*thing|morning|evening|building|ceiling|painting|wedding|"
        r"lightning|drawing)\b)[a-z]{3,}ing\b(?= *$|[,.;\n]| (?:an?|the|his|her|its|their|two|three|some|at|up|by|on|"
        r"in|under\w*|over|above|behind|near|next|beside|between|from|through|around|down|out|into|onto|against|with|"
        r"across|along|to|in|inside|alone|together|atop|beneath|below)\b)|\b(?:left |wide )?(?:open|asleep)\b",
    ),
    (
        "pronoun",
        "first",
        r"\b(?:it|him|her|this|that)\b(?= *(?:$|[,.;:!?\n()]|(?:and|in|at|on|with|an?|the|there|some)\b))",
    ),
    ("pronoun", "all", r"\b(?:them|both)\b"),
    ("and", "", r"\band\b|&"),
)
_SIGN = re.compile("|".join(f"(?P<s{at}>{pattern})" for at, (_, _, pattern) in enumerate(_SIGNS)))
#: A spot "of" something is a part of a thing, and two spots at once are none.
_NO_SPOT = re.compile(
    rf"{_HAND}(?: corner| edge| half)? (?:of (?!the (?:picture|image|canvas|scene|frame))|"
    r"and (?:the )?(?:left|right|top|bottom)\b)"
)
#: Ways to say it that are turned into plainer ones first.
_PLAINER = (
    (re.compile(r"\b(?:on|to|at) (the )?([\w ]{2,30}?)['’]s (left|right)(?: hand)?(?: side)?\b"), r"to the \3 of \1\2"),
    (
        re.compile(r"\b(?:carrying|carries) ([^,.;]{1,40}?) on (?:its|his|her|their) (?:back|head|shoulders?)\b"),
        r"upholding \1",
    ),
    (re.compile(rf"\b(?:give|put) (?:the )?(\w+) (an? (?:\w+ ){{0,3}}(?:{_HATS}))\b"), r"the \1 wearing \2"),
)
_ALL_OF = frozenset({"above", "under", "behind"})  # "behind it" is also behind what stands with it
_INVERSE = {"left of": "right of", "right of": "left of", "wears": "on", "carries": "on"}
#: "A painting of a cat" shows a cat.
_PICTURES = word_set("watercolor watercolour painting drawing picture photo view closeup close-up scene sketch art")


def standings(request: str) -> tuple[Standing, ...]:
    """What a request says of where its things are, in its order."""
    text = request[:MAX_REQUEST].lower()
    for pattern, plainer in _PLAINER:
        text = pattern.sub(plainer, text)
    reader = _Reader()
    for part in (*_parts(wanted(text)), _Part("mark")):
        reader.read(part)
    return tuple(dict.fromkeys(reader.found))


def _parts(text: str) -> Iterator[_Part]:
    at = 0
    while found := _SIGN.search(text, at):
        kind, name, _ = _SIGNS[int((found.lastgroup or "s0")[1:])]
        end = found.end()
        if kind == "spot" and _NO_SPOT.match(text, end):
            yield from _things(text[at:end])
        else:
            yield from _things(text[at : found.start()])
            if kind == "mark":
                name = found[0]
            if kind == "spot" and " to the " in f" {found[0]}" and (side := _spot(found[0])) in ("left", "right"):
                yield _Part("its", f"{side} of", ("place",))
            yield _Part("place", _spot(found[0])) if kind == "spot" else _Part(kind, name)
        at = end
    yield from _things(text[at:])


def _things(text: str) -> Iterator[_Part]:
    for chunk in chunks(text):
        if len(chunk.words) == 1 and is_verb(chunk.head):
            yield _Part("verb")
        else:
            words = tuple(" ".join(chunk.words).replace("~", " ").split())
            yield _Part("thing", "many" if chunk.count > 1 or singular(words[-1]) != words[-1] else "", words)


def _spot(words: str) -> str:
    """`top-left`, `center`, `right`."""
    down = "top" if re.search("top|upper", words) else "bottom" if re.search("bottom|lower", words) else ""
    across = next((side for side in ("left", "right") if side in words), "")
    return "-".join(word for word in (down, across) if word) or "center"


@dataclass
class _Reader:
    """Reads a request part by part.

    `clause` holds the things since the last mark, `last` those of the clause before; `subjects` are those of which the
    next words of place speak. `waiting` is a relation whose other thing has not come, with its subjects; `opening` one
    at the beginning of a clause, with its other thing, whose subject has not. `listed` are things before the
    clause of which nothing was said, `leading` a place whose thing has not come. `is_linked`: the next thing is on or
    of the one before.
    """

    found: list[Standing] = field(default_factory=list)
    clause: list[Words] = field(default_factory=list)
    last: list[Words] = field(default_factory=list)
    subjects: list[Words] = field(default_factory=list)
    waiting: tuple[str, list[Words]] | None = None
    between: list[Words] = field(default_factory=list)
    opening: tuple[str, tuple[Words, ...]] | None = None
    listed: list[Words] = field(default_factory=list)
    leading: str = ""
    is_linked: bool = False
    is_joined: bool = False
    has_verb: bool = False

    def read(self, part: _Part) -> None:
        getattr(self, f"_{part.kind}")(part)

    def _thing(self, part: _Part) -> None:
        is_aside = bool(self.subjects) and (self.is_linked or part.words[-1] in PARTS)
        if self.waiting is not None:
            self._other(part)
        elif self.opening is not None:
            relation, others = self.opening
            self.found.append(Standing(part.words, relation, others))
            self.opening, self.subjects = None, [part.words]
        elif is_aside:
            pass
        elif self.is_joined and self.subjects:
            self.subjects.append(part.words)
        elif not self.has_verb:
            self.subjects = [part.words]
        self.is_joined = self.is_linked = False
        if self.leading:
            self.found.append(Standing(part.words, self.leading))
            self.leading = ""
        if not is_aside:
            self.clause.append(part.words)

    def _other(self, part: _Part) -> None:
        """The other thing of the relation that waits for it; "between" has two, or one that is several."""
        assert self.waiting is not None
        relation, subjects = self.waiting
        if relation == "between" and not self.between and part.name != "many":
            self.between.append(part.words)
            return
        others = (*self.between, part.words)
        self.waiting, self.between = None, []
        if relation in ("wears", "carries"):
            self.found += [Standing(part.words, "on", (one,)) for one in subjects[:1]]
        elif subjects:
            self.found += [Standing(one, relation, others) for one in subjects]
            if not self.has_verb:
                self.subjects = [*subjects[:1], part.words]
        else:
            self.opening = (relation, others)

    def _link(self, part: _Part) -> None:
        self.is_linked = bool(self.subjects) and self.subjects[-1][-1] not in _PICTURES

    def _verb(self, part: _Part) -> None:
        self.has_verb, self.is_linked = bool(self.subjects), False

    def _relation(self, part: _Part) -> None:
        are_joined = self.subjects == self.clause  # all things of the clause: "a cat and a dog on a sofa"
        if are_joined and len(self.subjects) > 1:
            self.subjects = [*self.listed, *self.subjects]
        if part.name == "wears" and not self.subjects:
            self.subjects = self.last[:1]
        subjects = self.subjects if are_joined else self.subjects[:1] if self.has_verb else self.subjects[-1:]
        self.waiting, self.is_linked = (part.name, list(subjects)), False

    def _its(self, part: _Part) -> None:
        """ "On its left": of the clause before, or of the next thing where there is none."""
        before = self.last or self.clause[:-1]
        if before:
            self.found += [Standing(one, part.name, (before[0],)) for one in self.subjects[-1:]]
        elif self.subjects and not part.words:
            self.opening = (_INVERSE[part.name], (self.subjects[-1],))

    def _place(self, part: _Part) -> None:
        """Of the nearest thing, and of one that was said to stand with it: "an owl on a branch in the top left"."""
        near = self.clause[-1:]
        self.leading = "" if near else part.name
        with_it = [one for one in self.subjects[:1] if any(self._is_said(one, other) for other in near)]
        self.found += [Standing(one, part.name) for one in dict.fromkeys([*with_it, *near])]

    def _is_said(self, one: Words, other: Words) -> bool:
        return any(standing.thing == one and other in standing.others for standing in self.found)

    def _pronoun(self, part: _Part) -> None:
        if self.waiting is None:
            return
        relation, subjects = self.waiting
        self.waiting, self.between = None, []
        if not subjects and self.last and relation != "between":
            self.opening = (relation, (self.last[0],))  # "and next to it a bottle"
        self._refer(relation, subjects, part.name)

    def _refer(self, relation: str, subjects: Sequence[Words], which: str) -> None:
        """To what was said before: its first thing, or all of them. To nothing, where nothing was: to the plan's."""
        before = [one for one in (self.last or self.clause) if one not in subjects]
        if relation == "between":
            others: list[tuple[Words, ...]] = [tuple(before[:2])] if len(before) > 1 else []
        else:
            others = [(one,) for one in (before if which == "all" or relation in _ALL_OF else before[:1])]
        self.found += [Standing(one, relation, other) for one in subjects for other in others or [()]]

    def _and(self, part: _Part) -> None:
        if self.waiting is None:
            used = any(standing.thing in self.subjects for standing in self.found)
            self.is_joined = bool(self.subjects) and not used and not self.has_verb
            if used or self.has_verb:
                self._end()

    def _mark(self, part: _Part) -> None:
        if self.waiting is not None:
            relation, subjects = self.waiting
            self._refer(relation, subjects, "first")
        self.waiting, self.between = None, []
        is_bare = part.name == "," and not self.has_verb and not self._has_place(self.clause)
        self.listed = [*self.listed, *self.clause] if is_bare else []
        if self.last:
            self.leading = ""
        self._end()

    def _has_place(self, things: Sequence[Words]) -> bool:
        return any(one in (standing.thing, *standing.others) for standing in self.found for one in things)

    def _end(self) -> None:
        self.last = self.clause or self.last
        self.clause, self.subjects = [], []
        self.is_linked = self.is_joined = self.has_verb = False


def means(words: Words, description: str) -> bool:
    """Whether the words of a thing mean what a description is about: by its noun, and not in another colour."""
    nouns = {noun for phrase in nouns_in(description) for noun in phrase.split()[-1:]}
    if not any(same(word, noun) for word in words for noun in nouns):
        return False
    said, shown = ({word for word in text if word in COLOR_WORDS} for text in (words, tokens(description)))
    return not said or not shown or not said.isdisjoint(shown)
