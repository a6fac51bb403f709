"""What the page says of the last act: sentences with an action each, to show, to keep and to carry out. Makes no
sentence itself; whoever has something to say makes a `Remark`.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from lib_omost.canvas import Box, Change, Region
from lib_omost.canvas.merge import PLACE
from lib_omost.studio.store.sessions import Data

#: undo: take the changes back; take: make them; ask: put `words` into the message box; back: undo the last act;
#: hand: go to the plan's boxes.
Action = Literal["", "undo", "take", "ask", "back", "hand"]
MAX_ROWS = 40


@dataclass(frozen=True, slots=True)
class Remark:
    """One row: a sentence, what its button says ("" for a sentence alone) and does. `off`: its changes are undone;
    `by_hand`: it is on an edit by hand, and stands until the next such row.
    """

    text: str
    label: str = ""
    do: Action = ""
    changes: tuple[Change, ...] = ()
    words: str = ""
    off: bool = False
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """All that is said of the last act. `text` is the state line's, where that is not what came of the last reply."""

    rows: tuple[Remark, ...] = ()
    text: str = ""
    level: str = "good"
    id: str = field(default_factory=lambda: secrets.token_urlsafe(6), compare=False)

    def values(self) -> list[Data]:
        """The rows for the widget; a button's value says which row of which `Told` it is, so that an old one does
        nothing.
        """
        return [
            {
                "text": row.text,
                "label": row.label,
                "value": row.do if row.do == "hand" else f"{self.id} {index} {row.do}",
                "off": row.off,
            }
            for index, row in enumerate(self.rows)
        ]

    @property
    def of_changes(self) -> bool:
        """Whether the rows say what the last reply changed, or that it changed nothing."""
        return any(row.do in ("undo", "take", "hand") and not row.by_hand for row in self.rows)

    def pressed(self, value: object) -> tuple[int, Remark] | None:
        """The row whose button has this value; None for any other value, which may be anyone's, and for that of a row
        that was pressed meanwhile.
        """
        return next(
            ((at, row) for at, row in enumerate(self.rows) if row.do and value == f"{self.id} {at} {row.do}"), None
        )

    def instead(self, index: int, row: Remark) -> Told:
        return replace(self, rows=(*self.rows[:index], row, *self.rows[index + 1 :]))


def to_data(told: Told) -> Data:
    """As JSON has it."""
    rows = [
        {**asdict(row), "changes": [_change_data(change) for change in row.changes]} for row in told.rows[:MAX_ROWS]
    ]
    return {"rows": rows, "text": told.text, "level": told.level, "id": told.id}


def from_data(data: Data) -> Told:
    """What `to_data` wrote; nothing is said where that was nothing."""
    if not data:
        return Told()
    rows = tuple(Remark(**{**row, "changes": tuple(map(_change, row["changes"]))}) for row in data["rows"])
    return Told(rows, data["text"], data["level"], data["id"])


def _change_data(change: Change) -> Data:
    return {
        "kind": change.kind,
        "field": change.field,
        **{name: _plain(getattr(change, name)) for name in ("region", "before", "after")},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Region):
        return {**asdict(value), "bbox": list(value.bbox) if value.bbox else None}
    return list(value) if isinstance(value, Box) else value


def _change(data: Data) -> Change:
    field = data["field"]
    values = (_value(data[name], field) for name in ("before", "after"))
    return Change(data["kind"], _value(data["region"], ""), field, *values)


def _value(data: Any, field: str) -> Any:
    if isinstance(data, dict):
        return Region(**data)
    if field == PLACE and data is not None:
        return Box(*data)
    return tuple(data) if isinstance(data, list) else data
