"""The language that a model writes a picture in: words, boxes, the Canvas value, its reader and its writer."""

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.exchange import from_comfy, to_comfy, to_flux
from lib_omost.canvas.pictures import color_png, layout_svg, mask_png
from lib_omost.canvas.reader import (
    CanvasReader,
    Finished,
    GlobalDescription,
    Note,
    Reading,
    Started,
    read_canvas,
    read_program,
    report,
)
from lib_omost.canvas.vocabulary import AREAS, GRID, LOCATIONS, OFFSETS, Box, box_of, snap
from lib_omost.canvas.writer import add_region, delete_region, move_region, set_box, set_keyword

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
    "add_region",
    "box_of",
    "color_png",
    "delete_region",
    "from_comfy",
    "layout_svg",
    "mask_png",
    "move_region",
    "read_canvas",
    "read_program",
    "report",
    "set_box",
    "set_keyword",
    "snap",
    "to_comfy",
    "to_flux",
]
