"""A conversation, and what the acts of a person leave of it in the store."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from lib_omost.canvas import Canvas, set_keyword
from lib_omost.errors import SettingsError
from lib_omost.studio import conversation as chat
from lib_omost.studio.conversation import Chats, Conversation
from lib_omost.studio.store.sessions import Sessions, Turn

PROSE = Turn("assistant", "Gladly! What should change?")


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


def test_the_chat_widget_gets_one_bubble_a_message_or_reply_and_none_a_picture(talk: tuple[Turn, ...]) -> None:
    shown = chat.bubbles(talk)
    assert [bubble["role"] for bubble in shown] == [turn.role for turn in talk if not turn.picture]


def test_a_reply_cannot_make_the_viewer_load_a_remote_picture() -> None:
    (bubble,) = chat.bubbles([Turn("assistant", "look: ![x](http://tracker.example/x.png)")])
    assert "![" not in bubble["content"][0]["text"]


@pytest.fixture
def chats(tmp_path: Path) -> Chats:
    return Chats(Sessions(tmp_path / "sessions.sqlite"))


@pytest.fixture
def session(chats: Chats, talk: tuple[Turn, ...]) -> str:
    """A session that holds `talk`."""
    session = chats.sessions.create("ann")
    chats.sessions.set_turns(session, talk)
    return session


@pytest.mark.parametrize("text", ["", "  \n", "x" * 2001])
def test_an_empty_or_endless_message_is_refused(chats: Chats, session: str, talk: tuple[Turn, ...], text: str) -> None:
    with pytest.raises(SettingsError):
        chats.say(session, text)
    assert chats.open(session).turns == talk


def test_a_message_goes_to_the_end_and_names_the_session(chats: Chats) -> None:
    session = chats.sessions.create("ann")
    assert chats.say(session, "an apple").turns == (Turn("user", "an apple"),)
    assert chats.say(session, "more").turns == (Turn("user", "an apple"), Turn("user", "more"))
    assert chats.sessions.name(session) == "an apple"


def test_a_chat_holds_so_many_turns_and_no_more(chats: Chats) -> None:
    session = chats.sessions.create("ann")
    chats.sessions.set_turns(session, [Turn("user", "a") for _ in range(chat.MAX_TURNS - 1)])
    chats.say(session, "the last one")
    with pytest.raises(SettingsError, match="start a new one"):
        chats.say(session, "one beyond it")


def test_retry_goes_back_to_the_question_before_a_reply(chats: Chats, session: str, talk: tuple[Turn, ...]) -> None:
    assert chats.ask_again(session, 2).turns == talk[:1]
    chats.sessions.set_turns(session, talk[1:2])
    assert chats.ask_again(session, 0).turns == ()


def test_undo_takes_the_last_exchange_away_and_gives_its_text_back(
    chats: Chats, session: str, talk: tuple[Turn, ...]
) -> None:
    left, text = chats.undo(session)
    assert (left.turns, text) == (talk[:3], "more")
    left, text = chats.undo(session)
    assert (left.turns, text) == ((), "an apple")
    left, text = chats.undo(session)
    assert (left.turns, text) == ((), "")


def test_an_edited_message_cuts_what_came_after(chats: Chats, session: str) -> None:
    assert chats.edit(session, 0, "a pear").turns == (Turn("user", "a pear"),)


def test_an_edited_reply_keeps_the_question(chats: Chats, session: str, talk: tuple[Turn, ...]) -> None:
    assert chats.edit(session, 1, "canvas = Canvas()").turns == (talk[0], Turn("assistant", "canvas = Canvas()"))


@pytest.mark.parametrize("index", [-1, 2, 9])
def test_a_picture_or_a_missing_turn_cannot_be_edited(
    chats: Chats, session: str, talk: tuple[Turn, ...], index: int
) -> None:
    with pytest.raises(SettingsError):
        chats.edit(session, index, "text")
    assert chats.open(session).turns == talk


@pytest.mark.parametrize(("index", "length"), [(0, chat.MAX_MESSAGE), (1, chat.MAX_REPLY)])
def test_an_edit_is_as_long_as_its_kind_may_be_and_no_longer(
    chats: Chats, session: str, index: int, length: int
) -> None:
    with pytest.raises(SettingsError, match=str(length)):
        chats.edit(session, index, "x" * (length + 1))
    assert chats.edit(session, index, "x" * length).turns[index].text == "x" * length


def test_new_code_replaces_the_program_and_leaves_the_words_around_it(
    chats: Chats, session: str, talk: tuple[Turn, ...], code: str
) -> None:
    changed = chats.set_code(session, code.replace("a red apple", "a pear")).turns
    assert changed[1].text.startswith("Here it is.")
    assert changed[1].text.endswith("Enjoy.")
    assert "a pear" in changed[1].text
    assert (changed[:1], changed[2:]) == (talk[:1], talk[2:])


def test_a_description_changed_by_hand_takes_what_the_model_derived_from_it_along(
    chats: Chats, session: str, code: str
) -> None:
    told = set_keyword(set_keyword(code, 0, "tags", "apple, red"), None, "description", "a red apple in a meadow")
    chats.set_code(session, told)
    conversation, done = chats.edit_by_hand(session, set_keyword(told, 0, "description", "a green frog"))
    assert conversation.newest is not None and conversation.newest.reading.code == done.code.rstrip()
    assert "whole picture" in done.also
    assert "'frog, green'" in done.code and "'a green frog in a meadow'" in done.code


def test_a_text_written_by_hand_stays_when_the_description_changes_later(chats: Chats, session: str, code: str) -> None:
    _, first = chats.edit_by_hand(session, set_keyword(code, 0, "tags", "apple, of my garden"))
    reopened = Chats(chats.sessions)
    _, second = reopened.edit_by_hand(session, set_keyword(first.code, 0, "description", "a green frog"))
    assert "apple, of my garden" in second.code


def test_a_text_that_is_back_as_the_model_wrote_it_follows_again(chats: Chats, session: str, code: str) -> None:
    told = set_keyword(code, 0, "tags", "apple, red")
    chats.set_code(session, told)
    chats.edit_by_hand(session, set_keyword(told, 0, "tags", "apple, of my garden"))
    chats.edit_by_hand(session, told)
    _, done = chats.edit_by_hand(session, set_keyword(told, 0, "description", "a green frog"))
    assert "'frog, green'" in done.code


def test_the_next_reply_leaves_a_text_of_the_persons_the_persons(chats: Chats, session: str, code: str) -> None:
    conversation, _ = chats.edit_by_hand(session, set_keyword(code, 0, "tags", "apple, of my garden"))
    own = chat.own_after(conversation.newest, Canvas())[chat.OWN]
    assert "apple, of my garden" not in own and own
    assert chat.own_after(chats.open(chats.sessions.create("ann")).newest, Canvas()) == {}


def test_the_texts_of_a_plan_drawn_by_hand_are_all_the_persons(chats: Chats, code: str) -> None:
    session, drawn = chats.sessions.create("ann"), set_keyword(code, 0, "tags", "apple, red")
    chats.edit_by_hand(session, drawn)
    _, done = chats.edit_by_hand(session, set_keyword(drawn, 0, "description", "a green frog"))
    assert done.also == ("colour",)


def test_new_code_writes_one_turn_however_long_the_chat_is(
    chats: Chats, session: str, code: str, tmp_path: Path
) -> None:
    def rows() -> list[tuple[int, str]]:
        with sqlite3.connect(tmp_path / "sessions.sqlite") as db:
            return list(db.execute("SELECT rowid, text FROM turn WHERE session = ? ORDER BY position", (session,)))

    before = rows()
    chats.set_code(session, code.replace("a red apple", "a pear"))
    assert [old == new for old, new in zip(before, rows(), strict=True)] == [True, False, True, True]
    assert [row for row, _ in before] == [row for row, _ in rows()]


def test_a_plan_without_a_chat_becomes_an_exchange(chats: Chats, code: str) -> None:
    conversation = chats.set_code(chats.sessions.create("ann"), code)
    assert [turn.role for turn in conversation.turns] == ["user", "assistant"]
    assert conversation.newest is not None
    assert conversation.newest.reading.canvas is not None


def test_the_newest_canvas_counts_even_when_prose_came_later(talk: tuple[Turn, ...]) -> None:
    conversation = Conversation((*talk, PROSE))
    assert conversation.newest is not None and conversation.newest.turn is talk[1]
    assert conversation.latest is not None and conversation.latest[0] is PROSE
    assert conversation.latest[1].canvas is None


def test_a_conversation_without_a_reply_has_neither_a_canvas_nor_a_latest_one() -> None:
    conversation = Conversation((Turn("user", "an apple"), Turn("assistant", "", "/p/a.png")))
    assert (conversation.newest, conversation.latest) == (None, None)


def test_a_reading_that_is_known_is_not_made_again(chats: Chats, session: str) -> None:
    before = chats.open(session)
    assert before.newest is not None
    after = chats.open(session, before)
    assert after.newest is not None and after.newest.reading is before.newest.reading


def test_a_reply_that_grows_is_one_turn_and_stays_away_once_it_was_undone(
    chats: Chats, session: str, talk: tuple[Turn, ...]
) -> None:
    assert chats.keep_reply(session, None, " ", {}) is None
    turn = chats.keep_reply(session, None, "half", {"stopped": True})
    turn = chats.keep_reply(session, turn, "half a reply", {})
    assert chats.open(session).turns == (*talk, Turn("assistant", "half a reply"))
    chats.undo(session)
    chats.say(session, "another wish")
    other = chats.keep_reply(session, None, "its reply", {})
    chats.keep_reply(session, turn, "half a reply that came late", {})
    assert other is not None
    assert chats.open(session).turns == (*talk[:3], Turn("user", "another wish"), Turn("assistant", "its reply"))
