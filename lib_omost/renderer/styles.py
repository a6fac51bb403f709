"""Named styles: words that a render adds to the description of the whole picture. Plain values, no torch."""

from __future__ import annotations

from dataclasses import replace

from lib_omost.canvas import Canvas

STYLES = {
    "as described": "",
    "photograph": "photograph, natural light, sharp focus",
    "oil painting": "oil painting, visible brush strokes, canvas texture",
    "watercolour": "watercolour, soft washes, paper texture",
    "ink drawing": "ink drawing, clean lines, hatching",
    "flat illustration": "flat illustration, simple shapes, clean colours",
    "film still": "film still, cinematic light, shallow depth of field",
}


def styled(canvas: Canvas, style: str) -> Canvas:
    """The canvas with the style's words among the tags of the whole picture; the canvas itself where it has none."""
    words = STYLES.get(style, "")
    return replace(canvas, tags=", ".join(part for part in (canvas.tags, words) if part)) if words else canvas
