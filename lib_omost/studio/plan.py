"""The plan as the page edits it: a canvas program and one stable name per region. Turns an edited plan into the
fewest changes of code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lib_omost.canvas import Box, Canvas, Reading, Region, box_of, matched, read_program, snap
from lib_omost.canvas.colors import COLORS, to_hex
from lib_omost.canvas.reader import MAX_CHARACTERS, MAX_REGIONS
from lib_omost.canvas.writer import add_region, delete_region, set_box, set_keyword
from lib_omost.errors import CanvasError

# What the editor calls a text, and what the program calls it.
TEXTS = {
    "description": "description",
    "tags": "tags",
    "atmosphere": "atmosphere",
    "style": "style",
    "quality": "quality_meta",
    "name": "name",
    "negative": "negative",
}
MAX_STRENGTH = 4.0
NAMES = {to_hex(rgb): name for name, rgb in reversed(COLORS.items())}


@dataclass(frozen=True, slots=True)
class Plan:
    """A program that reads as a canvas ("" for none yet), the editor's names of its regions, in the program's order,
    and how strongly each binds: a setting of the render that the program has no word for. None stands for all 1.
    `reading` is the program's, where it was read already.
    """

    code: str = ""
    ids: tuple[str, ...] = ()
    strengths: tuple[float, ...] = ()
    reading: Reading | None = field(default=None, compare=False, repr=False)

    def read(self) -> Reading:
        return read_program(self.code) if self.reading is None else self.reading


def plan_of(reading: Reading, strengths: Sequence[float] = ()) -> Plan:
    """The plan of a reply or of edited code; an empty one where there is no canvas."""
    if reading.canvas is None:
        return Plan()
    ids = tuple(f"r{index}" for index in range(len(reading.canvas.regions)))
    return Plan(reading.code, ids, tuple(strengths), reading)


def editor_value(
    plan: Plan,
    *,
    ratio: tuple[int, int] = (7, 9),
    echo: int | None = None,
    fresh: bool = True,
    frame: bool = False,
    opened: bool = False,
    steps: tuple[str | None, str | None] = (None, None),
) -> dict[str, Any]:
    """The plan for the region editor. `echo` repeats the number of the edit that this answers; `fresh` takes the
    selection away; with `frame` an editor that has a plan takes only the ratio; a plan that is `opened` is no news.
    `steps` are what can be undone and done again.
    """
    reading = plan.read()
    canvas = reading.canvas if plan.code else None
    value = _value(canvas, plan.ids, ratio)
    for region, strength in zip(value["regions"], plan.strengths, strict=False):
        region["strength"] = strength
    for region, (start, end) in zip(value["regions"], reading.spans, strict=False):
        region["lines"] = [plan.code.count("\n", 0, start) + 1, plan.code.count("\n", 0, end) + 1]
    undo, redo = steps
    more = {"echo": echo, "fresh": fresh, "frame": frame, "opened": opened, "undo": undo, "redo": redo}
    return {**value, **more}


def streaming_value(canvas: Canvas | None, pending: Box | None, ratio: tuple[int, int]) -> dict[str, Any]:
    """What is known of a plan that is still being written: the finished regions, and the place of the next one."""
    ids = tuple(f"r{index}" for index in range(len(canvas.regions) if canvas else 0))
    return {**_value(canvas, ids, ratio), "streaming": True, "pending": list(pending) if pending else None}


def apply_edit(plan: Plan, posted: Any) -> Plan:
    """The plan after the editor's whole state was posted: only what differs is changed in the program, call by call.

    The program keeps its comments, order and every text that was not touched. Raises CanvasError for anything else
    than a plan.
    """
    whole, wanted = _checked(posted)
    code, ids = plan.code or Canvas().to_code(), list(plan.ids)
    for index in reversed(range(len(ids))):
        if ids[index] not in wanted:
            code = delete_region(code, index)
            del ids[index]
    _, before = _read(plan if code == plan.code else Plan(code))
    for index, name in enumerate(ids):
        code = _change(code, index, before.regions[index], wanted[name])
    for name in [name for name in wanted if name not in ids]:
        code = add_region(code, _region(wanted[name]))
        ids.append(name)
    if whole is not None:
        code = _change_whole(code, before, whole)
    reading, _ = _read(Plan(code))
    strengths = tuple(wanted[name]["strength"] for name in ids)
    return Plan(code, tuple(ids), strengths if any(strength != 1 for strength in strengths) else (), reading)


def _value(canvas: Canvas | None, ids: Sequence[str], ratio: tuple[int, int]) -> dict[str, Any]:
    if canvas is None:
        return {"whole": None, "regions": [], "ratio": list(ratio)}
    whole = {
        "description": canvas.global_description,
        "details": list(canvas.detailed_descriptions),
        "tags": canvas.tags,
        "color": to_hex(canvas.color),
        "locked": canvas.locked,
    }
    regions = [_shown(region, name) for region, name in zip(canvas.regions, ids, strict=True)]
    return {"whole": whole, "regions": regions, "ratio": list(ratio)}


def _shown(region: Region, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "box": list(region.box),
        "depth": region.distance_to_viewer,
        "color": to_hex(region.color),
        "strength": 1.0,
        "locked": region.locked,
        "details": list(region.detailed_descriptions),
        **{key: getattr(region, keyword) for key, keyword in TEXTS.items()},
    }


def _change(code: str, index: int, region: Region, wanted: dict[str, Any]) -> str:
    now = _shown(region, wanted["id"])
    box = Box(*wanted["box"])
    box = box_of(*snap(box)) if wanted["snap"] else box
    if box != region.box:
        code = set_box(code, index, box)
    for key, (keyword, value) in _arguments(wanted).items():
        if wanted[key] != now[key]:
            code = set_keyword(code, index, keyword, value)
    return code if wanted["locked"] == region.locked else set_keyword(code, index, "locked", wanted["locked"] or None)


def _change_whole(code: str, before: Canvas, whole: dict[str, Any]) -> str:
    now = _value(before, [region.name for region in before.regions], (1, 1))["whole"]
    keywords = {
        "description": "description",
        "tags": "tags",
        "details": "detailed_descriptions",
        "color": "HTML_web_color_name",
    }
    for key, keyword in keywords.items():
        if whole[key] != now[key]:
            code = set_keyword(code, None, keyword, _color_name(whole[key]) if key == "color" else whole[key])
    return code if whole["locked"] == before.locked else set_keyword(code, None, "locked", whole["locked"] or None)


def _region(wanted: dict[str, Any]) -> Region:
    box = Box(*wanted["box"])
    location, offset, area = snap(box)
    keywords = dict(_arguments(wanted).values())
    locked = wanted["locked"]
    return Region(location=location, offset=offset, area=area, bbox=box, locked=locked, **keywords)


def _arguments(wanted: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """The editor's key -> the program's keyword and its value, for all but the place."""
    return {
        "depth": ("distance_to_viewer", wanted["depth"]),
        "color": ("HTML_web_color_name", _color_name(wanted["color"])),
        "details": ("detailed_descriptions", wanted["details"]),
        **{key: (keyword, wanted[key]) for key, keyword in TEXTS.items()},
    }


def _color_name(hex_code: str) -> str:
    return NAMES.get(hex_code, hex_code)


def _read(plan: Plan) -> tuple[Reading, Canvas]:
    reading = plan.read()
    if reading.canvas is None:
        raise CanvasError("this change does not make a plan that can be read; it was not applied", reading.notes)
    return reading, reading.canvas


def _checked(posted: Any) -> tuple[dict[str, Any] | None, dict[str, dict[str, Any]]]:
    """The whole's texts and the regions by name, all of the right types and bounded."""
    try:
        regions = posted["regions"]
        if not isinstance(regions, list) or len(regions) > MAX_REGIONS:
            raise CanvasError(f"a plan has at most {MAX_REGIONS} regions; delete some first")
        wanted = {region["id"]: region for region in map(_checked_region, regions)}
        whole = posted["whole"]
        return None if whole is None else _checked_texts(whole, ("description", "tags")), wanted
    except ValueError as error:
        raise CanvasError(f"this change was not taken over: {error}") from error
    except (KeyError, TypeError) as error:
        raise CanvasError(f"this is not a plan of the region editor: {error!r:.80}") from error


