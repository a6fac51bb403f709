"""The chat column: stream, stop, retry, undo, edit and resubmit. The truth is the list of turns on the server, never
the widget's value.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import gradio as gr

from lib_omost.composer import ComposeSettings
from lib_omost.errors import OmostError, SettingsError
from lib_omost.runtime import Engine
from lib_omost.runtime.job import Job
from lib_omost.runtime.jobs import Jobs
from lib_omost.studio import bubble, cards, changes, history, reply_stats
from lib_omost.studio.conversation import MAX_MESSAGE, Chats, Conversation
from lib_omost.studio.page import examples, html_widgets
from lib_omost.studio.page.events import QUIET, UNCHANGED, WATCHING, PictureSize, Update, View
from lib_omost.studio.page.html_widgets import remarks, state_line
from lib_omost.studio.page.plan_column import PlanColumn, remarks_value
from lib_omost.studio.page.settings_panel import SettingsPanel
from lib_omost.studio.plan import Plan
from lib_omost.studio.runs import Runs
from lib_omost.studio.sentences import counted, doing, outcome, sentence
from lib_omost.studio.store.sessions import Data, Turn
from lib_omost.studio.work import REPLY, Writing, reply_request

STOP_WAIT_S = 3.0
NOTHING, ANSWER, ANOTHER = "", "answer", "another"
STOPPED = "stopped"
INTERRUPTED = "interrupted when the program ended"


class ChatWidgets:
    """The column's widgets, in the order that they are seen in; what they do is wired by CanvasChat."""

    def __init__(self) -> None:
        self.chatbot = gr.Chatbot(
            editable="all",
            layout="panel",
            buttons=["copy", "copy_all"],
            show_label=False,
            label="Chat",
            height="58vh",  # page.css lets it fill the window
            latex_delimiters=[],
            feedback_options=None,
            allow_tags=False,
            group_consecutive_messages=False,
            elem_id="chat",
            placeholder=examples.INVITATION,
            examples=examples.cards(),
        )
        self.cards = html_widgets.cards()
        self.remarks = remarks(elem_id="remarks")
        self.state_line = state_line(elem_id="state")
        self.textbox = gr.Textbox(
            label="Message",
            show_label=False,
            placeholder="Describe a picture…",
            submit_btn=True,
            stop_btn=False,
            interactive=False,  # until the page knows its session
            autofocus=True,
            lines=1,
            max_lines=6,
            elem_id="message",
        )


