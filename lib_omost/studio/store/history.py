"""The steps of a chat that can be undone and done again, and the replies in whose place others stand: tables and SQL.

A step holds the whole chat as it is on its other side, as a list of versions of turns, each kept once. What is undone
is therefore never worked out: the two sides change places.
"""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

MAX_STEPS = 200  # of a session; the oldest ones are forgotten
MAX_SIBLINGS = 20  # replies kept to one message
MAX_NAME = 80
_SAME = "v.session = t.session AND v.id = t.id AND v.text = t.text AND v.about = t.about AND v.picture = t.picture"


def add_step(db: sqlite3.Connection, session: str, name: str) -> None:
    """Keeps the chat as it is, before an act called `name` changes it. What was undone cannot be done again after."""
    (last,) = db.execute(
        "SELECT COALESCE(MAX(position), 0) FROM step WHERE session = ? AND done", (session,)
    ).fetchone()
    gone = "DELETE FROM step WHERE session = ? AND (NOT done OR position <= ?)"
    dropped = db.execute(gone, (session, last + 1 - MAX_STEPS)).rowcount
    row = (session, last + 1, " ".join(name.split())[:MAX_NAME], json.dumps(_versions(db, session)))
    db.execute("INSERT INTO step (session, position, done, name, turns) VALUES (?, ?, 1, ?, ?)", row)
    if dropped:
        _forget_unused(db, session)


def names(db: sqlite3.Connection, session: str) -> tuple[str | None, str | None]:
    """What would be undone next, and what would be done again; None for nothing."""
    found = [_next(db, session, back) for back in (True, False)]
    undo, redo = (None if row is None else str(row[1]) for row in found)
    return undo, redo


def travel(db: sqlite3.Connection, session: str, back: bool) -> str | None:
    """Undoes the last step, or does the next one again; returns its name, None where there is none."""
    found = _next(db, session, back)
    if found is None:
        return None
    position, name, turns = found
    keep_sibling(db, session, only_beside_others=True)
    change = "UPDATE step SET turns = ?, done = ? WHERE session = ? AND position = ?"
    db.execute(change, (json.dumps(_versions(db, session)), not back, session, position))
    db.execute("DELETE FROM turn WHERE session = ?", (session,))
    _put(db, session, turns, 0)
    db.execute("UPDATE session SET updated = ? WHERE id = ?", (time.time(), session))
    return name


def before(db: sqlite3.Connection, session: str) -> list[tuple[Any, ...]]:
    """The turns (role, text, picture, about, id) as they were before the last step."""
    found = _next(db, session, True)
    return [] if found is None else _read(db, session, found[2])


def keep_sibling(db: sqlite3.Connection, session: str, message: str = "", *, only_beside_others: bool = False) -> None:
    """Keeps what follows a message of a person (an id; the last one without), before another reply takes its place."""
    question, position = _question(db, session, message)
    reply = _reply(db, session, position)
    if question is None or reply is None or (only_beside_others and not _siblings(db, session, question)):
        return
    tail = json.dumps(_versions(db, session, position))
    upsert = "ON CONFLICT (session, question, reply) DO UPDATE SET turns = excluded.turns"
    row = (session, question, reply, tail)
    db.execute(f"INSERT INTO sibling (session, question, reply, turns) VALUES (?, ?, ?, ?) {upsert}", row)
    for old in _siblings(db, session, question)[:-MAX_SIBLINGS]:
        db.execute("DELETE FROM sibling WHERE session = ? AND question = ? AND reply = ?", (session, question, old))


def siblings(db: sqlite3.Connection, session: str) -> tuple[int, int]:
    """Which of how many replies to the last message the chat shows, from 1; (1, 1) for the only one."""
    question, position = _question(db, session)
    replies = _with_shown(_siblings(db, session, question), reply := _reply(db, session, position))
    return (replies.index(reply) + 1, len(replies)) if reply in replies else (len(replies) + 1, len(replies) + 1)


def turn_over(db: sqlite3.Connection, session: str, by: int) -> bool:
    """Puts another reply to the last message, `by` further on, in the place of the one shown. One step."""
    question, position = _question(db, session)
    at, count = siblings(db, session)
    if question is None or not 1 <= at + by <= count or by == 0:
        return False
    keep_sibling(db, session)
    wanted = _siblings(db, session, question)[at + by - 1]
    add_step(db, session, "another reply")
    where = "SELECT turns FROM sibling WHERE session = ? AND question = ? AND reply = ?"
    (turns,) = db.execute(where, (session, question, wanted)).fetchone()
    db.execute("DELETE FROM turn WHERE session = ? AND position > ?", (session, position))
    _put(db, session, turns, position + 1)
    return True


