"""Omost: a chat message becomes a canvas program, and the canvas becomes a picture.

    from lib_omost import Engine, RenderSettings, read_canvas

The names below are imported when they are first used, so that reading a canvas costs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib_omost._lazy import lazy_names
from lib_omost._version import __version__

if TYPE_CHECKING:
    from lib_omost.canvas import Canvas, CanvasReader, read_canvas
    from lib_omost.composer import ComposeSettings
    from lib_omost.renderer import RenderSettings
    from lib_omost.runtime import Engine

__all__ = ["Canvas", "CanvasReader", "ComposeSettings", "Engine", "RenderSettings", "__version__", "read_canvas"]

_ROOMS = {
    "Canvas": "canvas",
    "CanvasReader": "canvas",
    "read_canvas": "canvas",
    "ComposeSettings": "composer",
    "RenderSettings": "renderer",
    "Engine": "runtime",
}

__getattr__ = lazy_names(__name__, _ROOMS)
