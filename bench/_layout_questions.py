"""Questions of the layout bench: what is asked, and what has to be true of the answer. Judging is _layout_judge.py's.

The sentences are this file's own: none of them comes from the grammar that writes the training pairs. Only the nouns
(and their plurals) are shared with it, in training/nouns.ini, where the held-out ones are marked.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from training import nouns

COLORS = ("red", "blue", "green", "yellow", "orange", "purple", "pink", "black", "white", "brown")
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A thing that the picture must hold `count` times, in `color` if one was asked for."""

    noun: str
    count: int = 1
    color: str = ""

    @property
    def phrase(self) -> str:
        words = f"{self.color} {self.noun}".strip()
        return nouns.with_article(words) if self.count == 1 else f"{NUMBERS[self.count]} {nouns.plural(words)}"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person writes, and what the answer must satisfy: `relation` holds between the wanted things in order."""

    task: str
    text: str
    wanted: tuple[Wanted, ...]
    absent: tuple[str, ...] = ()
    relation: str = ""


#: relation -> ways to say it as a template (LLM-grounded Diffusion's own first, then other wordings)
SPATIAL = {
    "left": (
        "A realistic photo of a scene with {a} on the left and {b} on the right",
        "{a} to the left of {b}",
        "{b} on the right-hand side, {a} on the left-hand side",
    ),
    "right": (
        "A realistic photo of a scene with {a} on the right and {b} on the left",
        "{a} to the right of {b}",
        "{a} is on the right of {b}",
    ),
    "above": (
        "A realistic photo of a scene with {a} at the top and {b} at the bottom",
        "{a} above {b}",
        "{a} hovers over {b}",
    ),
    "below": (
        "A realistic photo of a scene with {a} at the bottom and {b} at the top",
        "{a} below {b}",
        "{a} underneath {b}",
    ),
}
#: captions as people write them: (relation, template)
CAPTIONS = (
    ("beside", "On a quiet morning {a} was left standing beside {b}"),
    ("beside", "{a} and {b}, side by side"),
    ("beside", "next to {b} one can see {a}"),
    ("on", "{a} has been placed on top of {b}"),
    ("on", "somebody put {a} on {b}"),
    ("behind", "{a} peeks out from behind {b}"),
    ("behind", "there is {a} in the background, behind {b}"),
    ("in front", "{a} in the foreground, in front of {b}"),
    ("in front", "right in front of {b} we see {a}"),
    ("inside", "{a} kept inside {b}"),
    ("above", "high above {b} there is {a}"),
    ("below", "{a} takes shelter under {b}"),
    ("left", "you can see {a}; to the right of it, {b}"),
    ("right", "{b} with {a} at its right-hand side"),
)
NEGATIONS = (
    "A realistic photo of a scene with {a} and without {many}",
    "{a}, but no {many}",
    "{a} without any {one} in sight",
    "a picture of {a}. There must not be any {many}",
)
PAIRS = (
    "A realistic photo of a scene with {a} and {b}",
    "{a} and {b}",
    "a picture that shows {a} together with {b}",
)


def questions(n: int, seed: int = 1) -> list[Question]:
    """`n` of each of the five tasks about known nouns, and `n` of all five in turn about held-out ones."""
    known = askable(nouns.DRAWN)
    asked = [TASKS[task](random.Random(f"{seed} {task} {i}"), known) for task in TASKS for i in range(n)]
    every, held_out = list(TASKS), askable(nouns.HELD_OUT)
    for i in range(n):
        asked.append(_renamed(TASKS[every[i % len(every)]](random.Random(f"{seed} held-out {i}"), held_out), "heldout"))
    return asked


def askable(among: Sequence[str]) -> list[str]:
    """Nouns with a singular, a plural and no colour word in them ("orange", "black cat")."""
    return [
        noun
        for noun in among
        if nouns.countable(noun) and nouns.plural(noun) != noun and set(COLORS).isdisjoint(noun.split())
    ]


def _renamed(question: Question, task: str) -> Question:
    return Question(task, question.text, question.wanted, question.absent, question.relation)


def distinct(r: random.Random, among: Sequence[str], count: int) -> list[str]:
    """`count` nouns of which none is a word of another ("cat" and "black cat" would confuse any judge)."""
    while True:
        chosen = r.sample(list(among), count)
        words = [set(noun.split()) for noun in chosen]
        if all(not (a & b) for i, a in enumerate(words) for b in words[i + 1 :]):
            return chosen


def _negation(r: random.Random, among: Sequence[str]) -> Question:
    present, missing = distinct(r, among, 2)
    thing = Wanted(present)
    text = r.choice(NEGATIONS).format(a=thing.phrase, one=missing, many=nouns.plural(missing))
    return Question("negation", text, (thing,), absent=(missing,))


def _numeracy(r: random.Random, among: Sequence[str]) -> Question:
    first, second = distinct(r, among, 2)
    many = Wanted(first, count=r.choice(list(NUMBERS)))
    if r.random() < 0.5:
        return Question("numeracy", f"A realistic photo of a scene with {many.phrase}", (many,))
    other = Wanted(second, count=r.choice([1, 2, 3]))
    return Question("numeracy", r.choice(PAIRS).format(a=many.phrase, b=other.phrase), (many, other))


def _attribute(r: random.Random, among: Sequence[str]) -> Question:
    colors = r.sample(COLORS, 2)
    a, b = (Wanted(noun, color=color) for noun, color in zip(distinct(r, among, 2), colors, strict=True))
    return Question("attribute", r.choice(PAIRS).format(a=a.phrase, b=b.phrase), (a, b))


def _spatial(r: random.Random, among: Sequence[str]) -> Question:
    relation = r.choice(list(SPATIAL))
    return _related(r, among, "spatial", relation, r.choice(SPATIAL[relation]))


def _natural(r: random.Random, among: Sequence[str]) -> Question:
    return _related(r, among, "natural", *r.choice(CAPTIONS))


def _related(r: random.Random, among: Sequence[str], task: str, relation: str, template: str) -> Question:
    a, b = (Wanted(noun) for noun in distinct(r, among, 2))
    return Question(task, template.format(a=a.phrase, b=b.phrase), (a, b), relation=relation)


TASKS: dict[str, Callable[[random.Random, Sequence[str]], Question]] = {
    "negation": _negation,
    "numeracy": _numeracy,
    "attribute": _attribute,
    "spatial": _spatial,
    "natural": _natural,
}
