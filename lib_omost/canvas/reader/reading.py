"""What a reading of a text comes to, as a value and as data for JSON. Knows nothing of how texts are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lib_omost.canvas.canvas import Canvas
from lib_omost.canvas.reader.notes import Note

Status = Literal["accept", "repair", "reject"]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says. `status` is `accept`, `repair` where notes tell what was guessed or left out, or `reject`.

    `canvas` is None if rejected. `code` is the program found in the text, without its fence; `spans` are the characters
    of each region's call in it, `global_span` those of the global call.
    """

    status: Status
    canvas: Canvas | None
    notes: tuple[Note, ...]
    code: str
    spans: tuple[Span, ...]
    global_span: Span | None = None

    @property
    def summary(self) -> str:
        """One line for a person, such as '5 regions, 2 repairs'."""
        if self.canvas is None:
            return next((n.message for n in self.notes if n.level == "error"), "No canvas found.")
        count, repairs = len(self.canvas.regions), sum(note.level != "info" for note in self.notes)
        text = "1 region" if count == 1 else f"{count} regions"
        return text + (f", {repairs} repair{'s' if repairs > 1 else ''}" if repairs else "")


def report(reading: Reading) -> dict[str, Any]:
    """A reading as plain data for JSON: status, canvas (as `Canvas.to_json` has it, or None) and notes."""
    notes = [
        {"level": n.level, "code": n.code, "line": n.line, "column": n.column, "message": n.message}
        for n in reading.notes
    ]
    canvas = None if reading.canvas is None else reading.canvas.to_data()
    return {"status": reading.status, "summary": reading.summary, "canvas": canvas, "notes": notes}
