"""What a reply or an edit changed, in a person's words, each line to be undone alone. Compares nothing itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lib_omost.canvas import GRID, Box, Canvas, Change, Followed, Region, taken, undone
from lib_omost.canvas.merge import PLACE
from lib_omost.studio.remarks import Remark
from lib_omost.studio.sentences import counted

NAMED = 2  # words of a request that are said not to be understood
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
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
#: Words of a request that ask for nothing by themselves.
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "a an the it its this that these those them they there here all both and or but so of in on at to for from "
        "with into onto by as is are be was were should would could can will please now then just also too very more "
        "much some i me my we you your want like need let make makes making put add change turn give set get have has "
        "do does not no yes ok bit little picture plan thing things one",
    )
)
_ASIDE = re.compile(r"^(?:the|a|an|some)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference: `text` as a person reads it, `changes` that are undone together."""

    text: str
    changes: tuple[Change, ...]


def lines(changes: Sequence[Change]) -> tuple[Line, ...]:
    """The changes of one thing and one kind in a line each, in the order in which they come."""
    groups: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        kind = "text" if change.field in _TEXTS else change.field
        groups.setdefault((change.kind, _key(change), kind), []).append(change)
    return tuple(Line(_text(group), tuple(group)) for group in groups.values())


def made(changes: Sequence[Change]) -> tuple[Remark, ...]:
    """A row for each line of what was changed, to be taken back alone."""
    return tuple(Remark(line.text, _taking_back(line), "undo", line.changes) for line in lines(changes))


def kept(refused: Sequence[Change], locked: bool = False) -> tuple[Remark, ...]:
    """A row for each thing that a reply asked for and did not get; `locked`: the text of the whole picture is."""
    return tuple(
        Remark(f"{line.text}, not done: {_why(line, locked)}", "take the model's", "take", line.changes)
        for line in lines(refused)
    )


def nothing(request: str, canvas: Canvas) -> Remark:
    """The row of a reply that changed nothing. It names the words of the request that the plan does not hold."""
    known = set(_WORD.findall(canvas.to_code().lower())) | _COMMON
    strange = [word for word in dict.fromkeys(_WORD.findall(request.lower())) if word not in known]
    names = " and ".join(f"“{word}”" for word in strange[:NAMED])
    why = f"I did not understand {names}." if names else "the model gave the same plan back."
    return Remark(f"Nothing changed: {why}", "Edit by hand", "hand")


def held_back(held: Sequence[Change]) -> tuple[Remark, ...]:
    """A row for each thing that a reply changed without a word of it in the message."""
    return tuple(Remark(f"held back: {line.text}", "take it", "take", line.changes) for line in lines(held))


def also(done: Followed) -> tuple[Remark, ...]:
    """The row of what followed from a description that was changed by hand; none where nothing did."""
    if not done.also:
        return ()
    return (Remark(f"also changed: {', '.join(done.also)}", "undo", "undo", done.changes, by_hand=True),)


def headline(changed: int, refused: int, held: int) -> str:
    """The state line of a reply to a plan."""
    parts = [counted(changed, "change") if changed else "", f"{refused} kept as you have it" if refused else ""]
    parts += [f"{held} held back" if held else ""]
    return ", ".join(part for part in parts if part) or "Nothing changed"


def carried_out(code: str, row: Remark) -> tuple[str, Remark]:
    """`code` with the changes of a row undone or made, and the row that takes that back. Raises CanvasError."""
    if row.do == "undo":
        for change in reversed(row.changes):
            code = undone(code, change)
        return code, replace(row, label="redo", do="take", off=True)
    for change in row.changes:
        code = taken(code, change)
    done = made(row.changes)
    text = row.text if row.off or not done else " · ".join(one.text for one in done)
    return code, replace(row, text=text, label=done[0].label if done else "undo", do="undo", off=False)


def _taking_back(line: Line) -> str:
    return "put back" if line.changes[0].kind == "remove" else "undo"


def _why(line: Line, locked: bool) -> str:
    region = line.changes[0].region
    return "it is locked" if (locked if region is None else region.locked) else "you changed it yourself"


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
