"""A scene, and the program that answers a request for it. What a scene leaves open is always answered alike."""

from __future__ import annotations

from dataclasses import dataclass

from lib_omost.canvas.source import Writable, call
from training import nouns
from training.language.words import (
    COLORS,
    DEFAULT_MOOD,
    DEFAULT_STYLE,
    NUMBERS,
    PLACES,
    STYLES,
    Spot,
)

BACKGROUND_DISTANCE = 10.0


@dataclass(frozen=True, slots=True)
class Thing:
    """One region of a scene. `size` is "", "small" or "large"; `count` 0 means many; `area` is the layout's wish;
    `stands` says how it stands to which other noun: ("behind", "house")."""

    noun: str
    color: str = ""
    size: str = ""
    size_word: str = ""
    attribute: str = ""
    count: int = 1
    spot: Spot = Spot("in the center")  # noqa: RUF009 - Spot is frozen
    area: str = "medium-sized"
    stands: tuple[str, str] = ("", "")

    @property
    def is_many(self) -> bool:
        return self.count != 1 or nouns.is_plural(self.noun)

    @property
    def name(self) -> str:
        """The noun in the number that the thing has."""
        return self.noun if self.count == 1 else nouns.plural(self.noun)

    @property
    def words(self) -> str:
        """The noun and its adjectives without an article or a number."""
        return " ".join(w for w in (self.size_word or self.size, self.attribute, self.color, self.name) if w)

    @property
    def phrase(self) -> str:
        return nouns.phrase(self.words, self.noun) if self.count == 1 else f"{NUMBERS[self.count]} {self.words}"


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a request says. `place` and `plain` (a colour word) exclude each other; `absent` must not appear."""

    things: tuple[Thing, ...]
    place: str = ""
    plain: str = ""
    style: str = ""
    mood: str = ""
    absent: tuple[str, ...] = ()

    @property
    def nouns(self) -> tuple[str, ...]:
        return tuple(thing.noun for thing in self.things)

    def named(self, noun: str) -> Thing | None:
        return next((thing for thing in self.things if thing.noun == noun), None)


def listed(phrases: list[str]) -> str:
    """One phrase, or "a, b and c"."""
    return phrases[0] if len(phrases) == 1 else ", ".join(phrases[:-1]) + " and " + phrases[-1]


def sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def program(scene: Scene) -> str:
    """The fenced program for `scene`, in the one layout that the default model writes."""
    style = STYLES[scene.style or DEFAULT_STYLE]
    mood = mood_of(scene)
    parts = ["# Initialize the canvas\ncanvas = Canvas()"]
    parts.append("# Describe the picture\n" + _call("set_global_description", _whole(scene)))
    for thing in scene.things:
        parts.append(f"# Add the {thing.noun}\n" + _call("add_local_description", _region(thing, style, mood)))
    if scene.place:
        parts.append("# Add the background\n" + _call("add_local_description", _background(scene.place, style, mood)))
    return "```python\n" + "\n\n".join(parts) + "\n```"


def _call(method: str, values: dict[str, Writable]) -> str:
    return call("canvas", method, values)


def mood_of(scene: Scene) -> str:
    """The mood that was asked for, else the background's own."""
    return scene.mood or (PLACES[scene.place].mood if scene.place else DEFAULT_MOOD)


def _setting(scene: Scene) -> tuple[str, str]:
    """(words after the things, HTML colour of the canvas)."""
    if scene.place:
        place = PLACES[scene.place]
        return f" {place.preposition} {scene.place}", place.color
    if scene.plain:
        return f" on a plain {scene.plain} background", COLORS[scene.plain]
    return "", "lightgray"


def _whole(scene: Scene) -> dict[str, Writable]:
    setting, color = _setting(scene)
    mood, style = mood_of(scene), scene.style or DEFAULT_STYLE
    return {
        "description": sentence(listed([t.phrase for t in scene.things]) + setting),
        "detailed_descriptions": [*_relations(scene), *_positions(scene), f"The scene feels {mood}."],
        "tags": ", ".join([*(t.name for t in scene.things), *([scene.place] if scene.place else []), mood, style]),
        "HTML_web_color_name": color,
    }


def _relations(scene: Scene) -> list[str]:
    """Each relation in its plainest words, whatever words it was asked in: a small model that has written "The fox is
    behind the house." puts both where they belong, and one that has not mixes them up."""
    pairs = [(thing, thing.stands[0], scene.named(thing.stands[1])) for thing in scene.things if thing.stands[0]]
    return [f"The {a.name} {'are' if a.is_many else 'is'} {words} the {b.name}." for a, words, b in pairs if b]


def _positions(scene: Scene) -> list[str]:
    return [f"The {t.words} {'are' if t.is_many else 'is'} {t.spot.location}." for t in scene.things]


def _region(thing: Thing, style: str, mood: str) -> dict[str, Writable]:
    first, second = nouns.parts(thing.noun)
    outline = "horizontal" if thing.count != 1 else nouns.outline(thing.noun)
    return {
        "location": thing.spot.location,
        "offset": thing.spot.offset,
        "area": f"a {thing.size or thing.area} {outline} area",
        "distance_to_viewer": thing.spot.distance,
        "description": sentence(thing.phrase),
        "detailed_descriptions": [f"The {thing.words} {'have' if thing.is_many else 'has'} {first} and {second}."],
        "tags": ", ".join(w for w in (thing.name, thing.color, thing.attribute, mood) if w),
        "atmosphere": f"{mood.capitalize()} mood.",
        "style": f"{style}.",
        "quality_meta": "High resolution.",
        "HTML_web_color_name": COLORS[thing.color] if thing.color else nouns.color(thing.noun),
    }


def _background(name: str, style: str, mood: str) -> dict[str, Writable]:
    place = PLACES[name]
    article = place.preposition.partition(" ")[2]
    return {
        "location": "in the center",
        "offset": "no offset",
        "area": "a large horizontal area",
        "distance_to_viewer": BACKGROUND_DISTANCE,
        "description": sentence(f"{article} {name}".strip()),
        "detailed_descriptions": [f"The background shows {place.shows}."],
        "tags": f"{name}, {mood}",
        "atmosphere": f"{mood.capitalize()} mood.",
        "style": f"{style}.",
        "quality_meta": "High resolution.",
        "HTML_web_color_name": place.color,
    }
