"""What requests name and their plans lack: the questions are well formed, and answered as well as the README says."""

from __future__ import annotations

import json

import pytest

from bench import dropped, follow
from lib_omost.canvas import followed, read_program, set_keyword


def test_nine_tenths_of_what_was_dropped_is_named_and_little_else() -> None:
    numbers = dropped.main([])
    assert int(numbers["requests"]) >= 150
    assert float(numbers["named"]) >= 0.9
    assert float(numbers["false_alarms"]) <= 0.05


def test_no_question_is_asked_twice() -> None:
    rows = [json.loads(line) for line in dropped.QUESTIONS.read_text(encoding="utf-8").splitlines()]
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({(row["text"], *row["plan"]) for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("alternatives", "phrases", "named"),
    [("red hair", ["red hair"], True), ("hair|red hair", ["red scarf"], False), ("two|couple", ["two foxes"], True)],
)
def test_a_phrase_names_what_was_dropped_when_it_has_all_words_of_one_alternative(
    alternatives: str, phrases: list[str], named: bool
) -> None:
    assert dropped.is_named(alternatives, phrases) == named


def test_thirty_changes_leave_no_word_of_the_old_thing_in_the_plans_of_the_default_model() -> None:
    codes = {row["id"]: row["code"] for row in map(json.loads, follow.PLANS.read_text(encoding="utf-8").splitlines())}
    assert len(follow.changes()) == 30
    for plan, index, text, noun in follow.changes():
        before = follow.canvas_of(codes[plan])
        old = before.regions[index].description.strip(".").split()[-1]
        done = followed(before, set_keyword(codes[plan], index, "description", text))
        after = read_program(done.code).canvas
        assert after is not None
        said = " ".join([after.global_description, *after.detailed_descriptions, after.tags, after.regions[index].tags])
        assert noun in said and old not in said.split(), (plan, text)
