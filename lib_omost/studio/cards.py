"""The replies of a chat as cards: the layout as boxes, what the regions are called, what differs from the plan before,
and the pictures that were painted from it. Draws nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from lib_omost.canvas import Canvas, differences, read_canvas
from lib_omost.canvas.colors import to_hex
from lib_omost.studio import changes
from lib_omost.studio.store.sessions import Data, Turn

FILE_ROUTE = "gradio_api/file="
MAX_LINES = 6  # of a difference; the rest is counted
CACHED = 128  # texts, each read once however often the chat is shown
SAME = "Nothing changed."
GONE = "(The file of this picture is not there.)"


@dataclass(frozen=True, slots=True)
class Last:
    """What is known of the last reply besides: it is the `at`-th `of` several to its message, and what it changed is
    told elsewhere already.
    """

    at: int = 1
    of: int = 1
    told: bool = False


def cards(
    turns: Sequence[Turn],
    size: tuple[int, int],
    growing: Canvas | None = None,
    busy: bool = False,
    last: Last = Last(),  # nobody changes it
) -> Data:
    """A card for each reply that holds a plan. `busy`: the last reply is being written; `growing` is its canvas so far.

    Each says which bubble of the chat it belongs to (`at`), and is for the widget to show as text. A last reply of
    several without a plan has a card that holds nothing but the way to the others.
    """
    made, before, newest = list[Data](), "", _last_said(turns)
    for at, (turn, pictures) in enumerate(spoken(turns)):
        if turn.role != "assistant":
            continue
        writing = busy and turn is newest
        canvas = growing if writing else canvas_of(turn.text)
        known = {"at": at, "id": turn.id, "busy": writing, "replies": None}
        if turn is newest and last.of > 1 and not writing:
            known["replies"] = [last.at, last.of]
        if canvas is None:
            if known["replies"]:
                made.append({**known, "bare": True})
            continue
        lines = [] if writing or not before or (turn is newest and last.told) else difference(before, turn.text)
        made.append({**known, "lines": lines, **_layout(canvas), **_painted(pictures)})
        before = before if writing else turn.text
    return {"cards": made, "ratio": [*size], "version": version(turns)}


def version(turns: Sequence[Turn]) -> str:
    """Says which state of a chat this is: a tab that shows another one is behind."""
    told = json.dumps([(turn.id, turn.text, turn.picture) for turn in turns])
    return blake2b(told.encode(), digest_size=12).hexdigest()


def spoken(turns: Sequence[Turn]) -> Iterator[tuple[Turn, list[str]]]:
    """The messages and replies, which have a bubble each, with the pictures that stand behind them."""
    now: Turn | None = None
    pictures = list[str]()
    for turn in turns:
        if turn.picture:
            pictures.append(turn.picture)
            continue
        if now is not None:
            yield now, pictures
        now, pictures = turn, []
    if now is not None:
        yield now, pictures


def place(turns: Sequence[Turn], bubble: int) -> int:
    """Where the turn of a bubble stands; behind them all where there is no such bubble."""
    places = [at for at, turn in enumerate(turns) if not turn.picture]
    return places[bubble] if 0 <= bubble < len(places) else len(turns)


@lru_cache(CACHED)
def canvas_of(text: str) -> Canvas | None:
    """The canvas of a reply; nobody changes it."""
    return read_canvas(text).canvas


@lru_cache(CACHED)
def difference(before: str, after: str) -> tuple[str, ...]:
    """What differs between the plans of two replies, in a person's words."""
    was, now = canvas_of(before), canvas_of(after)
    if was is None or now is None:
        return ()
    lines = [line.text for line in changes.lines(differences(was, now))] or [SAME]
    more = len(lines) - MAX_LINES
    return (*lines[:MAX_LINES], *([f"and {more} more"] if more > 0 else []))


def _last_said(turns: Sequence[Turn]) -> Turn | None:
    return next((turn for turn in reversed(turns) if not turn.picture), None)


def layout(canvas: Canvas) -> Data:
    """The ground's colour, and the boxes far to near, in 90ths."""
    return {
        "ground": to_hex(canvas.color),
        "boxes": [{"box": list(region.box), "color": to_hex(region.color)} for region in canvas.layers()],
    }


def _layout(canvas: Canvas) -> Data:
    """Boxes far to near, in 90ths; chips in the order written."""
    return {
        **layout(canvas),
        "chips": [{"text": changes.label(region), "color": to_hex(region.color)} for region in canvas.regions],
    }


def _painted(pictures: Sequence[str]) -> Data:
    there = [path for path in pictures if Path(path).is_file()]
    gone = GONE if len(there) < len(pictures) else ""
    return {"pictures": [FILE_ROUTE + path for path in there], "gone": gone}