class CanvasChat:
    """The chat's events; one run serves sending, retrying, asking again and the edit of a message.

    `plan` shows the canvas of the conversation; `drawer` holds the settings. `view` is what both show of a session.
    """

    def __init__(
        self,
        engine: Engine,
        chats: Chats,
        jobs: Jobs,
        runs: Runs,
        session: gr.Textbox,
        widgets: ChatWidgets,
        plan: PlanColumn,
        drawer: SettingsPanel,
    ) -> None:
        self.engine, self.chats, self.jobs, self.runs, self.session = engine, chats, jobs, runs, session
        self.chatbot, self.state_line, self.textbox = widgets.chatbot, widgets.state_line, widgets.textbox
        self.remarks, self.cards = widgets.remarks, widgets.cards
        self.plan, self.drawer = plan, drawer
        # Whether there is something to answer next, and whether with another seed than last time.
        self.ask = gr.Textbox(NOTHING, visible="hidden", elem_id="ask")
        self.view = View([*plan.chat, self.textbox, self.state_line, self.remarks, *plan.outputs], self.at_rest)
        self._wire(drawer.size)

    def _wire(self, size: list[gr.Number]) -> None:
        known, shown, asked = [self.session, *size], self.view.outputs, [self.ask, *self.view.outputs]
        starts = [
            self.textbox.submit(self.send, [self.textbox, *known], asked, **QUIET),
            self.chatbot.example_select(self.send_example, known, asked, **QUIET),
            self.chatbot.retry(self.retry, known, asked, **QUIET),
            self.chatbot.edit(self.edit, known, asked, **QUIET),
            self.state_line.ask_again(self.retry_last, known, asked, **QUIET),
        ]
        inputs = {self.session, self.ask, *size, *self.drawer.compose}
        for start in starts:
            start.then(self.respond, inputs, shown, **WATCHING)
        self.textbox.stop(self.halt, known, shown, **QUIET)
        self.chatbot.undo(self.undo, known, shown, **QUIET)
        self.chatbot.clear(self.clear, known, shown, **QUIET)
        self.remarks.act(self.press, known, shown, **QUIET)
        self.cards.turn_over(self.turn_over, known, shown, **QUIET)
        travelled = [self.session, self.plan.plan, *size]
        self.plan.editor.travel(self.travel, travelled, shown, trigger_mode="multiple", **QUIET)
        self.state_line.suggest(_suggested, None, self.textbox, **QUIET)
        self.state_line.edit_code(self.last_text, self.session, self.plan.code, **QUIET)

    def wire(self, opened: Sequence[gr.events.Dependency]) -> None:
        """Whoever opens a session sees what is written in it."""
        for event in opened:
            event.then(self.follow, {self.session, *self.drawer.size}, self.view.outputs, **WATCHING)

    def send(self, text: str, session: str, width: int, height: int) -> Update:
        try:
            return self._asked(session, self.chats.say(session, text), (width, height))
        except SettingsError as error:
            return self._refused(error)

    def send_example(self, session: str, width: int, height: int, event: gr.SelectData) -> Update:
        return self.send(str(event.value["text"]), session, width, height)

    def retry(self, session: str, width: int, height: int, event: gr.RetryData) -> Update:
        chat = self.chats.ask_again(session, self._turn(session, event.index))
        self._stop(session)
        return self._asked(session, chat, (width, height), another=True)

    def retry_last(self, session: str, width: int, height: int) -> Update:
        chat = self.chats.ask_again(session)
        self._stop(session)
        return self._asked(session, chat, (width, height), another=True)

    def undo(self, session: str, width: int, height: int) -> Update:
        chat, text = self.chats.undo(session)
        self._stop(session, chat)
        return self._shown(session, chat, (width, height), text=text)

    def clear(self, session: str, width: int, height: int) -> Update:
        chat = self.chats.clear(session)
        self._stop(session)
        return self._shown(session, chat, (width, height))

    def press(self, session: str, width: int, height: int, event: gr.EventData) -> Update:
        """What the button of a row says, in the person's own program."""
        chat, words = history.press(self.chats, session, event._data["value"])
        return self._shown(session, chat, (width, height), text=words[:MAX_MESSAGE] or None)

    def turn_over(self, session: str, width: int, height: int, event: gr.EventData) -> Update:
        """Another reply to the last message."""
        by = 1 if event._data["by"] == 1 else -1
        return self._shown(session, history.turn_over(self.chats, session, by), (width, height))

    def travel(self, session: str, plan: Plan, width: int, height: int, event: gr.EventData) -> Update:
        """One step of undo or redo. What is selected in the editor stays selected."""
        way = history.BACK if event._data["way"] == history.BACK else history.FORTH
        chat = history.travel(self.chats, session, way)
        self._stop(session, chat)
        shown = self._shown(session, chat, (width, height))
        return {**shown, **self.plan.show(session, chat, (width, height), known=plan, echo=event._data["number"])}

    def edit(self, session: str, width: int, height: int, event: gr.EditData) -> Update:
        """A message is asked anew; a reply is read anew, without the language model."""
        index = self._turn(session, event.index)
        try:
            chat = self.chats.edit(session, index, bubble.typed(str(event.value)))
        except SettingsError as error:
            return self._refused(error)
        self._stop(session, chat)
        if chat.turns[index].role == "user":
            return self._asked(session, chat, (width, height))
        return {self.ask: NOTHING, **self._shown(session, chat, (width, height))}

    def last_text(self, session: str) -> Update:
        """What the code pane is given to mend: the newest reply, without its fence where it has one."""
        latest = self.chats.open(session).latest
        return {self.plan.code: "" if latest is None else latest[1].code or latest[0].text}

    def halt(self, session: str, width: int, height: int) -> Update:
        """Stops the reply that is written within a token, or else all that wait. What was written so far stays, with
        the regions that are finished.
        """
        replies = self._replies(session)
        for job in [job for job in replies if job.state == "running"] or replies:
            self.jobs.cancel(job.id, STOP_WAIT_S)
        return self._shown(session, self.chats.open(session), (width, height), stopped=True)

    def respond(self, given: Update, request: gr.Request) -> Iterator[Update]:
        """Asks for a reply to the last message, once, and shows how it is written. It is written whoever looks."""
        session, size = given[self.session], _size(given, self.drawer)
        if given[self.ask] == NOTHING:
            yield UNCHANGED  # a generator that yields nothing would empty all the widgets
            return
        try:
            job = self._submit(session, self._settings(given), another=given[self.ask] == ANOTHER)
        except OmostError as error:
            yield self._shown(session, self.chats.open(session), size, failure=sentence(error))
            return
        yield from self._following(session, size, request, job)

    def follow(self, given: Update, request: gr.Request) -> Iterator[Update]:
        """Shows the session's replies until the last one has ended. The newest one who follows in a tab is the only
        one.
        """
        session, size = given[self.session], _size(given, self.drawer)
        yield UNCHANGED
        yield from self._following(session, size, request)
        last = [job for job in self.jobs.of(session) if job.what == REPLY][-1:]
        if last and last[0].state == "interrupted":
            shown = self._shown(session, self.chats.open(session), size)
            state = {"level": "bad", "text": INTERRUPTED, "asks": True, "again": "Run again"}
            yield {**shown, self.state_line: state}

    def _following(
        self, session: str, size: PictureSize, request: gr.Request, first: Job | None = None
    ) -> Iterator[Update]:
        def watched(job: Job, newer: threading.Event) -> Iterator[Update]:
            return self._watched(job, session, size, newer)

        yield from self.runs.follow((str(request.session_hash), "chat"), lambda: self._replies(session), watched, first)

    def _watched(self, job: Job, session: str, size: PictureSize, newer: threading.Event) -> Iterator[Update]:
        """One reply until it ends, or until somebody `newer` watches; at last the session at rest."""
        plans = 0
        now = None
        for seen in self.jobs.watch(job.id):
            if newer.is_set():
                return
            now = seen.report
            if not seen.job.active:
                break
            if now is None:
                yield self._queued(session, seen.ahead, size)
                continue
            yield self._streaming(session, now, now.plans != plans, size)
            plans = now.plans
        chat = self.chats.open(session, None if now is None else now.chat)
        if now is not None and now.reply.reading is not None:
            chat.readings[now.reply.text] = now.reply.reading  # made while the reply streamed
        failure = {"failed": seen.job.result.get("error", ""), "interrupted": INTERRUPTED}.get(seen.job.state, "")
        yield self._shown(session, chat, size, failure=failure, stopped=seen.job.state == "cancelled")

    def _submit(self, session: str, settings: ComposeSettings, *, another: bool) -> Job:
        """Raises SettingsError, BusyError or StorageError. Asked twice about one message, it is one job."""
        turns, owner = self.chats.open(session).turns, self.chats.sessions.owner(session)
        question = next((turn for turn in reversed(turns) if turn.role == "user"), None)
        if question is None:
            raise SettingsError("There is no message to answer any more. Type what you want to see.")
        key = "" if another else f"reply:{question.id}"
        return self.jobs.submit(owner, REPLY, reply_request(question, settings), session=session, key=key)

    def _replies(self, session: str) -> list[Job]:
        return [job for job in self.jobs.active(session) if job.what == REPLY]

    def _stop(self, session: str, chat: Conversation | None = None) -> None:
        """Stops the replies to messages that are not in `chat` (any more), and waits for the one that is written."""
        there = set() if chat is None else {turn.id for turn in chat.turns}
        for job in self._replies(session):
            if job.request["turn"] not in there:
                self.jobs.cancel(job.id, STOP_WAIT_S)

    def _turn(self, session: str, index: int | tuple[int, int] | list[int]) -> int:
        """Where the turn of a bubble stands in the chat."""
        return cards.place(self.chats.open(session).turns, index if isinstance(index, int) else int(index[0]))

    def _settings(self, given: Update) -> ComposeSettings:
        """Raises SettingsError. Another reply wants another seed."""
        settings = self.drawer.compose_settings([given[widget] for widget in self.drawer.compose])
        return replace(settings, seed=None) if given[self.ask] == ANOTHER else settings

    def _queued(self, session: str, ahead: int, size: PictureSize) -> Update:
        before = f", {counted(ahead, 'run')} before yours" if ahead else ""
        return {
            **self.plan.said(session, self.chats.open(session).turns, size),
            self.textbox: _busy(),
            self.state_line: {"level": "busy", "text": f"waiting for the language model{before}…"},
            self.remarks: {},
        }

    def _streaming(self, session: str, now: Writing, plan_changed: bool, size: PictureSize) -> Update:
        reply, turns = now.reply, self.chats.open(session).turns
        if reply.text and now.turn is None:  # it could not be kept
            turns = (*turns, Turn("assistant", reply.text))
        count = len(reply.canvas.regions) if reply.canvas else 0
        text = f"composing… {counted(count, 'region')}" if reply.text else _before_the_first_word(self.engine.status)
        numbers = reply_stats.while_writing(reply, now.expected, self.engine.compose_stats)
        return {
            **self.plan.said(session, turns, size, reply.canvas, busy=bool(reply.text)),
            self.textbox: _busy(),
            self.state_line: {"level": "busy", "text": text, "figures": numbers},
            self.remarks: {},
            **self.plan.streaming(replace(reply, plan_changed=plan_changed), size),
        }

    def _refused(self, error: SettingsError) -> Update:
        """Says in the state line why nothing was done, and changes nothing else. A toast would want the queue."""
        return {self.ask: NOTHING, self.state_line: {"level": "bad", "text": str(error)}}

    def _asked(self, session: str, chat: Conversation, size: PictureSize, another: bool = False) -> Update:
        """The page until the reply begins; at rest where there is nothing to answer."""
        if not chat.turns:
            return {self.ask: NOTHING, **self._shown(session, chat, size)}
        ahead = f", {counted(self.engine.waiting, 'run')} before yours" if self.engine.waiting else ""
        return {
            self.ask: ANOTHER if another else ANSWER,
            **self.plan.said(session, chat.turns, size),
            self.textbox: _busy(""),
            self.state_line: {"level": "busy", "text": f"waiting for the language model{ahead}…"},
            self.remarks: {},
        }

    def at_rest(self, session: str, size: PictureSize) -> Update:
        """Everything that the chat and the plan show of a session at rest, from the store."""
        return self._shown(session, self.chats.open(session), size, opened=True)

    def _shown(
        self,
        session: str,
        chat: Conversation,
        size: PictureSize,
        *,
        text: str | None = None,
        failure: str = "",
        stopped: bool = False,
        opened: bool = False,
    ) -> Update:
        """The same of a conversation, and how the last run ended; `text` goes into the message box. What was `opened`,
        or stopped half-way, is not painted at once.
        """
        told, state = self.chats.told(session), _state(chat)
        if told.text:
            state = {**state, "text": told.text, "level": told.level, "asks": False}
        if stopped and not state["text"].startswith(STOPPED):
            state = {**state, "text": STOPPED}
        if failure:
            state = {"level": "bad", "text": failure, "asks": True}
        elif disk := self.chats.sessions.disk_words:
            state = {**state, "level": "warn", "text": f"{state['text']} · {disk}" if state["text"] else disk}
        return {
            **self.plan.said(session, chat.turns, size),
            self.textbox: _idle(text),
            self.state_line: state,
            self.remarks: remarks_value(self.chats, session),
            **self.plan.show(session, chat, size, opened=opened or stopped),
        }


