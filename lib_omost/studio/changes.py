"""What a reply or an edit changed, in a person's words, each line to be undone alone. Compares nothing itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lib_omost.canvas import GRID, Box, Change, Followed, Region, undone
from lib_omost.canvas.merge import PLACE

NOTHING_CHANGED = (
    "Nothing changed: the model gave the same plan back. Say it in other words, or change the plan by hand."
)
SHOWN = 4  # lines that the state line has room for
MAX_LABEL = 40
#: One line speaks for these: who renames a thing changes what is said of it.
_TEXTS = {
    "description": "words",
    "detailed_descriptions": "details",
    "tags": "tags",
    "atmosphere": "mood",
    "style": "style",
    "quality_meta": "quality",
    "name": "name",
    "negative": "not here",
    "text": "words in the picture",
}
_ASIDE = re.compile(r"^(?:the|a|an|some)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference: `text` as a person reads it, `changes` that are undone together."""

    text: str
    changes: tuple[Change, ...]

    def undo(self, code: str) -> str:
        """`code` without what this line tells."""
        for change in reversed(self.changes):
            code = undone(code, change)
        return code


def lines(changes: Sequence[Change]) -> tuple[Line, ...]:
    """The changes of one thing and one kind in a line each, in the order in which they come."""
    groups: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        kind = "text" if change.field in _TEXTS else change.field
        groups.setdefault((change.kind, _key(change), kind), []).append(change)
    return tuple(Line(_text(group), tuple(group)) for group in groups.values())


def told(changes: Sequence[Change], held: Sequence[Change] = ()) -> str:
    """All of a difference in one line, and what was held back of it."""
    if not changes:
        return f"Nothing changed; held back: {_in_a_row(held)}" if held else NOTHING_CHANGED
    return f"{_in_a_row(changes)} · held back: {_in_a_row(held)}" if held else _in_a_row(changes)


def _in_a_row(changes: Sequence[Change]) -> str:
    texts = [line.text for line in lines(changes)]
    more = f" · and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return " · ".join(texts[:SHOWN]) + more


def kept(refused: Sequence[Change]) -> list[str]:
    """A sentence for each thing that a reply asked for and did not get."""
    return [f"Kept as you have it: {line.text} was asked for." for line in lines(refused)]


def also(done: Followed) -> str:
    """What followed from a description that was changed by hand, as the end of a sentence; "" where nothing did."""
    return f" · also changed: {', '.join(done.also)}" if done.also else ""


def held_back(held: Sequence[Change]) -> list[str]:
    """A sentence for each thing that a reply changed without a word of it in the message."""
    return [f"Held back: {line.text}. The message does not speak of it." for line in lines(held)]


def label(region: Region) -> str:
    """What a region is called in a sentence: its name, or its description without article and mark."""
    text = region.name or _ASIDE.sub("", region.description.strip(" .,")) or "a region without words"
    text = text if region.name else text[:1].lower() + text[1:]
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1].rsplit(" ", 1)[0] + "…"


def place_words(box: Box) -> str:
    """Where a box is, in the words that a person would use."""
    column = _third(box.left + box.right, "left", "right")
    row = _third(box.top + box.bottom, "top", "bottom")
    return f"{row} {column}" if row and column else row or column or "middle"


def _third(twice_center: int, first: str, last: str) -> str:
    share = twice_center / (2 * GRID)
    return first if share < 0.36 else last if share > 0.64 else ""


def _key(change: Change) -> object:
    return None if change.region is None else (change.region.box, change.region.description, change.region.name)


def _text(group: Sequence[Change]) -> str:
    first = group[0]
    if first.kind == "add":
        return f"{label(first.after)} added, {place_words(first.after.box)}"
    if first.kind == "remove":
        return f"{label(first.before)} removed"
    renamed = next((change for change in group if change.field == "description" and change.region is not None), None)
    if renamed is not None:
        return f"{_short(renamed.before)} → {_short(renamed.after)}"
    return f"{'whole picture' if first.region is None else label(first.region)}: {_how(group)}"


def _how(group: Sequence[Change]) -> str:
    by_field = {change.field: change for change in group}
    first = group[0]
    if first.field == PLACE:
        return _how_placed(first.before, first.after)
    if first.field == "distance_to_viewer":
        return "nearer" if first.after < first.before else "farther away"
    if first.field == "HTML_web_color_name":
        return f"{first.before} → {first.after}"
    if first.field == "locked":
        return "locked" if first.after else "unlocked"
    if "description" in by_field:
        change = by_field["description"]
        return f"“{_short(change.before)}” → “{_short(change.after)}”"
    return f"{' and '.join(_TEXTS[field] for field in by_field)} changed"


def _how_placed(before: Box, after: Box) -> str:
    grown, moved = after.cells / before.cells, place_words(before) != place_words(after)
    size = "larger" if grown > 1.4 else "smaller" if grown < 0.7 else ""  # a box that meets an edge is cut there
    across, down = (
        after.left + after.right - before.left - before.right,
        (after.top + after.bottom) - (before.top + before.bottom),
    )
    to = f"moved to the {place_words(after)}" if moved else _nudged(across, down) if not size else ""
    return " and ".join(part for part in (to, size) if part) or "reshaped"


def _nudged(across: int, down: int) -> str:
    steps = ("right" if across > 0 else "left" if across < 0 else "", "down" if down > 0 else "up" if down < 0 else "")
    words = " and ".join(step for step in steps[:: 1 if abs(across) >= abs(down) else -1] if step)
    return f"moved a bit {words}" if words else ""


def _short(text: str) -> str:
    text = _ASIDE.sub("", text.strip(" .,"))
    return text if len(text) <= 2 * MAX_LABEL else text[: 2 * MAX_LABEL - 1] + "…"
