"""What all readers of foreign formats share: data to a canvas, or the reason why there is none."""

from __future__ import annotations

from typing import Any

from lib_omost.canvas.canvas import Canvas
from lib_omost.canvas.reader.json_text import read_data
from lib_omost.canvas.reader.notes import Notes
from lib_omost.errors import CanvasError


def canvas_in(data: Any, wanted: str) -> Canvas:
    """The canvas that `data` describes. Raises `CanvasError`, which says that it is not what was `wanted`."""
    notes = Notes()
    canvas = None if data is None else read_data(data, notes, 1)
    if canvas is None:
        raise CanvasError(f"This is no {wanted}.", notes.sorted())
    return canvas
