"""The language that a model writes a picture in: words, boxes, the Canvas value, its reader and its writer. No models."""

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.vocabulary import AREAS, GRID, LOCATIONS, OFFSETS, Box, box_of, snap

__all__ = ["AREAS", "GRID", "LOCATIONS", "OFFSETS", "Box", "Canvas", "Region", "box_of", "snap"]
