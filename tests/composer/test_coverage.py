"""coverage.py: what a request names is in the plan, whatever the model would have written."""

from __future__ import annotations

import pytest

from lib_omost.canvas import Canvas, read_canvas
from lib_omost.composer import Message
from lib_omost.composer.coverage import by_rule, lacking, sentence, unplaced, unsaid, whereabouts

WHOLE = "```python\ncanvas = Canvas()\ncanvas.set_global_description(\n    description='A lake with ducks.',\n"
REGION = (
    "    HTML_web_color_name='teal',\n)\ncanvas.add_local_description(\n    description='Two ducks.',\n"
    "    location='in the center',\n    area='a large square area',\n    HTML_web_color_name='white',\n)"
)
OPENING = "\ncanvas.add_local_description(\n    description="


def said(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


def plan(text: str) -> Canvas:
    canvas = read_canvas(text + "\n```").canvas
    assert canvas is not None
    return canvas


def test_a_thing_without_a_region_opens_one_and_what_surrounds_it_may_stay_in_the_whole() -> None:
    _, wanted = lacking(said("two ducks on a lake, a castle behind them, dark clouds"))
    assert wanted(WHOLE + REGION) == f"{OPENING}'A castle.',\n"
    castle = f"{OPENING}'A castle.',\n    location='on the top',\n)"
    assert wanted(WHOLE + REGION + castle) == f"{OPENING}'Dark clouds.',\n"
    assert lacking(said("two ducks in a park"))[1](WHOLE.replace("lake", "park") + REGION) == ""


def test_lines_that_have_begun_are_gone_on_with_and_others_are_left_alone() -> None:
    details, wanted = lacking(said("two ducks and a castle at night"))
    assert wanted(WHOLE + REGION + "\ncanvas.add") == "_local_description(\n    description='A castle.',\n"
    assert wanted(WHOLE + REGION + "\n```") == ""
    assert details(WHOLE + "    detailed") == "_descriptions=[\n        'It is night.',\n"
    assert details(WHOLE + "    HTML_web_color_name=") == details("It is a question.") == wanted("It is no plan.") == ""


def test_a_time_and_a_mood_that_the_whole_picture_lacks_are_said_in_its_details() -> None:
    wanted, _ = lacking(said("two ducks on a lake on a foggy morning"))
    assert wanted(WHOLE) == "    detailed_descriptions=[\n        'It is a foggy morning.',\n"
    assert unsaid("two ducks at night", plan(WHOLE + REGION)) == ["night"]
    assert unsaid("two ducks", plan(WHOLE + REGION)) == []


def test_an_edit_gets_a_new_region_only_where_it_asks_for_more() -> None:
    before: list[Message] = [*said("ducks"), {"role": "assistant", "content": WHOLE + REGION + "\n```"}]
    assert lacking([*before, *said("add a castle")])[1](WHOLE + REGION) == f"{OPENING}'A castle.',\n"
    assert lacking([*before, *said("make the ducks like a castle")])[1](WHOLE + REGION) == ""
    assert lacking([*before, *said("make it night")])[0](WHOLE) == ""


@pytest.mark.parametrize(
    ("request_", "sentences"),
    [
        ("two skaters and an hourglass", ["Two skaters.", "An hourglass."]),
        ("grandpa with bread and a pair of boots", ["A grandpa.", "Bread.", "A pair of boots."]),
        ("a unicorn with golden hair", ["A unicorn."]),
        ("no cars, just books", ["Books."]),
    ],
)
def test_what_is_unplaced_as_sentences(request_: str, sentences: list[str]) -> None:
    assert [sentence(one) for one in unplaced(request_, Canvas())] == sentences


def edit_of(text: str) -> list[Message]:
    before = WHOLE.replace("A lake with ducks.", "Two ducks and a castle.") + REGION
    castle = f"{OPENING}'A castle.',\n    location='on the left',\n    area='a small square area',\n"
    program = before + castle + "    HTML_web_color_name='gray',\n)\n```"
    return [*said("ducks and a castle"), {"role": "assistant", "content": program}, *said(text)]


def test_a_plain_edit_is_written_by_rule_in_the_brief_layout_and_no_other_is() -> None:
    reply = by_rule(edit_of("remove the castle"))
    assert plan(reply.removesuffix("\n```")).regions == plan(WHOLE + REGION).regions
    assert "castle" not in reply and reply.endswith(")\n```")
    assert by_rule(edit_of("add a boat")) == by_rule(said("two ducks")) == ""
    long = edit_of("remove the castle")
    long[1]["content"] = long[1]["content"].replace(
        "    HTML_web_color_name='gray'", "    tags='old',\n    HTML_web_color_name='gray'"
    )
    assert by_rule(long) == ""


def test_a_thing_that_an_edit_is_not_about_is_written_again_where_the_model_leaves_it_out() -> None:
    _, wanted = lacking(edit_of("make the ducks look like pirates"))
    assert wanted(WHOLE + REGION).startswith(f"{OPENING}'A castle.',\n    location='on the left',\n")
    assert lacking(edit_of("everything but the ducks may go"))[1](WHOLE + REGION) == ""
    assert lacking(edit_of("start over with ducks"))[1](WHOLE + REGION) == ""


def test_the_place_that_a_request_gives_a_thing_follows_its_description() -> None:
    wanted = whereabouts("a blue whale below a tiny boat", None)
    whale = (
        WHOLE + "    HTML_web_color_name='teal',\n)\ncanvas.add_local_description(\n    description='A blue whale.',\n"
    )
    (lines,) = wanted(whale)
    assert lines.startswith("    location='on the bottom',\n") and "    area='" in lines
    assert wanted(f"{whale}    loc") == (lines.removeprefix("    loc"),)
    assert wanted(whale + lines) == ()
