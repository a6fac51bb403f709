"""The conversation as a tuple of turns."""

from __future__ import annotations

import pytest

from lib_omost.errors import SettingsError
from lib_omost.studio import conversation as chat
from lib_omost.studio.store.sessions import Turn


@pytest.fixture
def talk(code: str) -> tuple[Turn, ...]:
    reply = f"Here it is.\n\n{chat.fenced(code)}\n\nEnjoy."
    return (Turn("user", "an apple"), Turn("assistant", reply), Turn("assistant", "", "/p/a.png"), Turn("user", "more"))


def test_pictures_never_reach_the_language_model(talk: tuple[Turn, ...]) -> None:
    found = chat.messages(talk)
    assert [message["role"] for message in found] == ["user", "assistant", "user"]
    assert not any("/p/a.png" in message["content"] for message in found)


def test_neighbours_of_one_role_are_joined() -> None:
    assert chat.messages([Turn("user", "a"), Turn("user", "b")]) == [{"role": "user", "content": "a\nb"}]


def test_the_chat_widget_gets_one_bubble_a_turn(talk: tuple[Turn, ...]) -> None:
    shown = chat.bubbles(talk)
    assert [bubble["role"] for bubble in shown] == [turn.role for turn in talk]
    assert shown[2]["content"][0]["path"] == "/p/a.png"


def test_a_reply_cannot_make_the_viewer_load_a_remote_picture() -> None:
    (bubble,) = chat.bubbles([Turn("assistant", "look: ![x](http://tracker.example/x.png)")])
    assert "![" not in bubble["content"][0]["text"].replace("\\![", "")


@pytest.mark.parametrize("text", ["", "  \n", "x" * 2001])
def test_an_empty_or_endless_message_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        chat.said((), text)


def test_retry_goes_back_to_the_question_before_a_reply(talk: tuple[Turn, ...]) -> None:
    assert chat.until_question(talk, 2) == talk[:1]
    assert chat.until_question(talk[1:2], 0) == ()


def test_undo_takes_the_last_exchange_away_and_gives_its_text_back(talk: tuple[Turn, ...]) -> None:
    assert chat.undone(talk[:3]) == ((), "an apple")
    assert chat.undone(()) == ((), "")


def test_an_edited_message_cuts_what_came_after(talk: tuple[Turn, ...]) -> None:
    assert chat.edited(talk, 0, "a pear") == (Turn("user", "a pear"),)


def test_an_edited_reply_keeps_the_question(talk: tuple[Turn, ...]) -> None:
    assert chat.edited(talk, 1, "canvas = Canvas()") == (talk[0], Turn("assistant", "canvas = Canvas()"))


@pytest.mark.parametrize("index", [-1, 2, 9])
def test_a_picture_or_a_missing_turn_cannot_be_edited(talk: tuple[Turn, ...], index: int) -> None:
    with pytest.raises(SettingsError):
        chat.edited(talk, index, "text")


def test_new_code_replaces_the_program_and_leaves_the_words_around_it(talk: tuple[Turn, ...], code: str) -> None:
    changed = chat.with_code(talk, code.replace("a red apple", "a pear"))
    assert changed[1].text.startswith("Here it is.")
    assert changed[1].text.endswith("Enjoy.")
    assert "a pear" in changed[1].text
    assert changed[2:] == talk[2:]


def test_a_plan_without_a_chat_becomes_an_exchange(code: str) -> None:
    turns = chat.with_code((), code)
    assert [turn.role for turn in turns] == ["user", "assistant"]
    found = chat.last_reading(turns)
    assert found is not None
    assert found[1].canvas is not None


def test_the_newest_canvas_counts_even_when_prose_came_later(talk: tuple[Turn, ...]) -> None:
    found = chat.last_reading((*talk, Turn("assistant", "Gladly! What should change?")))
    assert found is not None
    assert found[0] == 1
