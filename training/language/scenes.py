"""A scene, and the program that answers a request for it. What a scene leaves open is always answered alike."""

from __future__ import annotations

from dataclasses import dataclass

from lib_omost.canvas.source import Writable, call
from training import nouns
from training.language import lexicon
from training.language.words import NUMBERS, PLACES, Spot

#: what a call leaves out, as the reader fills it in
NO_OFFSET, USUAL_DISTANCE = "no offset", 1.0


@dataclass(frozen=True, slots=True)
class Thing:
    """One region of a scene. `size` is "", "small" or "large"; `count` 0 means many, which `number` may say otherwise;
    `after` follows the noun ("wearing a hat"); `area` is the layout's wish; `stands` says how it stands to which other
    noun: ("behind", "house")."""

    noun: str
    color: str = ""
    size: str = ""
    size_word: str = ""
    attribute: str = ""
    count: int = 1
    spot: Spot = Spot("in the center")  # noqa: RUF009 - Spot is frozen
    area: str = "medium-sized"
    stands: tuple[str, str] = ("", "")
    number: str = ""
    after: str = ""

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
        """All that is said of it but where it is: "a small red cat wearing a hat"."""
        return f"{self.short_phrase} {self.after}".strip()

    @property
    def short_phrase(self) -> str:
        if self.count == 1:
            return nouns.phrase(self.words, self.noun)
        return f"{self.number or NUMBERS[self.count]} {self.words}"


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a request says. `place` and `plain` (a colour word) exclude each other; `absent` must not appear;
    `when` is time, weather and occasion, each in the words of a plan."""

    things: tuple[Thing, ...]
    place: str = ""
    plain: str = ""
    style: str = ""
    mood: str = ""
    absent: tuple[str, ...] = ()
    when: tuple[str, ...] = ()

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
    """The fenced program for `scene`, in the one layout that the default model writes: what carries nothing is left
    out, and the reader fills it in."""
    parts = ["canvas = Canvas()", call("canvas", "set_global_description", _whole(scene))]
    parts += [call("canvas", "add_local_description", _region(thing)) for thing in scene.things]
    return "```python\n" + "\n".join(parts) + "\n```"


_COLORS = {said.plan: said.color for said in (*lexicon.TIMES, *lexicon.WEATHER, *lexicon.OCCASIONS)}


def setting_of(place: str) -> tuple[str, str]:
    """(words of a place, the colour of a canvas there). An adjective may stand before a place of the lists."""
    known = {name: (one.preposition, one.color) for name, one in PLACES.items()} | lexicon.MORE_PLACES
    name = place if place in known else place.partition(" ")[2]
    before, color = known.get(name, ("in a", "lightgray"))
    preposition, _, article = before.partition(" ")
    if article in ("a", "an"):
        return f"{preposition} {nouns.with_article(place)}", color
    return f"{before} {place}", color


def mood_of(scene: Scene) -> str:
    """The mood that was asked for."""
    return scene.mood


def _color_of(scene: Scene) -> str:
    """Time and weather colour a picture more than its place does."""
    for said in scene.when:
        if _COLORS.get(said):
            return _COLORS[said]
    if scene.place:
        return setting_of(scene.place)[1]
    return (lexicon.html_color(scene.plain) if scene.plain else "") or "lightgray"


def _whole(scene: Scene) -> dict[str, Writable]:
    few = len(scene.things) <= 3
    text = listed([thing.phrase if few and len(thing.phrase) < 40 else thing.short_phrase for thing in scene.things])
    if scene.place:
        text += f" {setting_of(scene.place)[0]}"
    elif scene.plain:
        text += f" on a plain {scene.plain} background"
    text += "".join(f", {words}" for words in scene.when)
    text += f", {scene.mood} mood" if scene.mood else ""
    text += f", {scene.style}" if scene.style else ""
    details = _relations(scene)
    whole: dict[str, Writable] = {"description": sentence(text)}
    return whole | ({"detailed_descriptions": details} if details else {}) | {"HTML_web_color_name": _color_of(scene)}


def _relations(scene: Scene) -> list[str]:
    """Each relation in its plainest words, whatever words it was asked in: a small model that has written "The fox is
    behind the house." puts both where they belong, and one that has not mixes them up."""
    pairs = [(thing, thing.stands[0], scene.named(thing.stands[1])) for thing in scene.things if thing.stands[0]]
    return [f"The {a.name} {'are' if a.is_many else 'is'} {words} the {b.name}." for a, words, b in pairs if b]


def outline(thing: Thing) -> str:
    if thing.count != 1:
        return "horizontal"
    kind = lexicon.NOUN_KIND.get(thing.noun, "") if not nouns.is_known(thing.noun) else ""
    return {"person": "vertical", "landscape": "horizontal"}.get(kind) or nouns.outline(thing.noun)


def _region(thing: Thing) -> dict[str, Writable]:
    spot, color = thing.spot, lexicon.html_color(thing.color) if thing.color else ""
    values: dict[str, Writable] = {"description": sentence(thing.phrase), "location": spot.location}
    values |= {"offset": spot.offset} if spot.offset != NO_OFFSET else {}
    values |= {"area": f"a {thing.size or thing.area} {outline(thing)} area"}
    values |= {"distance_to_viewer": spot.distance} if spot.distance != USUAL_DISTANCE else {}
    return values | {"HTML_web_color_name": color or lexicon.own_color(thing.noun)}
