"""One history of a chat: hand edits, replies, retries, old plans and a cleared chat, undone and done again."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib_omost.canvas import set_keyword
from lib_omost.studio import history
from lib_omost.studio.conversation import AGAIN, Chats, Conversation, fenced
from lib_omost.studio.history import BACK, FORTH
from lib_omost.studio.remarks import from_data, to_data
from lib_omost.studio.store.history import MAX_SIBLINGS, MAX_STEPS
from lib_omost.studio.store.sessions import Sessions


@pytest.fixture
def chats(tmp_path: Path) -> Chats:
    return Chats(Sessions(tmp_path / "sessions.sqlite"))


@pytest.fixture
def session(chats: Chats) -> str:
    return chats.sessions.create("ann")


def ask(chats: Chats, session: str, text: str, code: str) -> None:
    """A message and its reply."""
    chats.say(session, text)
    chats.keep_reply(session, None, fenced(code), {})


def again(chats: Chats, session: str, code: str) -> None:
    """The last message asked once more, and another reply."""
    chats.ask_again(session)
    chats.keep_reply(session, None, fenced(code), {})


def code_of(chat: Conversation) -> str:
    return "" if chat.newest is None else chat.newest.reading.code.strip()


def colored(code: str, color: str) -> str:
    return set_keyword(code, 0, "HTML_web_color_name", color).strip()


def count(chats: Chats, table: str) -> int:
    with chats.sessions.connection() as db:
        return int(db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


def test_every_act_is_undone_and_done_again_in_order_by_whoever_opens_the_file(
    chats: Chats, session: str, code: str
) -> None:
    ask(chats, session, "an apple", code)
    chats.set_code(session, colored(code, "blue"))
    ask(chats, session, "make it gold", colored(code, "gold"))
    again(chats, session, colored(code, "lime"))
    chats.add_plan(session, code, AGAIN)
    chats.clear(session)
    seen = [code_of(chats.open(session))]
    later = Chats(Sessions(chats.sessions.path))  # a reload of the page, a restart of the server
    for _ in range(6):
        seen.append(code_of(history.travel(later, session, BACK)))
    wanted = ["", code.strip(), *(colored(code, color) for color in ("lime", "gold", "blue", "red")), ""]
    assert seen == wanted
    assert history.steps(later, session) == (None, "an apple")
    assert [code_of(history.travel(later, session, FORTH)) for _ in range(6)] == wanted[-2::-1]
    assert history.steps(later, session) == ("chat cleared", None)


def test_what_was_undone_cannot_be_done_again_after_another_act(chats: Chats, session: str, code: str) -> None:
    ask(chats, session, "an apple", code)
    chats.set_code(session, colored(code, "blue"))
    history.travel(chats, session, BACK)
    chats.set_code(session, colored(code, "gold"))
    assert history.steps(chats, session) == ("edited by hand", None)
    assert code_of(history.travel(chats, session, FORTH)) == colored(code, "gold")


def test_an_edit_that_changes_nothing_is_no_step(chats: Chats, session: str, code: str) -> None:
    ask(chats, session, "an apple", code)
    chats.set_code(session, code.strip())
    assert history.steps(chats, session)[0] == "an apple"


def test_a_picture_goes_and_comes_with_the_reply_that_it_was_painted_from(
    chats: Chats, session: str, code: str
) -> None:
    ask(chats, session, "an apple", code)
    ask(chats, session, "make it gold", colored(code, "gold"))
    chats.sessions.add_picture(session, code, {}, "/p/gold.png")
    assert not any(turn.picture for turn in history.travel(chats, session, BACK).turns)
    assert history.travel(chats, session, FORTH).turns[-1].picture == "/p/gold.png"
    assert len(chats.sessions.renders(session)) == 1


def test_an_undo_is_told_by_what_it_changed_each_to_be_taken_back(chats: Chats, session: str, code: str) -> None:
    ask(chats, session, "an apple", code)
    chats.set_code(session, colored(code, "blue"))
    history.travel(chats, session, BACK)
    told = chats.told(session)
    assert (told.text, [row.text for row in told.rows]) == ("Undone: edited by hand", ["red apple: blue → red"])
    value = told.values()[0]["value"]
    chat, _ = history.press(chats, session, value)
    assert code_of(chat) == colored(code, "blue")
    assert chats.told(session).rows[0].label == "redo"
    chat, _ = history.press(chats, session, value)  # pressed twice, or on a page that was left open
    assert code_of(chat) == colored(code, "blue")
    assert code_of(history.travel(chats, session, BACK)) == code.strip()


@pytest.mark.parametrize("value", ["", "x 0 undo", None, 7, "hand"])
def test_a_button_that_is_not_there_does_nothing(chats: Chats, session: str, code: str, value: object) -> None:
    ask(chats, session, "an apple", code)
    before = chats.open(session).turns
    assert history.press(chats, session, value)[0].turns == before


def test_a_cleared_chat_is_put_back_by_its_row(chats: Chats, session: str, code: str) -> None:
    ask(chats, session, "an apple", code)
    before = chats.open(session).turns
    assert chats.clear(session).turns == ()
    (row,) = chats.told(session).values()
    assert (row["text"], row["label"]) == ("Chat and plan were cleared.", "put them back")
    assert history.press(chats, session, row["value"])[0].turns == before


def test_a_retried_reply_keeps_its_siblings_with_what_was_changed_in_them(
    chats: Chats, session: str, code: str
) -> None:
    ask(chats, session, "an apple", code)
    assert history.replies(chats, session) == (1, 1)
    chats.set_code(session, colored(code, "blue"))
    again(chats, session, colored(code, "gold"))
    again(chats, session, colored(code, "lime"))
    assert history.replies(chats, session) == (3, 3)
    assert code_of(history.turn_over(chats, session, -1)) == colored(code, "gold")
    assert code_of(history.turn_over(chats, session, -1)) == colored(code, "blue")
    assert history.replies(chats, session) == (1, 3)
    assert code_of(history.turn_over(chats, session, -1)) == colored(code, "blue")  # there is none before
    assert code_of(history.travel(chats, session, BACK)) == colored(code, "gold")
    assert history.replies(chats, session) == (2, 3)
    assert code_of(history.turn_over(chats, session, 1)) == colored(code, "lime")


def test_a_retry_that_is_undone_is_still_the_next_reply(chats: Chats, session: str, code: str) -> None:
    ask(chats, session, "an apple", code)
    again(chats, session, colored(code, "gold"))
    assert code_of(history.travel(chats, session, BACK)) == code.strip()
    assert history.replies(chats, session) == (1, 2)
    assert code_of(history.turn_over(chats, session, 1)) == colored(code, "gold")


def test_another_reply_is_told_by_what_it_changed_of_the_plan_before_its_message(
    chats: Chats, session: str, code: str
) -> None:
    ask(chats, session, "an apple", code)
    ask(chats, session, "another colour", colored(code, "gold"))
    again(chats, session, colored(code, "lime"))
    history.turn_over(chats, session, -1)
    told = chats.told(session)
    assert (told.text, [row.text for row in told.rows]) == ("Reply 1 of 2", ["red apple: red → gold"])


@pytest.mark.slow
def test_a_session_remembers_so_many_steps_and_replies_and_nothing_of_what_it_forgot(
    chats: Chats, session: str, code: str
) -> None:
    ask(chats, session, "an apple", code)
    for number in range(MAX_SIBLINGS + 3):
        again(chats, session, set_keyword(code, 0, "name", f"r{number}"))
    assert history.replies(chats, session) == (MAX_SIBLINGS + 1, MAX_SIBLINGS + 1)
    chats.clear(session)
    ask(chats, session, "a pear", code)
    for number in range(MAX_STEPS + 5):
        chats.set_code(session, set_keyword(code, 0, "name", f"h{number}"))
    assert (count(chats, "step"), count(chats, "sibling")) == (MAX_STEPS, 0)
    assert count(chats, "version") <= MAX_STEPS + 2
    for _ in range(MAX_STEPS):
        history.travel(chats, session, BACK)
    assert history.steps(chats, session)[0] is None
    chats.sessions.delete(session)
    assert (count(chats, "step"), count(chats, "version")) == (0, 0)


def test_what_is_told_is_kept_as_it_is(chats: Chats, session: str, code: str) -> None:
    ask(chats, session, "an apple", code)
    chats.set_code(session, set_keyword(code, 1, "bbox", (1, 2, 30, 40)))
    history.travel(chats, session, BACK)
    told = chats.told(session)
    assert told.rows and from_data(to_data(told)) == told
