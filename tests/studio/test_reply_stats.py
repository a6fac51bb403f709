"""What a reply cost, as the state line tells it while it is written and afterwards, and how long it will still take."""

from __future__ import annotations

from dataclasses import replace

from lib_omost.canvas import read_canvas
from lib_omost.composer import ComposeStats
from lib_omost.runtime import entry
from lib_omost.studio import reply_stats
from lib_omost.studio.conversation import Conversation
from lib_omost.studio.replies import Reply
from lib_omost.studio.store.sessions import Turn
from tests.composer.conftest import a_reply

TEXT = a_reply("red apple")
REPLY = Reply(TEXT, read_canvas(TEXT).canvas, None, True, 6.0, 1.0, 2.5, read_canvas(TEXT))
STATS = ComposeStats(200, 100, 300, 90, 90, 100, seconds=6.0, first_token_s=0.53)


def test_an_edit_is_expected_to_be_as_long_as_the_plan_that_it_changes() -> None:
    model = entry("default", "llm")
    turns = (Turn("user", "an apple"), Turn("assistant", TEXT), Turn("user", "bigger"), Turn("assistant", "Why?"))
    assert reply_stats.expected_length(Conversation(turns), [10, 20], model) == len(TEXT)
    assert reply_stats.expected_length(Conversation(turns[:1]), [10, 900, 1000], model) == 900
    assert reply_stats.expected_length(Conversation(turns[:1]), [], model) == reply_stats.USUAL_LENGTH_OF_THE_SMALL


def test_what_is_left_is_told_from_the_pace_once_there_is_one() -> None:
    half = replace(REPLY, text="x" * 500, seconds=6.0, waited_s=1.0)
    assert reply_stats.seconds_left(half, 1000) == 5.0
    assert reply_stats.seconds_left(half, 400) == 0
    assert reply_stats.seconds_left(replace(half, seconds=1.5), 1000) is None


def test_afterwards_first_token_first_region_speed_and_tokens_a_pass_are_told() -> None:
    about = reply_stats.record(REPLY, STATS, entry("default", "llm"), stopped=False)
    assert reply_stats.summary(about) == (
        "first token 0.5 s · first region 2.5 s · 6.0 s in all · 50 tokens/s · 3.0 tokens a pass · context 500 of 8192"
    )
    assert reply_stats.taken(about) == about


def test_of_a_server_no_passes_are_told() -> None:
    about = reply_stats.record(REPLY, replace(STATS, passes=0), entry("http://127.0.0.1:1/v1#m", "llm"), stopped=False)
    assert "pass" not in reply_stats.summary(about)


def test_of_a_record_in_a_file_only_what_has_the_right_form_is_taken() -> None:
    found = {"model": "m", "seconds": 6, "context": True, "tokens_per_s": "fast", "notes": ["a" * 900, 3], "other": 1}
    assert reply_stats.taken(found) == {"model": "m", "seconds": 6.0, "notes": ["a" * 500]}
    assert reply_stats.taken({"own": ["a red apple", 3]}) == {"own": ["a red apple"]}
    assert [reply_stats.taken(one) for one in (None, [1], "x", {}, {1: 2})] == [{}] * 5