def _checked_region(region: dict[str, Any]) -> dict[str, Any]:
    checked = _checked_texts(region, (*TEXTS, "id"))
    box, depth, strength = region["box"], region["depth"], region.get("strength", 1.0)
    if not isinstance(box, list) or len(box) != 4 or any(type(edge) is not int for edge in box):
        raise ValueError("a box is four whole numbers")
    if type(depth) not in (int, float) or not math.isfinite(depth) or depth <= 0:
        raise ValueError("a depth is a number above 0")
    if type(strength) not in (int, float) or not 0 <= strength <= MAX_STRENGTH:
        raise ValueError(f"a strength is a number from 0 to {MAX_STRENGTH:g}")
    numbers = {"depth": float(depth), "strength": float(strength)}
    return {**checked, **numbers, "box": list(Box(*box)), "snap": region.get("snap") is True}


def _checked_texts(source: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    texts = {key: _text(source[key]) for key in keys}
    color, details = _text(source["color"]).lower(), source["details"]
    if len(color) != 7 or color[0] != "#" or any(digit not in "0123456789abcdef" for digit in color[1:]):
        raise ValueError("a colour is # and six digits")
    if not isinstance(details, list) or len(details) > MAX_REGIONS:
        raise ValueError(f"there are at most {MAX_REGIONS} detailed descriptions, leave some out")
    return {
        **texts,
        "color": color,
        "details": [_text(line) for line in details],
        "locked": source.get("locked") is True,
    }


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_CHARACTERS:
        raise ValueError(f"a text has at most {MAX_CHARACTERS} characters")
    return value


def carried(plan: Plan, old: Plan) -> Plan:
    """`plan` with the editor's names of `old` for the regions that are the same, so that a selection survives a step of
    undo.
    """
    was, now = old.read().canvas, plan.read().canvas
    if was is None or now is None or not old.code or not plan.code:
        return plan
    kept = {at: old.ids[index] for index, at in matched(was.regions, now.regions).items() if index < len(old.ids)}
    free = (name for name in map("r{}".format, range(len(plan.ids) + len(old.ids))) if name not in old.ids)
    return replace(plan, ids=tuple(kept.get(at) or next(free) for at in range(len(plan.ids))))


def carried_strengths(before: Canvas, after: Canvas, strengths: Sequence[float]) -> list[float]:
    """The strengths of the regions of `before`, for those that they became in `after`; none where all are 1."""
    if len(strengths) != len(before.regions):
        return []
    became = {at: strengths[index] for index, at in matched(before.regions, after.regions).items()}
    carried = [became.get(at, 1.0) for at in range(len(after.regions))]
    return carried if any(strength != 1 for strength in carried) else []


def renamed(plan: Plan, old: Plan) -> Plan:
    """`plan` with the names and strengths of `old` where both have as many regions, so that they survive a small edit
    of code.
    """
    return replace(plan, ids=old.ids, strengths=old.strengths) if len(plan.ids) == len(old.ids) else plan
