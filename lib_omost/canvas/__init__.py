"""The language that a model writes a picture in: words, boxes, the Canvas value, its reader and its writer."""

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.fields import GlobalDescription
from lib_omost.canvas.notes import Note
from lib_omost.canvas.program import Finished, Started
from lib_omost.canvas.reader import CanvasReader, Reading, read_canvas, report
from lib_omost.canvas.vocabulary import AREAS, GRID, LOCATIONS, OFFSETS, Box, box_of, snap

__all__ = [
    "AREAS",
    "GRID",
    "LOCATIONS",
    "OFFSETS",
    "Box",
    "Canvas",
    "CanvasReader",
    "Finished",
    "GlobalDescription",
    "Note",
    "Reading",
    "Region",
    "Started",
    "box_of",
    "read_canvas",
    "report",
    "snap",
]
