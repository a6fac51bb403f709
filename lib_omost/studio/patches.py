"""The end of a reply: as a patch on the person's own plan, with what it is kept as and what is told of it."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from lib_omost.canvas import Canvas, Merge, Reading, differences, read_canvas, with_locked
from lib_omost.errors import OmostError
from lib_omost.runtime.known_words import KnownWords
from lib_omost.studio import changes
from lib_omost.studio.conversation import STRENGTHS, Chats, Conversation, Newest, fenced, own_after
from lib_omost.studio.finished import ASK, LACKS, lacks
from lib_omost.studio.plan import carried_strengths
from lib_omost.studio.remarks import Remark, Told
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


def patch(
    chats: Chats, session: str, chat: Conversation, reply: Written, replaced: Conversation, known: KnownWords
) -> Patch:
    """A reply to the newest plan of `chat`. One that was cut short says nothing of what it had not come to.

    `replaced` is the conversation before the act that asked for it: what was locked there stays locked. `known` are the
    words of the image model.
    """
    basis, reading = chat.newest, reply.reading or read_canvas(reply.text)
    if reading.canvas is None:
        return Patch(reply.text, {})
    canvas = reading.canvas if reply.reading else reply.finished or Canvas()
    try:
        done = chats.patched(session, chat, canvas, reply.reading is not None)
        if done is None or basis is None:
            made = Patch(reply.text, {}, Told(_lacking(chat, canvas, known) if reply.reading else ()))
        else:
            made = _patched(reply, canvas, done, chat, basis, known)
        return _with_locks(made, chat, replaced)
    except OmostError as error:  # the store, or a program of the person's that cannot be changed in place
        return _unmerged(reply.text, basis, canvas, error)


def _patched(
    reply: Written, canvas: Canvas, done: Merge, chat: Conversation, basis: Newest, known: KnownWords
) -> Patch:
    after = read_canvas(done.code).canvas or Canvas()
    rows = changes.made(done.applied) + changes.kept(done.refused, after.locked) + changes.held_back(done.held)
    if reply.reading and not rows:
        rows = (changes.nothing(_request(chat), after),)
    elif reply.reading:
        rows += _lacking(chat, canvas if done.refused or done.held else after, known)  # a row has what was not done
    own = reply.reading.code if reply.reading else ""
    text = reply.text.replace(own, done.code, 1) if own and own in reply.text else fenced(done.code)
    return Patch(text, {**_about(done, after, basis), **own_after(basis, canvas)}, Told(rows))


def _lacking(chat: Conversation, canvas: Canvas, known: KnownWords) -> tuple[Remark, ...]:
    """What the message names and the plan lacks, to be asked for, and what the image model cannot paint of it."""
    found = lacks(_request(chat), canvas, None if chat.newest is None else chat.newest.reading.canvas, known)
    words = found.get(ASK, "")
    return tuple(
        Remark(text, "ask for it", "ask", words=words) if words and not index else Remark(text)
        for index, text in enumerate(found.get(LACKS, ()))
    )


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
    of_each = {"changed": done.applied, "kept": done.refused, "held": done.held}
    counts = {name: len(changes.lines(some)) for name, some in of_each.items()}
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
