"""Captions of two things and a relation, turned round in the ways that people turn a sentence round. Where the things
go is the relation's (words.py).

A caption may be passive, begin with the second thing, speak of somebody who put the first one there, or follow with a
clause of its own. None of these sentences is one of the layout bench's.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from training.language.scenes import Thing


@dataclass(frozen=True, slots=True)
class Saying:
    """Words for one relation of A and B: `before` stand before B and may open the sentence, `how` may stand before
    them; `acts` are what A does there (singular, plural), `done` what was done with A there; `clauses` are whole
    captions of {a} and {b}, and `later` words for A's place that follow B."""

    before: tuple[str, ...]
    how: tuple[str, ...] = ("", "", "just ", "right ")
    acts: tuple[tuple[str, str], ...] = (("stands", "stand"), ("waits", "wait"), ("sits", "sit"), ("is", "are"))
    done: tuple[str, ...] = ("put", "placed", "left", "set", "seen")
    clauses: tuple[str, ...] = ()
    later: tuple[str, ...] = ()


SAYINGS = {
    "left of": Saying(
        ("to the left of", "on the left of", "on the left-hand side of", "left of"),
        clauses=(
            "{a} at the left and {b} at the right",
            "from left to right: {a}, {b}",
            "{b} has {a} on its left",
            "first {a}, then, farther right, {b}",
            "{a} leftmost and {b} rightmost",
            "the left half shows {a}, the right half {b}",
        ),
        later=("to the left of it", "on its left", "to its left", "on its left-hand side", "left of it"),
    ),
    "right of": Saying(
        ("to the right of", "on the right of", "on the right-hand side of", "right of"),
        clauses=(
            "{a} at the right and {b} at the left",
            "from left to right: {b}, {a}",
            "{b} has {a} on its right",
            "first {b}, then, farther right, {a}",
            "{b} leftmost and {a} rightmost",
            "the right half shows {a}, the left half {b}",
        ),
        later=("to the right of it", "on its right", "to its right", "on its right-hand side", "right of it"),
    ),
    "above": Saying(
        ("above", "over"),
        how=("", "high ", "just ", "right ", "somewhere "),
        acts=(
            *(("floats", "float"), ("hangs", "hang"), ("soars", "soar"), ("is", "are"), ("drifts", "drift")),
            *(("flies", "fly"), ("glides", "glide"), ("appears", "appear"), ("circles", "circle")),
            *(("swings", "swing"), ("dangles", "dangle"), ("is suspended", "are suspended"), ("shines", "shine")),
            *(("sails", "sail"), ("buzzes", "buzz"), ("flutters", "flutter"), ("looms", "loom")),
        ),
        done=("hung", "placed", "seen", "held"),
        clauses=("{a} looks down on {b} from above", "{b} down below and {a} up above", "{b} lies under {a}"),
        later=("above it", "over it", "high above it", "up above"),
    ),
    "below": Saying(
        ("below", "under", "beneath", "underneath"),
        how=("", "deep ", "just ", "right ", "somewhere "),
        acts=(
            *(("lies", "lie"), ("hides", "hide"), ("rests", "rest"), ("is", "are"), ("finds cover", "find cover")),
            *(("seeks shade", "seek shade"), ("sleeps", "sleep"), ("crawls", "crawl"), ("waits", "wait")),
        ),
        done=("put", "kept", "left", "hidden", "found"),
        clauses=("{b} hangs over {a}", "{a} down below and {b} up above", "{b} towers above {a}"),
        later=("below it", "under it", "underneath", "down below"),
    ),
    "next to": Saying(
        ("next to", "beside", "near", "close to", "alongside"),
        how=("", "", "right ", "very "),
        acts=(("stands", "stand"), ("waits", "wait"), ("sits", "sit"), ("is", "are"), ("rests", "rest")),
        clauses=("{a} and {b} next to each other", "{a} keeps {b} company", "{a} and {b}, close together"),
        later=("next to it", "beside it", "close by"),
    ),
    "in front of": Saying(
        ("in front of", "ahead of"),
        how=("", "", "just ", "right ", "directly ", "close "),
        acts=(
            *(("stands", "stand"), ("waits", "wait"), ("sits", "sit"), ("is", "are"), ("poses", "pose")),
            *(("lies", "lie"), ("walks", "walk"), ("plays", "play"), ("rests", "rest")),
        ),
        clauses=(
            "{a} nearer to us than {b}",
            "big and close {a}, and somewhere at the back {b}",
            "behind {a} there is {b}",
            "behind {a} one can make out {b}",
            "{a} at the front and {b} at the back",
            "{a} up close, with {b} in the distance",
            "{b} makes the backdrop for {a}",
            "{a} hides part of {b}",
        ),
        later=("in front of it", "at the front", "right in front", "nearer to us"),
    ),
    "behind": Saying(
        ("behind", "at the back of"),
        how=("", "", "just ", "right ", "far ", "from ", "out from ", "half "),
        acts=(
            *(("hides", "hide"), ("stands", "stand"), ("rises", "rise"), ("looks out", "look out"), ("is", "are")),
            *(("glances", "glance"), ("comes out", "come out"), ("appears", "appear"), ("waves", "wave")),
            *(("waits", "wait"), ("sits", "sit"), ("lurks", "lurk"), ("shows up", "show up")),
            *(("leans out", "lean out"), ("steps out", "step out"), ("peers", "peer"), ("watches", "watch")),
        ),
        done=("hidden", "kept", "left", "placed", "seen"),
        clauses=(
            "{a} is in the distance and {b} is up close",
            "{b} at the front and {a} at the back",
            "{b} covers {a} in part",
            "in front of {a} there is {b}",
            "{a} farther away than {b}",
            "{a}, half covered by {b}",
            "far in the back {a}, and nearer {b}",
        ),
        later=("behind it", "at its back", "far behind it", "at the back", "in the distance"),
    ),
    "on": Saying(
        ("on", "on top of", "atop"),
        how=("", ""),
        acts=(
            *(("lies", "lie"), ("rests", "rest"), ("sits", "sit"), ("is perched", "are perched"), ("is", "are")),
            *(("stands", "stand"), ("sleeps", "sleep"), ("dances", "dance"), ("lands", "land")),
        ),
        done=("laid", "set down", "left", "put", "balanced"),
        clauses=("{b} carries {a}", "{b} holds up {a}", "{a} uses {b} as its seat"),
        later=("on top of it", "lying on it", "on top"),
    ),
    "inside": Saying(
        ("inside", "in", "within"),
        how=("", "", "deep ", "right "),
        acts=(
            *(("hides", "hide"), ("sits", "sit"), ("is", "are"), ("lies", "lie"), ("is locked up", "are locked up")),
            *(("sleeps", "sleep"), ("lives", "live"), ("rests", "rest"), ("waits", "wait"), ("fits", "fit")),
        ),
        done=("hidden", "packed", "stored", "found", "locked", "trapped", "put", "placed", "wrapped", "captured"),
        clauses=(
            "{b} that contains {a}",
            "{b} has {a} in it",
            "{b} filled with {a}",
            "{b} with room for {a} in it",
            "{b}, and in its inside {a}",
            "{b} surrounds {a}",
        ),
        later=("inside it", "in it", "inside"),
    ),
}  # fmt: skip
#: what a thing may do anywhere: the place is in the preposition, whatever the verb makes one think of
_ACTS_ANYWHERE = (
    *(("sings", "sing"), ("dreams", "dream"), ("gleams", "gleam"), ("trembles", "tremble"), ("smiles", "smile")),
    *(("spins", "spin"), ("lingers", "linger"), ("pauses", "pause"), ("glitters", "glitter"), ("stops", "stop")),
    *(("turns", "turn"), ("moves", "move"), ("stays", "stay"), ("jumps", "jump"), ("grows", "grow")),
    *(("is resting", "are resting"), ("can be seen", "can be seen"), ("has its place", "have their place")),
)
#: share of the verbs in captions that are one of these
_ANYWHERE = 0.25
_OPENINGS = (
    *("on a rainy afternoon", "after a long day", "in the small hours", "all day long", "on her birthday"),
    *("one summer evening", "early in the day", "late at night", "every winter", "once upon a time", "today"),
    *("in the morning light", "at noon", "on sundays", "as usual", "long ago", "by chance"),
)
_FOUND = (
    *("you can find", "we notice", "one can see", "we find", "i see", "one finds", "you will see", "they spotted"),
    *("everyone sees", "we spot", "we discover", "people see", "i notice", "the picture shows", "let there be"),
)
_LOOK = ("there is", "we see", "look at", "i can see", "here is", "notice")
_SOMEBODY = ("someone", "a child", "my friend", "they", "a stranger", "we", "an old lady", "he", "she", "the boys")
_JOINTS = (
    *("{b}; {later}, {a}", "{b}, and {later} {a}", "{b} with {a} {later}", "{b}. {Later} there is {a}"),
    *("{b}, {later} {a}", "{b}; {a} {later}", "{b} and, {later}, {a}", "{b} ({later}: {a})", "{b} and {a} {later}"),
)

