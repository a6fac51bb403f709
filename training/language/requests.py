"""Random requests and the scenes they mean: counts, colours, sizes, relations, places, moods, "without", open."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from lib_omost.canvas import LOCATIONS
from training import nouns
from training.language import sayings
from training.language.scenes import Scene, Thing, listed
from training.language.words import (
    ANIMAL_KINDS,
    ATTRIBUTES,
    COLORS,
    LEADS,
    MOODS,
    OPEN_KINDS,
    PLACES,
    RELATIONS,
    SAID_AT,
    SIZE_WORDS,
    STYLES,
    VERBS,
    Relation,
    Spot,
)

Placed = tuple[str, tuple[Thing, ...]]
_ALONE = (
    "{}",
    "{}",
    "{}",
    "a portrait of {}",
    "a close view of {}",
    "a scene with {}",
    "the story of {}",
    "{} all alone",
)
_TALES = (
    "the fierce battle of {} and {}",
    "a meeting of {} and {}",
    "{} playing with {}",
    "a tale about {} and {}",
    "{} dreaming of {}",
)
_WITHOUT = (
    ", without {many}",
    " without any {many}",
    ", no {many}",
    " and no {one}",
    ", but without {a}",
    ", with no {many} anywhere",
    " and without {a}",
    " but not {a}",
    ", and {many} nowhere",
    " and not a single {one}",
)
_FINITE = {form for singular, plural, _ in VERBS for form in (singular, plural)} | sayings.FINITE
_BEGINNINGS = {place.preposition.split()[0] for place in PLACES.values()} | sayings.BEGINNINGS
#: relations that are asked for, or mixed up, more than others
OFTEN = ("left of", "right of", "on", "and", "inside", "behind", "in front of", "below")
#: share of pairs that are said in a caption of sayings.py, where there is one for their relation
CAPTIONED = 0.75
_SURPRISE = ("surprise me", "anything you like", "draw something", "make me a picture", "whatever you want")


def random_thing(r: random.Random, pool: Sequence[str], taken: Sequence[str], bare: float = 0.0) -> Thing:
    """A thing whose noun is not `taken`; with probability `bare` nothing is said of it but its name."""
    thing = Thing(r.choice([noun for noun in pool if noun not in taken]))
    if r.random() < bare:
        return thing
    if r.random() < 0.45:
        thing = replace(thing, color=r.choice(list(COLORS)))
    if r.random() < 0.2:
        size = r.choice(["small", "large"])
        thing = replace(thing, size=size, size_word=r.choice(SIZE_WORDS[size]))
    if r.random() < 0.2:
        thing = replace(thing, attribute=r.choice(_attributes(thing.noun)))
    if r.random() < 0.16 and nouns.countable(thing.noun):
        thing = replace(thing, count=r.choice([2, 2, 3, 3, 4, 5, 6, 0]))
    return thing


def _attributes(noun: str) -> list[str]:
    kind = nouns.kind(noun).name
    return ATTRIBUTES["animal" if kind in ANIMAL_KINDS else kind if kind == "person" else "other"]


def random_request(r: random.Random, pool: Sequence[str], things: int = 0, level: float = 1.0) -> tuple[str, Scene]:
    """(what a person writes, what they mean). `things` fixes their number; `level` 0 to 1 goes from easy to hard."""
    if not things and r.random() < 0.06:
        return _open_request(r)
    count = things or r.choices([1, 2, 3, 4], [0.2 + 0.3 * (1 - level), 0.5, 0.2 * level, 0.1 * level])[0]
    chosen: list[Thing] = []
    for _ in range(count):
        chosen.append(random_thing(r, pool, [t.noun for t in chosen], bare=0.25))
    text, placed = _layout(r, chosen)
    text, scene = _with_background(r, text, Scene(placed))
    text, scene = _with_absence(r, text, scene, pool)
    return _worded(r, text, scene)


# ---- where things go, and how that is said


def _layout(r: random.Random, things: list[Thing]) -> Placed:
    if len(things) == 1:
        return _alone(r, things[0])
    if r.random() < 0.25:
        return _each_somewhere(r, things)
    if len(things) == 2:
        return _pair(r, things[0], things[1])
    if len(things) == 3 and (u := r.random()) < 0.64:
        return _between(things) if u < 0.32 else _on_and_beside(r, things)
    return _in_a_row(things)


def _alone(r: random.Random, thing: Thing) -> Placed:
    if r.random() < 0.55:
        location = r.choice(LOCATIONS)
        return f"{thing.phrase} {r.choice(SAID_AT[location])}", (replace(thing, spot=Spot(location)),)
    return r.choice(_ALONE).format(thing.phrase), (thing,)


def _each_somewhere(r: random.Random, things: list[Thing]) -> Placed:
    locations = r.sample(LOCATIONS, len(things))
    said = [f"{t.phrase} {r.choice(SAID_AT[at])}" for t, at in zip(things, locations, strict=True)]
    spots = [Spot(at) for at in locations]
    return listed(said), tuple(replace(t, spot=s) for t, s in zip(things, spots, strict=True))


def _pair(r: random.Random, a: Thing, b: Thing) -> Placed:
    name = r.choice([*RELATIONS, *OFTEN])
    if name == "holding" and nouns.kind(a.noun).name != "person":
        name = "next to"
    relation = RELATIONS[name]
    a, b = related(a, b, relation)
    if relation.is_spoken:
        a = replace(a, stands=(relation.said[0], b.noun))
    if name in sayings.SAYINGS and r.random() < CAPTIONED:
        text, first = sayings.caption(r, name, a, b)
        return text, (a, b) if first else (b, a)
    if name == "facing" and r.random() < 0.5:
        return r.choice(_TALES).format(a.phrase, b.phrase), (a, b)
    if relation.said_after and r.random() < 0.15:
        return f"{b.phrase} with {a.phrase} {r.choice(relation.said_after)}", (b, a)
    return f"{a.phrase} {_link(r, relation, a)} {b.phrase}", (a, b)


def _link(r: random.Random, relation: Relation, subject: Thing) -> str:
    """The words between A and B: "behind", "sitting behind" or "sits behind"."""
    said = r.choice(relation.said)
    if not relation.verbs or said.split()[0].endswith("ing") or r.random() < 0.4:
        return said
    singular, plural, participle = r.choice(VERBS)
    finite = plural if subject.is_many else singular
    return f"{participle if participle and r.random() < 0.6 else finite} {said}"


def related(a: Thing, b: Thing, relation: Relation) -> tuple[Thing, Thing]:
    """A and B where the relation puts them; an area that it makes large or small stays medium-sized otherwise."""
    pair = [replace(t, spot=spot) for t, spot in zip((a, b), relation.spots, strict=True)]
    for index, area in ((relation.large, "large"), (relation.small, "small")):
        if index is not None:
            pair[index] = replace(pair[index], area=area)
    return pair[0], pair[1]


def _between(things: list[Thing]) -> Placed:
    spots = (Spot("in the center"), Spot("on the left"), Spot("on the right"))
    first, second, third = (t.phrase for t in things)
    placed = tuple(replace(t, spot=s) for t, s in zip(things, spots, strict=True))
    return f"{first} between {second} and {third}", placed


def _on_and_beside(r: random.Random, things: list[Thing]) -> Placed:
    relation = RELATIONS["on"]
    a, b = related(things[0], things[1], relation)
    a = replace(a, stands=(relation.said[0], b.noun))
    c = replace(things[2], spot=Spot("on the bottom-right"), area="small")
    text = f"{a.phrase} {_link(r, relation, a)} {b.phrase} {r.choice(['next to', 'beside', 'near'])} {c.phrase}"
    return text, (a, b, c)


def _in_a_row(things: list[Thing]) -> Placed:
    three = ("on the left", "in the center", "on the right")
    four = ("on the top-left", "on the top-right", "on the bottom-left", "on the bottom-right")
    spots = three if len(things) == 3 else four if len(things) == 4 else three[::2]
    placed = tuple(replace(t, spot=Spot(at)) for t, at in zip(things, spots, strict=True))
    return listed([t.phrase for t in things]), placed


# ---- what else a request may say


def _with_background(r: random.Random, text: str, scene: Scene) -> tuple[str, Scene]:
    u = r.random()
    if u < 0.45:
        name = r.choice(list(PLACES))
        where = f"{PLACES[name].preposition} {name}"
        return (f"{text} {where}" if r.random() < 0.8 else f"{where}, {text}"), replace(scene, place=name)
    if u < 0.57:
        color = r.choice(list(COLORS))
        said = r.choice(["on a {} background", "with a plain {} background", "against a {} background"])
        return f"{text} {said.format(color)}", replace(scene, plain=color)
    return text, scene


def _with_absence(r: random.Random, text: str, scene: Scene, pool: Sequence[str]) -> tuple[str, Scene]:
    if r.random() >= 0.14:
        return text, scene
    missing = r.choice([noun for noun in pool if noun not in scene.nouns and nouns.countable(noun)])
    said = r.choice(_WITHOUT).format(one=missing, many=nouns.plural(missing), a=nouns.with_article(missing))
    return text + said, replace(scene, absent=(missing,))


def _worded(r: random.Random, text: str, scene: Scene) -> tuple[str, Scene]:
    """Lead, style, mood and capitals around the sentence."""
    takes_lead = not _is_sentence(text)
    lead, tail = r.choice(LEADS) if takes_lead else "", ""
    if r.random() < 0.28:
        style = "photo" if r.random() < 0.2 else r.choice(list(STYLES))
        scene = replace(scene, style=style)
        lead, tail = r.choice(_styled(style, lead, takes_lead))
    if r.random() < 0.22:
        mood = r.choice(MOODS)
        scene = replace(scene, mood=mood)
        tail += r.choice([", {} mood", ", {} atmosphere", ", it should feel {}", ", {}"]).format(mood)
    text = lead + text + tail
    if r.random() < 0.3:
        text = text[0].upper() + text[1:] + r.choice([".", "", "."])
    return text, scene


def _styled(style: str, lead: str, takes_lead: bool) -> list[tuple[str, str]]:
    """Words before and after a request that ask for a style."""
    named = nouns.with_article("realistic photo" if style == "photo" else style)
    after = [(lead, f", {style}"), (lead, f" as {named}")]
    before = [f"{named} of ", f"generate {named} of ", f"{named} of a scene with "]
    return after + [(words, "") for words in before if takes_lead]


def _is_sentence(text: str) -> bool:
    """True of "in a park, a cat" and "a cat sits on a chair", which cannot follow "a picture of"."""
    words = text.split()
    return words[0].strip(",") in _BEGINNINGS or not _FINITE.isdisjoint(words)


def _open_request(r: random.Random) -> tuple[str, Scene]:
    """The person names no thing, or only its kind: the scene holds nouns that every image model knows."""
    u = r.random()
    if u < 0.4:
        said, noun = r.choice(list(OPEN_KINDS.items()))
        return _worded(r, *_with_background(r, said, Scene((Thing(noun),))))
    if u < 0.75:
        name = r.choice(list(PLACES))
        _, placed = _in_a_row([Thing(noun) for noun in PLACES[name].things])
        article = PLACES[name].preposition.partition(" ")[2]
        return _worded(r, f"{article} {name}".strip(), Scene(placed, place=name))
    _, placed = _in_a_row([Thing(noun) for noun in r.sample(nouns.FAMILIAR, 2)])
    if u < 0.88:
        return r.choice(_SURPRISE), Scene(placed)
    missing = r.choice([noun for noun in nouns.DRAWN if noun not in nouns.FAMILIAR and nouns.countable(noun)])
    return f"a realistic photo of a scene without {nouns.plural(missing)}", Scene(
        placed, style="photo", absent=(missing,)
    )
