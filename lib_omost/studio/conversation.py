"""A conversation as a value: its turns and what is read in them; and what each act of a person changes of it in the
store, one write each. Knows no page and no model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import NamedTuple

from lib_omost.canvas import (
    Canvas,
    Followed,
    Merge,
    Reading,
    as_far_as_written,
    followed,
    merge,
    outside,
    read_canvas,
)
from lib_omost.canvas.follow import texts_of
from lib_omost.canvas.vocabulary import OUR_FIELDS
from lib_omost.composer import Message, in_words
from lib_omost.errors import SettingsError
from lib_omost.studio import bubble
from lib_omost.studio.remarks import Remark, Told, from_data, to_data
from lib_omost.studio.store import history
from lib_omost.studio.store.sessions import Data, Sessions, Turn

MAX_MESSAGE = 2000  # characters of a person's message
MAX_REPLY = 256 * 1024  # characters of a reply that a person edited; the reader takes no more
MAX_TURNS = 200
DRAWN = "Take this plan, drawn by hand."
AGAIN = "Take this earlier plan again."
RESTORED = "Take this plan from a picture."
CLEARED = Told((Remark("Chat and plan were cleared.", "put them back", "back"),), "cleared", "idle")
STRENGTHS = "strengths"  # of a reply: how strongly each of its regions binds, where a person set that
OWN = "own"  # of a reply that a person changed by hand: the texts that are the model's


class Newest(NamedTuple):
    """The newest canvas of a conversation: the reply that holds it, and what it says."""

    turn: Turn
    reading: Reading


@dataclass(frozen=True)
class Conversation:
    """The turns of a chat, at one moment. `readings` are those of its replies by their text: whoever has made one
    (a reply is read while it streams) passes it on here, and none is made twice.
    """

    turns: tuple[Turn, ...] = ()
    readings: dict[str, Reading] = field(default_factory=dict, compare=False, repr=False)

    @property
    def latest(self) -> tuple[Turn, Reading] | None:
        """The last reply and its reading, whether it holds a canvas or not."""
        turn = next(self._replies(), None)
        return None if turn is None else (turn, self.reading(turn))

    @cached_property
    def newest(self) -> Newest | None:
        """The last reply that holds a canvas."""
        found = (Newest(turn, self.reading(turn)) for turn in self._replies())
        return next((newest for newest in found if newest.reading.canvas is not None), None)

    def question(self, index: int | None = None) -> int | None:
        """Where the last message of a person stands, at or before `index`."""
        last = len(self.turns) - 1 if index is None else min(index, len(self.turns) - 1)
        return next((at for at in range(last, -1, -1) if self.turns[at].role == "user"), None)

    def before(self, index: int) -> Turn | None:
        """The turn before that one, after which a cut takes it away too."""
        return self.turns[index - 1] if index else None

    def _replies(self) -> Iterator[Turn]:
        """The last one first."""
        return (turn for turn in reversed(self.turns) if turn.role == "assistant" and not turn.picture)

    def reading(self, turn: Turn) -> Reading:
        """Of one reply."""
        if turn.text not in self.readings:
            self.readings[turn.text] = read_canvas(turn.text)
        return self.readings[turn.text]


class Chats:
    """The conversations in the store. An act changes single turns there, in one write, so that what is written
    meanwhile (a reply that grows, a picture that is done) stays; it returns the conversation as it is then. Each act
    is a step that can be undone.
    """

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions

    def open(self, session: str, known: Conversation | None = None) -> Conversation:
        """The conversation as the store has it, with the readings that are `known` of an earlier moment."""
        return Conversation(self.sessions.turns(session), {} if known is None else known.readings)

    def say(self, session: str, text: str) -> Conversation:
        """A person's message at the end. Raises SettingsError where it is empty or too long."""
        chat = self.open(session)
        self.sessions.add_turns(session, said(chat.turns, text)[-1], step=text)
        self.tell(session, Told())
        return self.open(session, chat)

    def ask_again(self, session: str, index: int | None = None) -> Conversation:
        """Cuts what came after the last message at or before `index`; all there is where there is no such message."""
        chat = self.open(session)
        question = chat.question(index)
        after = None if question is None else chat.turns[question]
        self.sessions.cut_turns(session, after, step="another reply", sibling=True)
        self.tell(session, Told())
        return self.open(session, chat)

    def undo(self, session: str) -> tuple[Conversation, str]:
        """Takes the last message and what came of it away; returns its text too."""
        chat = self.open(session)
        question = chat.question()
        self.sessions.cut_turns(session, None if question is None else chat.before(question), step="message taken back")
        self.tell(session, Told())
        return self.open(session, chat), "" if question is None else chat.turns[question].text

    def clear(self, session: str) -> Conversation:
        """Takes all there is away; it can be put back."""
        if self.open(session).turns:
            self.sessions.set_turns(session, (), step="chat cleared")
            self.tell(session, CLEARED)
        return self.open(session)

    def edit(self, session: str, index: int, text: str) -> Conversation:
        """One text changed and all later turns cut. Raises SettingsError for what cannot be edited."""
        chat = self.open(session)
        if not 0 <= index < len(chat.turns) or chat.turns[index].picture:
            raise SettingsError("Only a message or a reply can be edited; this turn is a picture or gone.")
        if chat.turns[index].role == "user":
            anew = said(chat.turns[:index], text)[-1]
        elif len(text) <= MAX_REPLY:
            # Another turn, which the run that may still write the old one does not reach.
            anew = Turn("assistant", text, about=chat.turns[index].about)
        else:
            raise SettingsError(f"The reply has {len(text)} characters; at most {MAX_REPLY} can be read.")
        what = "message" if chat.turns[index].role == "user" else "reply"
        self.sessions.cut_turns(session, chat.before(index), anew, step=f"{what} edited")
        self.tell(session, Told())
        return self.open(session, chat)

    def edit_by_hand(self, session: str, code: str, about: Data | None = None) -> tuple[Conversation, Followed]:
        """A program that a person changed, with what was derived from a description that it changes, in the place of
        the newest one. Texts that the person wrote stay.
        """
        basis = self.open(session).newest
        if basis is None:
            return self.set_code(session, code, about), Followed(code)
        before = basis.reading.canvas or Canvas()
        done = followed(before, code, basis.turn.about.get(OWN, texts_of(before)))
        return self.set_code(session, done.code, {**(about or {}), OWN: sorted(done.own or ())}), done

    def set_code(
        self, session: str, code: str, about: Data | None = None, step: str = "edited by hand"
    ) -> Conversation:
        """The newest canvas program replaced where it stands, with what is known of it by now (`about`); without one,
        an exchange of its own.
        """
        chat = self.open(session)
        if chat.newest is None:
            return self.add_plan(session, code, DRAWN, about)
        turn, reading = chat.newest
        found = reading.code and reading.code in turn.text
        text = turn.text.replace(reading.code, code, 1) if found else fenced(code)
        changed = replace(turn, text=text, about={**turn.about, **(about or {})})
        if (changed.text, changed.about) != (turn.text, turn.about):
            self.sessions.change_turn(session, changed, step=step)
        return self.open(session, chat)

    def patched(self, session: str, chat: Conversation, reply: Canvas, whole: bool = True) -> Merge | None:
        """A reply to the newest plan of `chat` as a patch on that plan as the person has it by now, less what the
        person's message gives no ground for; None where it had none. One that is not `whole` says nothing of what it
        had not come to.
        """
        if chat.newest is None:
            return None
        request, last = _said_last(chat)
        basis, now = chat.newest, self.open(session, chat)
        ours = next((now.reading(turn) for turn in now.turns if turn.id == basis.turn.id), basis.reading)
        code, base = ours.code if ours.canvas else basis.reading.code, shown(basis, reply)
        theirs = reply if whole else as_far_as_written(base, reply)
        return merge(base, theirs, code, partial(outside, request, before=last))

    def add_plan(self, session: str, code: str, line: str, about: Data | None = None) -> Conversation:
        """One exchange more: a person's `line`, answered by `code`, so that the language model builds on it."""
        own: Data = {OWN: []} if line == DRAWN else {}
        answer = Turn("assistant", fenced(code), about={**own, **(about or {})})
        self.sessions.add_turns(session, Turn("user", line), answer, step=line)
        self.tell(session, Told())
        return self.open(session)

    def told(self, session: str) -> Told:
        """What was said of the last act."""
        with self.sessions.connection() as db:
            return from_data(history.told(db, session))

    def tell(self, session: str, told: Told) -> None:
        with self.sessions.transaction() as db:
            history.tell(db, session, to_data(told))

    def keep_reply(self, session: str, turn: Turn | None, text: str, about: Data, after: str = "") -> Turn | None:
        """Writes a reply as far as it is: behind the turn with the id `after` at first, or at the end of the chat, then
        where `turn`, which the last call returned, stands. None while it is empty.
        """
        if not text.strip():
            return turn
        if turn is None:
            turn = Turn("assistant", text, about=about)
            self.sessions.add_turns(session, turn, after=after)
        else:
            turn = replace(turn, text=text, about=about)
            self.sessions.change_turn(session, turn)
        return turn


