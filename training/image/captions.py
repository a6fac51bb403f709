"""How a scene is said: a global text and one per region, in the forms that a canvas's sub-prompts take."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from lib_omost.canvas import Box
from training import nouns
from training.image.catalogue import STYLES
from training.image.scenes import Scene, Thing

#: share of region texts that begin with the global sentence, and that carry sentences which name no object
PREFIXED, WORDY = 0.4, 0.2
ADJECTIVES = (
    *("cute", "big", "small", "beautiful", "lovely", "happy", "nice", "simple", "bright", "charming", "shiny"),
    *("large", "little", "detailed"),
)
MOODS = (
    *("calm", "lively", "mysterious", "cheerful", "dramatic", "cozy", "quiet", "bright", "peaceful", "warm"),
    *("dreamy", "playful"),
)
FILLERS = (
    "The light is soft and warm.",
    "The colors are vivid.",
    "The composition is balanced.",
    "It is detailed and sharp.",
    "The shape is clear and clean.",
    "The lines are smooth.",
    "Gentle shadows give depth.",
    "The scene feels inviting.",
    "Everything is in focus.",
    "The contrast is pleasant.",
)
QUALITY = (
    "High resolution.",
    "Best quality.",
    "Very detailed.",
    "Sharp focus.",
    "Clean lines.",
    "High quality, crisp edges.",
)
NEGATIVES = (
    "",
    "",
    "lowres, bad anatomy, bad hands, cropped, worst quality",
    "blurry, low quality",
    "text, watermark, ugly",
    "lowres, cropped, worst quality, jpeg artifacts",
)
_COUNTS = {2: "two", 3: "three"}
_ROWS = (
    ("on the top-left", "on the top", "on the top-right"),
    ("on the left", "in the center", "on the right"),
    ("on the bottom-left", "on the bottom", "on the bottom-right"),
)


@dataclass(frozen=True, slots=True)
class Text:
    """Sentences that open every bag of a text, and sentences that fill its bags."""

    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caption:
    whole: Text
    regions: tuple[tuple[Box, Text], ...] = ()


def caption(scene: Scene, r: random.Random) -> Caption:
    """Worded anew at every call: places or relations, adjectives, verbose sentences, with and without a prefix."""
    sentence, style, mood = _sentence(scene, r), r.choice(STYLES[scene.style]), r.choice(MOODS)
    fill = _fill(scene, r, style, mood) if r.random() < 0.35 else []
    regions = tuple((thing.box, _region(thing, r, sentence, style, mood)) for thing in scene.things)
    return Caption(Text((sentence,), tuple(fill)), regions)


def words(thing: Thing, r: random.Random) -> str:
    """The thing with its article or number; a recoloured sprite says its colour, others may."""
    adjective = ""
    if thing.sprite.color and (thing.sprite.is_copy or r.random() < 0.3):
        adjective = thing.sprite.color
    elif r.random() < 0.25:
        adjective = r.choice(ADJECTIVES)
    if len(thing.places) > 1:
        return " ".join(w for w in (_COUNTS[len(thing.places)], adjective, nouns.plural(thing.noun)) if w)
    return nouns.phrase(f"{adjective} {thing.noun}".strip(), thing.noun)


def place(box: Box) -> str:
    """The location of the canvas vocabulary that a box's centre is nearest to."""
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return _ROWS[0 if y < 32 else 2 if y > 58 else 1][0 if x < 32 else 2 if x > 58 else 1]


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _sentence(scene: Scene, r: random.Random) -> str:
    """The global description; now and then it names the background alone."""
    if not scene.things or r.random() < 0.08:
        return scene.background.phrase + "."
    style = r.choice(STYLES[scene.style])
    text = _things(scene.things, r) + (f" {scene.background.phrase}" if r.random() < 0.88 else "")
    forms = (f"{text}, {style}.", f"{style.capitalize()} of {text}.")
    plain = (f"{text}.", f"{text}.", f"A scene with {text}.", f"An illustration of {text}.", f"A picture of {text}.")
    u = r.random()
    text = forms[0] if u < 0.3 else forms[1] if u < 0.5 else r.choice(plain)
    return text[0].upper() + text[1:] if r.random() < 0.5 else text


def _things(things: Sequence[Thing], r: random.Random) -> str:
    said = [words(thing, r) for thing in things]
    if len(things) == 2 and r.random() < 0.3:
        return f"{said[0]} {_relation(things[0].box, things[1].box)} {said[1]}"
    parts = [w + (f" {place(t.box)}" if r.random() < 0.7 else "") for t, w in zip(things, said, strict=True)]
    r.shuffle(parts)
    return _listed(parts)


def _relation(a: Box, b: Box) -> str:
    across = (a.left + a.right) - (b.left + b.right)
    down = (a.top + a.bottom) - (b.top + b.bottom)
    if abs(across) > abs(down):
        return "to the left of" if across < 0 else "to the right of"
    return "above" if down < 0 else "below"


def _fill(scene: Scene, r: random.Random, style: str, mood: str) -> list[str]:
    said = [
        f"The {thing.noun} is {place(thing.box)}."
        for thing in scene.things
        if len(thing.places) == 1 and not nouns.is_mass(thing.noun) and r.random() < 0.6
    ]
    tags = [*(thing.noun for thing in scene.things), scene.background.noun, mood, style]
    return [*said, *r.sample(FILLERS, r.randint(1, 2)), f"The scene feels {mood}.", ", ".join(tags) + "."]


def _region(thing: Thing, r: random.Random, sentence: str, style: str, mood: str) -> Text:
    own = words(thing, r) + "."
    own = own[0].upper() + own[1:] if r.random() < 0.5 else own
    prefixes = (sentence, own) if r.random() < PREFIXED else (own,)
    return Text(prefixes, tuple(_details(thing, r, style, mood)))


def _details(thing: Thing, r: random.Random, style: str, mood: str) -> list[str]:
    """Sentences that name no other object: what the model has to learn to pass over; some need a second bag."""
    if r.random() < WORDY:
        tail = [*r.sample(FILLERS, r.randint(1, 3)), f"{thing.noun}, {mood}.", f"{mood.capitalize()} mood."]
        tail += [r.choice([style, "illustration"]).capitalize() + ".", r.choice(QUALITY)]
        return tail + r.sample(FILLERS, 4) if r.random() < 0.3 else tail
    if r.random() < 0.5:
        plain = f"The {thing.noun} is large and clear."
        return [r.choice([style.capitalize() + ".", plain, r.choice(FILLERS), r.choice(QUALITY)])]
    return []
