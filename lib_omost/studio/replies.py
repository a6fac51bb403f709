"""A reply while it is written: read as it grows, at the pace that the page can show. Knows no widget and no store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lib_omost.canvas import Box, Canvas, CanvasReader, Reading


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as far as it is written. `plan_changed`: `canvas` or `pending` is not what it was; `reading` is in the
    last one only. `seconds` since it was asked for, of them `waited_s` before its first character.
    """

    text: str
    canvas: Canvas | None
    pending: Box | None
    plan_changed: bool
    seconds: float
    waited_s: float
    first_region_s: float | None
    reading: Reading | None = None


NOTHING_YET = Reply("", None, None, True, 0.0, 0.0, None)


def pause_s(characters: int) -> float:
    """Seconds between two updates of the page: the longer the text, the more one costs the browser (bench/page.py)."""
    return 0.15 if characters < 1500 else 0.4 if characters < 6000 else 0.6 if characters < 14000 else 0.8


def stream_reply(
    pieces: Iterator[str], reader: CanvasReader, clock: Callable[[], float] = time.monotonic
) -> Iterator[Reply]:
    """Reads a reply while it is written. Yields at most every `pause_s`, and always a last time, with the reading."""
    start, shown_at = clock(), 0.0
    pending: Box | None = None
    began: float | None = None
    first: float | None = None
    changed = False
    for piece in pieces:
        began = clock() - start if began is None else began
        finished = reader.feed(piece)
        changed = changed or bool(finished) or reader.pending != pending
        pending, canvas = reader.pending, reader.canvas
        if first is None and canvas is not None and canvas.regions:
            first = clock() - start
        if clock() - shown_at >= pause_s(len(reader.text)):
            shown_at = clock()
            yield Reply(reader.text, canvas, pending, changed, shown_at - start, began, first)
            changed = False
    reading = reader.close()
    yield Reply(reader.text, reading.canvas, None, True, clock() - start, began or 0.0, first, reading)
