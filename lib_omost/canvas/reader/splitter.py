"""Cuts the program into statements as its lines arrive, and gets going again after a broken one. Reads no values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lib_omost.canvas.reader.fences import CALL, MAKE
from lib_omost.canvas.reader.notes import MAX_DEPTH, MAX_STATEMENT
from lib_omost.canvas.reader.strings import string_end

#: What matters for where a statement ends; a lone quote is a string that does not end on its line.
_TOKEN = re.compile(
    r"""[^'"()\[\]{}\#;\\]+
    |(?P<triple>'''|\"\"\")
    |'[^'\\\r\n]*(?:\\.[^'\\\r\n]*)*'|"[^"\\\r\n]*(?:\\.[^"\\\r\n]*)*"
    |(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comment>\#.*)|(?P<semicolon>;)|(?P<lone>['"])|(?P<backslash>\\\r?\n?$)|\\""",
    re.VERBOSE,
)
#: A line that leaves the brackets as they are: one argument or one item of a list, as the models write them.
_PLAIN = re.compile(
    r"""[ \t]*\r?\n|[ \t]+(?:[A-Za-z_]\w*[ \t]*=[ \t]*)?"""
    r"""(?:'[^'\\\r\n]*(?:\\.[^'\\\r\n]*)*'|"[^"\\\r\n]*(?:\\.[^"\\\r\n]*)*"|[-+\d.]+),?[ \t]*\r?\n"""
)
_TRIPLE_END = {
    "'''": re.compile(r"[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''", re.DOTALL),
    '"""': re.compile(r'[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""', re.DOTALL),
}
_REST = re.compile(r"[ \t]*(?:[;#].*)?\r?\n?$")
_OPENER = {")": "(", "]": "[", "}": "{"}

State = Literal["whole", "broken", "cut", "deep", "long"]


@dataclass(frozen=True, slots=True)
class Statement:
    """`text` at `offset` of the program and at `line`, `column` (from 1) of the reply; further lines begin at `margin`.

    `broken` ended where the next one began or has a stray bracket or quote, `cut` where the text ended; `deep` and
    `long` passed a bound.
    """

    text: str
    offset: int
    line: int
    column: int
    margin: int
    state: State


class Splitter:
    """The open statement and the brackets and quotes that keep it open."""

    def __init__(self) -> None:
        self._offset = self._line = self._column = self._margin = 0
        self._skipping = False
        self._clear()

    def _clear(self) -> None:
        self._parts: list[str] = []
        self._size = 0
        self._stack = ""
        self._quote = ""
        self._state: State = "whole"
        self._continued = False

    @property
    def in_string(self) -> bool:
        """True inside a triple-quoted string."""
        return bool(self._quote)

    @property
    def in_statement(self) -> bool:
        return bool(self._parts) or self._skipping

    @property
    def head(self) -> str:
        """The first lines of the open statement, enough to hold its place words."""
        return "".join(self._parts[:16])

    @property
    def offset(self) -> int:
        """Where in the program the open statement begins."""
        return self._offset

    def push(self, line: str, offset: int, number: int, column: int) -> list[Statement]:
        """The statements that this line of the program finishes."""
        done: list[Statement] = []
        if self.in_statement and "(" in line and (CALL.match(line) or MAKE.match(line)):
            done += self.flush("broken")
        if self._skipping:
            return done
        self._scan(line, offset, number, column, done)
        if self._parts and not (self._stack or self._quote or self._continued):
            done += self.flush("whole")
        elif self._state == "broken" and line.strip() in (")", ");"):
            done += self.flush("broken")
        elif self._size > MAX_STATEMENT:
            done += self.flush("long")
            self._skipping = True
        return done

    def push_plain(self, line: str) -> bool:
        """Take a line that needs no scan; False, and nothing is done, for every other line."""
        if self._skipping:
            return line.isspace()
        size = self._size + len(line)
        if not self._parts or self._quote or self._continued or size > MAX_STATEMENT or not _PLAIN.match(line):
            return False
        self._parts.append(line)
        self._size = size
        return True

    def flush(self, state: State) -> list[Statement]:
        """End the open statement here, if there is one."""
        self._skipping = False
        text = "".join(self._parts)
        if state == "whole" or self._state == "deep":
            state = self._state
        offset, line, column, margin = self._offset, self._line, self._column, self._margin
        self._clear()
        body = text.rstrip()
        return [Statement(body, offset, line, column, margin, state)] if body and body[0] != "#" else []

    def _begin(self, line: str, at: int, offset: int, number: int, column: int) -> int:
        """Open a statement at the first character that is not a space; returns where that is."""
        at += len(line) - at - len(line[at:].lstrip())
        self._offset, self._line, self._column, self._margin = offset + at, number, column + at + 1, column
        return at

    def _scan(self, line: str, offset: int, number: int, column: int, done: list[Statement]) -> None:
        start = 0
        if not self._parts:
            start = self._begin(line, 0, offset, number, column)
            if start == len(line) or line[start] == "#":
                return
        at, stack, self._continued = start, self._stack, False
        if self._quote:
            at = self._end_triple(line, at)
        while at < len(line):
            token = _TOKEN.match(line, at)
            if token is None:  # pragma: no cover  (every character is some token)
                break
            kind, at = token.lastgroup, token.end()
            if kind is None:
                continue
            if kind == "comment":
                if not self._stack:
                    self._take(line[start : token.start()])
                    return
                continue
            if kind == "triple":
                self._quote = token[0]
                at = self._end_triple(line, at)
            elif kind == "open":
                self._open(token[0])
            elif kind == "close" and not self._ends_early(token[0], line, at):
                self._close(token[0])
            elif kind == "backslash":
                self._continued = True
            elif kind in ("lone", "close"):
                self._stack, self._state = stack, "broken"
                self._scan_loosely(line, start)
                break
            elif not self._stack:  # a semicolon
                self._take(line[start : token.start()])
                done += self.flush("whole")
                start = at = self._begin(line, at, offset, number, column)
                stack = ""
        self._take(line[start:])

    def _take(self, text: str) -> None:
        if text.strip() or self._parts:
            self._parts.append(text)
            self._size += len(text)

    def _end_triple(self, line: str, at: int) -> int:
        if found := _TRIPLE_END[self._quote].match(line, at):
            self._quote = ""
            return found.end()
        return len(line)

    def _open(self, bracket: str) -> None:
        self._stack += bracket
        if len(self._stack) > MAX_DEPTH:
            self._state = "deep"
            self._stack = self._stack[:MAX_DEPTH]

    def _close(self, bracket: str) -> None:
        """Close up to the bracket that this one belongs to; one that belongs to none is left out of account."""
        at = self._stack.rfind(_OPENER[bracket])
        if at != len(self._stack) - 1 and self._state == "whole":
            self._state = "broken"
        if at >= 0:
            self._stack = self._stack[:at]

    def _ends_early(self, bracket: str, line: str, at: int) -> bool:
        """True for a bracket that would end the call amid a line: it stands in a text with a stray quote."""
        return self._stack.rfind(_OPENER[bracket]) == 0 and _REST.match(line, at) is None

    def _scan_loosely(self, line: str, at: int) -> None:
        """Count the brackets of a line with a stray quote; its strings end where the tolerant reader ends them."""
        while at < len(line):
            c = line[at]
            if c in "'\"":
                at = string_end(line, at).go
                continue
            if c in "([{":
                self._open(c)
            elif c in ")]}":
                self._close(c)
            elif c == "#":
                return
            at += 1
