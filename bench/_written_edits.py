"""Judge of edits: was it done, and is what it did not concern as it was? From boxes and words; docs/judging.md.

Each region before is followed to the one after that is most like it: the same noun, then texts, box and colour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench._written_boxes import BACKGROUND, across, down, is_at, likeness, share
from bench._written_judge import (
    Fault,
    crowded,
    depth_faults,
    finder,
    gone_faults,
    own_words,
    regions_of,
    relation_faults,
    scene_faults,
    thing_faults,
)
from bench._written_set import SCENE_KEYS, Given, Row, wanted
from bench._written_words import distance, heads, is_head, looks, same, says, tokens
from lib_omost.canvas import Canvas, Region

KEPT_BOX, HARMED_BOX = 0.7, 0.4  # intersection over union
KEPT_COLOR, HARMED_COLOR = 0.1, 0.25  # in OKLab
KEPT_DEPTH = 1.0
_SMALL = frozenset(("a", "an", "the", "in", "of", "with", "on", "and"))


@dataclass(frozen=True)
class Verdict:
    """What is wrong with an edit, and which of it harmed what the edit was not about."""

    faults: tuple[Fault, ...]
    harm: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Change:
    """A plan before and after. `follow`: title of a region before -> that region after, None where it is gone."""

    given: Given
    after: Canvas
    follow: Mapping[str, Region | None]

    def before(self, title: str) -> Region:
        return self.given.canvas.regions[self.given.titles.index(title)]


def judged_edit(row: Row, among: Mapping[str, Given], given: Given, after: Canvas | None) -> Verdict:
    if after is None:
        return Verdict(() if row.get("nothing") else (Fault("plan", "no plan"),))
    if "back" in row:
        target = among[row["back"]]
        faults = _back_faults(change_of(target, after))
        lost = [fault for fault in faults if fault.kind == "lost"]
        return Verdict(tuple(faults), tuple(lost if _is_in_both(lost, given) else ()))
    change = change_of(given, after)
    broken, harm = _kept_faults(row, change)
    done = [*_asked_faults(row, change), *_change_faults(row, change)]
    return Verdict((*done, *broken, *_extra_faults(row, change), *_crowd_faults(change)), tuple(harm))


def change_of(given: Given, after: Canvas) -> Change:
    return Change(given, after, followed(given, after))


def followed(given: Given, after: Canvas) -> dict[str, Region | None]:
    """Each region before goes with at most one after; the likest pairs are made first."""
    pairs = [
        (_likeness(one, other), index, at)
        for index, one in enumerate(given.canvas.regions)
        for at, other in enumerate(after.regions)
        if _same_noun(one, other)
    ]
    found: dict[int, int] = {}
    for _, index, at in sorted(pairs, reverse=True):
        if index not in found and at not in found.values():
            found[index] = at
    return {title: after.regions[found[i]] if i in found else None for i, title in enumerate(given.titles)}


def noun_of(region: Region) -> str:
    """The last word of what the description is about first: "A wooden bench." -> bench."""
    parts = heads(region.description)
    return parts[0][-1] if parts else ""


def _same_noun(one: Region, other: Region) -> bool:
    return bool(noun_of(one)) and (is_head(other.description, noun_of(one)) or same(noun_of(one), noun_of(other)))


def _likeness(one: Region, other: Region) -> float:
    texts = 2.0 * (one.description == other.description)
    return texts + likeness(one.box, other.box) + (distance(one.color, other.color) < KEPT_COLOR)


# --- what was asked ---


def _asked_faults(row: Row, change: Change) -> list[Fault]:
    things, find = wanted(row), _find(row, change)
    return [
        *(fault for thing in things for fault in thing_faults(change.after, thing, things)),
        *(fault for thing in things if thing.depth for fault in depth_faults(change.after, thing, things)),
        *relation_faults(row, find),
        *scene_faults(row, change.after),
        *gone_faults(row, change.after),
    ]


def _find(row: Row, change: Change) -> Callable[[str], Sequence[Region]]:
    """The regions after by a thing's name or by a title of the plan before."""
    by_name = finder(change.after, wanted(row))
    names = {thing.name for thing in wanted(row)}

    def find(name: str) -> Sequence[Region]:
        region = change.follow.get(name)
        return by_name(name) if name in names or region is None else [region]

    return find


def _change_faults(row: Row, change: Change) -> list[Fault]:
    asked = row.get("change", [])
    faults = [Fault("change", " ".join(one)) for one in asked if not _is_changed(row, change, one)]
    gone = row.get("gone_region", [])
    return faults + [Fault("gone", f"{title} is still there") for title in gone if not _is_gone(change, title)]


def _is_gone(change: Change, title: str) -> bool:
    """Whether nothing of the region's noun is in its place; another one of the same noun may be in its own."""
    before = change.before(title)
    left = [region for region in change.after.regions if _same_noun(before, region)]
    return not any(likeness(before.box, region.box) >= 0.5 for region in left)


def _is_changed(row: Row, change: Change, asked: Sequence[str]) -> bool:
    kind, title, *rest = asked
    if kind == "new":
        return _is_new(row, change, title, rest[0])
    before, after = change.before(title), change.follow[title]
    if after is None:
        return False
    if kind == "swapped":
        other = change.follow[rest[0]]
        return other is not None and _took(after, change.before(rest[0])) and _took(other, before)
    if kind == "moved":
        return _is_moved(before, after, rest[0])
    if kind == "color":
        there = _in_place_of(change, before)
        return says(there.description, rest) or looks(there.color, rest[0])
    sizes = after.box.cells / before.box.cells
    nearer = after.distance_to_viewer - before.distance_to_viewer
    return {"bigger": sizes >= 1.15, "smaller": sizes <= 0.87, "nearer": nearer < 0, "farther": nearer > 0}[kind]


