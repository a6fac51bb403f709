"""Canvases in and out of JSON. Knows no Python programs."""

from __future__ import annotations

import json
from typing import Any

from lib_omost.canvas.canvas import Canvas, global_arguments, region_arguments
from lib_omost.errors import CanvasError

FORMAT, VERSION = "omost-canvas", 1


def to_data(canvas: Canvas) -> dict[str, Any]:
    """`canvas` as plain data, ready for JSON."""
    regions = [region_arguments(region) for region in canvas.regions]
    return {"format": FORMAT, "version": VERSION, "global": global_arguments(canvas), "regions": regions}


def to_json(canvas: Canvas) -> str:
    """Our own JSON: `format`, `version`, `global` and `regions`, the fields named as in the two calls."""
    return json.dumps(to_data(canvas), ensure_ascii=False, indent=2)


def from_json(text: str) -> Canvas:
    """The canvas of `to_json`. Raises `CanvasError` for any other text."""
    try:
        data = json.loads(text)
        canvas = Canvas()
        canvas.set_global_description(**data["global"])
        for region in data["regions"]:
            canvas.add_local_description(**region)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CanvasError(
            f"This is no canvas JSON of ours ({error}); it needs format, version, global and regions."
        ) from error
    return canvas