def told(db: sqlite3.Connection, session: str) -> dict[str, Any]:
    """What `tell` was given last; empty where nothing was."""
    found = db.execute("SELECT told FROM session WHERE id = ?", (session,)).fetchone()
    return dict(json.loads(found[0])) if found else {}


def tell(db: sqlite3.Connection, session: str, said: dict[str, Any]) -> None:
    db.execute("UPDATE session SET told = ? WHERE id = ?", (json.dumps(said), session))


def _next(db: sqlite3.Connection, session: str, back: bool) -> tuple[int, str, str] | None:
    order = "done ORDER BY position DESC" if back else "NOT done ORDER BY position"
    query = f"SELECT position, name, turns FROM step WHERE session = ? AND {order} LIMIT 1"
    found = db.execute(query, (session,)).fetchone()
    return None if found is None else (int(found[0]), str(found[1]), str(found[2]))


def _versions(db: sqlite3.Connection, session: str, after: int = -1) -> list[int]:
    """The turns behind a position, each as the key of a version that says exactly what it says now."""
    db.execute(
        "INSERT INTO version (session, role, text, picture, about, id) "
        "SELECT session, role, text, picture, about, id FROM turn t WHERE session = ? AND position > ? "
        f"AND NOT EXISTS (SELECT 1 FROM version v WHERE {_SAME}) ORDER BY position",
        (session, after),
    )
    query = (
        f"SELECT MIN(v.key) FROM turn t JOIN version v ON {_SAME} WHERE t.session = ? AND t.position > ? "
        "GROUP BY t.position ORDER BY t.position"
    )
    return [int(row[0]) for row in db.execute(query, (session, after))]


def _read(db: sqlite3.Connection, session: str, turns: str) -> list[tuple[Any, ...]]:
    query = (
        "SELECT v.role, v.text, v.picture, v.about, v.id FROM json_each(?) e JOIN version v ON v.key = e.value "
        "WHERE v.session = ? ORDER BY e.key"
    )
    return list(db.execute(query, (turns, session)))


def _put(db: sqlite3.Connection, session: str, turns: str, first: int) -> None:
    """Versions as turns, from the position `first` on."""
    rows = [(session, position, *row) for position, row in enumerate(_read(db, session, turns), first)]
    columns = "session, position, role, text, picture, about, id"
    db.executemany(f"INSERT INTO turn ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _question(db: sqlite3.Connection, session: str, message: str = "") -> tuple[str | None, int]:
    """Id and position of a message of a person, of the last one without its id."""
    query = (
        "SELECT id, position FROM turn WHERE session = ? AND role = 'user' AND ? IN ('', id) "
        "ORDER BY position DESC LIMIT 1"
    )
    found = db.execute(query, (session, message)).fetchone()
    return (None, -1) if found is None else (str(found[0]), int(found[1]))


def _reply(db: sqlite3.Connection, session: str, position: int) -> str | None:
    """The id of the first reply behind a position."""
    query = (
        "SELECT id FROM turn WHERE session = ? AND position > ? AND role = 'assistant' AND picture = '' "
        "ORDER BY position LIMIT 1"
    )
    found = db.execute(query, (session, position)).fetchone()
    return None if found is None else str(found[0])


def _siblings(db: sqlite3.Connection, session: str, question: str | None) -> list[str]:
    """The ids of the replies that are kept to a message, in the order in which they were written."""
    query = "SELECT reply FROM sibling WHERE session = ? AND question = ? ORDER BY rowid"
    return [str(row[0]) for row in db.execute(query, (session, question))]


def _with_shown(replies: list[str], shown: str | None) -> list[str]:
    return replies if shown is None or shown in replies else [*replies, shown]


def _forget_unused(db: sqlite3.Connection, session: str) -> None:
    """Takes out the siblings of messages that no step leads to any more, and the versions that nothing names."""
    stepped = "SELECT e.value FROM step s, json_each(s.turns) e WHERE s.session = ?1"
    beside = "SELECT e.value FROM sibling b, json_each(b.turns) e WHERE b.session = ?1"
    db.execute(
        "DELETE FROM sibling WHERE session = ?1 AND question NOT IN (SELECT id FROM turn WHERE session = ?1) "
        f"AND question NOT IN (SELECT id FROM version WHERE session = ?1 AND key IN ({stepped}))",
        (session,),
    )
    db.execute(f"DELETE FROM version WHERE session = ?1 AND key NOT IN ({stepped} UNION {beside})", (session,))
