"""Undo and redo, the other replies to a message, and what a press of a row's button does; each is told afterwards."""

from __future__ import annotations

import json
from dataclasses import replace

from lib_omost.canvas import Canvas, differences
from lib_omost.errors import CanvasError
from lib_omost.studio import changes
from lib_omost.studio.conversation import Chats, Conversation
from lib_omost.studio.remarks import Told
from lib_omost.studio.store import history
from lib_omost.studio.store.sessions import Turn

BACK, FORTH = "undo", "redo"


def steps(chats: Chats, session: str) -> tuple[str | None, str | None]:
    """What can be undone next, and what can be done again, by name."""
    with chats.sessions.connection() as db:
        return history.names(db, session)


def travel(chats: Chats, session: str, way: str) -> Conversation:
    """One step `BACK` or `FORTH`, whoever's it was: a hand edit, a reply, a retry, a cleared chat."""
    before = chats.open(session)
    with chats.sessions.transaction() as db:
        name = history.travel(db, session, way == BACK)
    after = chats.open(session, before)
    if name is not None:
        chats.tell(session, compared(before, after, f"Undone: {name}" if way == BACK else f"Done again: {name}"))
    return after


def replies(chats: Chats, session: str) -> tuple[int, int]:
    """Which of how many replies to the last message is shown, from 1."""
    with chats.sessions.connection() as db:
        return history.siblings(db, session)


def turn_over(chats: Chats, session: str, by: int) -> Conversation:
    """Shows another reply to the last message; what it changed is told as it was when it came."""
    with chats.sessions.transaction() as db:
        turned = history.turn_over(db, session, by)
    after = chats.open(session)
    if turned:
        question = after.question()
        before = Conversation(after.turns[:question], after.readings)
        at, count = replies(chats, session)
        chats.tell(session, compared(before, after, f"Reply {at} of {count}"))
    return after


def before_last(chats: Chats, session: str, known: Conversation) -> Conversation:
    """The conversation as it was before the last act, with the readings that are `known`."""
    with chats.sessions.connection() as db:
        rows = history.before(db, session)
    return Conversation(tuple(Turn(row[0], row[1], row[2], json.loads(row[3]), row[4]) for row in rows), known.readings)


def press(chats: Chats, session: str, value: object) -> tuple[Conversation, str]:
    """Carries out what a row's button says; returns the words for the message box too, where it has any. A button that
    is not there any more does nothing.
    """
    told, chat = chats.told(session), chats.open(session)
    found = told.pressed(value)
    if found is None:
        return chat, ""
    index, row = found
    if row.do == "back":
        return travel(chats, session, BACK), ""
    if row.do not in ("undo", "take") or chat.newest is None:
        return chat, row.words
    try:
        code, after = changes.carried_out(chat.newest.reading.code, row)
    except CanvasError as error:
        chats.tell(session, replace(told, text=str(error), level="bad"))
        return chat, ""
    says = f"Undone: {row.text}" if row.do == "undo" else f"Done: {after.text}"
    chat = chats.set_code(session, code, step=f"{row.label}: {row.text}")
    chats.tell(session, replace(told.instead(index, after), text=says, level="good"))
    return chat, ""


def compared(before: Conversation, after: Conversation, text: str) -> Told:
    """What differs between the plans of two moments; no rows where one of them has none."""
    was, now = _canvas(before), _canvas(after)
    rows = changes.made(differences(was, now)) if was and now else ()
    return Told(rows, text, "good" if now else "idle")


def _canvas(chat: Conversation) -> Canvas | None:
    return None if chat.newest is None else chat.newest.reading.canvas
