"""A whole reply before it is kept: the default model's ground or sky goes into the whole picture's text, and what the
request names and the plan lacks is said. Runs no model and writes nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from lib_omost.canvas import Canvas, Reading, read_canvas
from lib_omost.canvas.backdrop import backdrop_of, into_whole
from lib_omost.canvas.requests import missing
from lib_omost.errors import CanvasError
from lib_omost.runtime.known_words import KnownWords
from lib_omost.studio.store.sessions import Data

NAMED = 6  # phrases that the state line has room for
LACKS, ASK = "lacks", "ask"


class Settled(NamedTuple):
    """A reply's text and reading, and what was changed in it, as notes."""

    text: str
    reading: Reading
    notes: tuple[str, ...] = ()


def settled(text: str, reading: Reading, before: Canvas | None) -> Settled:
    """The reply with its ground or sky in the whole picture's text; as it is where the plan `before` has such a region,
    which a person may have in hand.
    """
    if reading.canvas is None or (before is not None and backdrop_of(before) is not None):
        return Settled(text, reading)
    try:
        code, note = into_whole(reading.code)
    except CanvasError:  # a program that cannot be changed in place stays as it is
        return Settled(text, reading)
    if not note or reading.code not in text:
        return Settled(text, reading)
    text = text.replace(reading.code, code, 1)
    return Settled(text, read_canvas(text), () if before is not None else (note,))


def lacks(request: str, canvas: Canvas, before: Canvas | None, known: KnownWords) -> Data:
    """To keep with a reply: sentences on what its plan lacks and its image model cannot paint, and a message that asks
    for it; empty where there is nothing to say.
    """
    found = missing(request, canvas, before)
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    named = ", ".join(one.phrase for one in found[:NAMED]) + more
    said = [*([f"not in the plan: {named}"] if found else []), *known.limits(request)]
    return {LACKS: said, ASK: "; ".join(one.ask for one in found[:NAMED])} if said else {}
