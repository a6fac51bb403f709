"""Reads the arguments of a call that Python refuses: stray quotes, missing commas and brackets. Runs nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lib_omost.canvas.reader.notes import MAX_DEPTH, MAX_ITEMS
from lib_omost.canvas.reader.strings import NEXT_FIELD, QUOTES, string_end, unescape
from lib_omost.canvas.vocabulary import LOCAL_FIELDS

Value = str | int | float | bool | None | tuple["Value", ...]


@dataclass(frozen=True, slots=True)
class Unusable:
    """A value that is no plain text, number or list, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call, at `line` (from 1) and `column` (from 0) of it; `closed` unless the text ends in it."""

    name: str | None
    value: Value | Unusable
    line: int
    column: int
    closed: bool = True


@dataclass(frozen=True, slots=True)
class SyntaxFix:
    """What is wrong with the writing at `line` and `column` of a call, in words to act on."""

    line: int
    column: int
    message: str


F_STRING = "an f-string with fields is not run; write the text itself"
MAX_ARGUMENTS, MAX_FIXES = 40, 20  # of one call: no reader of notes reads more

_NAME = re.compile(r"['\"]?(?P<name>[A-Za-z_]\w{0,60})['\"]?[ \t]*(?:=(?!=)|:)[ \t]*\r?\n?[ \t]*")
_GAP = re.compile(r"(?:[\s,，;、]|#[^\n]*)*")
_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?=\s{0,99}(?:[,，;)\]}#]|\Z)|[ \t]*\r?\n)")
_WORD = re.compile(r"[^,，;)\]}\r\n#\"'“‘=]*")
_BARE = re.compile(r"[\w #%-]{1,80}")
#: Python 3.12 takes quotes inside the braces of an f-string, older ones do not; all must read the same.
_FIELDS_OPEN = re.compile(r"[rR]?[fF]")
_PREFIX = re.compile(r"[rRuUbBfF]{0,2}(?=['\"“”‘’`«„´])")
_CONSTANTS: dict[str, Value] = {"None": None, "null": None, "True": True, "true": True, "False": False, "false": False}


def read_arguments(text: str, at: int) -> tuple[list[Argument], list[SyntaxFix]]:
    """The arguments of the call whose opening parenthesis ends just before `at`, and what is wrong with them."""
    cursor = _Cursor(text, at)
    arguments = cursor.arguments()
    return arguments, [SyntaxFix(*cursor.position(where), message) for where, message in sorted(cursor.fixes)]


class _Cursor:
    """A place in the text of a call, which the methods move on, and the fixes seen on the way."""

    def __init__(self, text: str, at: int) -> None:
        self.text, self.at = text, at
        self.fixes: list[tuple[int, str]] = []
        self._line, self._line_start, self._seen = 1, 0, 0

    def position(self, at: int) -> tuple[int, int]:
        """(line from 1, column from 0); cheap as long as `at` goes forward."""
        if at < self._seen:
            self._line, self._line_start, self._seen = 1, 0, 0
        self._line += self.text.count("\n", self._seen, at)
        self._line_start = max(self._line_start, self.text.rfind("\n", self._seen, at) + 1)
        self._seen = at
        return self._line, at - self._line_start

    def skip(self, pattern: re.Pattern[str]) -> None:
        if found := pattern.match(self.text, self.at):
            self.at = found.end()

    @property
    def here(self) -> str:
        """The character at the cursor, "" at the end."""
        return self.text[self.at : self.at + 1]

    def fix(self, at: int, message: str) -> None:
        if len(self.fixes) < MAX_FIXES:
            self.fixes.append((at, message))

    def arguments(self) -> list[Argument]:
        found: list[Argument] = []
        self.skip(_GAP)
        while self.here not in ("", ")") and len(found) < MAX_ARGUMENTS:
            begin, named = self.at, _NAME.match(self.text, self.at)
            self.at = named.end() if named else self.at
            value, closed = self.value(1)
            found.append(Argument(named["name"] if named else None, value, *self.position(begin), closed))
            self._to_next()
        if not self.here:
            self.fix(len(self.text), "the closing parenthesis is missing")
        return found

    def _to_next(self) -> None:
        """On to the next argument, over the comma and over brackets that were closed twice."""
        end = self.at
        self.skip(_GAP)
        while self.here in ("]", "}"):
            self.fix(self.at, f"there is one {self.here} too many")
            self.at += 1
            end = self.at
            self.skip(_GAP)
        self._want_comma(end)

    def _want_comma(self, end: int) -> None:
        between = self.text[end : self.at]
        if self.here not in ("", ")", "]", "}") and "," not in between:
            self.fix(end, "this comma is not a Python one" if "，" in between else "a comma is missing")

    def value(self, depth: int) -> tuple[Value | Unusable, bool]:
        """What stands here, and whether it ends before the text does."""
        if not self.here:
            return Unusable("nothing follows the equals sign"), False
        if self.opens_string():
            begin = self.at
            content, closed = self._strings() if depth == 1 else self.string()
            if _FIELDS_OPEN.match(self.text, begin) and "{" in content:
                return Unusable(F_STRING), closed
            return content, closed
        if self.here in ("[", "(", "{"):
            return self._list(depth)
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            return float(number[0].replace("_", "")), self.at < len(self.text)
        return self._word()

    def opens_string(self) -> bool:
        found = _PREFIX.match(self.text, self.at)
        return found is not None and self.text[found.end() : found.end() + 1] in QUOTES

    def _strings(self) -> tuple[str, bool]:
        """A string and those that directly follow it."""
        content, closed = self.string()
        while closed:
            end = self.at
            self.skip(_SPACE)
            if not self.here or not self.opens_string() or _NAME.match(self.text, self.at):
                self.at = end
                break
            part, closed = self.string()
            content += part
        return content, closed

    def string(self) -> tuple[str, bool]:
        prefix = _PREFIX.match(self.text, self.at)
        start = prefix.end() if prefix else self.at
        if self.text[start] not in "'\"":
            self.fix(start, f"{self.text[start]} is not a Python quote; use ' or \"")
        ends = string_end(self.text, start)
        if ends.fix:
            self.fix(*ends.fix)
        self.at = ends.go
        width = 3 if self.text[start : start + 3] in ("'''", '"""') else 1
        content = self.text[start + width : ends.end]
        if not ends.closed or (ends.fix and ends.fix[0] == start):
            content = content.rstrip(" \t,")
        raw = prefix is not None and "r" in prefix[0].lower()
        return content if raw else unescape(content), ends.closed

    def _list(self, depth: int) -> tuple[Value | Unusable, bool]:
        opened = self.at
        self.at += 1
        if depth >= MAX_DEPTH:
            self.at = len(self.text)
            return Unusable("its brackets are nested too deep"), False
        items: list[Value] = []
        self.skip(_GAP)
        end = self.at
        while self.here and self.here not in "])}":
            named = _NAME.match(self.text, self.at)
            if named and named["name"] in LOCAL_FIELDS:
                self.fix(opened, "the closing bracket is missing")
                self.at = end
                return tuple(items), True
            if len(items) > MAX_ITEMS:
                self._to_next_field()
                return tuple(items), bool(self.here)
            fused = bool(items) and not self.text[end : self.at].strip()
            self._item(items, fused, depth)
            end = self.at
            self.skip(_GAP)
        if self.here == ")" and not self.text[self.at + 1 : self.at + 200].strip(" \t\r\n;"):
            self.fix(opened, "the closing bracket is missing")  # the parenthesis is the call's
        elif self.here:
            self.at += 1
        return tuple(items), bool(self.here) or self.at < len(self.text)

    def _item(self, items: list[Value], fused: bool, depth: int) -> None:
        """Add the item that stands here to `items`; `fused` where no comma stands before it."""
        begin = self.at
        value, _ = self.value(depth + 1)
        self.at = max(self.at, begin + 1)
        before = items[-1] if items else None
        if fused and isinstance(value, str) and isinstance(before, str) and spaced(before, value):
            items[-1] = before + value
            return
        if fused:
            self.fix(begin, "a comma is missing before this")
        if not isinstance(value, Unusable):
            items.append(value)

    def _word(self) -> tuple[Value | Unusable, bool]:
        begin = self.at
        self.skip(_WORD)
        word = self.text[begin : self.at].strip()
        if word in _CONSTANTS:
            return _CONSTANTS[word], self.at < len(self.text)
        if word and _BARE.fullmatch(word):
            self.fix(begin, "the quotes are missing")
            return word, self.at < len(self.text)
        self._to_next_field()
        return Unusable("it is no text in quotes, no number and no list"), bool(self.here)

    def _to_next_field(self) -> None:
        found = NEXT_FIELD.search(self.text, self.at)
        self.at = found.start() if found else len(self.text)


def spaced(before: str, after: str) -> bool:
    """True for two neighbouring strings with a space at the joint: a sentence that was split on purpose.

    Without that space it is a comma that is missing between two sentences.
    """
    return before[-1:].isspace() or after[:1].isspace()
