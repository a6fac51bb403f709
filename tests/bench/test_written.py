"""The judges of the written set and of public sets, on plans that are right or wrong on purpose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench._public_sets import public_rows
from bench._server import text_server
from bench._written import Reply, answered, in_turns, kept, timed
from bench._written_boxes import holds, is_at
from bench._written_edits import judged_edit
from bench._written_judge import is_kind, judged
from bench._written_score import scored, task_numbers, tell, written_numbers
from bench._written_set import KINDS, before, conversation, plans, rows
from bench._written_words import count_of, is_head, looks, says
from bench.layout import main
from lib_omost.canvas import Box, Canvas, Region, read_canvas
from lib_omost.composer import Message
from lib_omost.errors import SettingsError

LEFT, RIGHT, TOP, BOTTOM = (0, 20, 40, 70), (50, 20, 90, 70), (20, 0, 70, 40), (20, 50, 70, 90)
WHOLE = (0, 0, 90, 90)


def region(
    description: str, box: Sequence[int], color: str = "gray", distance: float = 2.0, **more: Any
) -> dict[str, Any]:
    return {
        "description": description,
        "bbox": box,
        "HTML_web_color_name": color,
        "distance_to_viewer": distance,
    } | more


def plan(*regions: dict[str, Any], says: str = "A scene.", details: Sequence[str] = (), color: str = "white") -> Canvas:
    canvas = Canvas()
    canvas.set_global_description(says, list(details), "", color)
    for one in regions:
        rest = {"detailed_descriptions": [], "tags": "", "atmosphere": "", "style": "", "quality_meta": ""} | one
        canvas.add_local_description("in the center", "no offset", "a small square area", **rest)
    return canvas


def kinds(row: dict[str, Any], canvas: Canvas | None) -> list[str]:
    return [fault.kind for fault in judged(row, canvas)]


CAT_AND_LAMP = {
    "things": [{"is": "cat|kitty", "color": "black"}, {"is": "lamp"}],
    "relations": [["cat", "under", "lamp"]],
}


def test_a_plan_that_has_all_of_it_has_no_fault() -> None:
    canvas = plan(region("A black kitty.", BOTTOM, "black"), region("A lamp.", TOP))
    assert kinds(CAT_AND_LAMP, canvas) == []


def test_every_fault_is_named_by_its_kind() -> None:
    assert kinds(CAT_AND_LAMP, plan(region("A black cat.", BOTTOM, "black"))) == ["thing"]
    assert kinds(CAT_AND_LAMP, plan(region("A white cat.", BOTTOM, "white"), region("A lamp.", TOP))) == ["color"]
    assert kinds(CAT_AND_LAMP, plan(region("A black cat.", TOP, "black"), region("A lamp.", BOTTOM))) == ["relation"]
    assert kinds(CAT_AND_LAMP, plan(region("Two black cats.", BOTTOM, "black"), region("A lamp.", TOP))) == ["count"]
    assert kinds(CAT_AND_LAMP, None) == ["plan"]


def test_two_things_in_one_place_are_a_fault() -> None:
    row = {"things": [{"is": "cat"}, {"is": "house"}]}
    assert kinds(row, plan(region("A cat.", LEFT), region("A house.", LEFT, distance=4.0))) == ["crowd"]
    assert kinds(row, plan(region("A cat.", LEFT), region("A house.", RIGHT))) == []


@pytest.mark.parametrize(
    ("text", "noun", "count"),
    [
        ("Two black cats.", "cat", 2),
        ("A cat.", "cat", 1),
        ("Cats.", "cat", 0),
        ("A pile of books.", "book", 0),
        ("A pair of boots.", "boot", 2),
        ("5 geese on a lake.", "goose", 5),
        ("A sailor with two dogs.", "dog", 2),
        ("A sailor with two dogs.", "sailor", 1),
        ("Scissors.", "scissors", 1),
        ("Three ice cream cones.", "ice cream cone", 3),
    ],
)
def test_a_text_says_how_many_there_are(text: str, noun: str, count: int) -> None:
    assert count_of(text, noun) == count


@pytest.mark.parametrize(
    ("description", "noun", "is_about"),
    [
        ("A brown dog.", "dog", True),
        ("A dog asleep on a sofa.", "dog", True),
        ("A dog asleep on a sofa.", "sofa", False),
        ("A dog house.", "dog", False),
        ("A dog house.", "doghouse", True),
        ("A black and white dog.", "dog", True),
        ("A stack of books.", "book", True),
        ("An apple tree.", "apple", False),
        ("A washing machine.", "washing machine", True),
    ],
)
def test_a_description_is_about_its_head(description: str, noun: str, is_about: bool) -> None:
    assert is_head(description, noun) == is_about


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("It is raining.", "rain"),
        ("Foggy hills.", "foggy"),
        ("Knives.", "knife"),
        ("Grey stones.", "gray"),
        ("Leaves.", "leaf"),
    ],
)
def test_inflections_are_the_same_word(text: str, word: str) -> None:
    assert says(text, [word])


def test_a_joined_colour_needs_both() -> None:
    row = {"things": [{"is": "dog", "color": "black+white"}]}
    assert kinds(row, plan(region("A black and white dog.", LEFT, "black"))) == []
    assert kinds(row, plan(region("A black dog.", LEFT, "black"))) == ["color"]
    assert kinds(row, plan(region("A black.", LEFT, "black"))) == ["thing"]


def test_a_colour_may_be_the_region_s_own_where_no_word_says_another() -> None:
    row = {"things": [{"is": "boat", "color": "red"}]}
    assert kinds(row, plan(region("A boat.", LEFT, "crimson"))) == []
    assert kinds(row, plan(region("A boat.", LEFT, "navy"))) == ["color"]
    assert kinds(row, plan(region("A blue boat.", LEFT, "red"))) == ["color"]


@pytest.mark.parametrize(
    ("rgb", "color", "is_it"),
    [
        ((178, 34, 34), "red", True),
        ((255, 140, 0), "red", False),
        ((244, 164, 96), "white", False),
        ((0, 128, 128), "teal", True),
    ],
)
def test_a_value_goes_by_a_colour_s_name(rgb: tuple[int, int, int], color: str, is_it: bool) -> None:
    assert looks(rgb, color) == is_it


def test_two_swans_of_two_colours_are_told_apart() -> None:
    row = {"things": [{"is": "swan", "color": "black"}, {"is": "swan", "color": "white"}]}
    assert kinds(row, plan(region("A black swan.", LEFT, "black"), region("A white swan.", RIGHT, "white"))) == []
    assert "count" in kinds(row, plan(region("A black swan.", LEFT, "black"), region("A black swan.", RIGHT, "black")))


def test_places_and_depths_are_judged() -> None:
    row = {"things": [{"is": "sun", "at": "top-right"}, {"is": "house", "depth": "far"}, {"is": "cow"}]}
    there = [region("The sun.", (60, 0, 90, 30)), region("A house.", LEFT, distance=8.0), region("A cow.", BOTTOM)]
    assert kinds(row, plan(*there)) == []
    there[0] = region("The sun.", LEFT)
    there[1] = region("A house.", BOTTOM, distance=1.0)
    assert sorted(set(kinds(row, plan(*there)))) == ["at", "crowd", "depth"]


def test_time_weather_and_mood_may_be_said_anywhere() -> None:
    row = {"time": "night|midnight", "weather": "rain|rainy", "mood": "calm"}
    assert kinds(row, plan(says="A rainy street at night.", details=["The scene feels calm."])) == []
    assert kinds(row, plan(says="A street.")) == ["time", "weather", "mood"]


def test_what_must_be_gone_may_only_be_denied() -> None:
    row = {"gone": ["cloud"]}
    assert kinds(row, plan(says="A beach without clouds.")) == []
    assert kinds(row, plan(says="A beach under white clouds.")) == ["gone"]


def boxes(a: Sequence[int], b: Sequence[int], nearer: bool = True) -> tuple[list[Region], list[Region]]:
    canvas = plan(region("A.", a, distance=2.0 if nearer else 5.0), region("B.", b, distance=3.0))
    return [canvas.regions[0]], [canvas.regions[1]]


@pytest.mark.parametrize(
    ("relation", "a", "b", "nearer", "is_so"),
    [
        ("left of", LEFT, RIGHT, True, True),
        ("left of", RIGHT, LEFT, True, False),
        ("above", TOP, BOTTOM, True, True),
        ("on", (30, 10, 60, 50), BOTTOM, True, True),
        ("on", (0, 0, 20, 20), (50, 60, 90, 90), True, False),
        ("on", (30, 60, 60, 80), (10, 40, 80, 90), True, True),
        ("on", BOTTOM, BOTTOM, True, False),
        ("in", (30, 55, 60, 80), BOTTOM, True, True),
        ("in", LEFT, RIGHT, True, False),
        ("under", BOTTOM, TOP, True, True),
        ("under", TOP, BOTTOM, True, False),
        ("near", LEFT, RIGHT, True, True),
        ("near", (0, 0, 20, 20), (60, 60, 90, 90), True, False),
        ("behind", (10, 0, 70, 60), BOTTOM, False, True),
        ("behind", (10, 0, 70, 60), BOTTOM, True, False),
        ("behind", BOTTOM, BOTTOM, False, False),
        ("in front of", BOTTOM, (10, 0, 70, 60), True, True),
    ],
)
def test_relations_hold_by_boxes_and_depth(
    relation: str, a: Sequence[int], b: Sequence[int], nearer: bool, is_so: bool
) -> None:
    assert holds(relation, *boxes(a, b, nearer)) == is_so


def test_between_needs_one_on_each_side() -> None:
    canvas = plan(region("A.", (35, 30, 55, 60)), region("B.", (0, 30, 30, 60)), region("C.", (60, 30, 90, 60)))
    a, b, c = ([one] for one in canvas.regions)
    assert holds("between", a, b, c)
    assert not holds("between", b, a, c)


@pytest.mark.parametrize(
    ("where", "is_there"), [("left", True), ("top-left", False), ("right", False), ("center", False)]
)
def test_a_place_is_the_third_of_the_centre(where: str, is_there: bool) -> None:
    assert is_at(Box(0, 30, 40, 60), where) == is_there


# --- edits ---


def verdict(row: dict[str, Any], after: Canvas | None) -> tuple[list[str], int]:
    among = plans()
    found = judged_edit(row, among, before(row, among), after)
    return [fault.kind for fault in found.faults], len(found.harm)


def changed(name: str, index: int, **fields: Any) -> Canvas:
    """The given plan with other fields in one region; without fields the region is gone."""
    canvas = plans()[name].canvas
    code = json.loads(canvas.to_json())
    if fields:
        code["regions"][index] |= fields
    else:
        del code["regions"][index]
    return Canvas.from_json(json.dumps(code))


RECOLOUR = {"plan": "p01", "about": ["dog"], "things": [{"is": "dog", "color": "white"}]}


def test_an_edit_that_changes_only_what_was_asked_is_done() -> None:
    after = changed("p01", 0, description="A white dog.", HTML_web_color_name="white")
    assert verdict(RECOLOUR, after) == ([], 0)


def test_an_edit_that_does_nothing_is_not_done_but_harmless() -> None:
    assert verdict(RECOLOUR, plans()["p01"].canvas) == (["color"], 0)
    assert verdict(RECOLOUR, None) == (["plan"], 0)


def test_an_edit_that_loses_another_thing_is_harmful() -> None:
    faults, harm = verdict(RECOLOUR, changed("p01", 1))
    assert "lost" in faults
    assert harm == 1


def test_things_that_swap_places_take_each_other_s() -> None:
    row = {"plan": "p01", "about": ["dog", "doghouse"], "change": [["swapped", "dog", "doghouse"]]}
    given = json.loads(plans()["p01"].canvas.to_json())
    dog, house = given["regions"][:2]
    dog["location"], house["location"] = house["location"], dog["location"]
    assert verdict(row, Canvas.from_json(json.dumps(given))) == ([], 0)
    assert verdict(row, plans()["p01"].canvas) == (["change"], 0)


def test_an_undone_change_is_the_earlier_plan() -> None:
    row = {"plan": "p01", "after": [["paint it", "p01-blue"]], "back": "p01"}
    assert verdict(row, plans()["p01"].canvas) == ([], 0)
    assert set(verdict(row, plans()["p01-blue"].canvas)[0]) == {"kept"}


def test_where_nothing_is_to_be_done_the_plan_stays() -> None:
    row = {"plan": "p01", "about": [], "nothing": True}
    assert verdict(row, None) == ([], 0)
    assert verdict(row, plans()["p01"].canvas) == ([], 0)
    assert verdict(row, changed("p01", 0))[1] == 1


def test_a_thing_that_nobody_asked_for_is_a_fault() -> None:
    given = json.loads(plans()["p01"].canvas.to_json())
    given["regions"].append(given["regions"][0] | {"description": "A whale.", "location": "on the top-right"})
    faults, harm = verdict({"plan": "p01", "about": ["dog"]}, Canvas.from_json(json.dumps(given)))
    assert (faults, harm) == (["extra"], 0)


# --- messages that are no picture ---


def test_a_kind_answer_is_a_sentence_without_a_canvas() -> None:
    assert is_kind("You are welcome. Tell me what you would like to see.", None)
    assert not is_kind("", None)
    assert not is_kind("canvas = Canvas()", None)
    assert not is_kind("Here it is.", plan())


# --- the set ---


def test_the_set_has_as_many_rows_as_it_says_and_each_can_be_asked() -> None:
    among = plans()
    assert {kind: len(rows(kind)) for kind in KINDS} == {"new": 152, "captions": 84, "edits": 140, "others": 48}
    found = [row for kind in KINDS for row in rows(kind)]
    assert len({row["id"] for row in found}) == len(found)
    for row in found:
        said = conversation(row, among)
        assert said[-1]["content"] == row["text"]
        assert len(said) % 2 == 1


def test_every_given_plan_reads_back_as_itself() -> None:
    for given in plans().values():
        reading = read_canvas(f"```python\n{given.code}```")
        assert reading.status == "accept"
        assert reading.canvas == given.canvas


def test_every_edit_names_regions_of_its_plan_and_relations_that_are_known() -> None:
    among = plans()
    for row in rows("edits"):
        given = before(row, among)
        assert set(row.get("about", [])) <= {*given.titles, "fox"}, row["id"]
        assert row.get("back", "p01") in among
    for kind in ("new", "captions", "edits"):
        for row in rows(kind):
            verdict_of = scored(kind, row, Reply(f"```python\n{among['p01'].code}```"), among)
            assert verdict_of.kind == kind


def test_kinds_take_turns_and_a_second_run_asks_only_what_is_left(tmp_path: Path) -> None:
    asked = in_turns([rows("new", 2), rows("captions", 2)])
    assert [row["id"][0] for row in asked] == ["n", "c", "n", "c"]
    out, said = tmp_path / "answers.jsonl", []

    def write(messages: Sequence[Message]) -> str:
        said.append(messages[-1]["content"])
        return "A sentence."

    ask = timed(write, lambda: 3)
    answered(ask, asked[:1], {}, out)
    found = answered(ask, asked, {}, out)
    assert len(said) == 4
    assert list(found) == [row["id"] for row in asked]
    assert kept(out)[asked[0]["id"]].tokens == 3


def test_the_numbers_are_shares_by_kind(capsys: pytest.CaptureFixture[str]) -> None:
    among = plans()
    scores = [
        scored("others", {"id": "o1", "text": "hi"}, Reply("Hello, what shall we draw?"), among),
        scored("others", {"id": "o2", "text": "hi"}, Reply(f"```python\n{among['p01'].code}```"), among),
    ]
    tell(scores)
    assert "o2" in capsys.readouterr().out
    assert written_numbers(scores)["kind"] == 0.5
    assert task_numbers(scores)["all"] == 0.5


# --- public sets ---


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Small files of our own in the forms of those projects."""
    spatial = {"id": 1, "obj1": ["horse", [0, 0, 1, 1]], "obj2": ["couch", [0, 0, 1, 1]], "relation": "top"}
    spatial |= {"prompt": "a horse on a sofa", "type": "natural"}
    counting = {"id": 2, "num_object": [["fork", 3], ["spoon", 1]], "prompt": "three forks and some spoons"}
    counting |= {"type": "template", "sub-type": "comparison"}
    metadata = [
        {"tag": "counting", "include": [{"class": "fork", "count": 3}], "prompt": "a photo of three forks"},
        {
            "tag": "position",
            "include": [{"class": "pizza", "count": 1}, {"class": "tv", "count": 1, "position": ["above", 0]}],
            "prompt": "a photo of a tv above a pizza",
        },
        {
            "tag": "color_attr",
            "include": [{"class": "cow", "count": 1, "color": "pink"}],
            "prompt": "a photo of a pink cow",
        },
    ]
    prompts = {
        "A photo of a scene without forks": [""],
        "A photo of a scene with two forks": [""],
        "A photo of a scene with a pink fork and a brown bed": [""],
        "A photo of a scene with a fork on the top and a bed on the bottom": [""],
    }
    texts = {
        "lmd": json.dumps(prompts),
        "nsr": json.dumps([spatial, counting]),
        "geneval": "\n".join(json.dumps(line) for line in metadata),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return {name: tmp_path / name for name in texts}


def right_plans() -> dict[str, Canvas]:
    fork, bed = region("A fork.", TOP), region("A bed.", BOTTOM)
    return {
        "negation": plan(bed),
        "numeracy": plan(region("Two forks.", LEFT)),
        "attribution": plan(region("A pink fork.", LEFT, "pink"), region("A brown bed.", RIGHT, "brown")),
        "spatial": plan(fork, bed),
        "spatial_natural": plan(region("A horse.", TOP), region("A sofa.", (10, 30, 80, 90))),
        "counting_comparison": plan(region("Three forks.", LEFT), region("A spoon.", RIGHT)),
        "counting": plan(region("Three forks.", LEFT)),
        "position": plan(region("A television.", TOP), region("A pizza.", BOTTOM)),
        "color_attr": plan(region("A pink cow.", LEFT, "pink")),
    }


@pytest.mark.parametrize("name", ["lmd", "nsr", "geneval"])
def test_a_public_set_is_read_and_judged(name: str, files: dict[str, Path]) -> None:
    right, wrong = right_plans(), plan(region("A pink spoon.", LEFT), region("A brown fork.", TOP))
    found = public_rows(name, files[name], 0)
    assert len(found) == {"lmd": 4, "nsr": 2, "geneval": 3}[name]
    for row in found:
        assert judged(row, right[row["task"]]) == [], row["text"]
        assert judged(row, wrong), row["text"]


def test_plain_lines_of_prompts_are_a_file_of_lmd_too(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("A scene without cats\nA scene with one cat\n", encoding="utf-8")
    assert sorted(row["task"] for row in public_rows("lmd", tmp_path / "lines", 1)) == ["negation", "numeracy"]


def test_a_file_of_another_form_is_refused(files: dict[str, Path]) -> None:
    with pytest.raises(SettingsError, match="no file of nsr"):
        public_rows("nsr", files["lmd"], 0)
    with pytest.raises(SettingsError, match="--file"):
        main(["--set", "nsr", "--asked"])


def test_a_server_is_asked_and_its_answers_are_kept(files: dict[str, Path], tmp_path: Path) -> None:
    out, argv = tmp_path / "answers.jsonl", ["--set", "geneval", "--file", str(files["geneval"]), "--n", "1"]
    with text_server(f"```python\n{right_plans()['position'].to_code()}```") as server:
        result = main([*argv, "--llm", server.name, "--out", str(out)])
    assert (result["position"], result["counting"], result["n"]) == (1, 0, 3)
    assert len(kept(out)) == 3


def test_answers_of_an_earlier_run_are_scored_without_a_model(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "answers.jsonl"
    code = right_plans()["position"].to_code()
    out.write_text(
        json.dumps({"id": "geneval1", "text": f"```python\n{code}```", "tokens": 9}) + "\n", encoding="utf-8"
    )
    result = main(["--set", "geneval", "--file", str(files["geneval"]), "--asked", "--out", str(out)])
    assert (result["position"], result["all"], result["n"]) == (1, 1, 1)


# --- plans that a person judged ---

JUDGED = [json.loads(line) for line in (Path(__file__).parent / "judged_plans.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("given", JUDGED, ids=[f"{one['id']}-{'right' if one['right'] else 'wrong'}" for one in JUDGED])
def test_the_judge_agrees_with_a_person_on_a_plan(given: dict[str, Any]) -> None:
    canvas = Canvas()
    canvas.set_global_description(given["says"], [], "", "white")
    for description, (location, offset, area), distance, color, *details in given["regions"]:
        canvas.add_local_description(location, offset, area, distance, description, details, "", "", "", "", color)
    row = next(row for kind in ("new", "captions") for row in rows(kind) if row["id"] == given["id"])
    assert (judged(row, canvas) == []) == given["right"]
