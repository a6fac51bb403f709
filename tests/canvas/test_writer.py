"""Edits in place: the change is made, and every other character stays."""

from __future__ import annotations

import difflib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_omost.canvas import Box, Canvas, add_region, delete_region, move_region, read_canvas, set_box, set_keyword
from lib_omost.errors import CanvasError, VocabularyError

ONE_LINE = (
    "c = Canvas(); c.set_global_description('é', [], 't', 'red'); "
    "c.add_local_description('on the left', 'no offset', 'a small square area', 1, 'ü', [], tags='t', "
    "atmosphere='', style='', quality_meta='', color='red')  # the last\n"
)


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")]


def canvas_of(code: str) -> Canvas:
    found = read_canvas(code, strict=True).canvas
    assert found is not None
    return found


def test_a_description_changes_one_line(code: str) -> None:
    edited = set_keyword(code, 0, "description", "A cook's pear.")
    assert changed_lines(code, edited) == ["-    description='A red apple.',", "+    description='A cook\\'s pear.',"]
    assert canvas_of(edited).regions[0].description == "A cook's pear."


def test_the_global_call_is_edited_without_an_index(code: str) -> None:
    edited = set_keyword(code, None, "HTML_web_color_name", "#123456")
    assert changed_lines(code, edited) == ["-    HTML_web_color_name='wheat',", "+    HTML_web_color_name='#123456',"]


def test_a_list_keeps_its_layout(code: str) -> None:
    edited = set_keyword(code, 0, "detailed_descriptions", ["Its skin shines.", "A leaf."])
    assert changed_lines(code, edited) == ["-        'A short stem.',", "+        'A leaf.',"]


def test_a_free_box_is_added_on_a_line_of_its_own_and_taken_out_again(code: str) -> None:
    edited = set_keyword(code, 0, "bbox", (1, 2, 30, 40))
    assert changed_lines(code, edited) == ["+    bbox=(1, 2, 30, 40),"]
    assert set_keyword(edited, 0, "bbox", None) == code


def test_a_box_that_words_express_needs_only_words(code: str) -> None:
    edited = set_box(code, 1, Box(20, 20, 70, 70))
    assert canvas_of(edited).regions[1].bbox is None
    assert canvas_of(edited).regions[1].box == Box(20, 20, 70, 70)
    assert len(changed_lines(code, edited)) == 7  # three words there and back, and the old box


def test_any_other_box_gets_the_nearest_words_and_a_bbox(code: str) -> None:
    region = canvas_of(set_box(code, 0, Box(0, 0, 90, 90))).regions[0]
    assert region.bbox == Box(0, 0, 90, 90) and region.location == "in the center"


def test_a_positional_call_on_one_line_is_edited_in_place() -> None:
    edited = set_box(ONE_LINE, 0, Box(1, 1, 6, 6))
    assert edited.count("\n") == 1 and edited.endswith("color='red', bbox=(1, 1, 6, 6))  # the last\n")
    blue = set_keyword(ONE_LINE, 0, "HTML_web_color_name", "blue")
    assert blue == ONE_LINE.replace("color='red'", "color='blue'")
    assert set_keyword(ONE_LINE, 0, "description", "ö") == ONE_LINE.replace("'ü'", "'ö'")


def test_a_repaired_call_is_written_anew_and_the_rest_stays(code: str) -> None:
    broken = code.replace("'apple, fruit'", "'the cook's apple'")
    edited = set_keyword(broken, 0, "style", "oil")
    assert canvas_of(edited).regions[0].tags == "the cook's apple"
    assert canvas_of(edited).regions[0].style == "oil"
    assert edited.split("# Add window")[1] == code.split("# Add window")[1]


def test_the_last_of_two_keywords_is_the_one_that_changes() -> None:
    code = "canvas.add_local_description(description='a', tags='x', tags='y')"
    assert set_keyword(code, 0, "tags", "z") == code.replace("'y'", "'z'")


