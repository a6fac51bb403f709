"""Changes one thing of a canvas program in place: every character that the change is not about stays as it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lib_omost.canvas.canvas import Canvas, Region, global_arguments, region_arguments, region_code
from lib_omost.canvas.reader import Reading, read_program
from lib_omost.canvas.reader.arguments import field_named
from lib_omost.canvas.reader.fences import CALL
from lib_omost.canvas.reader.statements import characters, python_call
from lib_omost.canvas.source import Writable, call, literal
from lib_omost.canvas.vocabulary import GLOBAL_FIELDS, LOCAL_FIELDS, TAUGHT_FIELDS, Box, box_of, snap
from lib_omost.errors import CanvasError, VocabularyError

_COMMENTS_ABOVE = re.compile(r"(?:^[ \t]*#[^\n]*\n)*[ \t]*\Z", re.MULTILINE)
_COMMENT_BESIDE = re.compile(r"[ \t]*#[^\r\n]*")
_GAP_AFTER = re.compile(r"[; \t]*(?:\r?\n)*")


@dataclass(frozen=True, slots=True)
class _Place:
    """The characters of one argument in the text of its call: from its name, from its value, to its end."""

    field: str | None
    start: int
    value: int
    end: int


def set_keyword(code: str, index: int | None, keyword: str, value: object) -> str:
    """`code` with one keyword of one call changed: of region `index`, or of the global call where that is None.

    None takes out an optional keyword (`bbox`, `name`, `negative`). A call that is not correct Python is written anew.
    Raises `VocabularyError` for a value that the canvas cannot hold and `CanvasError` where there is no such call.
    """
    reading = read_program(code)
    fields = GLOBAL_FIELDS if index is None else LOCAL_FIELDS
    if keyword not in fields:
        raise VocabularyError(f"{keyword!r} is no argument of this call; use one of: {', '.join(fields)}.")
    start, end = _span(reading, index)
    wanted = _changed(reading, index, keyword, value)
    edited = _edited(code[start:end], keyword, wanted.get(keyword), fields, _newline(code))
    if edited is not None:
        changed = code[:start] + edited + code[end:]
        if _arguments(read_program(changed), index) == wanted:
            return changed
    return code[:start] + _anew(code, start, wanted) + code[end:]


def set_box(code: str, index: int, box: Box) -> str:
    """`code` with region `index` placed at `box`: by its three words, and by `bbox` where they do not express it."""
    words = snap(box)
    for keyword, word in zip(TAUGHT_FIELDS, words, strict=False):
        code = set_keyword(code, index, keyword, word)
    return set_keyword(code, index, "bbox", None if box_of(*words) == box else box)


def add_region(code: str, region: Region) -> str:
    """`code` with one more call after the last, in the program's own indentation and under its own variable."""
    reading, newline = read_program(code), _newline(code)
    spans = [*reading.spans, *([reading.global_span] if reading.global_span else [])]
    if not spans:
        start = code.rstrip() or "canvas = Canvas()"
        return f"{start}{newline}{newline}{region_code(region, newline=newline)}{newline}"
    first, last = max(spans)
    if beside := _COMMENT_BESIDE.match(code, last):
        last = beside.end()
    written = region_code(region, _variable(code, first), _indent(code, first), newline)
    return f"{code[:last]}{newline}{newline}{written}{code[last:]}"


def delete_region(code: str, index: int) -> str:
    """`code` without the call of region `index`, the comment lines right above it and the blank lines after it."""
    pieces, gaps = _pieces(code, index)
    before, after = gaps[index], gaps[index + 1]
    if index < len(pieces) - 1:
        gap = before + after[_GAP_AFTER.match(after).end() :]  # type: ignore[union-attr]
    else:
        gap = before.rstrip("; \t\r\n") + after if before.strip() or index else before + after.lstrip()
    return _woven(pieces[:index] + pieces[index + 1 :], [*gaps[:index], gap, *gaps[index + 2 :]])


def move_region(code: str, index: int, to: int) -> str:
    """`code` with region `index` written at place `to` among the regions; what stands between the calls stays."""
    pieces, gaps = _pieces(code, index)
    if not 0 <= to < len(pieces):
        raise CanvasError(f"There is no place {to} among {len(pieces)} regions; places count from 0.")
    pieces.insert(to, pieces.pop(index))
    return _woven(pieces, gaps)


def _span(reading: Reading, index: int | None) -> tuple[int, int]:
    if index is None:
        if reading.global_span is None:
            raise CanvasError("The program has no set_global_description; add one first.", reading.notes)
        return reading.global_span
    if not 0 <= index < len(reading.spans):
        raise CanvasError(
            f"There is no region {index}; the program has {len(reading.spans)}, counted from 0.", reading.notes
        )
    return reading.spans[index]


def _arguments(reading: Reading, index: int | None) -> dict[str, Writable] | None:
    """The values of one call of a reading, None where it has no such call."""
    if reading.canvas is None:
        return None
    if index is None:
        return global_arguments(reading.canvas)
    return region_arguments(reading.canvas.regions[index]) if index < len(reading.canvas.regions) else None


