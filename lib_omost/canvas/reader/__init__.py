"""Text, whole or as it streams, to a Canvas with notes. The text is data: nothing in it is run, called or looked up.

characters
   │  reader      lines, as they arrive (`CanvasReader`); the result (`Reading`, `Note`)
   ▼
fences            which lines are the program: any fence or none, quotes, reasoning
   ▼
splitter          lines to statements; gets going again after a broken one
   ▼
statements        a statement to a call with literal values, by `ast.parse` (never run);
   │  salvage     where Python refuses it, by a tolerant reader of strings, names and numbers (`strings`)
   ▼
arguments         argument names to fields; `fields`: their values to a Region, within bounds, changes noted
   ▼
program           the calls to canvases; the newest whole one wins
json_text         where there is no program: JSON in any of the usual shapes
"""

from lib_omost.canvas.reader.fields import GlobalDescription
from lib_omost.canvas.reader.json_text import canvas_of_json
from lib_omost.canvas.reader.notes import MAX_CHARACTERS, MAX_REGIONS, MAX_TEXT, Note
from lib_omost.canvas.reader.program import Finished, Started
from lib_omost.canvas.reader.reader import CanvasReader, canvas_of, read_canvas, read_program
from lib_omost.canvas.reader.reading import Reading, Span, report

__all__ = [
    "MAX_CHARACTERS",
    "MAX_REGIONS",
    "MAX_TEXT",
    "CanvasReader",
    "Finished",
    "GlobalDescription",
    "Note",
    "Reading",
    "Span",
    "Started",
    "canvas_of",
    "canvas_of_json",
    "read_canvas",
    "read_program",
    "report",
]