def _said_last(chat: Conversation) -> tuple[str, str]:
    """The person's newest message and the one before it."""
    messages = [turn.text for turn in chat.turns if turn.role == "user"]
    return messages[-1] if messages else "", messages[-2] if len(messages) > 1 else ""


def shown(basis: Newest, reply: Canvas) -> Canvas:
    """The canvas of `basis` as the model saw it that answered `reply`: one that says nothing by the arguments that no
    model was taught (a free box, a name, a lock) never saw them.
    """
    canvas, text = basis.reading.canvas or Canvas(), basis.turn.text
    if any(getattr(region, field) for region in reply.regions for field in OUR_FIELDS):
        return canvas
    in_taught_words = in_words({"role": "assistant", "content": text})["content"]
    return canvas if in_taught_words == text else read_canvas(in_taught_words).canvas or canvas


def own_after(basis: Newest | None, reply: Canvas) -> Data:
    """Which texts of a plan are the model's once its reply is merged into it: those before, and the reply's."""
    if basis is None or OWN not in basis.turn.about:
        return {}  # all of them, as long as no person wrote any
    return {OWN: sorted({*basis.turn.about[OWN], *texts_of(reply)})}


def said(turns: Sequence[Turn], text: str) -> tuple[Turn, ...]:
    """The turns with a person's message at the end. Raises SettingsError where it is empty or too long."""
    if not text.strip():
        raise SettingsError("Type what you want to see first.")
    if len(text) > MAX_MESSAGE:
        raise SettingsError(f"The message has {len(text)} characters; at most {MAX_MESSAGE} are taken.")
    if len(turns) >= MAX_TURNS:
        raise SettingsError(f"This chat has {len(turns)} turns, which is the most it can hold; start a new one.")
    return (*turns, Turn("user", text))


def messages(turns: Sequence[Turn]) -> list[Message]:
    """What the language model gets: text turns only, pictures left out, neighbours of one role joined."""
    out: list[Message] = []
    for turn in turns:
        if turn.picture or not turn.text.strip():
            continue
        if out and out[-1]["role"] == turn.role:
            out[-1] = {"role": turn.role, "content": out[-1]["content"] + "\n" + turn.text}
        else:
            out.append({"role": turn.role, "content": turn.text})
    return out


def bubbles(turns: Sequence[Turn]) -> list[Data]:
    """The messages and replies in the chat widget's form; pictures stand in the cards of the replies (cards.py)."""
    # The typed form is passed on as it is; a bare string would lose its indentation to inspect.cleandoc.
    return [
        {"role": turn.role, "content": [{"type": "text", "text": bubble.shown(turn.text)}]}
        for turn in turns
        if not turn.picture
    ]


def fenced(code: str) -> str:
    return f"```python\n{code.strip()}\n```"
