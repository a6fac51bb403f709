"""Reads the arguments of a call that Python refuses: stray quotes, missing commas and brackets, curly quotes. Runs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lib_omost.canvas.notes import MAX_DEPTH, MAX_ITEMS
from lib_omost.canvas.vocabulary import LOCAL_FIELDS

Value = str | int | float | bool | None | tuple["Value", ...]


@dataclass(frozen=True, slots=True)
class Unusable:
    """A value that is no plain text, number or list, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call; `line` and `column` count from 1 and 0 in the statement. `closed` is False where the text ends in it."""

    name: str | None
    value: Value | Unusable
    line: int
    column: int
    closed: bool = True


_FIELDS = "|".join(LOCAL_FIELDS)
_NAME = re.compile(r"['\"]?(?P<name>[A-Za-z_]\w{0,60})['\"]?[ \t]*(?:=(?!=)|:)[ \t]*\r?\n?[ \t]*")
_GAP = re.compile(r"(?:[\s,，;、]|#[^\n]*)*")
_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?=\s*(?:[,，;)\]}#]|$))", re.MULTILINE)
_WORD = re.compile(r"[^,，;)\]}\r\n#\"'“‘=]*")
_BARE = re.compile(r"[\w #%.,/-]+")
_QUOTES = {"'": "'", '"': '"', "“": '”"“', "”": '”"', "‘": "’'‘", "’": "’'", "`": "`'", "«": "»", "„": '“”"', "´": "´'"}
_PREFIX = re.compile(r"[rRuUbBfF]{0,2}(?=['\"“”‘’`«„´])")
#: A quote closes where a comma, a bracket or a line end follows that itself makes sense there.
_FOLLOWS = re.compile(
    r"[ \t]*(?:[,，][ \t]*(?:\r?\n|$|['\"“‘`\[({)\]}#]|[A-Za-z_]\w*[ \t]*=|[-+.\d]|None\b|True\b|False\b)"
    rf"|[)\]}}][ \t]*(?:[,，;)\]}}#]|\r?\n|$)|\r?\n|$|\#|(?:{_FIELDS})[ \t]*=)"
)
#: What a line starts with where it cannot be the rest of a sentence.
_FRESH = re.compile(rf"\s{{0,200}}(?:[)\]}}'\"“‘#]|$|(?:{_FIELDS})[ \t]*[=:])")
_NEXT_FIELD = rf"[,，][ \t]*(?:{_FIELDS})[ \t]*="
_AFTER_UNUSABLE = re.compile(rf"[,，]\s{{0,200}}(?:{_FIELDS})[ \t]*=")
_STOPS = {quote: re.compile(rf"[{re.escape(closers)}\\\r\n]|{_NEXT_FIELD}") for quote, closers in _QUOTES.items()}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|\r\n|.)", re.DOTALL)
_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "\n": "",
    "\r\n": "",
    "\\": "\\",
}
_ESCAPES |= {"'": "'", '"': '"'}
_CONSTANTS: dict[str, Value] = {"None": None, "True": True, "False": False, "null": None, "true": True, "false": False}


def read_arguments(text: str, at: int) -> Iterator[Argument]:
    """The arguments of the call whose opening parenthesis ends just before `at`, as far as they can be made out."""
    line, line_start = 1, 0
    at = _GAP.match(text, at).end()  # type: ignore[union-attr]
    while at < len(text) and text[at] != ")":
        line += text.count("\n", line_start, at)
        line_start = max(line_start, text.rfind("\n", line_start, at) + 1)
        begin, named = at, _NAME.match(text, at)
        value, at, closed = _value(text, named.end() if named else at, 1)
        yield Argument(named["name"] if named else None, value, line, begin - line_start, closed)
        at = _GAP.match(text, at).end()  # type: ignore[union-attr]
        while at < len(text) and text[at] in "]}":  # left over from a bracket that was closed twice
            at = _GAP.match(text, at + 1).end()  # type: ignore[union-attr]


def adjacent(text: str) -> list[str]:
    """The strings that stand side by side in `text`, joined where one of the two has a space at the joint.

    A writer who splits a sentence on purpose keeps that space; without it, it is a comma that is missing.
    """
    parts: list[str] = []
    at = _SPACE.match(text).end()  # type: ignore[union-attr]
    while at < len(text) and _opens_string(text, at):
        part, at, _ = _string(text, at)
        if parts and (parts[-1][-1:].isspace() or part[:1].isspace() or not part):
            parts[-1] += part
        else:
            parts.append(part)
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
    return parts


def string_end(text: str, at: int) -> tuple[int, int, bool]:
    """(end of the content, where to go on, closed) of the string whose quote stands at `at`, by the tolerant rule."""
    quote = text[at]
    if text.startswith(quote * 3, at) and quote in "'\"":
        end = text.find(quote * 3, at + 3)
        return (len(text), len(text), False) if end < 0 else (end, end + 3, True)
    stops, go = _STOPS[quote], at + 1
    while stop := stops.search(text, go):
        c, go = stop[0], stop.end()
        if c == "\\":
            go += 1
        elif len(c) > 1:  # the quote is missing: the next argument begins
            return stop.start(), stop.start(), True
        elif c in "\r\n":
            if _FRESH.match(text, go):
                return stop.start(), go, go < len(text)
        elif _FOLLOWS.match(text, go) or _opens_next(text, go, quote):
            return stop.start(), go, True
    return len(text), len(text), False


def _opens_next(text: str, at: int, quote: str) -> bool:
    """True where, after a space, another string of the same kind opens: two strings without a comma."""
    return text[at : at + 1] in (" ", "\t") and text[at:].lstrip(" \t")[:1] == quote if at < len(text) else False


def _opens_string(text: str, at: int) -> bool:
    found = _PREFIX.match(text, at)
    return found is not None and text[found.end() : found.end() + 1] in _QUOTES


def _value(text: str, at: int, depth: int) -> tuple[Value | Unusable, int, bool]:
    """(value, where to go on, closed) of what stands at `at`."""
    if at >= len(text):
        return Unusable("nothing follows the equals sign"), at, False
    if _opens_string(text, at):
        parts, closed = [], True
        while _opens_string(text, at) and closed:
            part, at, closed = _string(text, at)
            parts.append(part)
            after = _SPACE.match(text, at).end()  # type: ignore[union-attr]
            if after < len(text) and _opens_string(text, after) and not _NAME.match(text, after) and depth == 1:
                at = after
            else:
                break
        return "".join(parts), at, closed
    if text[at] in "[({":
        return _list(text, at, depth)
    if number := _NUMBER.match(text, at):
        return _number(number[0]), number.end(), number.end() < len(text)
    return _word(text, at)


def _string(text: str, at: int) -> tuple[str, int, bool]:
    prefix = _PREFIX.match(text, at)
    start = prefix.end() if prefix else at
    end, go, closed = string_end(text, start)
    width = 3 if text[start : start + 3] in ("'''", '"""') else 1
    content = text[start + width : end]
    if not closed or (end == go) or text[end : end + 1] in "\r\n":
        content = content.rstrip(" \t,")
    raw = prefix is not None and "r" in prefix[0].lower()
    return content if raw or "\\" not in content else _ESCAPE.sub(_unescape, content), go, closed


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code in _ESCAPES:
        return _ESCAPES[code]
    if code[0] in "xuU" and len(code) > 1:
        point = int(code[1:], 16)
        return chr(point) if point < 0x110000 else ""
    return chr(int(code, 8)) if code[0] in "01234567" else match[0]