_EVERY_ACT = (*_ACTS_ANYWHERE, *(act for saying in SAYINGS.values() for act in saying.acts))
#: verbs that make a caption a sentence, and words that begin one: neither can follow "a picture of"
FINITE = {form.split()[0] for act in _EVERY_ACT for form in act} | {
    *("was", "were", "has", "had", "have", "looks", "lies", "hangs", "towers", "keeps", "makes", "hides", "covers"),
    *("carries", "holds", "uses", "shows", "covers", "surrounds"),
}
BEGINNINGS = {
    *("there", "we", "look", "from", "i", "here", "notice", "first", "the", "big"),
    *(words.split()[0] for words in (*_OPENINGS, *_SOMEBODY)),
    *(words.split()[0] for saying in SAYINGS.values() for words in (*saying.before, *saying.how) if words),
}


def caption(r: random.Random, relation: str, a: Thing, b: Thing) -> tuple[str, bool]:
    """(a caption in which `a` stands in `relation` to `b`, whether it names `a` first). The relation is in SAYINGS."""
    saying = SAYINGS[relation]
    form = r.choice([_acting, _acting, _passive, _turned, _turned, _by_somebody, _joined, _whole])
    text = form(r, saying, a, b)
    if r.random() < 0.2 and form not in (_joined, _whole):
        opening = r.choice(_OPENINGS)
        text = f"{opening}, {text}" if r.random() < 0.5 else f"{opening} {text}"
    return text, text.find(a.phrase) < text.find(b.phrase)


