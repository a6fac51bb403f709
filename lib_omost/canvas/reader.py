"""Text, whole or as it streams, to a Canvas with notes. The text is data: nothing in it is run, called or looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from lib_omost.canvas.canvas import DEFAULT_COLOR, Canvas, Region
from lib_omost.canvas.fences import CALL, Fences, Piece
from lib_omost.canvas.fields import GlobalDescription, read_global, read_local, read_place
from lib_omost.canvas.notes import MAX_REGIONS, MAX_STATEMENTS, MAX_TEXT, Level, Note, Notes
from lib_omost.canvas.salvage import Argument, read_arguments
from lib_omost.canvas.splitter import Splitter, Statement
from lib_omost.canvas.statements import Call, Ignored, NewCanvas, parse
from lib_omost.canvas.vocabulary import TAUGHT_FIELDS, Box
from lib_omost.errors import CanvasError

Status = Literal["accept", "repair", "reject"]
_LINE_END = re.compile(r"\r\n|\n|\r")
#: What ends a word or a box that places a region.
_PLACE_MAY_END = re.compile(r"['\"\])”’,\n]")
#: How much of an unfinished call is searched for its place.
_HEAD = 2000


@dataclass(frozen=True, slots=True)
class Started:
    """`canvas = Canvas()`: what came before it belongs to another canvas."""


Finished = Started | GlobalDescription | Region


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says. `status` is `accept`, `repair` where notes say what was guessed or left out, `reject` without a canvas.

    `code` is the program found in the text, without its fence; `spans` are the characters of each region's call in it.
    """

    status: Status
    canvas: Canvas | None
    notes: tuple[Note, ...]
    code: str
    spans: tuple[tuple[int, int], ...]

    @property
    def summary(self) -> str:
        """One line for a person, such as '5 regions, 2 repairs'."""
        if self.canvas is None:
            return next((n.message for n in self.notes if n.level == "error"), "No canvas found.")
        count, repairs = len(self.canvas.regions), sum(note.level != "info" for note in self.notes)
        text = "1 region" if count == 1 else f"{count} regions"
        return text + (f", {repairs} repair{'s' if repairs > 1 else ''}" if repairs else "")


def read_canvas(text: str, strict: bool = False) -> Reading:
    """Read a reply, or a program, that may be broken in any way. `strict` refuses what a tolerant reading would repair.

    A strict reading takes the whole text as the program, as a code editor holds it. Raises nothing for any text.
    """
    reader = CanvasReader(whole=strict)
    reader.feed(text)
    reading = reader.close()
    if strict and any(note.level != "info" for note in reading.notes):
        return Reading("reject", None, reading.notes, reading.code, reading.spans)
    return reading


def canvas_of(text: str) -> Canvas:
    """The canvas of a reply. Raises `CanvasError` with the notes where there is none."""
    reading = read_canvas(text)
    if reading.canvas is None:
        raise CanvasError(f"{reading.summary} Ask again, or write the canvas yourself.", reading.notes)
    return reading.canvas


def report(reading: Reading) -> dict[str, Any]:
    """A reading as plain data for JSON: status, canvas (as `Canvas.to_json` has it, or None) and notes."""
    from lib_omost.canvas import exchange  # reads canvases out of JSON, so it stands above this file

    notes = [
        {"level": n.level, "code": n.code, "line": n.line, "column": n.column, "message": n.message}
        for n in reading.notes
    ]
    canvas = None if reading.canvas is None else exchange.to_data(reading.canvas)
    return {"status": reading.status, "summary": reading.summary, "canvas": canvas, "notes": notes}


@dataclass(slots=True)
class _Program:
    """One canvas of the reply while it is read: a reply may hold several."""

    start: int
    end: int = 0
    whole: GlobalDescription | None = None
    regions: list[Region] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)
    finished: bool = True

    @property
    def holds_something(self) -> bool:
        return self.whole is not None or bool(self.regions)

    def canvas(self) -> Canvas | None:
        if not self.holds_something:
            return None
        if self.whole is None:
            return Canvas(regions=tuple(self.regions))
        whole = self.whole
        return Canvas(
            whole.description, whole.detailed_descriptions, whole.tags, whole.HTML_web_color_name, tuple(self.regions)
        )


