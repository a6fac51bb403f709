"""Edits of the layout bench: nine kinds of change asked of a canvas that the model wrote, and whether each was done."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench._layout_judge import centre, is_colored, mentions, names, regions_of
from bench._layout_questions import COLORS, Wanted, distinct
from lib_omost.canvas import Canvas, Region

#: corner or side -> (across, down) as thirds of the canvas, 0 to 2
PLACES = {"top left": (0, 0), "top right": (2, 0), "bottom left": (0, 2), "bottom right": (2, 2), "middle": (1, 1)}
SETTINGS = ("desert", "forest", "kitchen", "beach")
STYLES = ("watercolor", "oil painting", "pixel art", "pencil sketch")
MOODS = ("mysterious", "festive", "romantic", "gloomy")


@dataclass(frozen=True, slots=True)
class EditQuestion:
    """What is asked of the canvas, and whether the canvas after it is right."""

    kind: str
    text: str
    is_right: Callable[[Canvas, Canvas], bool]


@dataclass(frozen=True, slots=True)
class Opening:
    """The request whose answer is edited, and the nouns that its answer must hold, one region each."""

    text: str
    nouns: tuple[str, ...]

    def is_usable(self, canvas: Canvas) -> bool:
        return all(len(regions_of(canvas, noun)) == 1 for noun in self.nouns)


def opening(r: random.Random, among: Sequence[str]) -> Opening:
    a, b = (Wanted(noun, color=color) for noun, color in zip(distinct(r, among, 2), r.sample(COLORS, 2), strict=True))
    return Opening(f"{a.phrase} on the left and {b.phrase} on the right in a meadow", (a.noun, b.noun))


def edit(kind: str, r: random.Random, first: Opening, among: Sequence[str]) -> EditQuestion:
    """A question of `kind` about the first or second thing of `first`; a new thing comes from `among`."""
    target = r.choice(first.nouns)
    text, is_right = KINDS[kind](r, target, _newcomer(r, first, among))
    return EditQuestion(kind, text, is_right)


def _newcomer(r: random.Random, first: Opening, among: Sequence[str]) -> str:
    taken = {word for noun in first.nouns for word in noun.split()}
    return r.choice([noun for noun in among if taken.isdisjoint(noun.split())])


Check = Callable[[Canvas, Canvas], bool]
Asked = tuple[str, Check]


def looks(region: Region) -> tuple[object, ...]:
    """What a person sees of a region, without the words that carry a mood or a style."""
    return (region.box, region.distance_to_viewer, region.description, region.detailed_descriptions, region.color)


def others_kept(before: Canvas, after: Canvas, target: str, new: str = "") -> bool:
    """Every region that names neither `target` nor `new` looks as before; none is lost and none came."""
    kept = [looks(region) for region in before.regions if not names(region.description, target)]
    now = [
        looks(region)
        for region in after.regions
        if not names(region.description, target) and not (new and names(region.description, new))
    ]
    return sorted(map(str, kept)) == sorted(map(str, now))


def third_of(region: Region) -> tuple[int, int]:
    """(across, down): which third of the canvas the centre is in; the outer ones reach to 35 and from 55 of 90, since a
    large box at an edge is cut there, and its centre moves inwards."""
    x, y = (0 if value <= 35 else 2 if value >= 55 else 1 for value in centre(region.box))
    return x, y


def _only(canvas: Canvas, noun: str) -> Region | None:
    found = regions_of(canvas, noun)
    return found[0] if len(found) == 1 else None


def _of_target(target: str, holds: Callable[[Region, Region], bool]) -> Check:
    """The target is one region before and after, `holds` of the two, and the others are kept."""

    def check(before: Canvas, after: Canvas) -> bool:
        old, new = _only(before, target), _only(after, target)
        return old is not None and new is not None and holds(old, new) and others_kept(before, after, target)

    return check


def _recolor(r: random.Random, target: str, new: str) -> Asked:
    color = r.choice(COLORS)
    text = r.choice(["make the {} {}", "please color the {} {}", "I want the {} to be {}"]).format(target, color)
    return text, _of_target(target, lambda old, now: is_colored(now, color) and now.box == old.box)


def _move(r: random.Random, target: str, new: str) -> Asked:
    place = r.choice(list(PLACES))
    text = r.choice(["move the {} to the {}", "the {} belongs in the {}", "shift the {} to the {}"]).format(
        target, place
    )

    return text, _of_target(target, lambda old, now: third_of(now) == PLACES[place])


def _resize(r: random.Random, target: str, new: str) -> Asked:
    bigger = r.random() < 0.5
    text = r.choice(["make the {} bigger", "enlarge the {}"] if bigger else ["make the {} smaller", "shrink the {}"])

    def holds(old: Region, now: Region) -> bool:
        return now.box.cells > old.box.cells if bigger else now.box.cells < old.box.cells

    return text.format(target), _of_target(target, holds)


def _replace(r: random.Random, target: str, new: str) -> Asked:
    phrase = Wanted(new).phrase
    text = r.choice(["replace the {} by {}", "swap the {} for {}", "instead of the {}, show {}"]).format(target, phrase)

    def check(before: Canvas, after: Canvas) -> bool:
        old, now = _only(before, target), _only(after, new)
        if old is None or now is None or mentions(after, target):
            return False
        near = all(abs(a - b) <= 15 for a, b in zip(centre(old.box), centre(now.box), strict=True))
        return near and others_kept(before, after, target, new)

    return text, check


def _add(r: random.Random, target: str, new: str) -> Asked:
    place = r.choice(list(PLACES))
    text = r.choice(["add {} in the {}", "now put {} in the {}", "there should also be {} in the {}"])

    def check(before: Canvas, after: Canvas) -> bool:
        now = _only(after, new)
        if now is None or third_of(now) != PLACES[place]:
            return False
        return others_kept(before, after, new)

    return text.format(Wanted(new).phrase, place), check


def _remove(r: random.Random, target: str, new: str) -> Asked:
    text = r.choice(["remove the {}", "take out the {}", "the {} should go away"]).format(target)
    return text, lambda before, after: not mentions(after, target) and others_kept(before, after, target)


def _background(r: random.Random, target: str, new: str) -> Asked:
    setting = r.choice(SETTINGS)
    text = r.choice(["change the background to a {}", "let it take place in a {}", "use a {} as the background"])

    def check(before: Canvas, after: Canvas) -> bool:
        if mentions(after, "meadow") or not names(after.global_description, setting):
            return False
        return others_kept(before, _without(after, setting), "meadow")

    return text.format(setting), check


def _without(canvas: Canvas, noun: str) -> Canvas:
    """The canvas less the regions of `noun`."""
    kept = tuple(region for region in canvas.regions if not names(region.description, noun))
    return Canvas(canvas.global_description, canvas.detailed_descriptions, canvas.tags, regions=kept)


def _is_everywhere(canvas: Canvas, word: str, said: Sequence[str]) -> bool:
    """Whether each region is painted with the word: the global description begins the text of every one."""
    return word in canvas.global_description.lower() or all(word in text.lower() for text in said)


def _style(r: random.Random, target: str, new: str) -> Asked:
    style = r.choice(STYLES)
    text = r.choice(["make it look like {}", "I want it as {}", "change the style to {}"]).format(style)

    def check(before: Canvas, after: Canvas) -> bool:
        styled = _is_everywhere(after, style, [region.style for region in after.regions])
        return styled and sorted(map(str, map(looks, before.regions))) == sorted(map(str, map(looks, after.regions)))

    return text, check


def _mood(r: random.Random, target: str, new: str) -> Asked:
    mood = r.choice(MOODS)
    text = r.choice(["make the mood {}", "it should feel {}", "give the whole thing a {} mood"]).format(mood)

    def check(before: Canvas, after: Canvas) -> bool:
        felt = _is_everywhere(after, mood, [region.atmosphere for region in after.regions])
        return felt and sorted(map(str, map(looks, before.regions))) == sorted(map(str, map(looks, after.regions)))

    return text, check


KINDS: dict[str, Callable[[random.Random, str, str], Asked]] = {
    "recolor": _recolor,
    "move": _move,
    "resize": _resize,
    "replace": _replace,
    "add": _add,
    "remove": _remove,
    "background": _background,
    "style": _style,
    "mood": _mood,
}