def _where(r: random.Random, saying: Saying, b: Thing) -> str:
    return f"{r.choice(saying.how)}{r.choice(saying.before)} {b.phrase}"


def _act(r: random.Random, saying: Saying, a: Thing) -> str:
    singular, plural = r.choice(_ACTS_ANYWHERE if r.random() < _ANYWHERE else saying.acts)
    return plural if a.is_many else singular


def _acting(r: random.Random, saying: Saying, a: Thing, b: Thing) -> str:
    return f"{a.phrase} {_act(r, saying, a)} {_where(r, saying, b)}"


def _passive(r: random.Random, saying: Saying, a: Thing, b: Thing) -> str:
    be = r.choice(("are", "were", "have been") if a.is_many else ("is", "was", "has been"))
    return f"{a.phrase} {r.choice(['', be + ' '])}{r.choice(saying.done)} {_where(r, saying, b)}"


def _turned(r: random.Random, saying: Saying, a: Thing, b: Thing) -> str:
    if r.random() < 0.25:
        return f"{_where(r, saying, b)}, {a.phrase}"
    is_there = "there are" if a.is_many else "there is"
    found = r.choice([is_there, is_there, *_FOUND, _act(r, saying, a)])
    return f"{_where(r, saying, b)} {found} {a.phrase}"


def _by_somebody(r: random.Random, saying: Saying, a: Thing, b: Thing) -> str:
    did = r.choice(["", "has ", "had "]) + r.choice(saying.done)
    return f"{r.choice(_SOMEBODY)} {did} {a.phrase} {_where(r, saying, b)}"


def _joined(r: random.Random, saying: Saying, a: Thing, b: Thing) -> str:
    later = r.choice(saying.later)
    text = r.choice(_JOINTS).format(a=a.phrase, b=b.phrase, later=later, Later=later.capitalize())
    return text if r.random() < 0.6 else f"{r.choice(_LOOK)} {text}"


def _whole(r: random.Random, saying: Saying, a: Thing, b: Thing) -> str:
    return r.choice(saying.clauses).format(a=a.phrase, b=b.phrase)
