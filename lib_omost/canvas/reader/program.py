"""Statements, one after the other, to canvases with notes. Knows nothing of fences and of how text arrives."""

from __future__ import annotations

from dataclasses import dataclass, field

from lib_omost.canvas.canvas import DEFAULT_COLOR, Canvas, Region
from lib_omost.canvas.reader.fields import GlobalDescription, read_global, read_local
from lib_omost.canvas.reader.notes import MAX_REGIONS, MAX_STATEMENTS, Level, Notes
from lib_omost.canvas.reader.reading import Span
from lib_omost.canvas.reader.salvage import Argument
from lib_omost.canvas.reader.splitter import Statement
from lib_omost.canvas.reader.statements import Call, NewCanvas, parse
from lib_omost.canvas.vocabulary import OMITTABLE_FIELDS, TAUGHT_FIELDS

MAX_FIXES = 6  # notes on the writing of one call


@dataclass(frozen=True, slots=True)
class Started:
    """`canvas = Canvas()`: what came before it belongs to another canvas."""


Finished = Started | GlobalDescription | Region


@dataclass(slots=True)
class Program:
    """One canvas of the text while it is read, from character `start` of the code on; a text may hold several."""

    start: int
    end: int | None = None
    whole: GlobalDescription | None = None
    whole_span: Span | None = None
    regions: list[Region] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)
    finished: bool = True

    @property
    def empty(self) -> bool:
        return self.whole is None and not self.regions

    def canvas(self) -> Canvas | None:
        """The canvas so far, None before it holds anything."""
        if self.empty:
            return None
        canvas = Canvas(regions=tuple(self.regions))
        if self.whole is not None:
            canvas.global_description = self.whole.description
            canvas.detailed_descriptions = self.whole.detailed_descriptions
            canvas.tags = self.whole.tags
            canvas.HTML_web_color_name = self.whole.HTML_web_color_name
            canvas.locked = self.whole.locked
        return canvas


class Programs:
    """The canvases of a text, in the order in which they begin."""

    def __init__(self) -> None:
        self.all = [Program(0)]
        self._block_start = 0
        self._statements = 0
        self._events: list[Finished] = []

    @property
    def full(self) -> bool:
        """True after the last statement that is read."""
        return self._statements > MAX_STATEMENTS

    @property
    def current(self) -> Program:
        return self.all[-1]

    def take_events(self) -> list[Finished]:
        """What the statements since the last call finished."""
        events, self._events = self._events, []
        return events

    def begin_block(self, offset: int) -> None:
        """A block of code ended; the next one begins at `offset` of the code."""
        self._block_start = offset

    def restart(self, offset: int) -> None:
        """Another canvas begins at `offset` of the code."""
        self.current.end = offset
        self.all.append(Program(offset))
        self._events.append(Started())

    def winner(self) -> Program:
        """The last canvas that is complete, else the last that holds anything."""
        filled = [program for program in self.all if not program.empty]
        complete = [program for program in filled if program.finished]
        winner = (complete or filled or self.all)[-1]
        if len(filled) > 1:
            which = "last" if winner is filled[-1] else "last complete"
            winner.notes.add(
                "repair", "several", 1, 1, f"The text holds {len(filled)} canvases; the {which} one is read."
            )
        return winner

    def add(self, statement: Statement) -> None:
        """Read one statement more."""
        self._statements += 1
        if self._statements > MAX_STATEMENTS:
            if self._statements == MAX_STATEMENTS + 1:
                self._note("error", "bound", statement, f"More than {MAX_STATEMENTS} statements; the rest is not read.")
            return
        said = parse(statement)
        if isinstance(said, NewCanvas):
            self._new_canvas(statement)
        elif isinstance(said, Call):
            self._call(statement, said)
        elif said.message:
            self._note(said.level, said.code, statement, said.message)

    def _new_canvas(self, statement: Statement) -> None:
        program = self.current
        if program.empty:
            self._events.append(Started())
            return
        last = max(span[0] for span in (*program.spans, program.whole_span) if span)
        opens_block = last < self._block_start  # then its comments and imports belong to the new canvas too
        self.restart(self._block_start if opens_block else statement.offset)

    def _call(self, statement: Statement, call: Call) -> None:
        if not self._ended(statement, call):
            return
        program, span = self.current, (statement.offset, statement.offset + len(statement.text))

        def report(level: Level, code: str, argument: Argument | None, message: str) -> None:
            self._note(level, code, statement, message, argument)

        self._say_repairs(statement, call)
        if call.method == "global":
            if program.whole is not None:
                report("repair", "doubled", None, "The global description is given twice; the second one counts.")
            program.whole, program.whole_span = read_global(call.arguments, report), span
            self._events.append(program.whole)
        elif len(program.regions) >= MAX_REGIONS:
            report("error", "bound", None, f"More than {MAX_REGIONS} regions; this one was left out.")
        else:
            color = program.whole.HTML_web_color_name if program.whole else DEFAULT_COLOR
            region = read_local(call.arguments, report, color)
            if call.repaired and not (region.description or region.detailed_descriptions or region.tags or region.text):
                report(
                    "error", "empty", None, f"{call.written} describes nothing; it was left out. Give it a description."
                )
                return
            program.regions.append(region)
            program.spans.append(span)
            self._events.append(region)

    def _say_repairs(self, statement: Statement, call: Call) -> None:
        for fix in call.fixes[:MAX_FIXES]:
            place = Argument(None, None, fix.line, fix.column)
            self._note("repair", "syntax", statement, f"Not correct Python: {fix.message}.", place)
        if call.written not in ("set_global_description", "add_local_description"):
            meant = "set_global_description" if call.method == "global" else "add_local_description"
            self._note("repair", "method", statement, f"{call.written} is read as {meant}.")

    def _ended(self, statement: Statement, call: Call) -> bool:
        """False, with a note, for a call without arguments and for one in which the text ended."""
        fields = set(TAUGHT_FIELDS) if call.method == "local" else {"description", "HTML_web_color_name"}
        wanted = fields - OMITTABLE_FIELDS
        complete = {argument.name for argument in call.arguments}.issuperset(wanted)
        if statement.state == "cut" and not (complete and all(argument.closed for argument in call.arguments)):
            self.current.finished = False
            what = "the global description" if call.method == "global" else f"region {len(self.current.regions) + 1}"
            message = (
                f"The text ends in the middle of {what}; it was left out. Let the model go on, or finish it by hand."
            )
            self._note("error", "truncated", statement, message)
        elif not call.arguments:
            self._note(
                "error",
                "empty",
                statement,
                f"{call.written} describes nothing; it was left out. Give it a description.",
            )
        else:
            return True
        return False

    def _note(self, level: Level, code: str, at: Statement, message: str, argument: Argument | None = None) -> None:
        line, column = at.line, at.column
        if argument is not None:
            line = at.line + argument.line - 1
            column = argument.column + (at.column if argument.line == 1 else at.margin + 1)
        self.current.notes.add(level, code, line, column, message)
