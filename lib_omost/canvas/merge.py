"""A model's reply as a patch: three-way merge into a person's program, and what differs between two canvases.

The model was shown `base` and answered `theirs`; the person has `ours`. Only what differs between base and theirs is
applied, keyword by keyword and in place, so that every character that the reply does not concern stays. Runs no model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any, Literal

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.reader import read_program
from lib_omost.canvas.vocabulary import (
    GLOBAL_FIELDS,
    GRID,
    LOCAL_FIELDS,
    OUR_FIELDS,
    TAUGHT_FIELDS,
    Box,
    box_of,
    center_of,
    snap,
)
from lib_omost.canvas.writer import add_global, add_region, delete_region, set_box, set_keyword

#: The three words and the free box say one thing, so they are compared and changed together.
PLACE = "place"
_TAUGHT = (PLACE, *TAUGHT_FIELDS[3:])
REGION_FIELDS = (*_TAUGHT, "name", "negative", "text")
#: From here on two regions count as the same thing, changed (`likeness`).
ALIKE = 0.45
_FILLERS = frozenset(["a", "an", "the", "of", "in", "on", "at", "with", "and", "is", "are", "its", "to", "some"])

ChangeKind = Literal["set", "add", "remove"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `region` is the region as it is after the change (before, for `remove`), None for the whole
    picture; `field` is one of `REGION_FIELDS` or `GLOBAL_FIELDS`, "" for `add` and `remove`. Places are `Box`es.
    """

    kind: ChangeKind
    region: Region | None
    field: str = ""
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True)
class Merge:
    """`code` is the person's program with the reply in it: `applied` is what the reply changed, `refused` what it asked
    for and did not get, since it is locked or the person has changed the same keyword meanwhile, `held` what was held
    back, since nothing that the person said gives ground for it.
    """

    code: str
    applied: tuple[Change, ...]
    refused: tuple[Change, ...]
    held: tuple[Change, ...] = ()


#: Of the changes that a reply makes to the person's canvas, those to hold back, by index.
Guard = Callable[[Canvas, Sequence[Change]], Collection[int]]


def merge(base: Canvas, theirs: Canvas, ours: str, guard: Guard = lambda canvas, changes: ()) -> Merge:
    """`ours` with what differs between `base` and `theirs`. Raises `CanvasError` where `ours` holds no canvas at all.

    Regions are matched by name, by words, by likeness and by place in the list (`matched`), so a reply that is written
    anew or in another order merges too. What the model was not shown (`base` lacks it) cannot differ, so it stays.
    """
    canvas = _canvas_of(ours)
    plan = [*_global_plan(base, theirs, canvas), *_region_plan(base, theirs, canvas)]
    free = [at for at, (_, _, allowed) in enumerate(plan) if allowed]
    held = {free[index] for index in guard(canvas, [plan[at][0] for at in free])}
    plan = [(change, at, allowed and number not in held) for number, (change, at, allowed) in enumerate(plan)]
    plan = _after(plan, canvas)
    return Merge(
        _written(ours, plan),
        tuple(change for change, _, allowed in plan if allowed),
        tuple(change for number, (change, _, allowed) in enumerate(plan) if not allowed and number not in held),
        tuple(change for number, (change, _, _) in enumerate(plan) if number in held),
    )


def as_far_as_written(base: Canvas, theirs: Canvas) -> Canvas:
    """`theirs` of a reply that was cut short, with what it had not come to yet as it was shown: a thing that is not
    there is not meant to go.
    """
    kept = matched(base.regions, theirs.regions)
    rest = tuple(region for index, region in enumerate(base.regions) if index not in kept)
    whole = theirs if theirs.global_description else base
    return replace(whole, regions=(*theirs.regions, *rest))