def test_a_value_in_parentheses_is_edited_or_the_call_written_anew() -> None:
    code = "canvas.add_local_description(description='a', style=('x'))"
    edited = set_keyword(code, 0, "name", "n")
    assert read_canvas(edited).canvas == Canvas(regions=(replace(_only(code), name="n"),))


def _only(code: str) -> object:
    canvas = read_canvas(code).canvas
    assert canvas is not None
    return canvas.regions[0]


def test_crlf_stays_crlf(code: str, canvas: Canvas) -> None:
    dos = code.replace("\n", "\r\n")
    for edited in (set_keyword(dos, 0, "name", "apple"), add_region(dos, canvas.regions[0]), delete_region(dos, 0)):
        assert edited.count("\n") == edited.count("\r\n")


def test_an_added_region_comes_last_under_the_program_s_own_variable(canvas: Canvas) -> None:
    edited = add_region(ONE_LINE, canvas.regions[1])
    assert edited.startswith(ONE_LINE.rstrip("\n"))
    assert "\nc.add_local_description(" in edited
    assert canvas_of(edited.replace("color='red'", "HTML_web_color_name='red'")).regions[-1] == canvas.regions[1]


def test_a_region_can_be_added_to_nothing(canvas: Canvas) -> None:
    for code in ("", "canvas = Canvas()\n"):
        found = read_canvas(add_region(code, canvas.regions[0])).canvas
        assert found is not None and found.regions == canvas.regions[:1]


def test_deleting_takes_the_call_and_its_comment(code: str, canvas: Canvas) -> None:
    without_first, without_last = delete_region(code, 0), delete_region(code, 1)
    assert without_first == Canvas.to_code(replace(canvas, regions=canvas.regions[1:]))
    assert without_last == Canvas.to_code(replace(canvas, regions=canvas.regions[:1]))
    assert delete_region(ONE_LINE, 0) == "c = Canvas(); c.set_global_description('é', [], 't', 'red')\n"


def test_moving_reorders_the_calls_with_their_comments(code: str, canvas: Canvas) -> None:
    assert move_region(code, 0, 1) == Canvas.to_code(replace(canvas, regions=canvas.regions[::-1]))
    assert move_region(move_region(code, 0, 1), 1, 0) == code


@pytest.mark.parametrize(
    ("index", "keyword", "value", "error"),
    [
        (0, "location", "in the middle", VocabularyError),
        (0, "mood", "calm", VocabularyError),
        (None, "location", "on the left", VocabularyError),
        (0, "bbox", (9, 9, 1, 1), VocabularyError),
        (7, "name", "x", CanvasError),
        (-1, "name", "x", CanvasError),
    ],
)
def test_an_impossible_edit_is_refused(code: str, index: int | None, keyword: str, value: object, error: type) -> None:
    with pytest.raises(error):
        set_keyword(code, index, keyword, value)


def test_a_place_that_is_not_there_is_refused(code: str) -> None:
    with pytest.raises(CanvasError, match="There is no place 2 among 2 regions"):
        move_region(code, 0, 2)


VALUES = {
    "description": st.text(max_size=60),
    "detailed_descriptions": st.lists(st.text(max_size=30), max_size=4),
    "distance_to_viewer": st.floats(0.001, 1e6),
    "HTML_web_color_name": st.sampled_from(["red", "#102030", "navyblue"]),
    "name": st.text(max_size=20),
    "negative": st.text(max_size=20),
}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_edit_changes_that_value_and_no_other(data: st.DataObject) -> None:
    code = data.draw(st.sampled_from([ONE_LINE_FULL, canvas_of(ONE_LINE_FULL).to_code()]))
    before = canvas_of(code)
    keyword = data.draw(st.sampled_from(sorted(VALUES)))
    value = data.draw(VALUES[keyword])
    index = data.draw(st.integers(0, len(before.regions) - 1))
    regions = list(before.regions)
    regions[index] = replace(regions[index], **{keyword: value})
    assert canvas_of(set_keyword(code, index, keyword, value)) == replace(before, regions=tuple(regions))


ONE_LINE_FULL = ONE_LINE.replace("color=", "HTML_web_color_name=")
