"""Random changes to a scene and the words that ask for them. Only what is asked changes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from lib_omost.canvas import LOCATIONS
from training import nouns
from training.language.requests import random_thing
from training.language.scenes import Scene, Thing
from training.language.words import COLORS, DEFAULT_STYLE, GRID, MOODS, PLACES, SAID_AT, STYLES, Spot

Edit = tuple[str, Scene]
MOST_THINGS = 5
#: how a wish may be wrapped; any of them fits any wish
_ASKING = ("please {}", "now {}", "ok, {}", "{} please", "{}, thanks", "good, but {}", "nice. {}", "one more thing: {}")
_ADDING = ("add", "also add", "include", "insert", "i also want", "place", "put", "there is also", "bring in")
_STEPS = {
    "to the left of": (0, -1),
    "to the right of": (0, 1),
    "above": (-1, 0),
    "below": (1, 0),
    "next to": (0, 1),
    "under": (1, 0),
    "over": (-1, 0),
}


def random_edit(r: random.Random, scene: Scene, pool: Sequence[str], kind: str = "") -> tuple[str, Scene, str]:
    """(what the person says, the scene after it, the kind of edit)."""
    kind = kind or r.choices(list(EDITS), [_weight(name, scene) for name in EDITS])[0]
    said, after = EDITS[kind](r, scene, pool)
    said = r.choice(_ASKING).format(said) if r.random() < 0.3 else said
    if r.random() < 0.2:
        said = said[0].upper() + said[1:] + "."
    return said, after, kind


def _weight(kind: str, scene: Scene) -> float:
    if kind == "remove":
        return 2 * (len(scene.things) > 1)
    if kind == "add":
        return 3 * (len(scene.things) < MOST_THINGS)
    return 2 if kind in ("replace", "recolor", "move") else 1


def _swap(scene: Scene, old: Thing, new: Thing) -> Scene:
    """`new` in the place of `old`. Who is moved stands to nobody as before; who takes a place stands as the old one."""
    if new.spot.location != old.spot.location:
        return replace(scene, things=tuple(_parted(new if t is old else t, old.noun) for t in scene.things))

    def renamed(thing: Thing) -> Thing:
        words, other = thing.stands
        return replace(thing, stands=(words, new.noun)) if other == old.noun else thing

    return replace(scene, things=tuple(new if t is old else renamed(t) for t in scene.things))


def _parted(thing: Thing, noun: str) -> Thing:
    """The thing, standing to `noun` no longer, nor `noun` itself to anything."""
    return replace(thing, stands=("", "")) if noun in (thing.noun, thing.stands[1]) else thing


def _the(thing: Thing) -> str:
    return f"the {thing.name}"


def _replace(r: random.Random, scene: Scene, pool: Sequence[str]) -> Edit:
    old = r.choice(scene.things)
    new = random_thing(r, pool, scene.nouns, bare=0.6)
    new = replace(new, count=1, spot=old.spot, area=old.area, stands=old.stands)
    said = r.choice(
        [
            *("replace {0} with {1}", "change {0} to {1}", "turn {0} into {1}", "i want {1} instead of {0}"),
            *("use {1} in place of {0}", "{0} becomes {1}", "make {0} into {1}", "exchange {0} for {1}"),
            *("put {1} where {0} is", "i would rather have {1} than {0}", "not {0} but {1}"),
        ]
    )
    return said.format(_the(old), new.phrase), _swap(scene, old, new)


def _recolor(r: random.Random, scene: Scene, pool: Sequence[str]) -> Edit:
    old = r.choice(scene.things)
    color = r.choice([word for word in COLORS if word != old.color])
    said = r.choice(
        [
            *("make {} {}", "change the color of {} to {}", "paint {} {}", "{} should be {}", "turn {} {}"),
            *("give {} a {} color", "recolor {} in {}", "let {} be {}", "i would like {} in {}", "{} in {}"),
        ]
    )
    return said.format(_the(old), color), _swap(scene, old, replace(old, color=color))


def _move(r: random.Random, scene: Scene, pool: Sequence[str]) -> Edit:
    old = r.choice(scene.things)
    others = [thing for thing in scene.things if thing is not old]
    if others and r.random() < 0.3:
        other = r.choice(others)
        link, location = _beside(r, other.spot.location, but=old.spot.location)
        said = f"{r.choice(['move', 'put', 'place'])} {_the(old)} {link} {_the(other)}"
    else:
        location = r.choice([at for at in LOCATIONS if at != old.spot.location])
        corner = location.partition("the ")[2]
        said = r.choice(
            [
                f"move {_the(old)} to the {corner}",
                f"put {_the(old)} {r.choice(SAID_AT[location])}",
                f"place {_the(old)} {location}",
                f"{_the(old)} should be {location}",
                f"{r.choice(['drag', 'bring', 'slide', 'push'])} {_the(old)} to the {corner.replace('-', ' ')}",
                f"{_the(old)} goes {r.choice(['to', 'in', 'into'])} the {corner.replace('-', ' ')}",
                f"let {_the(old)} be {r.choice(SAID_AT[location])}",
                f"i want {_the(old)} {r.choice(SAID_AT[location])}",
            ]
        )
    return said, _swap(scene, old, replace(old, spot=Spot(location, distance=old.spot.distance)))


def _beside(r: random.Random, location: str, but: str = "") -> tuple[str, str]:
    """(words, location) of a place next to `location` on the grid of nine, other than `but`."""
    row, column = next((i, line.index(location)) for i, line in enumerate(GRID) if location in line)
    fits = [
        (words, GRID[row + y][column + x])
        for words, (y, x) in _STEPS.items()
        if 0 <= row + y < len(GRID) and 0 <= column + x < len(GRID) and GRID[row + y][column + x] != but
    ]
    return r.choice(fits)


def _resize(r: random.Random, scene: Scene, pool: Sequence[str]) -> Edit:
    old = r.choice(scene.things)
    size = r.choice([word for word in ("small", "large") if word != old.size])
    larger = ["make {} bigger", "enlarge {}", "make {} larger", "{} should be big", "a larger size for {}", "grow {}"]
    smaller = ["make {} smaller", "shrink {}", "{} should be small", "a smaller size for {}", "reduce {} in size"]
    said = r.choice(smaller if size == "small" else larger).format(_the(old))
    return said, _swap(scene, old, replace(old, size=size, size_word=""))


def _add(r: random.Random, scene: Scene, pool: Sequence[str]) -> Edit:
    new = random_thing(r, pool, scene.nouns)
    used = [thing.spot.location for thing in scene.things]
    free = [at for at in LOCATIONS if at not in used]
    u = r.random()
    if u < 0.6:
        location = r.choice(free)
        said = f"{r.choice(_ADDING)} {new.phrase} {r.choice(SAID_AT[location])}"
    elif u < 0.8:
        other = r.choice(scene.things)
        link, location = _beside(r, other.spot.location)
        said = f"{r.choice(_ADDING)} {new.phrase} {link} {_the(other)}"
    else:
        location = free[0]
        said = r.choice(["add {}", "also add {}", "put {} into the picture", "{} as well", "{} too"]).format(new.phrase)
    return said, replace(scene, things=(*scene.things, replace(new, spot=Spot(location))))


def _remove(r: random.Random, scene: Scene, pool: Sequence[str]) -> Edit:
    old = r.choice(scene.things)
    said = r.choice(
        [
            *("remove {}", "delete {}", "take {} away", "without {}", "get rid of {}", "drop {}", "erase {}"),
            *("leave out {}", "i do not want {}", "{} must leave", "{} is too much", "we do not need {}"),
        ]
    )
    kept = tuple(_parted(thing, old.noun) for thing in scene.things if thing is not old)
    return said.format(_the(old)), replace(scene, things=kept)


def _background(r: random.Random, scene: Scene, pool: Sequence[str]) -> Edit:
    u = r.random()
    if u < 0.15 and (scene.place or scene.plain):
        said = r.choice(["remove the background", "no background please", "take the background away"])
        return said, replace(scene, place="", plain="")
    if u < 0.35:
        color = r.choice([word for word in COLORS if word != scene.plain])
        said = r.choice(
            [
                *("use a plain {} background", "make the background {}", "change the background to plain {}"),
                *("a {} background", "put everything on plain {}"),
            ]
        )
        return said.format(color), replace(scene, plain=color, place="")
    name = r.choice([word for word in PLACES if word != scene.place])
    preposition, _, article = PLACES[name].preposition.partition(" ")
    named = f"{article} {name}".strip()
    said = r.choice(
        [
            *(f"change the background to {named}", f"put it {preposition} {named}", f"make the background {named}"),
            *(f"move the scene to {named}", f"set it {preposition} {named}", f"{named} as the scenery"),
            *(f"it all happens {preposition} {named}", f"replace the background with {named}"),
        ]
    )
    return said, replace(scene, place=name, plain="")


def _style(r: random.Random, scene: Scene, pool: Sequence[str]) -> Edit:
    style = r.choice([word for word in STYLES if word != (scene.style or DEFAULT_STYLE)])
    named = nouns.with_article(style)
    said = r.choice(
        [
            *(f"make it {named}", f"change the style to {style}", f"in {style} style please", f"as {named}"),
            *(f"redo it as {named}", f"turn the picture into {named}", f"draw it in the style of {named}"),
            *(f"i prefer {style}", f"it should look as if it were {named}"),
        ]
    )
    return said, replace(scene, style=style)


def _mood(r: random.Random, scene: Scene, pool: Sequence[str]) -> Edit:
    mood = r.choice([word for word in MOODS if word != scene.mood])
    said = r.choice(
        [
            *("make it more {}", "it should feel {}", "give it a {} mood", "a more {} mood", "let it feel {}"),
            *("the atmosphere should be {}", "change the mood to {}", "i want a {} atmosphere"),
        ]
    )
    return said.format(mood), replace(scene, mood=mood)


EDITS: dict[str, Callable[[random.Random, Scene, Sequence[str]], Edit]] = {
    "replace": _replace,
    "recolor": _recolor,
    "move": _move,
    "resize": _resize,
    "add": _add,
    "remove": _remove,
    "background": _background,
    "style": _style,
    "mood": _mood,
}
