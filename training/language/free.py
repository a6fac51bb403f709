"""Requests as people type them: one to six things in clauses of any order, with what happens around them.

Headlines, lists, afterthoughts, sentences, line breaks, politeness, slips of the keyboard. What is meant is a `Scene`,
whose places come from places.py. None of the sentences is taken from anywhere.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lib_omost.canvas import LOCATIONS
from training import nouns
from training.language import lexicon
from training.language.lexicon import Said
from training.language.places import Link, placed
from training.language.scenes import Scene, Thing, setting_of
from training.language.words import ATTRIBUTES, PLACES, SAID_AT, SIZE_WORDS, STYLES

_DIGITS = {2: "2", 3: "3", 4: "4", 5: "5", 6: "6"}
_MANY = ("several", "some", "many", "a few", "lots of", "a lot of", "dozens of", "countless", "a bunch of", "plenty of")
#: more ways to say where something is, beside those of words.py
_AT = {
    "in the center": ("in the middle", "center", "in the centre", "dead center", "right in the middle", "centered"),
    "on the left": ("left", "to the left", "on the far left", "left side", "on the left hand side", "over on the left"),
    "on the right": ("right", "to the right", "on the far right", "right side", "over on the right",
        "at the right edge"),
    "on the top": ("up high", "in the sky", "at the very top", "overhead", "high up", "above everything", "up above"),
    "on the bottom": ("on the ground", "on the floor", "down below", "at the very bottom", "in the foreground",
        "at our feet"),
    "on the top-left": ("top left", "upper left", "in the upper left corner", "up on the left",
        "up in the left corner"),
    "on the top-right": ("top right", "upper right", "in the upper right corner", "up on the right",
        "high up on the right"),
    "on the bottom-left": ("bottom left", "lower left", "down on the left", "in the lower left corner",
        "bottom left corner"),
    "on the bottom-right": ("bottom right", "lower right", "down on the right", "in the lower right corner",
        "bottom right corner"),
}  # fmt: skip
#: relation -> words between A and B
_LINKS = {
    "left of": ("to the left of", "left of", "on the left of", "on the left side of"),
    "right of": ("to the right of", "right of", "on the right of", "on the right side of"),
    "above": (
        "above",
        "over",
        "hovering over",
        "flying above",
        "hanging above",
        "floating over",
        "up above",
        "high over",
    ),
    "below": (
        "below",
        "under",
        "underneath",
        "beneath",
        "hiding under",
        "asleep under",
        "sitting under",
        "lying beneath",
    ),
    "next to": ("next to", "beside", "by", "near", "close to", "standing by", "at", "leaning against", "alongside"),
    "in front of": ("in front of", "standing in front of", "before", "right in front of", "waiting in front of"),
    "behind": ("behind", "hiding behind", "standing behind", "peeking out from behind", "in back of"),
    "on": ("on", "on top of", "sitting on", "standing on", "lying on", "atop", "resting on", "perched on", "riding"),
    "inside": ("inside", "in", "within", "sitting in", "asleep in", "hidden in", "stuck in"),
}
#: relation -> words for A's place after B was named; {it} becomes it, them, or the noun
_AFTER = {
    "left of": ("to the left of {it}", "left of {it}", "on {its} left"),
    "right of": ("to the right of {it}", "right of {it}", "on {its} right"),
    "above": ("above {it}", "over {it}", "up above {it}", "hanging over {it}"),
    "below": ("below {it}", "under {it}", "underneath", "beneath {it}"),
    "next to": ("next to {it}", "beside {it}", "near {it}", "close by", "at {its} side"),
    "in front of": ("in front of {it}", "in front", "right in front of {it}"),
    "behind": ("behind {it}", "right behind {it}"),
    "on": ("on {it}", "on top of {it}", "on top"),
    "inside": ("inside {it}", "in {it}", "inside"),
}
_ACTS = ("chasing", "watching", "feeding", "painting", "hugging", "fighting", "carrying", "following", "drawing",
    "washing",
         "kissing", "pulling", "pushing", "playing with", "looking at", "talking to", "dancing with", "running from",
         "repairing", "waving at", "smiling at", "guarding", "reading to", "throwing", "catching",
             "singing to")  # fmt: skip
_LEADS = ("please draw ", "draw ", "can you draw ", "could you make a picture of ", "i want ", "i'd like ", "show me ",
          "make ", "paint me ", "create an image of ", "picture of ", "an image with ", "generate ", "imagine ",
          "hi, can i have ", "a drawing of ", "let's have ", "i would like to see ", "can i get a picture with ",
          "give me ", "hello! please make ", "we need ", "something with ", "a scene: ", "scene: ", "prompt: ",
          "i need an illustration of ", "would you please paint ", "how about ", "maybe ", "think of ")  # fmt: skip
_TAILS = (
    " please",
    ", please",
    " thanks",
    ", thanks",
    ", thank you!",
    " pls",
    " :)",
    "!",
    " ...",
    ", ok?",
    " if you can",
)
_JOINS = (
    ", ",
    ", ",
    ", ",
    " and ",
    " and ",
    ", and ",
    "; ",
    ". ",
    "\n",
    " plus ",
    " with ",
    ", with ",
    ", also ",
    " - ",
)
_THERE = ("", "", "", "", "there is ", "i see ", "put ", "add ", "then ", "also ")

_PLACE_WORDS = ("big", "small", "old", "quiet", "empty", "busy", "windy", "snowy", "sunny", "dark", "foggy", "green")
_ROOMY = frozenset((*PLACES, *lexicon.MORE_PLACES, *lexicon.WORDS["landscape"]))


@dataclass(slots=True)
class Draft:
    """A request while it is written: its things, where they are, and the clauses that say so."""

    things: list[Thing] = field(default_factory=list)
    fixed: dict[int, str] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    clauses: list[str] = field(default_factory=list)
    acts: dict[int, str] = field(default_factory=dict)

    def add(self, thing: Thing) -> int:
        self.things.append(thing)
        return len(self.things) - 1


def free_request(r: random.Random, known: Sequence[str], level: float = 1.0) -> tuple[str, Scene]:
    """(what a person types, what is meant)."""
    while True:
        count = r.choices([1, 2, 3, 4, 5, 6], [3, 5, 2 + 3 * level, 2.5 * level, level, 0.8 * level])[0]
        draft = Draft()
        listing = r.random() < 0.12 and count >= 2
        while len(draft.things) < count:
            _listed(r, draft, known) if listing else _clause(r, draft, known, count - len(draft.things))
        things = placed(draft.things, draft.fixed, draft.links)
        if things:
            things = tuple(
                replace(t, stands=(draft.acts.get(i, t.stands[0]), t.stands[1])) for i, t in enumerate(things)
            )
            text, scene = _around(r, _joined(r, draft, listing), Scene(things))
            return _finished(r, text), scene


# ---- things


def free_thing(r: random.Random, known: Sequence[str], taken: Sequence[str] = (), plain: float = 0.35) -> Thing:
    """A thing of any noun, with a number, colours, adjectives and what it has on."""
    noun = lexicon.random_noun(r, tuple(known))
    words = {word for other in taken for word in other.split()}
    if words & set(noun.split()):
        return free_thing(r, known, taken, plain)
    thing = Thing(noun)
    if r.random() < plain:
        return thing
    if r.random() < 0.42:
        color = r.choice(list(lexicon.WIDE_COLORS))
        if r.random() < 0.15:
            color = f"{color} and {r.choice(['white', 'black', 'red', 'yellow', 'blue', 'gold', 'green'])}"
        thing = replace(thing, color=color)
    if r.random() < 0.18:
        size = r.choice(["small", "large"])
        thing = replace(
            thing, size=size, size_word=r.choice([*SIZE_WORDS[size], "tiny" if size == "small" else "enormous"])
        )
    if r.random() < 0.3:
        usual = [word for words in ATTRIBUTES.values() for word in words]
        thing = replace(thing, attribute=r.choice(lexicon.ADJECTIVES) if r.random() < 0.75 else r.choice(usual))
    if r.random() < 0.16:
        thing = replace(thing, after=_after(r, noun))
    if r.random() < 0.2 and (not nouns.is_known(noun) or nouns.countable(noun)):
        count = r.choice([2, 2, 2, 3, 3, 4, 5, 6, 0, 0])
        thing = replace(thing, count=count, number=r.choice(_MANY) if count == 0 else "")
    return thing


def _after(r: random.Random, noun: str) -> str:
    color, stuff = r.choice(["", *lexicon.WIDE_COLORS]), r.choice(lexicon.STUFF)
    worn = nouns.with_article(
        f"{r.choice(['', 'tiny ', 'big ', 'old '])}{color} {r.choice(lexicon.WORN)}".replace("  ", " ").strip()
    )
    part = r.choice(lexicon.PARTS)
    colored = f"{color} {part}".strip() if not part.startswith("a ") else part
    forms = [
        f"wearing {worn}",
        f"in {worn}",
        f"with {colored}",
        f"with {colored}",
        f"made of {stuff}",
        f"full of {stuff}",
    ]
    return r.choice(
        [*forms, lexicon.participle(r.choice(lexicon.VERBS)), r.choice(["sleeping", "running", "smiling", "flying"])]
    )


def said_phrase(r: random.Random, thing: Thing) -> str:
    """How a person writes it: with other articles, digits, or none."""
    if thing.count == 1:
        u = r.random()
        if u < 0.14:
            start = r.choice(["the ", "one ", "my ", "this ", "some kind of "])
            return f"{start}{thing.words} {thing.after}".strip()
        return f"{thing.words} {thing.after}".strip() if u < 0.3 else thing.phrase
    if thing.count in _DIGITS and r.random() < 0.35:
        return f"{_DIGITS[thing.count]} {thing.words} {thing.after}".strip()
    if thing.count == 2 and r.random() < 0.2:
        return f"{r.choice(['a couple of', 'a pair of'])} {thing.words} {thing.after}".strip()
    return thing.phrase


# ---- clauses


def _clause(r: random.Random, draft: Draft, known: Sequence[str], room: int) -> None:
    """One more clause: a thing alone, at a place, beside an earlier one, or two things with a relation."""
    u = r.random()
    taken = [thing.noun for thing in draft.things]
    thing = free_thing(r, known, taken)
    if draft.things and u < 0.35:
        return _afterthought(r, draft, thing)
    a = draft.add(thing)
    said = r.choice(_THERE) + said_phrase(r, thing) if draft.clauses else said_phrase(r, thing)
    free = [at for at in LOCATIONS if at not in draft.fixed.values()]
    if room >= 2 and u > 0.6:
        return _two(r, draft, known, a, said)
    if u < 0.52:
        at = r.choice(free)
        draft.fixed[a] = at
        where = r.choice((*SAID_AT[at], *_AT[at]))
        said = (
            f"{where} {said}" if r.random() < 0.15 else f"{said} ({where})" if r.random() < 0.06 else f"{said} {where}"
        )
    draft.clauses.append(said)


def _two(r: random.Random, draft: Draft, known: Sequence[str], a: int, said: str) -> None:
    other = free_thing(r, known, [thing.noun for thing in draft.things], plain=0.5)
    b = draft.add(other)
    u = r.random()
    if u < 0.2:
        draft.links.append((a, "facing", b))
        draft.acts[a] = r.choice(_ACTS)
        draft.clauses.append(f"{said} {draft.acts[a]} {said_phrase(r, other)}")
        return
    name = r.choice([*_LINKS, "on", "inside", "behind", "below", "next to"])
    if name in ("inside", "on") and other.noun in _ROOMY:  # "in a barn" is where the picture is
        name = "next to"
    draft.links.append((a, name, b))
    link = r.choice(_LINKS[name])
    if u < 0.35:
        there = r.choice(["", "there is ", "we see "])
        draft.clauses.append(f"{link} {said_phrase(r, other)} {there}{said}")
        return
    verb = "" if link.split()[0].endswith("ing") else _verb(r, draft.things[a])
    draft.clauses.append(f"{said} {verb}{link} {said_phrase(r, other)}")


def _verb(r: random.Random, thing: Thing) -> str:
    """What may stand before "under the bridge": nothing, "sits", "is resting" or any other verb."""
    u, verb = r.random(), r.choice(lexicon.VERBS)
    if u < 0.45:
        return ""
    be = "are" if thing.is_many else "is"
    if u < 0.6:
        return f"{be} "
    acting = r.choice(["resting", "waiting", "sleeping", "hiding", "standing", lexicon.participle(verb)])
    return f"{acting} " if u < 0.75 else f"{be} {acting} "


def _afterthought(r: random.Random, draft: Draft, thing: Thing) -> None:
    """A thing that stands to one that was named before: "..., a lamp above it"."""
    last = r.random() < 0.75
    b = len(draft.things) - 1 if last else r.randrange(len(draft.things))
    a = draft.add(thing)
    name = r.choice(list(_AFTER))
    draft.links.append((a, name, b))
    other = draft.things[b]
    it = ("them" if other.is_many else "it") if last and r.random() < 0.6 else f"the {other.name}"
    its = ("their" if other.is_many else "its") if it in ("it", "them") else f"the {other.name}'s"
    where = r.choice(_AFTER[name]).format(it=it, its=its)
    if not last and it not in where and its not in where:
        where = f"{where} of the {other.name}" if where == "in front" else f"{r.choice(_LINKS[name])} the {other.name}"
    said = said_phrase(r, thing)
    draft.clauses.append(f"{where} {said}" if r.random() < 0.3 else f"{said} {where}")


def _listed(r: random.Random, draft: Draft, known: Sequence[str]) -> None:
    thing = free_thing(r, known, [thing.noun for thing in draft.things])
    at = r.choice([at for at in LOCATIONS if at not in draft.fixed.values()])
    a = draft.add(thing)
    if r.random() < 0.8:
        draft.fixed[a] = at
    where = r.choice((*SAID_AT[at], *_AT[at])) if a in draft.fixed else ""
    said = said_phrase(r, thing)
    draft.clauses.append(r.choice([f"{where}: {said}", f"{said} {where}", f"{said} - {where}"]) if where else said)


def _joined(r: random.Random, draft: Draft, listing: bool) -> str:
    if listing:
        join = r.choice([", ", "\n", "\n- ", "; ", " / "])
        return ("- " if join == "\n- " else "") + join.join(draft.clauses)
    if r.random() < 0.35:  # "a and b and c"
        join = r.choice([" and ", ", ", "\n", ". "])
        return join.join(draft.clauses)
    text = draft.clauses[0]
    for clause in draft.clauses[1:]:
        text += r.choice(_JOINS) + clause
    return text


# ---- what is around the things


def around(r: random.Random, scene: Scene) -> tuple[Scene, list[str]]:
    """The scene with a place, a time, weather and the like, and how each is said."""
    said: list[str] = []
    if r.random() < 0.5:
        scene = replace(scene, place=random_place(r))
        said.append(said_place(r, scene.place))
    elif r.random() < 0.12:
        color = r.choice(list(lexicon.WIDE_COLORS))
        scene = replace(scene, plain=color)
        said.append(
            r.choice(
                [f"on a {color} background", f"plain {color} background", f"{color} background", f"background {color}"]
            )
        )
    for words, share in ((lexicon.WEATHER, 0.2), (lexicon.TIMES, 0.25), (lexicon.OCCASIONS, 0.06)):
        if r.random() < share:
            one: Said = r.choice(words)
            scene = replace(scene, when=(*scene.when, one.plan))
            said.append(r.choice(one.ways))
    if r.random() < 0.13:
        scene = replace(scene, mood=r.choice(lexicon.MOOD_WORDS))
        said.append(
            r.choice(["{}", "{} mood", "{} atmosphere", "it should feel {}", "very {}", "make it {}"]).format(
                scene.mood
            )
        )
    if r.random() < 0.16:
        style = r.choice([*STYLES, "photo", "photo"])
        scene = replace(scene, style=style)
        said.append(
            r.choice(
                [
                    style,
                    f"as {nouns.with_article(style)}",
                    f"{style} style",
                    f"in the style of {nouns.with_article(style)}",
                ]
            )
        )
    return scene, said


def random_place(r: random.Random) -> str:
    """A place of the lists or of the landscape, one in five with an adjective of its own."""
    u = r.random()
    known = list(PLACES) if u < 0.35 else list(lexicon.MORE_PLACES)
    place = r.choice(known if u < 0.85 else lexicon.WORDS["landscape"])
    has_article = " a" in setting_of(place)[0]
    return f"{r.choice((*_PLACE_WORDS, *lexicon.ADJECTIVES))} {place}" if has_article and r.random() < 0.2 else place


def said_place(r: random.Random, place: str) -> str:
    words = setting_of(place)[0]
    preposition, _, rest = words.partition(" ")
    return r.choice(
        [
            words,
            words,
            words,
            words.replace(" a ", " the ").replace(" an ", " the "),
            f"{preposition} my {place}" if rest.startswith("a") else words,
            place,
        ]
    )


def _around(r: random.Random, text: str, scene: Scene) -> tuple[str, Scene]:
    scene, said = around(r, scene)
    if r.random() < 0.08:
        missing = lexicon.random_noun(r, nouns.DRAWN)
        if not {word for noun in scene.nouns for word in noun.split()} & set(missing.split()):
            scene = replace(scene, absent=(missing,))
            said.append(
                r.choice(["no {}", "without {}", "without any {}", "but no {}", "{} must not be in it"]).format(
                    nouns.plural(missing)
                )
            )
    r.shuffle(said)
    for words in said:
        u = r.random()
        begins_well = words.split()[0] in ("in", "on", "at", "under", "by", "one", "during")
        if u < 0.2:
            text = f"{words}{r.choice([', ', ': ', ' - ', '. ']) if not begins_well or r.random() < 0.8 else ' '}{text}"
        elif u < 0.5 and begins_well:
            text = f"{text} {words}"
        else:
            text = f"{text}{r.choice([', ', ', ', ', ', '. ', ' and ', chr(10), '; ', ' - '])}{words}"
    return text, scene


def _finished(r: random.Random, text: str) -> str:
    if r.random() < 0.4 and not text.startswith("- "):
        text = r.choice(_LEADS) + text
    if r.random() < 0.12:
        text += r.choice(_TAILS)
    elif r.random() < 0.3:
        text += "."
    if r.random() < 0.4:
        text = text[0].upper() + text[1:]
        text = ". ".join(part[:1].upper() + part[1:] for part in text.split(". "))
    if r.random() < 0.02:
        return text.upper()
    return slipped(r, text) if r.random() < 0.1 else text


_NAMES = frozenset(
    word for noun in (*nouns.DRAWN, *nouns.NAMED, *lexicon.MORE_PLACES, *PLACES) for word in noun.split()
)
_HELD = frozenset(word for noun in nouns.HELD_OUT for word in noun.split())


def slipped(r: random.Random, text: str) -> str:
    """`text` with a slip or two of the keyboard, in words that can be known again."""
    words = text.split(" ")
    fits = [i for i, word in enumerate(words) if word.isalpha() and len(word) >= 5 and word.lower() in _NAMES - _HELD]
    fits += [
        i for i, word in enumerate(words) if word in ("please", "picture", "behind", "above", "with", "next", "left")
    ]
    for i in r.sample(fits, min(len(fits), r.choice([1, 1, 2]))):
        word, at = words[i], r.randrange(1, len(words[i]) - 1)
        slip = r.choice(
            [
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
            ]
        )
        words[i] = slip
    return " ".join(words)


__all__ = ["around", "free_request", "free_thing", "said_phrase", "said_place", "slipped"]