def _changed(reading: Reading, index: int | None, keyword: str, value: object) -> dict[str, Writable]:
    """The values that the call has after the change, checked by the canvas itself."""
    assert reading.canvas is not None  # it has the span, so it has the canvas
    given: Any = value
    if index is not None:
        if value is None and keyword in ("name", "negative"):
            given = ""
        return region_arguments(replace(reading.canvas.regions[index], **{keyword: given}))
    whole: dict[str, Any] = {**global_arguments(reading.canvas), keyword: given}
    canvas = Canvas()
    canvas.set_global_description(**whole)
    return global_arguments(canvas)


def _edited(text: str, keyword: str, value: Writable | None, fields: Sequence[str], newline: str) -> str | None:
    """The text of one call with `keyword` set to `value`, or without it; None where Python refuses the call."""
    places = _places(text, fields)
    if not places:
        return None
    found = [place for place in places if place.field == keyword]
    if found and value is not None:
        place = found[-1]
        return text[: place.value] + literal(value, _indent(text, place.start), newline) + text[place.end :]
    if found:
        return _without(text, found[-1])
    return text if value is None else _with(text, places[-1], f"{keyword}=", value, newline)


def _places(text: str, fields: Sequence[str]) -> list[_Place] | None:
    head = CALL.match(text)
    start = head.start("variable") if head and head["variable"] else head.start("method") if head else 0
    found = python_call(text[start:])
    if found is None:
        return None
    node, lines = found
    begins = [start]
    for line in lines:
        begins.append(begins[-1] + len(line) + 1)

    def at(line: int, column: int) -> int:
        return begins[line - 1] + characters(lines[line - 1], column)

    def place(field: str | None, begin: ast.expr | ast.keyword, value: ast.expr) -> _Place:
        end = at(value.end_lineno or value.lineno, value.end_col_offset or 0)
        return _Place(field, at(begin.lineno, begin.col_offset), at(value.lineno, value.col_offset), end)

    positional = [place(field, arg, arg) for field, arg in zip(fields, node.args, strict=False)]
    return positional + [place(k.arg and field_named(k.arg, fields), k, k.value) for k in node.keywords]


def _without(text: str, place: _Place) -> str:
    """The call without one argument: with its line where it has its own, else with the comma before it."""
    after = re.compile(r"[ \t]*,?").match(text, place.end)
    end = after.end() if after else place.end
    line = text.rfind("\n", 0, place.start) + 1
    rest = re.compile(r"[ \t]*(?:\r?\n)").match(text, end)
    if rest and not text[line : place.start].strip():
        return text[:line] + text[rest.end() :]
    return text[: place.start].rstrip(" \t,") + text[place.end :]


def _with(text: str, last: _Place, name: str, value: Writable, newline: str) -> str:
    """The call with one argument more, on its own line where the last one has its own."""
    comma = re.compile(r"\s*,").match(text, last.end)
    end = comma.end() if comma else last.end
    indent = _indent(text, last.start)
    if "\n" not in text[: last.start] or text[text.rfind("\n", 0, last.start) + 1 : last.start].strip():
        return f"{text[:end]}{' ' if comma else ', '}{name}{literal(value, indent, newline)}{text[end:]}"
    beside = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?=\r?\n|\Z)").match(text, end)
    line_end = beside.end() if beside and comma else end
    written = f"{newline}{indent}{name}{literal(value, indent, newline)}"
    return f"{text[:line_end]}{'' if comma else ','}{written}{',' if comma else ''}{text[line_end:]}"


def _anew(code: str, start: int, arguments: Mapping[str, Writable]) -> str:
    """The whole call written again, for one that cannot be edited in place."""
    method = "add_local_description" if "location" in arguments else "set_global_description"
    indent = _indent(code, start)
    return call(_variable(code, start), method, arguments, indent, _newline(code)).removeprefix(indent)


def _pieces(code: str, index: int) -> tuple[list[str], list[str]]:
    """The calls of the regions with the comments that belong to them, and the text before, between and after them."""
    reading = read_program(code)
    _span(reading, index)
    pieces, gaps, done = [], [], 0
    for start, end in reading.spans:
        above = _COMMENTS_ABOVE.search(code, done, start)
        first = above.start() if above and (done == 0 or code[above.start() - 1] == "\n") else start
        beside = _COMMENT_BESIDE.match(code, end)
        last = beside.end() if beside else end
        gaps.append(code[done:first])
        pieces.append(code[first:last])
        done = last
    return pieces, [*gaps, code[done:]]


def _woven(pieces: Sequence[str], gaps: Sequence[str]) -> str:
    return "".join(gap + piece for gap, piece in zip(gaps, [*pieces, ""], strict=True))


def _indent(text: str, at: int) -> str:
    """The white space that the line of character `at` begins with."""
    begin = text.rfind("\n", 0, at) + 1
    return text[begin : begin + len(text[begin:at]) - len(text[begin:at].lstrip(" \t"))]


def _variable(code: str, start: int) -> str:
    head = CALL.match(code, start)
    return (head["variable"] if head else None) or "canvas"


def _newline(code: str) -> str:
    return "\r\n" if "\r\n" in code else "\n"
