"""Replies as cards: which bubble each belongs to, what it says, and which pictures stand in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lib_omost.canvas import Canvas
from lib_omost.studio.cards import GONE, MAX_LINES, SAME, Last, cards, difference, place, version
from lib_omost.studio.conversation import fenced
from lib_omost.studio.store.sessions import Turn


def reply(color: str = "red", things: tuple[str, ...] = ("an apple", "a tree")) -> str:
    canvas = Canvas()
    canvas.set_global_description("a meadow", [], "", "skyblue")
    for depth, thing in enumerate(things, 1):
        words = ("", "", "", "", color)
        canvas.add_local_description("on the left", "no offset", "a small square area", depth, thing, [], *words)
    return fenced(canvas.to_code())


def test_a_reply_with_a_plan_has_a_card_and_prose_and_messages_have_none() -> None:
    turns = (Turn("user", "hello"), Turn("assistant", "What a day."), Turn("user", "a"), Turn("assistant", reply()))
    (card,) = cards(turns, (7, 9))["cards"]
    assert (card["at"], card["id"], card["lines"], card["busy"]) == (3, turns[3].id, [], False)
    assert [chip["text"] for chip in card["chips"]] == ["apple", "tree"]
    assert [len(box["box"]) for box in card["boxes"]] == [4, 4] and card["ground"] == "#87ceeb"


def test_pictures_stand_in_the_card_of_the_reply_that_they_follow_and_have_no_bubble(tmp_path: Path) -> None:
    there = tmp_path / "a.png"
    there.touch()
    turns = (
        Turn("user", "a"), Turn("assistant", reply()), Turn("assistant", "", str(there)),
        Turn("assistant", "", "/gone.png"), Turn("user", "b"), Turn("assistant", reply("green")),
    )  # fmt: skip
    first, second = cards(turns, (1, 1))["cards"]
    assert [one.removeprefix("gradio_api/file=") for one in first["pictures"]] == [str(there)]
    assert first["gone"] == GONE and (second["at"], second["pictures"], second["gone"]) == (3, [], "")
    assert [place(turns, bubble) for bubble in range(5)] == [0, 1, 4, 5, 6]


def test_a_card_says_what_differs_from_the_plan_before_in_a_few_lines() -> None:
    assert difference(reply(), reply("green")) == ("apple: red → green", "tree: red → green")
    assert difference(reply(), reply()) == (SAME,)
    assert difference("no plan", reply()) == ()
    many = difference(reply(things=("a boat",)), reply(things=tuple(f"a {one}" for one in "bcdefghij")))
    assert len(many) == MAX_LINES + 1 and many[-1].startswith("and ")


def test_only_the_last_reply_says_which_of_several_it_is_and_leaves_out_what_is_told_elsewhere() -> None:
    turns = (
        Turn("user", "a"), Turn("assistant", reply()), Turn("user", "b"), Turn("assistant", reply("green")),
    )  # fmt: skip
    first, second = cards(turns, (1, 1), last=Last(2, 3, told=True))["cards"]
    assert first["replies"] is None and (second["replies"], second["lines"]) == ([2, 3], [])
    first, second = cards(turns, (1, 1))["cards"]
    assert second["replies"] is None and second["lines"] == ("apple: red → green", "tree: red → green")


def test_a_last_reply_in_prose_has_the_way_to_the_others_and_nothing_else() -> None:
    turns = (Turn("user", "a"), Turn("assistant", "What a day."))
    (card,) = cards(turns, (1, 1), last=Last(2, 2))["cards"]
    assert card["bare"] and card["replies"] == [2, 2]


def test_the_version_of_a_chat_is_another_after_each_change() -> None:
    turns = [Turn("user", "a"), Turn("assistant", reply())]
    picture = Turn("assistant", "", "/a.png")
    states = [turns, turns[:1], [*turns, picture], [turns[0], replace(turns[1], text=reply("green"))]]
    assert len({version(one) for one in states}) == 4 and version(turns) == version(list(turns))


def test_the_card_of_a_reply_that_is_written_grows_with_its_canvas() -> None:
    turns = (Turn("user", "a"), Turn("assistant", "```python\ncanvas = "))
    assert cards(turns, (1, 1), None, busy=True)["cards"] == []
    (card,) = cards(turns, (1, 1), Canvas.from_bot_response(reply()), busy=True)["cards"]
    assert card["busy"] and len(card["chips"]) == 2