class CanvasReader:
    """Reads a reply as it streams, each character once.

    `feed` returns what a chunk finished, `canvas` is what is finished so far, `pending` the box of the region being written.
    """

    def __init__(self, whole: bool = False) -> None:
        self._whole = whole
        self._lines: list[str] = []
        self._partial: list[str] = []  # the line that has not ended yet
        self._held = False  # it ends with "\r", whose "\n" may be in the next chunk
        self._size = 0
        self._number = 0  # of lines so far
        self._fences, self._splitter = Fences(whole), Splitter()
        self._code: list[str] = []
        self._code_size = 0
        self._block_start = 0
        self._statements = 0
        self._notes = Notes()
        self._programs = [_Program(0)]
        self._events: list[Finished] = []
        self._pending: tuple[int, int, Box | None] = (-1, 0, None)
        self._reading: Reading | None = None

    @property
    def text(self) -> str:
        """All that was fed, up to the bound."""
        return "".join(self._lines) + "".join(self._partial)

    @property
    def canvas(self) -> Canvas | None:
        """The canvas of what is finished so far, None before anything is."""
        return self._programs[-1].canvas()

    @property
    def pending(self) -> Box | None:
        """The box of the region that is being written, known as soon as its place is read."""
        at, length, box = self._pending
        open_call = self._splitter.in_statement
        offset = self._splitter.offset if open_call else self._code_size
        if at == offset and open_call and (box is not None or length >= _HEAD):
            return box
        head = (self._splitter.head if open_call else "") + "".join(self._partial[:_HEAD])
        seen = length if at == offset else 0
        if _PLACE_MAY_END.search(head, seen):
            box = _place(head[:_HEAD])
        elif at != offset:
            box = None
        self._pending = offset, len(head), box
        return box

    def feed(self, chunk: str) -> list[Finished]:
        """Take the next piece of text; returns the regions (and the like) that it finished."""
        self._size += len(chunk)
        if self._size > MAX_TEXT:
            chunk = self._cut(chunk)
        self._partial.append(chunk)
        if "\n" not in chunk and "\r" not in chunk and not self._held:
            return []
        self._take_lines()
        events, self._events = self._events, []
        return events

    def close(self) -> Reading:
        """The text is over: the result."""
        if self._reading is None:
            if line := "".join(self._partial):
                self._partial = []
                self._line(line)
            self._end_block(cut=self._fences.fenced or self._fences.reading)
            self._reading = self._finish()
        return self._reading

    def _cut(self, chunk: str) -> str:
        before = self._size - len(chunk)
        if before <= MAX_TEXT:
            message = f"The text is longer than {MAX_TEXT} characters; the rest is not read."
            self._notes.add("error", "bound", self._number + 1, 1, message)
        return chunk[: max(0, MAX_TEXT - before)]

    def _take_lines(self) -> None:
        text = "".join(self._partial)
        if "\r" not in text:
            *lines, rest = text.split("\n")
            for line in lines:
                self._line(line + "\n")
            self._partial = [rest]
            return
        start = 0
        self._held = text.endswith("\r")
        for end in _LINE_END.finditer(text, 0, len(text) - self._held):
            self._line(text[start : end.end()])
            start = end.end()
        self._partial = [text[start:]]

    def _line(self, line: str) -> None:
        self._number += 1
        self._lines.append(line)
        if self._fences.plain and self._splitter.push_plain(line):
            self._code.append(line)
            self._code_size += len(line)
            return
        for piece in self._fences.route(line, self._splitter.in_string, self._splitter.in_statement):
            self._piece(piece)

    def _piece(self, piece: Piece) -> None:
        if piece.kind == "end":
            self._end_block(cut=False)
        elif piece.kind == "reset":
            self._splitter.flush("cut")
            self._restart(self._code_size)
        else:
            offset = self._code_size
            self._code.append(piece.text)
            self._code_size += len(piece.text)
            if piece.kind == "code":
                for statement in self._splitter.push(piece.text, offset, self._number, piece.column):
                    self._statement(statement)

    def _end_block(self, cut: bool) -> None:
        for statement in self._splitter.flush("cut" if cut else "broken"):
            self._statement(statement)
        self._block_start = self._code_size

    def _restart(self, start: int) -> None:
        self._programs[-1].end = start
        self._programs.append(_Program(start))
        self._events.append(Started())

    def _statement(self, statement: Statement) -> None:
        self._statements += 1
        if self._statements > MAX_STATEMENTS:
            if self._statements == MAX_STATEMENTS + 1:
                message = f"More than {MAX_STATEMENTS} statements; the rest is not read."
                self._notes.add("error", "bound", statement.line, statement.column, message)
            return
        said = parse(statement)
        if isinstance(said, NewCanvas):
            self._new_canvas(statement)
        elif isinstance(said, Ignored):
            if said.message:
                self._note(said.level, said.code, statement, None, said.message)
        else:
            self._call(statement, said)

    def _new_canvas(self, statement: Statement) -> None:
        program = self._programs[-1]
        if program.holds_something:
            first_of_block = not any(start >= self._block_start for start, _ in program.spans)
            self._restart(
                self._block_start if first_of_block and self._block_start > program.start else statement.offset
            )
        else:
            self._events.append(Started())

    def _call(self, statement: Statement, call: Call) -> None:
        program = self._programs[-1]
        if not self._finished_enough(statement, call):
            return

        def say(level: Level, code: str, argument: Argument | None, message: str) -> None:
            self._note(level, code, statement, argument, message)

        if call.repaired:
            say("repair", "syntax", None, f"{call.written} is not correct Python; what could be made out was kept.")
        if call.written not in ("set_global_description", "add_local_description"):
            meant = "set_global_description" if call.method == "global" else "add_local_description"
            say("repair", "method", None, f"{call.written} is read as {meant}.")
        if call.method == "global":
            if program.whole is not None:
                say("repair", "doubled", None, "The global description is given twice; the second one counts.")
            program.whole = read_global(call.arguments, say)
            self._events.append(program.whole)
        elif len(program.regions) >= MAX_REGIONS:
            say("error", "bound", None, f"More than {MAX_REGIONS} regions; this one was left out.")
        else:
            color = program.whole.HTML_web_color_name if program.whole else DEFAULT_COLOR
            region = read_local(call.arguments, say, color)
            program.regions.append(region)
            program.spans.append((statement.offset, statement.offset + len(statement.text)))
            self._events.append(region)

    def _finished_enough(self, statement: Statement, call: Call) -> bool:
        """False, with a note, for a call without arguments and for one in which the text ended before its last argument."""
        if not call.arguments:
            self._note("error", "empty", statement, None, f"{call.written} has no arguments; it was left out.")
            return False
        if statement.state != "cut" or not call.repaired:
            return True
        closed = {argument.name for argument in call.arguments if argument.closed}
        wanted = TAUGHT_FIELDS if call.method == "local" else ("description", "HTML_web_color_name")
        if closed.issuperset(wanted):
            return True
        self._programs[-1].finished = False
        what = f"region {len(self._programs[-1].regions) + 1}" if call.method == "local" else "the global description"
        message = f"The text ends in the middle of {what}; it was left out. Let the model go on, or finish it by hand."
        self._note("error", "truncated", statement, None, message)
        return False

    def _note(self, level: Level, code: str, at: Statement, argument: Argument | None, message: str) -> None:
        line, column = at.line, at.column
        if argument is not None:
            line = at.line + argument.line - 1
            column = argument.column + (at.column if argument.line == 1 else at.margin + 1)
        self._programs[-1].notes.add(level, code, line, column, message)

    def _finish(self) -> Reading:
        program = self._winner()
        canvas = program.canvas()
        if canvas is None:
            return self._without_program()
        if program.whole is None:
            message = "No global description; what the regions say stands for the whole canvas."
            program.notes.add("repair", "missing", 1, 1, message)
        if self._fences.fenced:
            message = "The code block is not closed; the text may have been cut."
            program.notes.add("repair", "fence", self._number, 1, message)
        notes = _merged(self._notes, program.notes)
        start, end = (0, self._code_size) if self._whole else (program.start, program.end or self._code_size)
        code = "".join(self._code)[start:end]
        spans = tuple((first - start, last - start) for first, last in program.spans)
        status: Status = "accept" if all(note.level == "info" for note in notes) else "repair"
        return Reading(status, canvas, notes, code if self._whole else code.rstrip(), spans)

    def _winner(self) -> _Program:
        """The last canvas that is complete, else the last that holds anything."""
        filled = [program for program in self._programs if program.holds_something]
        complete = [program for program in filled if program.finished]
        winner = (complete or filled or self._programs)[-1]
        if len(filled) > 1:
            message = f"The text holds {len(filled)} canvases; the last complete one is read."
            self._notes.add("repair", "several", 1, 1, message)
        return winner

    def _without_program(self) -> Reading:
        notes = _merged(self._notes, *(program.notes for program in self._programs))
        if not notes:
            notes = (Note("error", "none", 1, 1, self._why_none()),)
        return Reading("reject", None, notes, "", ())

    def _why_none(self) -> str:
        if not self.text.strip():
            return "The reply is empty."
        if self._fences.thinking:
            return "The text ends while the model was still reasoning; there is no canvas yet."
        return "There is no canvas in the text, only words."


def _place(head: str) -> Box | None:
    call = CALL.match(head)
    if call is None or "global" in call["method"].lower():
        return None
    return read_place(list(read_arguments(head, call.end())))


def _merged(*groups: Notes) -> tuple[Note, ...]:
    return tuple(sorted((note for group in groups for note in group.sorted()), key=lambda n: (n.line, n.column)))
