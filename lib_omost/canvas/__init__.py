"""The language that a model writes a picture in: words, boxes, the Canvas value, its reader and its writer."""

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.exchange import (
    from_comfy,
    from_fibo,
    from_flux,
    from_ideogram,
    to_comfy,
    to_fibo,
    to_flux,
    to_ideogram,
)
from lib_omost.canvas.follow import Followed, followed
from lib_omost.canvas.merge import (
    Change,
    Merge,
    as_far_as_written,
    differences,
    matched,
    merge,
    taken,
    undone,
    with_locked,
)
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
from lib_omost.canvas.requests import outside
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
    "Change",
    "Finished",
    "Followed",
    "GlobalDescription",
    "Merge",
    "Note",
    "Reading",
    "Region",
    "Started",
    "add_region",
    "as_far_as_written",
    "box_of",
    "color_png",
    "delete_region",
    "differences",
    "followed",
    "from_comfy",
    "from_fibo",
    "from_flux",
    "from_ideogram",
    "layout_svg",
    "mask_png",
    "matched",
    "merge",
    "move_region",
    "outside",
    "read_canvas",
    "read_program",
    "report",
    "set_box",
    "set_keyword",
    "snap",
    "taken",
    "to_comfy",
    "to_fibo",
    "to_flux",
    "to_ideogram",
    "undone",
    "with_locked",
]
