"""Note, what the reader says about a text, and the bounds that it keeps. Knows nothing of how texts are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["info", "repair", "error"]

MAX_TEXT = 256 * 1024  # characters of a reply
MAX_STATEMENT = 32 * 1024
MAX_SEPARATORS = 2000  # commas and plus signs of a statement: what makes ast.parse slow
MAX_DEPTH = 6
MAX_STATEMENTS = 400
MAX_REGIONS = 64
MAX_ITEMS = 64
MAX_TERMS = 64
MAX_CHARACTERS = 4000  # of one string
MAX_NOTES = 200


@dataclass(frozen=True, slots=True)
class Note:
    """One remark: `info` changes nothing, `repair` says what was guessed, `error` says what was left out.

    `line` and `column` count from 1 in the text that was read; `code` is a stable word for programs.
    """

    level: Level
    code: str
    line: int
    column: int
    message: str

    @property
    def with_line(self) -> str:
        """The message for a person, with its line where it has one (0: none)."""
        return f"line {self.line}: {self.message}" if self.line else self.message


class Notes:
    """Collects at most `MAX_NOTES` notes; the last one then says that there were more."""

    def __init__(self) -> None:
        self._notes: list[Note] = []

    def add(self, level: Level, code: str, line: int, column: int, message: str) -> None:
        if len(self._notes) < MAX_NOTES - 1:
            self._notes.append(Note(level, code, line, column, message))
        elif len(self._notes) == MAX_NOTES - 1:
            self._notes.append(
                Note("error", "bound", line, column, f"More than {MAX_NOTES} remarks; the rest is left out.")
            )

    def sorted(self) -> tuple[Note, ...]:
        return tuple(sorted(self._notes, key=lambda note: (note.line, note.column)))


def merged(*groups: Notes) -> tuple[Note, ...]:
    """All notes, in the order of the text."""
    return tuple(
        sorted((note for group in groups for note in group.sorted()), key=lambda note: (note.line, note.column))
    )


def brief(value: object, limit: int = 48) -> str:
    """`value` as a message shows it: one line, texts in quotes, cut to about `limit` characters."""
    if isinstance(value, tuple):
        return f"({', '.join(brief(item, 16) for item in value[:4])}{', …' if len(value) > 4 else ''})"
    if isinstance(value, str) and len(value) > limit:
        return repr(value[:limit]) + "…"
    text = repr(value)
    return text if len(text) <= 2 * limit else text[:limit] + "…"
