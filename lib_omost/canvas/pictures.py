"""Pictures of a canvas: its layout as SVG, its masks and its colours as PNG. Paints nothing with a model."""

from __future__ import annotations

import io
import unicodedata
from html import escape

from PIL import Image

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.colors import RGB, to_hex
from lib_omost.canvas.vocabulary import GRID, Box

_LABEL = 48  # characters of a label at most


def mask_png(region: Region, width: int = GRID, height: int = GRID) -> bytes:
    """The mask of `region` as an 8-bit grey PNG of `width` x `height` pixels, 255 inside its box."""
    mask = Image.fromarray((region.mask * 255).astype("uint8"))
    return _png(mask.resize((width, height), Image.Resampling.NEAREST))


def color_png(canvas: Canvas, width: int = GRID, height: int = GRID) -> bytes:
    """The colour image of `canvas` as an RGB PNG of `width` x `height` pixels."""
    return _png(Image.fromarray(canvas.color_image()).resize((width, height), Image.Resampling.NEAREST))


def layout_svg(canvas: Canvas | None, width: int, height: int, pending: Box | None = None) -> str:
    """The layout as a drawing of `width` x `height` pixels: boxes far to near with their names and depths.

    `pending` is the box of a region that is still being written; it is drawn dashed.
    """
    regions = canvas.layers() if canvas else []
    background = to_hex(canvas.color if canvas else (128, 128, 128))
    scale = width / GRID, height / GRID
    font = max(9.0, min(width, height) / 34)
    labels: list[_Rectangle] = []
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="{font:.1f}">',
        f"<title>{escape(_title(canvas))}</title>",
        f'<rect width="{width}" height="{height}" fill="{background}"/>',
        *(_box(region, scale) for region in regions),
        *(_label(region, (width, height), font, labels) for region in regions),
    ]
    if pending:
        x, y, w, h = _pixels(pending, scale)
        parts.append(
            f'<rect class="pending" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="#fff" '
            'fill-opacity="0.15" stroke="#fff" stroke-width="2" stroke-dasharray="6 4"/>'
        )
    return "\n".join([*parts, "</svg>"])


_Rectangle = tuple[float, float, float, float]  # x, y, width, height


def _pixels(box: Box, scale: tuple[float, float]) -> _Rectangle:
    return box.left * scale[0], box.top * scale[1], box.width * scale[0], box.height * scale[1]


def _box(region: Region, scale: tuple[float, float]) -> str:
    x, y, w, h = _pixels(region.box, scale)
    color = to_hex(region.color)
    return (
        f'<g class="region"><title>{escape(region.description)}</title>'
        f'<rect x="{x + 1:.1f}" y="{y + 1:.1f}" width="{max(w - 2, 1):.1f}" height="{max(h - 2, 1):.1f}" rx="2" '
        f'fill="{color}" fill-opacity="0.55" stroke="{_ink(region.color)}" stroke-width="1.5"/></g>'
    )


def _label(region: Region, picture: tuple[int, int], font: float, taken: list[_Rectangle]) -> str:
    """The name and depth of a region in the corner of its box, moved down while it would cover another label."""
    x, y, w, _ = _pixels(region.box, (picture[0] / GRID, picture[1] / GRID))
    depth = f"{region.distance_to_viewer:g}"
    beside = font * (1.2 + 0.6 * len(depth))
    text = _shortened(region.name or region.description or "(no description)", w - beside - 8, font)
    size = beside + _width(text, font), font * 1.5
    place = max(0.0, min(x + 4, picture[0] - size[0] - 2)), y + 4
    while any(_overlap((*place, *size), other) for other in taken) and place[1] + size[1] < picture[1]:
        place = place[0], place[1] + 2
    taken.append((*place, *size))
    return (
        f'<g class="label"><rect x="{place[0]:.1f}" y="{place[1]:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}" '
        f'rx="3" fill="#000" fill-opacity="0.6"/>'
        f'<text x="{place[0] + font * 0.4:.1f}" y="{place[1] + font * 1.07:.1f}" fill="#fff">'
        f'{escape(text)} <tspan fill="#bbb">{depth}</tspan></text></g>'
    )


def _overlap(one: _Rectangle, other: _Rectangle) -> bool:
    return (
        one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
    )


def _shortened(text: str, room: float, font: float) -> str:
    """`text` cut to `room` pixels, though never to less than a few letters."""
    text = text.strip(" .,")[:_LABEL]
    while len(text) > 6 and _width(text, font) > room:
        text = text.removesuffix("…")[:-1].rstrip() + "…"
    return text


def _width(text: str, font: float) -> float:
    """Roughly how wide `text` is drawn: East Asian letters fill a square, others about half of one."""
    return font * sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.56 for c in text)


def _ink(color: RGB) -> str:
    """Black or white, whichever shows on `color` (luma of ITU-R BT.601)."""
    return "#000" if 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] > 140 else "#fff"


def _title(canvas: Canvas | None) -> str:
    return canvas.global_description if canvas and canvas.global_description else "Layout"


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
