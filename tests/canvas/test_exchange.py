"""JSON of our own, ComfyUI_omost's JSON and the FLUX 3 layout prompt."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lib_omost.canvas import Box, Canvas, from_comfy, read_canvas, to_comfy, to_flux
from lib_omost.errors import CanvasError


def test_our_json_reads_back_as_the_same_canvas(canvas: Canvas) -> None:
    assert Canvas.from_json(canvas.to_json()) == canvas


def test_our_json_says_its_format_and_version(canvas: Canvas) -> None:
    data = json.loads(canvas.to_json())
    assert (data["format"], data["version"]) == ("omost-canvas", 1)
    assert data["regions"][1]["bbox"] == [50, 2, 88, 60] and "bbox" not in data["regions"][0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('"omost-canvas"', '"other"'), "no canvas of ours"),
        (('"version": 1', '"version": 2'), "we read version 1"),
        (('"in', "in"), "no canvas of ours|no JSON"),
        (('"on the left"', '"in the middle"'), "read as 'in the center'"),
        (('"red"', '"blurple"'), "is no colour"),
        (("2.0", '"near"'), "distance_to_viewer"),
        (('"apple, fruit"', '{"a": 1}'), "tags was left out"),
        (('"location"', '"place_of_it"'), "no argument"),
    ],
)
def test_json_that_is_not_exactly_ours_is_refused(canvas: Canvas, change: tuple[str, str], says: str) -> None:
    with pytest.raises(CanvasError, match=says):
        Canvas.from_json("in" + canvas.to_json() if change[0] == '"in' else canvas.to_json().replace(*change))


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "[" * 100_000, "{" * 1000, '"x"', "1e999"])
def test_any_other_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(CanvasError):
        Canvas.from_json(text)
    with pytest.raises(CanvasError):
        from_comfy(text)


def test_comfy_json_has_its_rect_as_top_bottom_left_right(canvas: Canvas) -> None:
    whole, far, near = json.loads(to_comfy(canvas))
    assert whole["rect"] == [0, 90, 0, 90] and whole["color"] == [245, 222, 179]
    assert far["rect"] == [2, 60, 50, 88] and near["rect"] == [20, 70, 0, 40]
    assert far["prefixes"] == ["A quiet kitchen.", "The cat's window."]
    assert near["suffixes"][-1] == "sharp."


def test_comfy_json_reads_back_as_the_same_conditions(canvas: Canvas) -> None:
    again = from_comfy(to_comfy(canvas))
    for (mask, *texts), (mask_again, *texts_again) in zip(canvas.conditions(), again.conditions(), strict=True):
        assert (mask == mask_again).all() and texts == texts_again
    assert (np.asarray(canvas.color_image()) == again.color_image()).all()


def test_a_comfy_region_without_area_is_left_out_with_a_note(canvas: Canvas) -> None:
    data = json.loads(to_comfy(canvas))
    data[1]["rect"] = [5, 5, 0, 90]
    reading = read_canvas(json.dumps(data))
    assert reading.canvas is not None and len(reading.canvas.regions) == 1
    assert any("covers nothing" in note.message for note in reading.notes)


def test_a_flux_prompt_is_a_caption_that_cites_the_ids_of_its_array(canvas: Canvas) -> None:
    caption, _, table = to_flux(canvas).partition("\n\n")
    rows = json.loads(table)
    assert [row["id"] for row in rows] == ["window_1", "red_apple_1"]
    assert all(f"<{row['id']}>" in caption for row in rows) and caption.startswith("A quiet kitchen. Morning light.")
    assert rows[0]["bbox"] == [22, 556, 667, 978]  # top, left, bottom, right in 0..1000
    assert rows[1]["desc"] == "A red apple. Its skin shines. A short stem. calm. photo."


def test_flux_ids_are_unique_and_angle_brackets_are_theirs_alone(canvas: Canvas) -> None:
    twice = replace(canvas.regions[0], description="A <red> apple")
    caption = to_flux(Canvas(regions=(twice, twice))).split("\n\n")[0]
    assert caption == "The picture shows a red apple <red_apple_1> and a red apple <red_apple_2>."


def test_a_full_canvas_box_and_a_small_one_survive_every_format(canvas: Canvas) -> None:
    regions = tuple(replace(canvas.regions[0], bbox=box) for box in (Box(0, 0, 90, 90), Box(40, 40, 45, 45)))
    small = replace(canvas, regions=regions)
    found = read_canvas(small.to_code()).canvas
    assert found is not None
    for again in (found, Canvas.from_json(small.to_json()), from_comfy(to_comfy(small))):
        assert {tuple(r.box) for r in again.regions} == {(0, 0, 90, 90), (40, 40, 45, 45)}


def test_the_examples_of_the_documentation_are_read_without_a_note() -> None:
    page = (Path(__file__).parents[2] / "docs" / "canvas.md").read_text(encoding="utf-8")
    program = page.split("```python\n")[1].split("```")[0]
    data = page.split("```json\n")[1].split("```")[0]
    reading = read_canvas(program, strict=True)
    assert reading.status == "accept" and reading.canvas is not None
    assert reading.canvas.regions[0].bbox == Canvas.from_json(data).regions[0].bbox == Box(0, 20, 40, 70)
