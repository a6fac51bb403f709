"""Text, whole or as it streams, to a Canvas with notes. The text is data: nothing in it is run, called or looked up."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from lib_omost.canvas.canvas import Canvas
from lib_omost.canvas.reader.fences import CALL, Fences, Fragment
from lib_omost.canvas.reader.fields import read_place
from lib_omost.canvas.reader.json_text import find_json, read_data
from lib_omost.canvas.reader.notes import MAX_STATEMENT, MAX_TEXT, Note, Notes, merged
from lib_omost.canvas.reader.program import Finished, Programs
from lib_omost.canvas.reader.reading import Reading
from lib_omost.canvas.reader.salvage import read_arguments
from lib_omost.canvas.reader.splitter import Splitter
from lib_omost.canvas.vocabulary import Box
from lib_omost.errors import CanvasError

_LINE_END = re.compile(r"\r\n|\n|\r")
#: What ends a word or a box that places a region.
_PLACE_MAY_END = re.compile(r"['\"\])”’,\n]")
_PLACE = re.compile(r"area|box|rect|size")
#: How much of an unfinished call is searched for its place.
_HEAD = 800


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


class CanvasReader:
    """Reads a reply as it streams, each character once.

    `feed` returns what a chunk finished, `canvas` is what is finished so far, `pending` the box of the region that is
    being written.
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
        self._notes = Notes()
        self._programs = Programs()
        self._pending: tuple[int, int, Box | None] = (-1, 0, None)
        self._looked = 0  # how much had come when the pending box was asked for
        self._doubtful = False  # that the code found says by itself what was read
        self._reading: Reading | None = None

    @property
    def text(self) -> str:
        """All that was fed, up to the bound."""
        return "".join(self._lines) + "".join(self._partial)

    @property
    def canvas(self) -> Canvas | None:
        """The canvas of what is finished so far, None before anything is."""
        return self._programs.current.canvas()

    @property
    def pending(self) -> Box | None:
        """The box of the region that is being written, known as soon as its place is read."""
        at, length, box = self._pending
        open_call = self._splitter.in_statement
        call = self._splitter.offset if open_call else -self._number  # tells this call from all others
        last = self._partial[-1] if self._partial else ""
        only_last_is_new = self._size - self._looked == len(last)
        self._looked = self._size
        if at == call and only_last_is_new and not _PLACE_MAY_END.search(last):
            return box
        if at == call and open_call:
            late_box = box is not None and "bbox" in "".join(self._partial[-32:])
            if length >= _HEAD or (box is not None and not late_box):
                return box
        elif len(self._partial) > _HEAD:
            return None
        head = (self._splitter.head if open_call else "") + "".join(self._partial)
        if _PLACE_MAY_END.search(head, length if at == call else 0) and _PLACE.search(head):
            box = _place(head[:_HEAD])
        elif at != call:
            box = None
        self._pending = call, len(head), box
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
        return self._programs.take_events()

    def close(self) -> Reading:
        """The text is over: the result."""
        if self._reading is None:
            if line := "".join(self._partial):
                self._partial = []
                self._line(line)
            self._end_block("cut")
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
        if self._programs.full or (line.isspace() and self._skips_blank(line)):
            return
        if len(line) > MAX_STATEMENT:
            message = f"The line is longer than {MAX_STATEMENT} characters; the rest of it is not read."
            self._programs.current.notes.add("error", "bound", self._number, MAX_STATEMENT, message)
            self._doubtful = True
        for fragment in self._fences.route(line[:MAX_STATEMENT], self._splitter.in_string, self._splitter.in_statement):
            self._fragment(fragment)
        if self._whole and len(line) > MAX_STATEMENT:
            self._fragment(Fragment("skipped", line[MAX_STATEMENT:]))

    def _skips_blank(self, line: str) -> bool:
        """Take a blank line that stands outside of any statement; False where it may matter."""
        if self._splitter.in_statement:
            return False
        if self._fences.plain and not self._fences.gaps:
            self._code.append(line)
            self._code_size += len(line)
            return True
        return not self._fences.reading and not self._fences.gaps

    def _fragment(self, fragment: Fragment) -> None:
        if fragment.kind == "end":
            self._end_block("broken")
        elif fragment.kind == "reset":
            self._splitter.flush("cut")
            self._programs.restart(self._code_size)
        else:
            offset = self._code_size
            self._code.append(fragment.text)
            self._code_size += len(fragment.text)
            if fragment.kind == "code":
                for statement in self._splitter.push(fragment.text, offset, self._number, fragment.column):
                    self._programs.add(statement)

    def _end_block(self, state: Literal["broken", "cut"]) -> None:
        for statement in self._splitter.flush(state):
            self._doubtful = True
            self._programs.add(statement)
        self._programs.begin_block(self._code_size)

    def _finish(self) -> Reading:
        program = self._programs.winner()
        canvas = program.canvas()
        if canvas is None:
            return self._without_program()
        if program.whole is None:
            message = "There is no global description; the regions alone make the picture. Add set_global_description."
            program.notes.add("repair", "missing", 1, 1, message)
        if self._fences.fenced:
            message = "The code block is not closed; the text may have been cut."
            program.notes.add("repair", "fence", self._number, 1, message)
        notes = merged(self._notes, program.notes)
        start, end = (0, None) if self._whole else (program.start, program.end)
        code = "".join(self._code)[start:end]
        reading = Reading(
            "accept" if all(note.level == "info" for note in notes) else "repair",
            canvas,
            notes,
            code if self._whole else code.rstrip(),
            tuple((first - start, last - start) for first, last in program.spans),
            program.whole_span and (program.whole_span[0] - start, program.whole_span[1] - start),
        )
        doubtful = self._doubtful or self._programs.full or len(self._programs.all) > 1
        return _faithful(reading) if doubtful and not self._whole else reading

    def _without_program(self) -> Reading:
        """JSON may hold the canvas; else there is none."""
        text = self.text
        if found := find_json(text):
            data, line = found
            canvas = read_data(data, self._notes, line)
            if canvas is not None:
                self._notes.add("repair", "json", line, 1, "The canvas is written as JSON; it was turned into code.")
                return _rewritten(Reading("repair", canvas, self._notes.sorted(), "", ()))
        notes = merged(self._notes, *(program.notes for program in self._programs.all))
        if not any(note.level == "error" for note in notes):
            notes += (Note("error", "none", max(self._number, 1), 1, self._why_none()),)
        return Reading("reject", None, notes, "", ())

    def _why_none(self) -> str:
        if not self.text.strip():
            return "The reply is empty. Ask again."
        if self._fences.thinking:
            return "The text ends while the model was still reasoning. Let it go on, or ask again."
        return "There is no canvas in the text, only words. Ask for a picture, or write the canvas yourself."


def read_program(code: str) -> Reading:
    """A tolerant reading of `code` as a program from its first to its last character: every span is a place in it."""
    reader = CanvasReader(whole=True)
    reader.feed(code)
    return reader.close()


def _faithful(reading: Reading) -> Reading:
    """A reading whose code says by itself what the canvas says, written anew where that of a broken reply does not."""
    own = read_program(reading.code)
    return reading if own.canvas == reading.canvas and own.spans == reading.spans else _rewritten(reading)


def _rewritten(reading: Reading) -> Reading:
    assert reading.canvas is not None
    own = read_program(reading.canvas.to_code().rstrip())
    return replace(reading, code=own.code, spans=own.spans, global_span=own.global_span)


def _place(head: str) -> Box | None:
    call = CALL.match(head)
    if call is None or "global" in call["method"].lower():
        return None
    return read_place(read_arguments(head, call.end())[0])
