"""The chat column: stream, stop, retry, undo, edit and resubmit. The truth is the list of turns on the server, never
the widget's value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from lib_omost.canvas import CanvasReader, read_canvas
from lib_omost.errors import SettingsError, StorageError
from lib_omost.runtime import Engine
from lib_omost.studio import conversation as chat
from lib_omost.studio import reply_stats
from lib_omost.studio.page.events import QUIET, REPLYING
from lib_omost.studio.page.examples import INVITATION, cards
from lib_omost.studio.page.html_widgets import state_line
from lib_omost.studio.page.plan_column import PlanColumn
from lib_omost.studio.page.settings_panel import SettingsPanel
from lib_omost.studio.replies import NOTHING_YET, Reply, stream_reply
from lib_omost.studio.runs import Runs
from lib_omost.studio.sentences import counted, doing, outcome, sentence
from lib_omost.studio.store.sessions import Sessions, Turn

STOP_WAIT_S = 3.0
NOTHING, ANSWER, ANOTHER = "", "answer", "another"
STOPPED = "stopped"


class CanvasChat:
    """The chat's widgets and their events; one run serves sending, retrying, asking again and the edit of a message.

    `plan` shows the canvas of the conversation; `drawer` holds the settings.
    """

    def __init__(self, engine: Engine, sessions: Sessions, runs: Runs, session: gr.State) -> None:
        self.engine, self.sessions, self.runs, self.session = engine, sessions, runs, session
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
            placeholder=INVITATION,
            examples=cards(),
        )
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
        # Whether there is something to answer next, and whether with another seed than last time.
        self.ask = gr.State(NOTHING)

    def wire(self, plan: PlanColumn, drawer: SettingsPanel) -> None:
        self.plan, self.drawer = plan, drawer
        self.outputs = [self.chatbot, self.textbox, self.state_line, *plan.outputs]
        known, asked = [self.session, *drawer.size], [self.ask, *self.outputs]
        starts = [
            self.textbox.submit(self.send, [self.textbox, *known], asked, **QUIET),
            self.chatbot.example_select(self.send_example, known, asked, **QUIET),
            self.chatbot.retry(self.retry, known, asked, **QUIET),
            self.chatbot.edit(self.edit, known, asked, **QUIET),
            self.state_line.ask_again(self.retry_last, known, asked, **QUIET),
        ]
        inputs = [self.session, self.ask, *drawer.size, *drawer.compose]
        runs = [start.then(self.respond, inputs, self.outputs, **REPLYING) for start in starts]
        self.textbox.stop(self.halt, known, self.outputs, cancels=runs, **QUIET)
        self.chatbot.undo(self.undo, known, self.outputs, **QUIET)
        self.chatbot.clear(self.clear, known, self.outputs, **QUIET)
        self.state_line.suggest(_suggested, None, self.textbox, **QUIET)
        self.state_line.edit_code(self.last_text, self.session, plan.code, **QUIET)

    def send(self, text: str, session: str, width: int, height: int) -> tuple[Any, ...]:
        try:
            turns = chat.said(self.sessions.turns(session), text)
        except SettingsError as error:
            return self._refused(error)
        return self._asked(session, turns, (width, height))

    def send_example(self, session: str, width: int, height: int, event: gr.SelectData) -> tuple[Any, ...]:
        return self.send(str(event.value["text"]), session, width, height)

    def retry(self, session: str, width: int, height: int, event: gr.RetryData) -> tuple[Any, ...]:
        turns = chat.until_question(self.sessions.turns(session), _index(event.index))
        return self._asked(session, turns, (width, height), another=True)

    def retry_last(self, session: str, width: int, height: int) -> tuple[Any, ...]:
        turns = chat.until_question(self.sessions.turns(session))
        return self._asked(session, turns, (width, height), another=True)

    def undo(self, session: str, width: int, height: int) -> tuple[Any, ...]:
        turns, text = chat.undone(self.sessions.turns(session))
        self.sessions.set_turns(session, turns)
        return self.view(session, (width, height), text=text)

    def clear(self, session: str, width: int, height: int) -> tuple[Any, ...]:
        self.sessions.set_turns(session, ())
        return self.view(session, (width, height))

    def edit(self, session: str, width: int, height: int, event: gr.EditData) -> tuple[Any, ...]:
        """A message is asked anew; a reply is read anew, without the language model."""
        before, index = self.sessions.turns(session), _index(event.index)
        try:
            turns = chat.edited(before, index, str(event.value))
        except SettingsError as error:
            return self._refused(error)
        if turns[index].role == "user":
            return self._asked(session, turns, (width, height))
        self.sessions.set_turns(session, turns)
        return (NOTHING, *self.view(session, (width, height)))

    def last_text(self, session: str) -> str:
        """What the code pane is given to mend: the newest reply, without its fence where it has one."""
        replies = [turn for turn in self.sessions.turns(session) if turn.role == "assistant" and not turn.picture]
        return (read_canvas(replies[-1].text).code or replies[-1].text) if replies else ""

    def halt(self, session: str, width: int, height: int, request: gr.Request) -> tuple[Any, ...]:
        """Stops the run within a token. What was written so far stays, with the regions that are finished."""
        self.runs.stop((str(request.session_hash), "chat"), STOP_WAIT_S)
        return self.view(session, (width, height), stopped=True)

    def respond(
        self, session: str, ask: str, width: int, height: int, request: gr.Request, *values: Any
    ) -> Iterator[tuple[Any, ...]]:
        """Streams one reply to the conversation. Whatever is seen is kept before, so that nothing that ends it loses
        any.
        """
        if ask == NOTHING:
            yield (gr.skip(),) * len(self.outputs)  # a generator that yields nothing would empty them all
            return
        turns, size, entry = self.sessions.turns(session), (width, height), self.engine.llm_entry
        expected = reply_stats.expected_length(turns, self.sessions.reply_lengths(entry.name), entry)
        failure, reply, position, reader = "", NOTHING_YET, None, CanvasReader()
        with self.runs.run((str(request.session_hash), "chat")) as stop:
            try:
                settings = self.drawer.compose_settings(values)
                settings = replace(settings, seed=None) if ask == ANOTHER else settings
                yield self._streaming(turns, reply, expected, size)
                for reply in stream_reply(self.engine.compose(chat.messages(turns), settings, stop), reader):
                    position = self._keep(session, position, reply, {"stopped": True})
                    if reply.reading is None:
                        yield self._streaming(turns, reply, expected, size)
            except Exception as error:
                failure = sentence(error)
            finally:
                stopped = stop.is_set()
                stop.set()
                cut = stopped or reply.reading is None
                about = reply_stats.record(reply, self.engine.compose_stats, entry, stopped=cut)
                failure = self._kept(session, position, replace(reply, text=reader.text), about) or failure
        yield self.view(session, size, failure=failure, stopped=stopped)

    def _keep(self, session: str, position: int | None, reply: Reply, about: dict[str, Any]) -> int | None:
        """Writes the reply as far as it is to the session; returns where it stands there, None while it is empty."""
        if not reply.text.strip():
            return position
        turn = Turn("assistant", reply.text, about=about)
        if position is None:
            return self.sessions.add_turn(session, turn)
        self.sessions.change_turn(session, position, turn)
        return position

    def _kept(self, session: str, position: int | None, reply: Reply, about: dict[str, Any]) -> str:
        """The same at the end of a run: what went wrong, as a sentence, or nothing."""
        try:
            self._keep(session, position, reply, about)
        except StorageError as error:
            return sentence(error)
        return ""

    def _streaming(self, turns: Sequence[Turn], reply: Reply, expected: int, size: tuple[int, int]) -> tuple[Any, ...]:
        shown = (*turns, Turn("assistant", reply.text)) if reply.text else turns
        count = len(reply.canvas.regions) if reply.canvas else 0
        text = f"composing… {counted(count, 'region')}" if reply.text else _before_the_first_word(self.engine.status)
        numbers = reply_stats.while_writing(reply, expected, self.engine.compose_stats)
        state = {"level": "busy", "text": text, "figures": numbers}
        return chat.bubbles(shown), _busy(), state, *self.plan.streaming(reply, size)

    def _refused(self, error: SettingsError) -> tuple[Any, ...]:
        """Says in the state line why nothing was done, and changes nothing else. A toast would want the queue."""
        skipped = [gr.skip()] * len(self.plan.outputs)
        return NOTHING, gr.skip(), gr.skip(), {"level": "bad", "text": str(error)}, *skipped

    def _asked(
        self, session: str, turns: tuple[Turn, ...], size: tuple[int, int], another: bool = False
    ) -> tuple[Any, ...]:
        self.sessions.set_turns(session, turns)
        if not turns:
            return (NOTHING, *self.view(session, size))
        ahead = f", {counted(self.engine.waiting, 'run')} before yours" if self.engine.waiting else ""
        state = {"level": "busy", "text": f"waiting for the language model{ahead}…"}
        skipped = [gr.skip()] * len(self.plan.outputs)
        return ANOTHER if another else ANSWER, chat.bubbles(turns), _busy(""), state, *skipped

    def view(
        self,
        session: str,
        size: tuple[int, int],
        *,
        text: str | None = None,
        failure: str = "",
        stopped: bool = False,
    ) -> tuple[Any, ...]:
        """Everything that the chat and the plan show of a session at rest, from the store."""
        turns = self.sessions.turns(session)
        state = self._state(turns)
        if stopped and not state["text"].startswith(STOPPED):
            state = {**state, "text": STOPPED}
        if failure:
            state = {"level": "bad", "text": failure, "asks": True}
        return chat.bubbles(turns), _idle(text), state, *self.plan.show(session, turns, size)

    def _state(self, turns: Sequence[Turn]) -> dict[str, Any]:
        replies = [turn for turn in turns if turn.role == "assistant" and not turn.picture]
        if not replies:
            return {"level": "idle", "text": ""}
        about = replies[-1].about
        state = outcome(read_canvas(replies[-1].text), reply_stats.summary(about))
        text = f"{STOPPED} · {state['text']}" if about.get("stopped") else state["text"]
        return {**state, "text": text, "notes": [*state["notes"], *reply_stats.notes(about)]}


def _suggested(event: gr.EventData) -> str:
    """The words of a chip, into the message box; they are a client's text like any that is typed there."""
    return str(event._data["text"])[: chat.MAX_MESSAGE]


def _before_the_first_word(status: str) -> str:
    """What goes on before a reply begins; `status` is the engine's."""
    return doing(status) if status.startswith("Loading") else "reading your message…"


def _busy(text: str | None = None) -> Any:
    return gr.update(submit_btn=False, stop_btn=True, **({} if text is None else {"value": text}))


def _idle(text: str | None = None) -> Any:
    return gr.update(submit_btn=True, stop_btn=False, interactive=True, **({} if text is None else {"value": text}))


def _index(index: int | tuple[int, int] | list[int]) -> int:
    return index if isinstance(index, int) else int(index[0])
