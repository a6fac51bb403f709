"""Asks once more where a model that was never taught the language answers without a canvas."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from lib_omost.canvas import read_canvas
from lib_omost.composer.examples import EXAMPLES
from lib_omost.composer.settings import Message

Ask = Callable[[Sequence[Message]], Iterator[str]]


def asked_twice(ask: Ask, messages: Sequence[Message], stop: threading.Event) -> Iterator[str]:
    """The reply of `ask`, and where no canvas is in it a second one, to a message that says what was wrong."""
    reply = ""
    for piece in ask(messages):
        reply += piece
        yield piece
    reading = read_canvas(reply)
    if reading.canvas is not None or stop.is_set():
        return
    unheard = read_canvas(f"{reply}\n\n{EXAMPLES[1]['content']}").canvas is None
    yield "\n</think>\n\n" if unheard else "\n\n"  # a reasoning that was cut short would swallow the second reply
    wrong: list[Message] = [
        {"role": "assistant", "content": reply},
        {"role": "user", "content": _again(reading.summary)},
    ]
    yield from ask([*messages, *wrong])


def _again(summary: str) -> str:
    return (
        f"Your reply could not be used: {summary} Answer with the whole picture as one ```python block that makes "
        "`canvas = Canvas()`, calls canvas.set_global_description(...) once and canvas.add_local_description(...) for "
        "each region, with all arguments by keyword, as in the examples above."
    )
