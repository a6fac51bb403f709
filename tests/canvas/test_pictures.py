"""The layout as SVG, masks and colours as PNG."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from lib_omost.canvas import Box, Canvas, color_png, layout_svg, mask_png

SVG = "{http://www.w3.org/2000/svg}"


def labels(svg: str) -> list[tuple[float, float, float, float]]:
    """x, y, width and height of every label."""
    found = [
        group.find(f"{SVG}rect")
        for group in ElementTree.fromstring(svg).iter(f"{SVG}g")
        if group.get("class") == "label"
    ]
    return [
        tuple(float(rect.attrib[name]) for name in ("x", "y", "width", "height"))  # type: ignore[misc]
        for rect in found
        if rect is not None
    ]


def test_the_layout_draws_every_box_far_to_near_with_its_name_and_depth(canvas: Canvas) -> None:
    root = ElementTree.fromstring(layout_svg(canvas, 450, 900))
    titles = [group.findtext(f"{SVG}title") for group in root.iter(f"{SVG}g") if group.get("class") == "region"]
    assert titles == ["The cat's window.", "A red apple."]
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert texts == ["window 5", "A red apple 2"]
    rect = next(group for group in root.iter(f"{SVG}g")).find(f"{SVG}rect")
    assert rect is not None and float(rect.attrib["x"]) == 50 * 5 + 1 and float(rect.attrib["y"]) == 2 * 10 + 1


def test_markup_in_a_description_stays_text(canvas: Canvas) -> None:
    nasty = replace(canvas.regions[0], description='</text><script>alert("1")</script>', name="")
    svg = layout_svg(Canvas(regions=(nasty,)), 300, 300)
    assert "<script" not in svg and ElementTree.fromstring(svg).find(f".//{SVG}script") is None


def test_labels_stay_on_the_picture_and_do_not_cover_each_other(canvas: Canvas) -> None:
    corner = replace(canvas.regions[0], bbox=Box(85, 0, 90, 90), name="a long name for a narrow box")
    rects = labels(layout_svg(Canvas(regions=(corner,) * 4), 360, 480))
    assert min(x for x, _, _, _ in rects) >= 0 and max(x + w for x, _, w, _ in rects) <= 360
    tops = sorted(y for _, y, _, _ in rects)
    assert all(b - a >= rects[0][3] - 0.2 for a, b in pairwise(tops))


def test_the_pending_box_is_dashed_and_needs_no_canvas() -> None:
    svg = layout_svg(None, 90, 90, Box(10, 20, 30, 40))
    pending = [rect for rect in ElementTree.fromstring(svg).iter(f"{SVG}rect") if rect.get("class") == "pending"]
    assert len(pending) == 1 and pending[0].get("stroke-dasharray") and pending[0].get("width") == "20.0"


def test_a_mask_png_is_white_inside_the_box_only(canvas: Canvas) -> None:
    image = Image.open(io.BytesIO(mask_png(canvas.regions[1], 180, 360)))
    assert (image.mode, image.size) == ("L", (180, 360))
    pixels = np.asarray(image)
    assert pixels[2 * 4 : 60 * 4, 50 * 2 : 88 * 2].min() == 255
    assert pixels.astype(int).sum() == 255 * (58 * 4) * (38 * 2)


def test_a_colour_png_holds_the_colour_image(canvas: Canvas) -> None:
    image = Image.open(io.BytesIO(color_png(canvas)))
    assert (np.asarray(image) == canvas.color_image()).all()
