"""Changes that are asked for with few words: "swap them", "another one", "make it blue", "winter", "undo that".

Each of them gives (what the person says, the scene after it), or None where the scene does not allow it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from lib_omost.canvas import LOCATIONS
from training import nouns
from training.language import lexicon
from training.language.free import _AT, free_thing, random_place, said_phrase, said_place
from training.language.places import cell_of
from training.language.scenes import Scene, Thing
from training.language.words import GRID, NUMBERS, SAID_AT, Spot

Change = tuple[str, Scene] | None
_MIRROR = {"left": "right", "right": "left"}
_COMPARED = {
    "cheerful": ("more cheerful", "happier", "make it happier", "more cheerful please", "less sad"),
    "scary": ("scarier", "make it scarier", "more frightening", "it should be scary", "scarier!"),
    "dark": ("darker", "make it darker", "gloomier please", "too bright"),
    "bright": ("brighter", "make it brighter", "lighter please", "too dark"),
    "romantic": ("more romantic", "make it romantic", "a bit more romance"),
    "dramatic": ("more dramatic", "make it more dramatic", "more drama"),
    "cozy": ("cozier", "make it cozy", "warmer and cozier"),
    "funny": ("funnier", "make it funny", "more fun please"),
    "calm": ("calmer", "quieter please", "make it calmer"),
    "colorful": ("more colorful", "more color please", "make it colorful"),
    "mysterious": ("more mysterious", "add some mystery"),
    "magical": ("more magical", "make it magical"),
}


def _swap_in(scene: Scene, *pairs: tuple[Thing, Thing]) -> Scene:
    new = dict((id(old), fresh) for old, fresh in pairs)
    return replace(scene, things=tuple(new.get(id(thing), thing) for thing in scene.things))


def _alone(thing: Thing) -> Thing:
    return replace(thing, stands=("", ""))


def _free(scene: Scene, *besides: str) -> list[str]:
    used = {thing.spot.location for thing in scene.things} | set(besides)
    return [at for at in LOCATIONS if at not in used]


def _referred(r: random.Random, scene: Scene, thing: Thing) -> str:
    """The thing as a person points at it: by name, by its colour, by where it is, or as "it"."""
    names = [f"the {thing.name}"] * 4
    if len(scene.things) == 1:
        names += ["them" if thing.is_many else "it"] * 5
    elif thing.count == 1:
        for side in ("left", "right", "top", "bottom"):
            there = [other for other in scene.things if side in other.spot.location]
            if there == [thing]:
                names += [f"the one {'on the' if side in 'leftright' else 'at the'} {side}", f"the {side} one"]
        if thing.color and [other.color for other in scene.things].count(thing.color) == 1:
            names.append(f"the {thing.color} one")
    return r.choice(names)


def swap(r: random.Random, scene: Scene) -> Change:
    if len(scene.things) < 2:
        return None
    a, b = r.sample(scene.things, 2)
    said = [
        f"swap the {a.name} and the {b.name}",
        f"the {a.name} and the {b.name} should change places",
        f"exchange the places of the {b.name} and the {a.name}",
        f"put the {a.name} where the {b.name} is and the other way round",
    ]
    if len(scene.things) == 2:
        said += ["swap those two", "swap the two", "switch sides", "the other way round", "exchange their places"] * 2
    after = _swap_in(scene, (a, replace(_alone(a), spot=b.spot)), (b, replace(_alone(b), spot=a.spot)))
    return r.choice(said), replace(after, things=tuple(_alone(thing) for thing in after.things))


def another(r: random.Random, scene: Scene) -> Change:
    thing = r.choice(scene.things)
    free = _free(scene)
    mirrored = " ".join(_MIRROR.get(word, word) for word in thing.spot.location.replace("-", " - ").split()).replace(
        " - ", "-"
    )
    if thing.count != 1 or not free:
        return None
    if mirrored in free and r.random() < 0.5:
        at, where = mirrored, r.choice(["on the other side", "on the opposite side", "on the other side too"])
    else:
        at = r.choice(free)
        where = r.choice((*SAID_AT[at], *_AT[at]))
    said = r.choice(
        ["another {} {}", "add another {} {}", "one more {} {}", "a second {} {}, please", "put one more {} {}"]
    )
    new = replace(_alone(thing), spot=Spot(at))
    return said.format(thing.noun, where), replace(scene, things=(*scene.things, new))


def number(r: random.Random, scene: Scene) -> Change:
    fits = [thing for thing in scene.things if not nouns.is_known(thing.noun) or nouns.countable(thing.noun)]
    if not fits:
        return None
    thing = r.choice(fits)
    if r.random() < 0.3:
        said = r.choice(["more {}", "lots of {}", "there should be many {}", "many more {}"]).format(
            nouns.plural(thing.noun)
        )
        return said, _swap_in(scene, (thing, replace(thing, count=0, number="many")))
    count = r.choice([count for count in (1, 2, 3, 4, 5) if count != thing.count])
    named = f"{NUMBERS[count] if count > 1 else 'one'} {thing.noun if count == 1 else nouns.plural(thing.noun)}"
    said = r.choice(
        [
            "{}, not {}",
            "make it {}",
            "i want {}",
            "there should be {}",
            "{} please",
            "only {}" if count == 1 else "let there be {}",
        ]
    )
    old = NUMBERS.get(thing.count, "one") if thing.count != 1 else "one"
    return said.format(named, old), _swap_in(scene, (thing, replace(thing, count=count, number="")))


def color(r: random.Random, scene: Scene) -> Change:
    thing = r.choice(scene.things)
    new = r.choice([word for word in lexicon.WIDE_COLORS if word != thing.color])
    it = _referred(r, scene, thing)
    said = r.choice(
        [
            "make {0} {1}",
            "i'd like {0} in {1}",
            "{0} should be {1}",
            "color {0} {1}",
            "i want {0} {1}",
            "can {0} be {1}?",
            "{0} has to be {1}",
            "paint {0} {1} instead",
        ]
    )
    text = said.format(it, new)
    if it == f"the {thing.name}" and r.random() < 0.25:
        text = (
            r.choice([f"{new} {thing.name}", f"{nouns.phrase(f'{new} {thing.noun}', thing.noun)} please"])
            if thing.count == 1
            else f"{new} {thing.name}"
        )
    return text.replace("can them", "can they").replace("them should", "they should"), _swap_in(
        scene, (thing, replace(thing, color=new))
    )


def quality(r: random.Random, scene: Scene) -> Change:
    """ "the boy is sad", "give the robot a red hat": what is said of a thing goes with it."""
    thing = r.choice(scene.things)
    it = _referred(r, scene, thing)
    if r.random() < 0.5:
        new = r.choice((*lexicon.ADJECTIVES, *lexicon.MOOD_WORDS))
        said = r.choice(
            [
                "{0} should be {1}",
                "make {0} {1}",
                "{0} is {1}",
                "{0} has to look {1}",
                "a more {1} look for {0}",
                "let {0} be {1}",
            ]
        )
        return said.format(it, new), _swap_in(scene, (thing, replace(thing, attribute=new)))
    worn = nouns.with_article(f"{r.choice(['', *lexicon.WIDE_COLORS])} {r.choice(lexicon.WORN)}".strip())
    said = r.choice(["give {0} {1}", "{0} should wear {1}", "put {1} on {0}", "{0} with {1}", "add {1} to {0}"])
    return said.format(it, worn), _swap_in(scene, (thing, replace(thing, after=f"wearing {worn}")))


def whole(r: random.Random, scene: Scene) -> Change:
    """Time, weather, season or occasion of the whole picture; it takes the place of another of its kind."""
    kind = r.choice([lexicon.TIMES, lexicon.WEATHER, lexicon.WEATHER, lexicon.OCCASIONS])
    said = r.choice([said for said in kind if said.plan not in scene.when])
    plans = {other.plan for other in kind}
    kept = tuple(words for words in scene.when if words not in plans)
    words = r.choice(
        [
            "{}",
            "{}",
            "{} please",
            "make it {}",
            "it should be {}",
            "now {}",
            "let it be {}",
            "change it to {}",
            "i want it {}",
            "the same {}",
        ]
    )
    when = (said.plan, *kept) if kind is lexicon.WEATHER else (*kept, said.plan)
    return words.format(r.choice(said.ways)), replace(scene, when=when)


def mood(r: random.Random, scene: Scene) -> Change:
    if r.random() < 0.6:
        new = r.choice([word for word in _COMPARED if word != scene.mood])
        return r.choice(_COMPARED[new]), replace(scene, mood=new)
    new = r.choice([word for word in lexicon.MOOD_WORDS if word != scene.mood])
    return r.choice(["{}", "more {}", "make it {}", "a {} mood", "it should feel {}", "too boring, make it {}"]).format(
        new
    ), replace(scene, mood=new)


def place(r: random.Random, scene: Scene) -> Change:
    new = random_place(r)
    if new == scene.place:
        return None
    where = said_place(r, new)
    if new not in where:
        return None
    said = r.choice(
        [
            "{}",
            "put it all {}",
            "let it happen {}",
            "set this {}",
            "move everything {}",
            "{} instead",
            "make it {}",
            "background: {}",
            "now {}",
        ]
    )
    if scene.place and r.random() < 0.3:
        text = r.choice(
            ["replace the {0} with {1}", "{1} instead of the {0}", "not {0}, {1}", "change the {0} to {1}"]
        ).format(scene.place, nouns.with_article(new))
    else:
        text = said.format(where)
    return text, replace(scene, place=new, plain="")


def only(r: random.Random, scene: Scene) -> Change:
    if len(scene.things) < 2:
        return None
    thing = r.choice(scene.things)
    said = r.choice(
        [
            "remove everything but the {}",
            "only the {}",
            "keep only the {}",
            "just the {}, nothing else",
            "delete all except the {}",
        ]
    )
    return said.format(thing.name), replace(scene, things=(_alone(thing),))


def gone(r: random.Random, scene: Scene) -> Change:
    if len(scene.things) < 2:
        return None
    thing = r.choice(scene.things)
    it = _referred(r, scene, thing)
    said = r.choice(
        [
            "no {1}",
            "remove {0}",
            "{0} doesn't belong there",
            "i don't like {0}",
            "take {0} out",
            "get rid of {0}",
            "{0} should not be there",
            "can you remove {0}?",
            "lose {0}",
            "without {0} please",
            "{0} is not needed",
            "forget {0}",
        ]
    )
    kept = tuple(
        _alone(other) if other.stands[1] == thing.noun else other for other in scene.things if other is not thing
    )
    return said.format(it, thing.name), replace(scene, things=kept)


def instead(r: random.Random, scene: Scene) -> Change:
    thing = r.choice(scene.things)
    new = free_thing(r, nouns.DRAWN, scene.nouns, plain=0.6)
    it = _referred(r, scene, thing)
    said = r.choice(
        [
            "{1} instead of {0}",
            "{1} would be nicer than {0}",
            "turn {0} into {1}",
            "i'd rather have {1} than {0}",
            "use {1} instead of {0}",
            "replace {0} with {1}",
            "{0} should be {1}",
            "swap {0} for {1}",
            "make {0} {1}",
        ]
    )
    after = _swap_in(scene, (thing, replace(new, spot=thing.spot, area=thing.area)))
    return said.format(it, new.phrase), replace(
        after, things=tuple(_alone(other) if thing.noun in other.stands else other for other in after.things)
    )


def shifted(r: random.Random, scene: Scene) -> Change:
    """A step to one side, or to a place, or beside another thing."""
    thing = r.choice(scene.things)
    it = _referred(r, scene, thing)
    row, column = cell_of(thing.spot.location)
    way, (down, across) = r.choice([("up", (-1, 0)), ("down", (1, 0)), ("left", (0, -1)), ("right", (0, 1))])
    to = (row + down, column + across)
    if r.random() < 0.5 and 0 <= to[0] <= 2 and 0 <= to[1] <= 2:
        at = GRID[to[0]][to[1]]
        far = {"up": "higher", "down": "lower", "left": "further left", "right": "further right"}[way]
        said = r.choice(
            [
                f"move {it} {way} a bit",
                f"{it} a little {far}",
                f"{it} should be {far}",
                f"shift {it} {way}",
                f"{far} with {it}",
                f"move {it} {far}",
            ]
        )
    else:
        at = r.choice(_free(scene) or [""])
        where = r.choice((*SAID_AT[at], *_AT[at])) if at else ""
        said = r.choice(
            [
                f"put {it} {where}",
                f"{it} belongs {where}",
                f"i want {it} {where}",
                f"move {it}, it should be {where}",
                f"{it} {where}",
            ]
        )
    if not at or at in [other.spot.location for other in scene.things if other is not thing]:
        return None
    after = _swap_in(scene, (thing, replace(_alone(thing), spot=Spot(at))))
    return said.replace("them should", "they should"), replace(
        after, things=tuple(_alone(o) if thing.noun in o.stands else o for o in after.things)
    )


def sized(r: random.Random, scene: Scene) -> Change:
    a = r.choice(scene.things)
    size = r.choice([size for size in ("small", "large") if size != a.size])
    it = _referred(r, scene, a)
    if len(scene.things) > 1 and r.random() < 0.3:
        b = r.choice([thing for thing in scene.things if thing is not a])
        words = ("bigger", "smaller") if size == "large" else ("smaller", "bigger")
        other = "small" if size == "large" else "large"
        text = f"make the {a.name} {words[0]} and the {b.name} {words[1]}"
        return text, _swap_in(
            scene, (a, replace(a, size=size, size_word="")), (b, replace(b, size=other, size_word=""))
        )
    small = ["{} is too big", "{} should be tiny", "make {} smaller", "smaller {}", "{} a lot smaller"]
    large = ["{} is too small", "{} should be huge", "make {} much bigger", "bigger {}", "{} a bit larger"]
    text = r.choice(small if size == "small" else large).format(it)
    return text.replace("them is", "they are").replace("them should", "they should"), _swap_in(
        scene, (a, replace(a, size=size, size_word=""))
    )


def beside(r: random.Random, scene: Scene) -> Change:
    """A new thing that stands to one that is there: "a farmer between them", "a bird on the house"."""
    free = _free(scene)
    if not free or len(scene.things) > 5:
        return None
    new = free_thing(r, nouns.DRAWN, scene.nouns, plain=0.5)
    lead = r.choice(["add ", "and ", "put ", "also ", "with ", "", "i want ", "now add "])
    if (
        len(scene.things) == 2
        and {t.spot.location for t in scene.things} == {"on the left", "on the right"}
        and r.random() < 0.5
    ):
        return f"{lead}{said_phrase(r, new)} {r.choice(['between them', 'in between', 'between the two'])}", replace(
            scene, things=(*scene.things, replace(new, spot=Spot("in the center")))
        )
    other = r.choice(scene.things)
    row, column = cell_of(other.spot.location)
    steps = {
        "above": (-1, 0),
        "over": (-1, 0),
        "under": (1, 0),
        "below": (1, 0),
        "to the left of": (0, -1),
        "to the right of": (0, 1),
        "next to": (0, 1),
        "on top of": (-1, 0),
        "on": (-1, 0),
        "left of": (0, -1),
        "right of": (0, 1),
    }
    word = r.choice(list(steps))
    to = (row + steps[word][0], column + steps[word][1])
    if not (0 <= to[0] <= 2 and 0 <= to[1] <= 2) or GRID[to[0]][to[1]] not in free:
        return None
    return f"{lead}{said_phrase(r, new)} {word} {_referred(r, scene, other)}", replace(
        scene, things=(*scene.things, replace(new, spot=Spot(GRID[to[0]][to[1]])))
    )


CHANGES: dict[str, Callable[[random.Random, Scene], Change]] = {
    "swap": swap,
    "another": another,
    "number": number,
    "color": color,
    "quality": quality,
    "whole": whole,
    "mood": mood,
    "place": place,
    "only": only,
    "gone": gone,
    "instead": instead,
    "shifted": shifted,
    "sized": sized,
    "beside": beside,
}
_SHARE = {"whole": 2.5, "swap": 1.2, "color": 1.6, "gone": 1.2, "instead": 1.5, "mood": 1.3, "beside": 2, "only": 0.5}
_WRAPPED = (
    "please {}",
    "{} please",
    "can you {}",
    "ok now {}",
    "hm, {}",
    "great! {}",
    "no, {}",
    "nice, but {}",
    "{}, thanks",
    "wait, {}",
)
UNDO = (
    "undo the last change",
    "undo",
    "no, go back",
    "take that back",
    "as it was before",
    "revert the last change",
    "the one before was better",
    "back to the previous one",
)


def random_change(r: random.Random, scene: Scene) -> tuple[str, Scene]:
    """(what the person says, the scene after it); sometimes two changes at once."""
    while True:
        name = r.choices(list(CHANGES), [_SHARE.get(name, 1) for name in CHANGES])[0]
        found = CHANGES[name](r, scene)
        if found is None:
            continue
        said, after = found
        if r.random() < 0.12:
            more = CHANGES[r.choice(["color", "whole", "beside", "sized", "mood"])](r, after)
            if more:
                said, after = f"{said}{r.choice([' and ', ', ', '. ', ', and '])}{more[0]}", more[1]
        if r.random() < 0.22:
            said = r.choice(_WRAPPED).format(said)
        if r.random() < 0.25:
            said = said[0].upper() + said[1:] + r.choice([".", "", "!"])
        return said, after