def with_locked(code: str, before: Canvas) -> str:
    """`code`, which a model wrote anew, with what was locked in `before` as it was there. Raises `CanvasError`."""
    canvas = _canvas_of(code)
    if before.locked:
        code = add_global(code)
        for field in GLOBAL_FIELDS:
            code = set_keyword(code, None, field, _plain_value(getattr(before, _attribute(field))))
        code = set_keyword(code, None, "locked", True)
    pairs, missing = matched(before.regions, canvas.regions), list[Region]()
    for index, region in enumerate(before.regions):
        if region.locked and index in pairs:
            code = _written_over(code, pairs[index], canvas.regions[pairs[index]], region)
        elif region.locked:
            missing.append(region)
    for region in missing:
        code = add_region(code, region)
    return code


def differences(before: Canvas, after: Canvas) -> tuple[Change, ...]:
    """What was done to get from one canvas to the other: the whole picture's texts first, then region by region."""
    pairs = matched(before.regions, after.regions)
    found = [
        Change("set", None, field, getattr(before, _attribute(field)), getattr(after, _attribute(field)))
        for field in GLOBAL_FIELDS
        if not same(getattr(before, _attribute(field)), getattr(after, _attribute(field)))
    ]
    for index, region in enumerate(before.regions):
        if index not in pairs:
            found.append(Change("remove", region, before=region))
        else:
            found += _changed_fields(region, after.regions[pairs[index]])
    new = [region for index, region in enumerate(after.regions) if index not in pairs.values()]
    return (*found, *(Change("add", region, after=region) for region in new))


def undone(code: str, change: Change) -> str:
    """`code` without one change that was made to it; the code as it is where the region of the change is gone."""
    canvas = _canvas_of(code)
    if change.kind == "remove":
        return add_region(code, change.before)
    if change.region is None:
        return set_keyword(code, None, change.field, change.before)
    at = matched([change.region], canvas.regions).get(0)
    if at is None:
        return code
    return delete_region(code, at) if change.kind == "add" else _set(code, at, change.field, change.before)


def taken(code: str, change: Change) -> str:
    """`code` with a change that a merge refused, as the person now asks for it; as it is where its region is gone."""
    at = None
    if change.region is not None and change.kind != "add":
        at = matched([change.region], _canvas_of(code).regions).get(0)
        if at is None:
            return code
    if change.kind == "remove":
        return delete_region(code, at or 0)
    return _applied(code, change, at)


def matched(one: Sequence[Region], other: Sequence[Region]) -> dict[int, int]:
    """Which region of `other` each region of `one` became, by index; a region that is gone has no entry.

    First by name, then by the same words, then by likeness, best first; at last by place in the list, where as many
    regions are left between two matched neighbours: what was written in the place of a thing replaces it.
    """
    pairs: dict[int, int] = {}
    for key in (_identity, _name, _words_of):
        _match_equal(one, other, key, pairs)
    scores = sorted(
        (
            (likeness(one[i], other[j]) - 0.01 * abs(i - j), i, j)
            for i in range(len(one))
            for j in range(len(other))
            if i not in pairs and j not in pairs.values()
        ),
        key=lambda score: (-score[0], score[1], score[2]),
    )
    for score, i, j in scores:
        if score >= ALIKE and i not in pairs and j not in pairs.values():
            pairs[i] = j
    _match_in_place(one, other, pairs)
    return pairs


def likeness(one: Region, other: Region) -> float:
    """0..1: half of it for the words of the description, the rest for place, colour and depth."""
    first, second = _word_set(one), _word_set(other)
    shared = len(first & second) / max(len(first | second), 1)
    written = SequenceMatcher(None, one.description.lower(), other.description.lower(), autojunk=False).ratio()
    texts = max(shared, written - 0.35)  # unlike sentences share a third of their letters by chance
    return (
        0.55 * texts
        + 0.3 * _overlap(one.box, other.box)
        + 0.1 * (one.HTML_web_color_name == other.HTML_web_color_name)
        + 0.05 * (one.distance_to_viewer == other.distance_to_viewer)
    )