def _state(chat: Conversation) -> Data:
    """The state line of a conversation at rest: what came of its last reply."""
    if chat.latest is None:
        return {"level": "idle", "text": ""}
    turn, reading = chat.latest
    state = outcome(reading, reply_stats.summary(turn.about))
    if "changed" in turn.about and reading.canvas is not None:  # a patch on the plan that there was
        changed, kept, held = (turn.about.get(key, 0) for key in ("changed", "kept", "held"))
        level, nothing = state["level"] if changed and not kept and not held else "warn", not changed + kept + held
        state = {**state, "text": changes.headline(changed, kept, held), "asks": nothing, "level": level}
    unmerged = [turn.about["unmerged"]] if "unmerged" in turn.about else []
    if unmerged:
        state = {**state, "level": "warn"}
    text = f"{STOPPED} · {state['text']}" if turn.about.get("stopped") else state["text"]
    notes = [*state["notes"], *unmerged, *reply_stats.notes(turn.about)]
    return {**state, "text": text, "notes": notes}


def _size(given: Update, drawer: SettingsPanel) -> PictureSize:
    width, height = (given[side] for side in drawer.size)
    return width, height


def _suggested(event: gr.EventData) -> str:
    """The words of a chip, into the message box; they are a client's text like any that is typed there."""
    return str(event._data["text"])[:MAX_MESSAGE]


def _before_the_first_word(status: str) -> str:
    """What goes on before a reply begins; `status` is the engine's."""
    return doing(status) if status.startswith("Loading") else "reading your message…"


def _busy(text: str | None = None) -> object:
    return gr.update(submit_btn=False, stop_btn=True, **({} if text is None else {"value": text}))


def _idle(text: str | None = None) -> object:
    return gr.update(submit_btn=True, stop_btn=False, interactive=True, **({} if text is None else {"value": text}))
