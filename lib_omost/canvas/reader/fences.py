"""Finds the program in a reply, line by line: any fence or none, quotes, reasoning. Does not read what it finds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

#: A line that can only be a call of ours, or the line that makes the canvas.
CALL = re.compile(
    r"[ \t]*(?:[A-Za-z_]\w*[ \t]*=[ \t]*)?(?:(?P<variable>[A-Za-z_]\w*)[ \t]*\.[ \t]*)?"
    r"(?P<method>(?:set|add|create|define|make)_?(?:global|local|region|object|element)\w*)[ \t]*\(",
    re.IGNORECASE,
)
MAKE = re.compile(r"[ \t]*(?P<variable>[A-Za-z_]\w*)[ \t]*(?::[^=\n]{1,60})?=[ \t]*(?:[A-Za-z_]\w*\.)*Canvas[ \t]*\(")
_FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})[ \t]*(?P<language>[A-Za-z0-9_+.-]*)[ \t]*(?P<rest>[^\r\n]*)")
_QUOTED = re.compile(r"[ \t]*(?:>[ \t]?)+")
_THINK = re.compile(r"[ \t]*<(?:think|thinking|thought|reasoning|reflection)>", re.IGNORECASE)
_THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning|reflection)>", re.IGNORECASE)
_TEXT_OR_COMMENT = re.compile("['\"#]")
_SPECIAL = re.compile(r"[ \t]*(?:<\|[\w ]{1,40}\|>[ \t]*)+\r?\n?")
_PYTHON = {"python", "py", "python3", "py3", "python2", "ipython", "pycon", "canvas", "omost"}

Kind = Literal["code", "skipped", "end", "reset"]


@dataclass(frozen=True, slots=True)
class Fragment:
    """`code`: a line of the program, its first character at `column` of the reply's line. `skipped`: a line among the
    code that is none. `end`: the block is over. `reset`: whatever came before was reasoning.
    """

    kind: Kind
    text: str = ""
    column: int = 0


class Fences:
    """Where in the reply we are. `whole` takes all of a text as the program, as the code editor does."""

    def __init__(self, whole: bool = False) -> None:
        self._whole = whole
        self._mode: Literal["prose", "python", "other", "bare", "thinking"] = "python" if whole else "prose"
        self._quoted = False
        self._gap: list[Fragment] = []  # comments and blank lines that belong to the program if code follows
        self._in_other = False

    @property
    def reading(self) -> bool:
        """True while lines go to the program."""
        return self._mode in ("python", "bare")

    @property
    def plain(self) -> bool:
        """True while a line goes to the program as it stands."""
        return not self._quoted and (self._mode == "python" or self._mode == "bare")

    @property
    def gaps(self) -> bool:
        """True where a blank line may stand between two pieces of a program."""
        return self._mode == "bare" or bool(self._gap)

    @property
    def fenced(self) -> bool:
        """True inside a fence that is not closed yet."""
        return not self._whole and (self._mode in ("python", "other") or self._in_other)

    @property
    def thinking(self) -> bool:
        return self._mode == "thinking"

    def route(self, line: str, in_string: bool, in_statement: bool) -> list[Fragment]:
        """The fragments of one line; the program so far may end inside a triple-quoted string or a statement."""
        if self._mode == "thinking" or ("</" in line and not self._whole and not in_string):
            found = _THOUGHT.search(line)
            if found and (self._mode == "thinking" or not _TEXT_OR_COMMENT.search(line, 0, found.start())):
                self._mode, self._gap, self._in_other = "prose", [], False
                rest = line[found.end() :]
                return [Fragment("reset"), *(self.route(rest, False, False) if rest.strip() else [])]
            if self._mode == "thinking":
                return []
        if self._mode == "python":
            return self._in_python(line, in_string)
        if self._mode == "bare":
            return self._in_bare(line, in_string, in_statement)
        return self._in_prose(line)

    def _in_prose(self, line: str) -> list[Fragment]:
        if self._mode == "prose" and _THINK.match(line):
            self._mode = "thinking"
            return []
        quote = _QUOTED.match(line)
        column = quote.end() if quote else 0
        body = line[column:]
        if fence := _FENCE.match(body):
            return self._at_fence(fence, column)
        if CALL.match(body) or MAKE.match(body):
            self._in_other, self._mode, self._quoted = self._mode == "other", "bare", bool(quote)
            gap, self._gap = self._gap, []
            return [*gap, Fragment("code", body, column)]
        self._keep_gap(body, column)
        return []

    def _at_fence(self, fence: re.Match[str], column: int) -> list[Fragment]:
        """A fence line outside of a program opens a block, or closes one of another language."""
        language, rest = fence["language"].lower(), fence["rest"].strip()
        self._gap, self._quoted = [], column > 0
        if (self._mode == "other" or self._in_other) and not language and not rest:
            self._mode, self._in_other = "prose", False
            return []
        self._in_other = False
        if MAKE.match(rest) or CALL.match(rest):  # ```python canvas = Canvas()
            self._mode = "python"
            text, closed = _before_fence(rest)
            fragment = Fragment("code", text + "\n", column + fence.start("rest"))
            if closed:
                self._mode = "prose"
            return [fragment, Fragment("end")] if closed else [fragment]
        self._mode = "python" if language in _PYTHON else "other"
        return []

    def _in_python(self, line: str, in_string: bool) -> list[Fragment]:
        quote = _QUOTED.match(line) if self._quoted else None
        column = quote.end() if quote else 0
        body = line[column:]
        fence = _FENCE.match(body)
        if fence and not in_string:
            return self._close(fence, column, line)
        if _SPECIAL.fullmatch(body):
            return [Fragment("skipped", line)]
        if not in_string and not self._whole:
            text, closed = _before_fence(body.rstrip())
            if closed:
                self._mode = "prose"
                return [Fragment("code", text + "\n", column), Fragment("end")]
        return [Fragment("code", body, column)]

    def _close(self, fence: re.Match[str], column: int, line: str) -> list[Fragment]:
        if self._whole:
            return [Fragment("skipped", line), Fragment("end")]
        self._mode = "prose"
        opens = bool(fence["language"])
        return [Fragment("end"), *(self._at_fence(fence, column) if opens else [])]

    def _in_bare(self, line: str, in_string: bool, in_statement: bool) -> list[Fragment]:
        quote = _QUOTED.match(line) if self._quoted else None
        column = quote.end() if quote else 0
        body = line[column:]
        fence = _FENCE.match(body)
        if fence and not in_string:
            self._mode = "other" if self._in_other else "prose"
            return [Fragment("end"), *self._at_fence(fence, column)]
        if in_statement and _SPECIAL.fullmatch(body):
            return [Fragment("skipped", body)]
        if in_statement or CALL.match(body) or MAKE.match(body):
            gap, self._gap = self._gap, []
            return [*gap, Fragment("code", body, column)]
        if not self._keep_gap(body, column):
            self._mode = "other" if self._in_other else "prose"
            return [Fragment("end")]
        return []

    def _keep_gap(self, body: str, column: int) -> bool:
        """Remember a comment or, after one or inside a program, a blank line; forget all at the first line of prose."""
        text = body.strip()
        if text.startswith("#") or (not text and (self._gap or self._mode == "bare")):
            self._gap.append(Fragment("code", body, column))
            return True
        self._gap = []
        return not text


def _before_fence(line: str) -> tuple[str, bool]:
    """The line without a closing fence at its end, and whether it had one."""
    return (line[:-3].rstrip("`"), True) if line.endswith("```") else (line, False)
