"""How the page words what happened: failures and the outcome of a reading. Knows no widget."""

from __future__ import annotations

import logging
import re
from typing import Any

from lib_omost.canvas import Canvas, Reading
from lib_omost.errors import OmostError

log = logging.getLogger(__name__)


def sentence(error: BaseException) -> str:
    """What a person is told of a failure. What was not foreseen is logged whole and named in general terms."""
    if isinstance(error, OmostError):
        return str(error)
    log.error("unforeseen failure", exc_info=error)
    return f"Something unforeseen went wrong ({type(error).__name__}); the log has the details. Nothing was lost."


def outcome(reading: Reading, figures: str = "") -> dict[str, Any]:
    """The state line's value: what came of a reply, in one sentence, with the notes."""
    notes = [note.with_line for note in reading.notes]
    if reading.canvas is None:
        prose = [note.code for note in reading.notes] == ["none"]  # ordinary chat, nothing to be alarmed about
        level, notes = ("idle", []) if prose else ("bad", notes)
        return {"level": level, "text": "no canvas in this reply", "notes": notes, "asks": True, "figures": figures}
    level = "good" if reading.status == "accept" else "warn"
    return {
        "chips": suggestions(reading.canvas),
        "level": level,
        "text": reading.summary,
        "notes": notes,
        "asks": False,
        "figures": figures,
    }


def by_hand(text: str, level: str = "good", **more: object) -> dict[str, object]:
    """The state line after an edit by hand. What else it says of the reply stays, so that nothing below it jumps while
    a finger is on its way there."""
    return {"level": level, "text": text, "keeps": True, **more}


def suggestions(canvas: Canvas | None) -> list[str]:
    """Next edits to offer, in a person's words; none before there is a plan."""
    if canvas is None or not canvas.regions:
        return []
    thing = re.sub(r"^(a|an|the) ", "", canvas.regions[-1].description.strip(" .").lower())
    return ["make it night", f"remove the {thing[:40]}", "add a star on the top left"]


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def doing(status: str) -> str:
    """The engine's status as the page says it: "Loading x …" is "loading x…"."""
    return status.removesuffix(" …").lower() + "…"


def plain(text: str) -> str:
    """Markdown that shows this text letter by letter; an address in it is no link."""
    return re.sub(r"([\\`*_{}\[\]()<>#!|~&:@]|(?<=www)\.)", r"\\\1", text)
