"""Where a string ends that Python may refuse, by the tolerant rule, and what its escapes mean. Reads nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lib_omost.canvas.vocabulary import LOCAL_FIELDS

_FIELDS = "|".join(LOCAL_FIELDS)
#: Each opening quote with those that may close it.
QUOTES = {
    "'": "'",
    '"': '"',
    "“": '”"“',
    "”": '”"',
    "‘": "’'‘",
    "’": "’'",
    "`": "`'",
    "´": "´'",
    "«": "»",
    "„": '“”"',
}
#: A quote closes where a comma, a bracket or a line end follows that itself makes sense there.
_FOLLOWS = re.compile(
    r"[ \t]*(?:[,，][ \t]*(?:\r?\n|\Z|['\"“‘`\[({)\]}#]|[A-Za-z_]\w*[ \t]*=|[-+.\d]|None\b|True\b|False\b)"
    rf"|[)\]}}][ \t]*(?:[,，;)\]}}#]|\r?\n|\Z)|\r?\n|\Z|\#|(?:{_FIELDS})[ \t]*=)"
)
#: What a line starts with where it cannot be the rest of a sentence.
_FRESH = re.compile(rf"\s{{0,200}}(?:[)\]}}'\"“‘#]|\Z|(?:{_FIELDS})[ \t]*[=:])")
_NEXT_FIELD = rf"[,，]\s{{0,200}}(?:{_FIELDS})[ \t]*="
NEXT_FIELD = re.compile(_NEXT_FIELD)
_STOPS = {quote: re.compile(rf"[{re.escape(closers)}\\\r\n]|{_NEXT_FIELD}") for quote, closers in QUOTES.items()}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|\r\n|.)", re.DOTALL)
_ESCAPES = dict(zip("ntrabfv\\'\"", "\n\t\r\a\b\f\v\\'\"", strict=True)) | {"\n": "", "\r\n": ""}
_SPACE = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class StringEnd:
    """Where the content of a string ends, where to go on, whether it ends before the text does, what is wrong."""

    end: int
    go: int
    closed: bool
    fix: tuple[int, str] | None = None


def string_end(text: str, at: int) -> StringEnd:
    """The end of the string whose quote stands at `at`, by the tolerant rule: one inside a sentence does not end it."""
    quote = text[at]
    if text.startswith(quote * 3, at) and quote in "'\"":
        end = text.find(quote * 3, at + 3)
        return StringEnd(len(text), len(text), False) if end < 0 else StringEnd(end, end + 3, True)
    stops, go, fix = _STOPS[quote], at + 1, None
    while stop := stops.search(text, go):
        found, go = stop[0], stop.end()
        if found == "\\":
            go += 1
        elif len(found) > 1:
            return StringEnd(stop.start(), stop.start(), True, (at, "the closing quote is missing"))
        elif found in "\r\n":
            if _FRESH.match(text, go):
                return StringEnd(stop.start(), go, go < len(text), (at, "the closing quote is missing"))
            fix = fix or (stop.start(), "a line break stands inside the quotes")
        elif _FOLLOWS.match(text, go) or _opens_next(text, go, quote):
            return StringEnd(stop.start(), go, True, fix)
        else:
            fix = fix or (stop.start(), f"a {found} stands inside the quotes; write \\{found} for it")
    return StringEnd(len(text), len(text), False, fix)


def unescape(content: str) -> str:
    """`content` with the escapes of a Python string replaced; an unknown one stays as it is."""
    return content if "\\" not in content else _ESCAPE.sub(_unescape, content)


def _opens_next(text: str, at: int, quote: str) -> bool:
    """True where, after a space, another string of the same kind opens: two strings without a comma."""
    found = _SPACE.match(text, at)
    return found is not None and found.end() > at and text.startswith(quote, found.end())


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code in _ESCAPES:
        return _ESCAPES[code]
    if code[0] in "xuU" and len(code) > 1:
        point = int(code[1:], 16)
        return chr(point) if point < 0x110000 else ""
    return chr(int(code, 8)) if code[0] in "01234567" else match[0]