def same(one: Any, other: Any) -> bool:
    """Whether two values of a keyword say the same; case, spaces and marks at the ends of a text do not count."""
    if isinstance(one, str) and isinstance(other, str):
        return _plain(one) == _plain(other)
    if isinstance(one, (tuple, list)) and isinstance(other, (tuple, list)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


PlannedChange = tuple[Change, int | None, bool]  # a change, the region of ours that it concerns, whether it may be made


def _written(code: str, plan: Sequence[PlannedChange]) -> str:
    """`code` with the changes of the plan that may be made; removals last, so that no index moves before."""
    for change, at, allowed in plan:
        if allowed and change.kind != "remove":
            code = _applied(code, change, at)
    gone = (at for change, at, allowed in plan if allowed and change.kind == "remove" and at is not None)
    for index in sorted(gone, reverse=True):
        code = delete_region(code, index)
    return code


def _after(plan: Sequence[PlannedChange], ours: Canvas) -> list[PlannedChange]:
    """The plan with the regions as they are after the changes of theirs that may be made."""
    regions = dict(enumerate(ours.regions))
    for change, at, allowed in plan:
        if allowed and change.kind == "set" and at is not None:
            regions[at] = _with(regions[at], change.field, change.after)
    return [
        (change if change.kind != "set" or at is None else replace(change, region=regions[at]), at, allowed)
        for change, at, allowed in plan
    ]


def _global_plan(base: Canvas, theirs: Canvas, ours: Canvas) -> Iterator[PlannedChange]:
    for field in GLOBAL_FIELDS:
        was, wants, has = (getattr(canvas, _attribute(field)) for canvas in (base, theirs, ours))
        if not same(was, wants) and not same(has, wants):
            yield Change("set", None, field, has, wants), None, same(has, was) and not ours.locked


def _region_plan(base: Canvas, theirs: Canvas, ours: Canvas) -> Iterator[PlannedChange]:
    answered, kept = matched(base.regions, theirs.regions), matched(base.regions, ours.regions)
    for index, region in enumerate(base.regions):
        at = kept.get(index)
        if at is None:
            continue  # the person took it out
        mine = ours.regions[at]
        if index in answered:
            yield from _field_plan(region, theirs.regions[answered[index]], mine, at)
        else:
            untouched = not any(True for _ in _differing(region, mine, shown=True))
            yield Change("remove", mine, before=mine), at, untouched and not mine.locked
    by_hand = [region for index, region in enumerate(ours.regions) if index not in kept.values()]
    for index, region in enumerate(theirs.regions):
        if index not in answered.values() and not any(_is_there(region, other) for other in by_hand):
            yield Change("add", region, after=region), None, True


def _field_plan(base: Region, theirs: Region, ours: Region, at: int) -> Iterator[PlannedChange]:
    """The changes of one region, which is as it is before them."""
    for field in _differing(base, theirs):
        wants = moved(base, theirs, ours.box) if field == PLACE else _get(theirs, field)
        untouched = _is_shown_as(ours, base) if field == PLACE else same(_get(ours, field), _get(base, field))
        if not same(_get(ours, field), wants):
            yield Change("set", ours, field, _get(ours, field), wants), at, untouched and not ours.locked


def moved(base: Region, theirs: Region, ours: Box) -> Box:
    """Where `ours` goes when the model, who saw it as `base`, puts it at `theirs`: the person's own size stays unless
    the size changed too.
    """
    (was_x, was_y, was_size), (x, y, size) = _center(base), _center(theirs)
    if size != was_size or (base.bbox is None and ours == base.box):
        return theirs.box
    left = min(max(ours.left + x - was_x, 0), GRID - ours.width)
    top = min(max(ours.top + y - was_y, 0), GRID - ours.height)
    return Box(left, top, left + ours.width, top + ours.height)


def _center(region: Region) -> tuple[int, int, object]:
    """Where a region is meant to be, before its box is cut at the canvas, and its size in words or numbers."""
    if region.bbox is not None:
        box = region.bbox
        return (box.left + box.right) // 2, (box.top + box.bottom) // 2, (box.width, box.height)
    return *center_of(region.location, region.offset), region.area


def _differing(one: Region, other: Region, shown: bool = False) -> list[str]:
    """The fields that say something else. `shown`: `one` is how a model saw a region, who knows places in words and no
    names, so what it could not see does not count.
    """
    fields = [field for field in REGION_FIELDS if not same(_get(one, field), _get(other, field))]
    if not shown:
        return fields
    unseen = {field for field in ("name", "negative", "text") if not _get(one, field)}
    if PLACE in fields and _is_shown_as(other, one):
        unseen.add(PLACE)
    return [field for field in fields if field not in unseen]


def _is_shown_as(ours: Region, base: Region) -> bool:
    """Whether `base` is at our place, or at the words that our free box was told in."""
    return ours.box == base.box or (base.bbox is None and box_of(*snap(ours.box)) == base.box)


def _changed_fields(before: Region, after: Region) -> list[Change]:
    return [Change("set", after, field, _get(before, field), _get(after, field)) for field in _differing(before, after)]


def _applied(code: str, change: Change, at: int | None) -> str:
    if change.kind == "add":
        return add_region(code, change.after)
    if at is None and read_program(code).global_span is None:
        code = add_global(code)
    return _set(code, at, change.field, change.after)


def _set(code: str, at: int | None, field: str, value: Any) -> str:
    if field == PLACE:
        return set_box(code, at or 0, value)
    return set_keyword(code, at, field, _plain_value(value))


def _written_over(code: str, at: int, now: Region, region: Region) -> str:
    for field in LOCAL_FIELDS:
        if getattr(now, field) != getattr(region, field):
            value = _plain_value(getattr(region, field))
            code = set_keyword(code, at, field, value or None if field in OUR_FIELDS else value)
    return code


def _plain_value(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _get(region: Region, field: str) -> Any:
    return region.box if field == PLACE else getattr(region, field)


def _with(region: Region, field: str, value: Any) -> Region:
    return replace(region, bbox=value) if field == PLACE else replace(region, **{field: value})


def _attribute(field: str) -> str:
    return "global_description" if field == "description" else field


def _canvas_of(code: str) -> Canvas:
    return read_program(code).canvas or Canvas()


def _identity(region: Region) -> Any:
    return tuple(_get(region, field) for field in _TAUGHT)


def _name(region: Region) -> Any:
    return region.name.lower()


def _words_of(region: Region) -> Any:
    return _plain(region.description)


def _match_equal(one: Sequence[Region], other: Sequence[Region], key: Any, pairs: dict[int, int]) -> None:
    """Pairs what has the same key, the nearest in the list first; an empty key says nothing."""
    for i, region in enumerate(one):
        if i in pairs or not key(region):
            continue
        free = [j for j in range(len(other)) if j not in pairs.values() and key(other[j]) == key(region)]
        if free:
            pairs[i] = max(free, key=lambda j: (_overlap(region.box, other[j].box), -abs(i - j)))


def _match_in_place(one: Sequence[Region], other: Sequence[Region], pairs: dict[int, int]) -> None:
    """Pairs leftovers in the very same box, then those of each gap between matched neighbours, where both sides have as
    many and the boxes meet.
    """
    for i, region in enumerate(one):
        free = (j for j in range(len(other)) if j not in pairs.values() and other[j].box == region.box)
        if i not in pairs and (j := next(free, None)) is not None:
            pairs[i] = j
    ends = [(-1, -1), *sorted(pairs.items()), (len(one), len(other))]
    for (i, j), (i_end, j_end) in pairwise(ends):
        left = [index for index in range(i + 1, i_end) if index not in pairs]
        right = [index for index in range(j + 1, j_end) if index not in pairs.values()]
        if len(left) == len(right):
            pairs.update((a, b) for a, b in zip(left, right, strict=True) if _overlap(one[a].box, other[b].box) > 0.5)


def _is_there(region: Region, other: Region) -> bool:
    """Whether a person already drew what the model now adds."""
    return _words_of(region) == _words_of(other) and _overlap(region.box, other.box) > 0.5


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).strip(" .,;")


def _word_set(region: Region) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", region.description.lower())) - _FILLERS


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    shared = one.shared(other)
    return shared / (one.cells + other.cells - shared)