def _list(text: str, at: int, depth: int) -> tuple[Value | Unusable, int, bool]:
    if depth >= MAX_DEPTH:
        return Unusable("its brackets are nested too deep"), len(text), True
    items: list[Value] = []
    at = last = _GAP.match(text, at + 1).end()  # type: ignore[union-attr]
    while at < len(text):
        if text[at] in "])}":
            return tuple(items), at + 1 if text[at] in "]}" or not _ends_call(text, at) else at, True
        if (named := _NAME.match(text, at)) and named["name"] in LOCAL_FIELDS:
            return tuple(items), at, True  # the bracket is missing: the next argument begins
        start = at
        value, at, _ = _value(text, at, depth + 1)
        if not isinstance(value, Unusable) and len(items) <= MAX_ITEMS:
            before = items[-1] if items and not text[last:start].strip() else None
            if (
                isinstance(before, str)
                and isinstance(value, str)
                and (before[-1:] + value[:1]).strip() != before[-1:] + value[:1]
            ):
                items[-1] = before + value
            else:
                items.append(value)
        last = at
        at = _GAP.match(text, max(at, start + 1)).end()  # type: ignore[union-attr]
    return tuple(items), at, False


def _ends_call(text: str, at: int) -> bool:
    """True for a `)` inside a list that must be the call's: nothing but the end follows."""
    return not text[at + 1 :].strip(" \t\r\n;")


def _number(text: str) -> Value:
    try:
        return float(text.replace("_", ""))
    except ValueError:
        return text


def _word(text: str, at: int) -> tuple[Value | Unusable, int, bool]:
    found = _WORD.match(text, at)
    end = found.end() if found else at
    word = text[at:end].strip()
    closed = end < len(text)
    if word in _CONSTANTS:
        return _CONSTANTS[word], end, closed
    if word and _BARE.fullmatch(word):
        return word, end, closed
    next_field = _AFTER_UNUSABLE.search(text, end)
    end = next_field.start() if next_field else len(text)
    return Unusable("it is no text in quotes, no number and no list"), end, next_field is not None
