"""Text that UTF-8 can hold: halves of surrogate pairs, which JSON can bring, are joined or replaced. Called once where
text enters: a server's reply, a call of the page or the API, a session file, a PNG.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

HIGH = ("\ud800", "\udbff")  # a first half is within these


def whole(text: str) -> str:
    """`text` with pairs of halves joined and a lone half replaced by U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def whole_pieces(pieces: Iterable[str]) -> Iterator[str]:
    """The same for a text that comes in pieces: a first half at the end of one waits for the next."""
    held = ""
    for piece in pieces:
        text = held + piece
        held = text[-1] if text and HIGH[0] <= text[-1] <= HIGH[1] else ""
        text = whole(text.removesuffix(held))
        if text:
            yield text
    if held:
        yield whole(held)


def whole_data(data: Any) -> Any:
    """The same for every text in lists and dicts, as JSON has them; all else as it is."""
    if isinstance(data, str):
        return whole(data)
    if isinstance(data, list):
        return [whole_data(item) for item in data]
    if isinstance(data, dict):
        return {whole_data(key): whole_data(value) for key, value in data.items()}
    return data
