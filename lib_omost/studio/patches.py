"""The end of a reply: as a patch on the person's own plan, with what it is kept as and what is told of it."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from lib_omost.canvas import Canvas, Merge, Reading, differences, read_canvas, with_locked
from lib_omost.errors import OmostError
from lib_omost.studio import changes
from lib_omost.studio.conversation import STRENGTHS, Chats, Conversation, Newest, fenced
from lib_omost.studio.plan import carried_strengths
from lib_omost.studio.remarks import Told
from lib_omost.studio.store.sessions import Data


class Patch(NamedTuple):
    """A reply as it is kept: its text, what is known of it, and what the page says of it."""

    text: str
    about: Data
    told: Told = Told()


class Written(NamedTuple):
    """What a model wrote: the text, the canvas of what is finished in it, and the reading of a reply that nothing cut
    short.
    """

    text: str
    finished: Canvas | None
    reading: Reading | None


def patch(chats: Chats, session: str, chat: Conversation, reply: Written, replaced: Conversation) -> Patch:
    """A reply to the newest plan of `chat`. One that was cut short says nothing of what it had not come to.

    `replaced` is the conversation before the act that asked for it: what was locked there stays locked.
    """
    basis, reading = chat.newest, reply.reading or read_canvas(reply.text)
    if reading.canvas is None:
        return Patch(reply.text, {})
    canvas = reading.canvas if reply.reading else reply.finished or Canvas()
    try:
        done = chats.patched(session, chat, canvas, reply.reading is not None)
        if done is None or basis is None:
            return _with_locks(Patch(reply.text, {}), chat, replaced)
        return _with_locks(_patched(reply, done, chat, basis), chat, replaced)
    except OmostError as error:  # the store, or a program of the person's that cannot be changed in place
        return _unmerged(reply.text, basis, canvas, error)


def _patched(reply: Written, done: Merge, chat: Conversation, basis: Newest) -> Patch:
    after = read_canvas(done.code).canvas or Canvas()
    rows = changes.made(done.applied) + changes.kept(done.refused, after.locked)
    if reply.reading and not rows:
        rows = (changes.nothing(_request(chat), after),)
    own = reply.reading.code if reply.reading else ""
    text = reply.text.replace(own, done.code, 1) if own and own in reply.text else fenced(done.code)
    return Patch(text, _about(done, after, basis), Told(rows))


def _with_locks(made: Patch, chat: Conversation, replaced: Conversation) -> Patch:
    """The same with what was locked in a plan that this reply takes the place of. Raises CanvasError."""
    old, basis = replaced.newest, chat.newest
    if old is None or (basis is not None and basis.turn.id == old.turn.id):
        return made
    return made._replace(text=_locked_into(made.text, old.reading.canvas))


def _locked_into(text: str, before: Canvas | None) -> str:
    reading = read_canvas(text)
    if before is None or reading.canvas is None:
        return text
    code = with_locked(reading.code, before)
    return text.replace(reading.code, code, 1) if reading.code in text else fenced(code)


def _about(done: Merge, after: Canvas, basis: Newest) -> Data:
    counts = {"changed": len(changes.lines(done.applied)), "kept": len(changes.lines(done.refused))}
    before = basis.reading.canvas or Canvas()
    strengths = carried_strengths(before, after, basis.turn.about.get(STRENGTHS, ()))
    return {**counts, **({STRENGTHS: strengths} if strengths else {})}


def _unmerged(text: str, basis: Newest | None, canvas: Canvas | None, error: OmostError) -> Patch:
    was = None if basis is None else basis.reading.canvas
    rows = changes.made(differences(was, canvas)) if was and canvas else ()
    with suppress(OmostError):
        text = _locked_into(text, was)
    return Patch(text, {"unmerged": f"The reply stands as the model wrote it: {error}"[:500]}, Told(rows))


def _request(chat: Conversation) -> str:
    question = chat.question()
    return "" if question is None else chat.turns[question].text