def _in_place_of(change: Change, before: Region) -> Region:
    """The region of the same noun that stands where it stood, whatever colour it has now."""
    same_noun = [region for region in change.after.regions if _same_noun(before, region)]
    return max(same_noun, key=lambda region: likeness(before.box, region.box))


def _is_new(row: Row, change: Change, noun: str, where: str) -> bool:
    """Whether a region that was not there shows the noun at the place."""
    words = next((thing.words for thing in wanted(row) if thing.name == noun), (noun,))
    shows = [region for region in _new(change) if any(is_head(region.description, word) for word in words)]
    return any(is_at(region.box, where) for region in shows)


def _new(change: Change) -> list[Region]:
    """The regions after that no region before became."""
    old = [region for region in change.follow.values() if region is not None]
    return [region for region in change.after.regions if not any(region is other for other in old)]


def _took(region: Region, place: Region) -> bool:
    """Whether the region now stands about where the other stood."""
    return max(abs(across(region, place)), abs(down(region, place))) <= 15


def _is_moved(before: Region, after: Region, where: str) -> bool:
    right, lower = across(after, before), down(after, before)
    along, aside = {"left": (-right, lower), "right": (right, lower), "up": (-lower, right), "down": (lower, right)}[
        where
    ]
    return along >= 4 and abs(aside) <= 12


# --- what must stay ---


def _kept_faults(row: Row, change: Change) -> tuple[list[Fault], list[Fault]]:
    """(regions that the edit was not about and that are not as they were, those of them that are lost or spoilt)."""
    broken, harm = [], []
    for title in change.given.titles:
        if title in row.get("about", []):
            continue
        before, after = change.before(title), change.follow[title]
        for fault, is_harm in _differences(title, before, after, is_scene=_is_scene(row)):
            broken.append(fault)
            if is_harm and not row.get("free"):
                harm.append(fault)
    return broken, harm


def _differences(title: str, before: Region, after: Region | None, is_scene: bool) -> list[tuple[Fault, bool]]:
    """What is not as it was, and whether that is harm. A background may follow a change of the whole scene."""
    if share(before) >= BACKGROUND and is_scene:
        return []
    if after is None:
        return [(Fault("lost", f"{title} is gone"), True)]
    is_background = min(share(before), share(after)) >= BACKGROUND
    alike = 1.0 if is_background else likeness(before.box, after.box)
    deeper = 0.0 if is_background else abs(after.distance_to_viewer - before.distance_to_viewer)
    unlike = 0.0 if is_scene else distance(before.color, after.color)
    lost = _lost_words(before, after)
    told = [
        (alike < KEPT_BOX, "moved or has another size", alike < HARMED_BOX),
        (deeper > KEPT_DEPTH, "is nearer or farther", False),
        (unlike > KEPT_COLOR, "has another colour", unlike > HARMED_COLOR and not is_background),
        (bool(lost), f"is no longer {' '.join(lost)}", False),
    ]
    return [(Fault("kept", f"{title} {text}"), is_harm) for is_so, text, is_harm in told if is_so]


def _lost_words(before: Region, after: Region) -> list[str]:
    """Words of the description that the region does not say any more."""
    now = tokens(own_words(after))
    return [
        word for word in tokens(before.description) if word not in _SMALL and not any(same(word, one) for one in now)
    ]


def _is_scene(row: Row) -> bool:
    return any(key in row for key in SCENE_KEYS)


def _extra_faults(row: Row, change: Change) -> list[Fault]:
    """Regions that nobody asked for: new ones that show nothing wanted, and second ones of a thing that was there."""
    if row.get("free"):
        return []
    things = wanted(row)
    asked = [region for thing in things for region in regions_of(change.after, thing, things)]
    named = [name for kind, name, *_ in row.get("change", []) if kind == "new"]
    extra = [region for region in _new(change) if not any(region is other for other in asked)]
    extra = [region for region in extra if not any(is_head(region.description, name) for name in named)]
    return [Fault("extra", region.description or "a region") for region in extra if not _may_come(row, region)]


def _crowd_faults(change: Change) -> list[Fault]:
    """Two regions in one place that were not so before."""
    before = set(crowded(change.given.canvas.regions))
    return [fault for fault in crowded(change.after.regions) if fault not in before]


def _may_come(row: Row, region: Region) -> bool:
    words = [word for key in SCENE_KEYS if key in row for word in row[key].split("|")]
    return bool(words) and (share(region) >= BACKGROUND or says(region.description, words))


def _back_faults(change: Change) -> list[Fault]:
    """Whether the earlier plan is there again."""
    faults = [
        fault
        for title in change.given.titles
        for fault, _ in _differences(title, change.before(title), change.follow[title], is_scene=False)
    ]
    if len(change.after.regions) > len(change.given.titles):
        faults.append(Fault("extra", "a region more than before"))
    return faults


def _is_in_both(lost: Sequence[Fault], given: Given) -> bool:
    """Whether a region that is lost was in the plan that the undoing started from."""
    return any(fault.text.removesuffix(" is gone") in given.titles for fault in lost)
