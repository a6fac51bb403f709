"""How the page words what happened."""

from __future__ import annotations

import logging

import pytest

from lib_omost.canvas import Canvas, read_canvas
from lib_omost.errors import SettingsError
from lib_omost.studio.conversation import fenced
from lib_omost.studio.sentences import outcome, sentence, suggestions


def test_a_clean_reply_counts_its_regions(code: str) -> None:
    state = outcome(read_canvas(fenced(code)))
    assert (state["level"], state["text"], state["asks"]) == ("good", "2 regions", False)


def test_a_mended_reply_says_how_often_and_where(code: str) -> None:
    state = outcome(read_canvas(fenced(code.replace("on the right", "right side"))))
    assert state["level"] == "warn"
    assert state["text"].startswith("2 regions, 1 repair")
    assert state["notes"][0].startswith("line ")


def test_a_reply_without_a_canvas_offers_to_ask_again() -> None:
    state = outcome(read_canvas("I would rather not."))
    assert (state["level"], state["text"], state["asks"]) == ("idle", "no canvas in this reply", True)


def test_a_canvas_that_cannot_be_read_is_an_alarm_and_says_why() -> None:
    state = outcome(read_canvas("canvas.add_local_description("))
    assert (state["level"], state["text"], state["asks"]) == ("bad", "no canvas in this reply", True)
    assert "ends in the middle" in state["notes"][0]


def test_a_plan_offers_edits_of_its_own_things(canvas: Canvas) -> None:
    assert "remove the tree" in suggestions(canvas)
    assert suggestions(Canvas()) == []


def test_our_own_errors_are_shown_as_they_stand() -> None:
    assert sentence(SettingsError("steps is 0; it must be at least 1")) == "steps is 0; it must be at least 1"


def test_what_nobody_foresaw_is_logged_whole_and_told_in_general_terms(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        told = sentence(KeyError("/home/ann/secret"))
    assert "secret" not in told
    assert "secret" in caplog.text
