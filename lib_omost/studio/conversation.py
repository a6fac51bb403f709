"""The conversation as a tuple of turns: what each act of a person makes of it. Plain values; knows no page and no
model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lib_omost.canvas import Reading, read_canvas
from lib_omost.composer import Message
from lib_omost.errors import SettingsError
from lib_omost.studio.store.sessions import Turn

MAX_MESSAGE = 2000  # characters of a person's message
MAX_REPLY = 256 * 1024  # characters of a reply that a person edited; the reader takes no more
MAX_TURNS = 200
DRAWN = "Take this plan, drawn by hand."
AGAIN = "Take this earlier plan again."
RESTORED = "Take this plan from a picture."


def messages(turns: Sequence[Turn]) -> list[Message]:
    """What the language model gets: text turns only, pictures left out, neighbours of one role joined."""
    out: list[Message] = []
    for turn in turns:
        if turn.picture or not turn.text.strip():
            continue
        if out and out[-1]["role"] == turn.role:
            out[-1] = {"role": turn.role, "content": out[-1]["content"] + "\n" + turn.text}
        else:
            out.append({"role": turn.role, "content": turn.text})
    return out


def bubbles(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """The turns in the chat widget's form, one to one, so that its indices are ours."""
    return [{"role": turn.role, "content": [_content(turn)]} for turn in turns]


def _content(turn: Turn) -> dict[str, Any]:
    if turn.picture:
        return {"path": turn.picture, "alt_text": "The rendered picture"}
    # The typed form is passed on as it is; a bare string would lose its indentation to inspect.cleandoc.
    return {"type": "text", "text": turn.text.replace("![", "\\![")}


def said(turns: Sequence[Turn], text: str) -> tuple[Turn, ...]:
    """The turns with a person's message at the end. Raises SettingsError where it is empty or too long."""
    if not text.strip():
        raise SettingsError("Type what you want to see first.")
    if len(text) > MAX_MESSAGE:
        raise SettingsError(f"The message has {len(text)} characters; at most {MAX_MESSAGE} are taken.")
    if len(turns) >= MAX_TURNS:
        raise SettingsError(f"This chat has {len(turns)} turns, which is the most it can hold; start a new one.")
    return (*turns, Turn("user", text))


def until_question(turns: Sequence[Turn], index: int | None = None) -> tuple[Turn, ...]:
    """The turns up to the last message of a person at or before `index`; none where there is no such message."""
    last = len(turns) - 1 if index is None else min(index, len(turns) - 1)
    while last >= 0 and (turns[last].role != "user"):
        last -= 1
    return tuple(turns[: last + 1])


def undone(turns: Sequence[Turn]) -> tuple[tuple[Turn, ...], str]:
    """The turns without the last message and what came of it, and that message's text."""
    kept = until_question(turns)
    return kept[:-1], kept[-1].text if kept else ""


def edited(turns: Sequence[Turn], index: int, text: str) -> tuple[Turn, ...]:
    """The turns with one text changed and all later ones cut. Raises SettingsError for what cannot be edited."""
    if not 0 <= index < len(turns) or turns[index].picture:
        raise SettingsError("Only a message or a reply can be edited; this turn is a picture or gone.")
    if turns[index].role == "user":
        return said(turns[:index], text)
    if len(text) > MAX_REPLY:
        raise SettingsError(f"The reply has {len(text)} characters; at most {MAX_REPLY} can be read.")
    return (*turns[:index], replace(turns[index], text=text))


def last_reading(turns: Sequence[Turn]) -> tuple[int, Reading] | None:
    """The newest reply that holds a canvas: its index and its reading."""
    for index in reversed(range(len(turns))):
        if turns[index].role == "assistant" and not turns[index].picture:
            reading = read_canvas(turns[index].text)
            if reading.canvas is not None:
                return index, reading
    return None


def with_code(turns: Sequence[Turn], code: str) -> tuple[Turn, ...]:
    """The turns with the newest canvas program replaced in place; without one, as an exchange of its own."""
    found = last_reading(turns)
    if found is None:
        return with_plan(turns, code, DRAWN)
    index, reading = found
    old = turns[index].text
    text = old.replace(reading.code, code, 1) if reading.code and reading.code in old else fenced(code)
    return (*turns[:index], replace(turns[index], text=text), *turns[index + 1 :])


def with_plan(turns: Sequence[Turn], code: str, line: str) -> tuple[Turn, ...]:
    """The turns and one exchange more: a person's `line`, answered by `code`, so that the language model builds on
    it.
    """
    return (*turns, Turn("user", line), Turn("assistant", fenced(code)))


def fenced(code: str) -> str:
    return f"```python\n{code.strip()}\n```"
