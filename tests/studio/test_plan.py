"""The plan as the page edits it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from lib_omost.canvas import Box, Canvas, delete_region, read_program
from lib_omost.errors import CanvasError
from lib_omost.studio.plan import (
    Plan,
    apply_edit,
    carried,
    carried_strengths,
    editor_value,
    plan_of,
    streaming_value,
)


@pytest.fixture
def plan(code: str) -> Plan:
    return plan_of(read_program(code))


@pytest.fixture
def posted(plan: Plan) -> dict[str, Any]:
    """What the editor posts when nothing was changed."""
    value = editor_value(plan)
    return deepcopy({"whole": value["whole"], "regions": value["regions"]})


def canvas_of(plan: Plan) -> Canvas:
    canvas = read_program(plan.code).canvas
    assert canvas is not None
    return canvas


def test_posting_the_plan_unchanged_changes_no_character(plan: Plan, posted: dict[str, Any]) -> None:
    assert apply_edit(plan, posted) == plan


@pytest.mark.parametrize("what", ["region", "whole"])
def test_a_lock_is_one_line_of_the_program_and_is_taken_out_again(
    plan: Plan, posted: dict[str, Any], what: str
) -> None:
    target = posted["regions"][1] if what == "region" else posted["whole"]
    target["locked"] = True
    shut = apply_edit(plan, posted)
    assert [r.locked for r in canvas_of(shut).regions] == [False, what == "region"]
    assert canvas_of(shut).locked == (what == "whole")
    (added,) = set(shut.code.splitlines()) - set(plan.code.splitlines())
    assert added.strip() == "locked=True,"
    value = editor_value(shut)
    assert (value["regions"][1]["locked"], value["whole"]["locked"]) == (what == "region", what == "whole")
    target["locked"] = False
    assert apply_edit(shut, posted).code == plan.code


def test_a_region_keeps_its_name_in_the_editor_through_a_step_of_undo(plan: Plan) -> None:
    old = Plan(plan.code, ("c9", "r0"), (), plan.reading)
    without = plan_of(read_program(delete_region(plan.code, 0)))
    assert carried(without, old).ids == ("r0",)
    back = carried(plan, carried(without, old))
    assert back.ids[1] == "r0" and len(set(back.ids)) == 2


def test_strengths_go_where_their_regions_went(plan: Plan) -> None:
    before, after = canvas_of(plan), read_program(delete_region(plan.code, 0)).canvas
    assert after is not None
    assert carried_strengths(before, after, [2.0, 0.5]) == [0.5]
    assert carried_strengths(before, after, [2.0, 1.0]) == carried_strengths(before, after, ()) == []
    assert carried_strengths(after, before, [0.5]) == [1.0, 0.5]


def test_a_moved_box_changes_only_the_lines_of_its_place(plan: Plan, posted: dict[str, Any]) -> None:
    posted["regions"][0]["box"] = [3, 4, 33, 50]
    edited = apply_edit(plan, posted)
    assert canvas_of(edited).regions[0].box == Box(3, 4, 33, 50)
    gone = set(plan.code.splitlines()) - set(edited.code.splitlines())
    assert all(line.strip().startswith(("location", "offset", "area", "bbox")) for line in gone)


def test_snapping_takes_the_free_box_out_again(plan: Plan, posted: dict[str, Any]) -> None:
    posted["regions"][0]["box"] = [3, 4, 33, 50]
    posted["regions"][0]["snap"] = True
    region = canvas_of(apply_edit(plan, posted)).regions[0]
    assert region.bbox is None
    assert region.box.cells > 0


@pytest.mark.parametrize(
    ("key", "value", "attribute", "expected"),
    [
        ("description", "a green apple", "description", "a green apple"),
        ("depth", 4.5, "distance_to_viewer", 4.5),
        ("color", "#008000", "HTML_web_color_name", "green"),
        ("color", "#123456", "HTML_web_color_name", "#123456"),
        ("details", ["one", "two"], "detailed_descriptions", ("one", "two")),
        ("negative", "worms", "negative", "worms"),
        ("name", "apple", "name", "apple"),
        ("quality", "best", "quality_meta", "best"),
    ],
)
def test_every_field_of_the_form_reaches_the_program(
    plan: Plan, posted: dict[str, Any], key: str, value: Any, attribute: str, expected: Any
) -> None:
    posted["regions"][0][key] = value
    canvas = canvas_of(apply_edit(plan, posted))
    assert getattr(canvas.regions[0], attribute) == expected
    assert canvas.regions[1] == canvas_of(plan).regions[1]


def test_texts_of_the_whole_picture_can_be_changed(plan: Plan, posted: dict[str, Any]) -> None:
    posted["whole"] |= {"description": "a night", "color": "#000080", "details": ["It is dark."], "tags": "night"}
    canvas = canvas_of(apply_edit(plan, posted))
    assert (canvas.global_description, canvas.tags) == ("a night", "night")
    assert canvas.detailed_descriptions == ("It is dark.",)
    assert canvas.color == (0, 0, 128)


def test_a_deleted_region_comes_back_with_all_its_texts_when_the_deletion_is_undone(
    plan: Plan, posted: dict[str, Any]
) -> None:
    without = apply_edit(plan, {**posted, "regions": posted["regions"][1:]})
    assert [region.description for region in canvas_of(without).regions] == ["a tree"]
    again = apply_edit(without, posted)
    assert sorted(region.description for region in canvas_of(again).regions) == ["a red apple", "a tree"]
    assert set(again.ids) == set(plan.ids)
    apple = next(region for region in canvas_of(again).regions if region.description == "a red apple")
    assert apple.detailed_descriptions == ("It is ripe.",)


def test_a_drawn_region_is_added_with_its_free_box(plan: Plan, posted: dict[str, Any]) -> None:
    drawn = posted["regions"][0] | {"id": "c1", "box": [10, 10, 21, 33], "description": "a moon"}
    edited = apply_edit(plan, {**posted, "regions": [*posted["regions"], drawn]})
    assert edited.ids == (*plan.ids, "c1")
    assert canvas_of(edited).regions[2].box == Box(10, 10, 21, 33)


def test_a_plan_can_be_drawn_from_nothing() -> None:
    region = {
        "id": "c1", "box": [1, 2, 30, 40], "depth": 1, "color": "#ff0000", "description": "an apple", "details": [],
        "tags": "", "atmosphere": "", "style": "", "quality": "", "name": "", "negative": "",
    }  # fmt: skip
    plan = apply_edit(Plan(), {"whole": None, "regions": [region]})
    assert canvas_of(plan).regions[0].description == "an apple"


def test_what_a_person_types_cannot_end_its_string(plan: Plan, posted: dict[str, Any]) -> None:
    text = "it's \"quoted\" \\ and\nbroken'); import os"
    posted["regions"][0]["description"] = text
    region = canvas_of(apply_edit(plan, posted)).regions[0]
    assert "import os" in region.description
    assert len(canvas_of(apply_edit(plan, posted)).regions) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"box": [0, 0, 0, 0]},
        {"box": [0, 0, 91, 90]},
        {"box": [0.5, 0, 9, 9]},
        {"box": "0 0 9 9"},
        {"depth": 0},
        {"depth": True},
        {"depth": float("inf")},
        {"depth": "2"},
        {"color": "red; background: url(x)"},
        {"description": "x" * 4001},
        {"description": None},
        {"details": ["x"] * 65},
    ],
)
def test_a_forged_region_is_refused(plan: Plan, posted: dict[str, Any], change: dict[str, Any]) -> None:
    posted["regions"][0] |= change
    with pytest.raises(CanvasError):
        apply_edit(plan, posted)


@pytest.mark.parametrize("forged", [None, [], {}, {"whole": None, "regions": [None]}, {"whole": 3, "regions": []}])
def test_what_is_no_plan_is_refused(plan: Plan, forged: Any) -> None:
    with pytest.raises(CanvasError):
        apply_edit(plan, forged)


def test_more_regions_than_a_canvas_holds_are_refused(plan: Plan, posted: dict[str, Any]) -> None:
    many = [posted["regions"][0] | {"id": f"c{n}"} for n in range(65)]
    with pytest.raises(CanvasError, match="at most 64"):
        apply_edit(plan, {**posted, "regions": many})


def test_the_editor_knows_which_lines_of_code_are_whose(plan: Plan) -> None:
    lines = plan.code.splitlines()
    for region in editor_value(plan)["regions"]:
        first, last = region["lines"]
        assert lines[first - 1].startswith("canvas.add_local_description(")
        assert lines[last - 1] == ")"
        assert any(region["description"] in line for line in lines[first:last])


def test_a_growing_plan_shows_the_place_of_the_region_being_written(canvas: Canvas) -> None:
    value = streaming_value(canvas, Box(1, 2, 3, 4), (128, 128))
    assert (value["pending"], value["streaming"], len(value["regions"])) == ([1, 2, 3, 4], True, 2)
