"""The judge of the layout bench on canvases that are right or wrong on purpose."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bench._layout_edits import EditQuestion, Opening, edit, opening
from bench._layout_judge import RELATIONS, count_in, has, is_right
from bench._layout_questions import SPATIAL, TASKS, Question, Wanted, askable, questions
from bench.layout import Report, ask_edits, ask_questions
from lib_omost.canvas import Canvas, read_canvas
from lib_omost.composer import Message
from training import nouns
from training.language.requests import related
from training.language.scenes import Scene, Thing, program
from training.language.words import RELATIONS as TAUGHT
from training.language.words import Spot


def canvas(*things: Thing, **scene: str) -> Canvas:
    reading = read_canvas(program(Scene(things, **scene)))  # type: ignore[arg-type]
    assert reading.canvas is not None
    return reading.canvas


@pytest.mark.parametrize(("count", "is_there"), [(3, True), (2, False), (0, False)])
def test_three_cats_are_three_and_not_two_or_many(count: int, is_there: bool) -> None:
    assert has(canvas(Thing("cat", count=count)), Wanted("cat", count=3)) == is_there


def test_three_cats_may_have_a_region_each() -> None:
    each = canvas(*(Thing("cat", spot=Spot(at)) for at in ("on the left", "in the center", "on the right")))
    assert has(each, Wanted("cat", count=3))
    assert not has(each, Wanted("cat", count=2))


def test_the_number_before_the_noun_counts() -> None:
    (region,) = canvas(Thing("maple leaf", count=4, color="red")).regions
    assert count_in(region, "maple leaf") == 4


def test_swapped_colors_are_wrong() -> None:
    wanted = (Wanted("cat", color="red"), Wanted("car", color="blue"))
    question = Question("attribute", "", wanted)
    assert is_right(question, canvas(Thing("cat", color="red"), Thing("car", color="blue")))
    assert not is_right(question, canvas(Thing("cat", color="blue"), Thing("car", color="red")))
    assert not is_right(question, canvas(Thing("cat"), Thing("car", color="blue")))


def test_what_must_be_absent_may_not_even_be_a_tag() -> None:
    question = Question("negation", "", (Wanted("cat"),), absent=("dog",))
    assert is_right(question, canvas(Thing("cat")))
    tagged = canvas(Thing("cat"))
    tagged.tags += ", dogs"
    assert not is_right(question, tagged)


@pytest.mark.parametrize(
    ("relation", "taught"),
    [
        *(("left", "left of"), ("right", "right of"), ("above", "above"), ("below", "below"), ("beside", "next to")),
        *(("on", "on"), ("inside", "inside"), ("in front", "in front of"), ("behind", "behind")),
    ],
)
def test_each_relation_holds_one_way_round(relation: str, taught: str) -> None:
    a, b = canvas(*related(Thing("cat"), Thing("box"), TAUGHT[taught])).regions
    assert RELATIONS[relation](a, b)
    assert RELATIONS[relation](b, a) == (relation == "beside")


def test_every_relation_that_is_asked_can_be_judged() -> None:
    asked = questions(40)
    assert {q.relation for q in asked if q.relation} <= set(RELATIONS)
    assert set(SPATIAL) <= set(RELATIONS)
    assert {q.task for q in asked} == {*TASKS, "heldout"}


def test_held_out_questions_name_only_held_out_nouns() -> None:
    for question in questions(20):
        held_out = {thing.noun for thing in question.wanted} <= set(nouns.HELD_OUT)
        assert held_out == (question.task == "heldout")


# ---- edits

CAT = Thing("cat", color="gray", spot=Spot("on the left"))
CAR = Thing("car", color="gray", spot=Spot("on the right"))
BEFORE = canvas(CAT, CAR, place="meadow")
SMALL_CAT = replace(CAT, size="small")


def question(kind: str, words: str) -> EditQuestion:
    """A question of `kind` about the cat, with a dog as the newcomer, whose text holds `words`."""
    asked = (edit(kind, random.Random(seed), Opening("", ("cat",)), ["dog"]) for seed in range(500))
    return next(q for q in asked if words in q.text)


@pytest.mark.parametrize(
    ("kind", "words", "after"),
    [
        ("recolor", "black", canvas(replace(CAT, color="black"), CAR, place="meadow")),
        ("move", "top right", canvas(replace(CAT, spot=Spot("on the top-right")), CAR, place="meadow")),
        ("move", "middle", canvas(replace(CAT, spot=Spot("in the center")), CAR, place="meadow")),
        ("resize", "shrink", canvas(SMALL_CAT, CAR, place="meadow")),
        ("replace", "dog", canvas(Thing("dog", spot=CAT.spot), CAR, place="meadow")),
        ("add", "bottom left", canvas(CAT, CAR, Thing("dog", spot=Spot("on the bottom-left")), place="meadow")),
        ("remove", "cat", canvas(CAR, place="meadow")),
        ("background", "desert", canvas(CAT, CAR, place="desert")),
        ("style", "watercolor", canvas(CAT, CAR, place="meadow", style="watercolor")),
        ("mood", "gloomy", canvas(CAT, CAR, place="meadow", mood="gloomy")),
    ],
)
def test_an_edit_is_right_if_it_is_done_and_nothing_else(kind: str, words: str, after: Canvas) -> None:
    asked = question(kind, words)
    assert asked.is_right(BEFORE, after)
    assert not asked.is_right(BEFORE, BEFORE)
    moved = replace(after.regions[-1], location="on the top", bbox=None)
    assert not asked.is_right(BEFORE, replace(after, regions=(*after.regions[:-1], moved))) or kind == "background"


def test_a_background_edit_may_not_move_the_things() -> None:
    elsewhere = canvas(replace(CAT, spot=Spot("on the top")), CAR, place="desert")
    assert not question("background", "desert").is_right(BEFORE, elsewhere)


def test_an_opening_that_lacks_one_of_its_things_is_passed_over() -> None:
    first = opening(random.Random(1), askable(nouns.DRAWN))
    assert not first.is_usable(BEFORE)
    assert Opening("", ("cat", "car")).is_usable(BEFORE)


def test_every_reply_is_counted_and_shares_are_of_one(tmp_path: Path) -> None:
    def ask(messages: Sequence[Message]) -> str:
        return program(Scene((CAT,))) if "cat" in messages[-1]["content"] else "I would rather not."

    report = Report(tmp_path / "answers.txt")
    ask_questions(ask, report, n=2, seed=5)
    ask_edits(ask, report, n=2, seed=5)
    assert {task: len(found) for task, found in report.shares.items() if task in (*TASKS, "heldout")} == {
        task: 2 for task in (*TASKS, "heldout")
    }
    assert report.share("valid") < 1
    assert (tmp_path / "answers.txt").read_text().count("###") == 12
