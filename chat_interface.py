"""The chat column: stream, stop, retry, undo, edit and resubmit. The truth is the list of turns on the server, never
the widget's value.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from lib_omost.canvas import Box, Canvas, CanvasReader, Reading, read_canvas
from lib_omost.errors import SettingsError
from lib_omost.runtime import Engine
from lib_omost.studio import turns as chat
from lib_omost.studio.drawer import Drawer
from lib_omost.studio.examples import INVITATION, cards
from lib_omost.studio.plan_column import PlanColumn
from lib_omost.studio.region_editor import state_line
from lib_omost.studio.runs import Runs
from lib_omost.studio.sessions import Sessions, Turn
from lib_omost.studio.words import counted, outcome, sentence

STOP_WAIT_S = 3.0
NOTHING, ANSWER, ANOTHER = "", "answer", "another"
QUIET: dict[str, Any] = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
HEAVY: dict[str, Any] = {"api_visibility": "private", "concurrency_id": "device", "concurrency_limit": 1}


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as far as it is written. `plan_changed`: `canvas` or `pending` is not what it was; `reading` is in the
    last one only.
    """

    text: str
    canvas: Canvas | None
    pending: Box | None
    plan_changed: bool
    seconds: float
    first_region_s: float | None
    reading: Reading | None = None


def pause_s(characters: int) -> float:
    """Seconds between two updates of the page: the longer the text, the more one costs the browser (bench/page.py)."""
    return 0.15 if characters < 1500 else 0.4 if characters < 6000 else 0.6 if characters < 14000 else 0.8


def stream_reply(
    pieces: Iterator[str], reader: CanvasReader, clock: Callable[[], float] = time.monotonic
) -> Iterator[Reply]:
    """Reads a reply while it is written. Yields at most every `pause_s`, and always a last time, with the reading."""
    start, shown_at = clock(), 0.0
    pending: Box | None = None
    first: float | None = None
    changed = False
    for piece in pieces:
        finished = reader.feed(piece)
        changed = changed or bool(finished) or reader.pending != pending
        pending, canvas = reader.pending, reader.canvas
        if first is None and canvas is not None and canvas.regions:
            first = clock() - start
        if clock() - shown_at >= pause_s(len(reader.text)):
            shown_at = clock()
            yield Reply(reader.text, canvas, pending, changed, shown_at - start, first)
            changed = False
    reading = reader.close()
    yield Reply(reader.text, reading.canvas, None, True, clock() - start, first, reading)


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

    def wire(self, plan: PlanColumn, drawer: Drawer) -> None:
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
        runs = [start.then(self.respond, inputs, self.outputs, show_progress="hidden", **HEAVY) for start in starts]
        self.textbox.stop(self.halt, known, self.outputs, cancels=runs, **QUIET)
        self.chatbot.undo(self.undo, known, self.outputs, **QUIET)
        self.chatbot.clear(self.clear, known, self.outputs, **QUIET)
        self.state_line.suggest(_suggested, None, self.textbox, **QUIET)
        self.state_line.edit_code(self.last_text, self.session, plan.code, **QUIET)

    # ---- what a person does
    # --------------------------------------------------------------------------------------------

    def send(self, text: str, session: str, width: int, height: int) -> tuple[Any, ...]:
        try:
            turns = chat.said(self.sessions.turns(session), text)
        except SettingsError as error:
            gr.Warning(str(error))
            return (NOTHING, *[gr.skip()] * len(self.outputs))
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
            gr.Warning(str(error))
            return (NOTHING, *self.view(session, (width, height)))
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

    # ---- the run
    # ---------------------------------------------------------------------------------------------------------

    def respond(
        self, session: str, ask: str, width: int, height: int, request: gr.Request, *values: Any
    ) -> Iterator[tuple[Any, ...]]:
        """Streams one reply to the conversation. Whatever ends it, what was written is kept."""
        if ask == NOTHING:
            yield (gr.skip(),) * len(self.outputs)  # a generator that yields nothing would empty them all
            return
        turns, reader, size = self.sessions.turns(session), CanvasReader(), (width, height)
        failure, first_region_s = "", None
        with self.runs.run((str(request.session_hash), "chat")) as stop:
            try:
                settings = self.drawer.compose_settings(values)
                settings = replace(settings, seed=None) if ask == ANOTHER else settings
                yield self._streaming(turns, Reply("", None, None, True, 0.0, None), size)
                for reply in stream_reply(self.engine.compose(chat.messages(turns), settings, stop), reader):
                    first_region_s = reply.first_region_s
                    if reply.reading is None:
                        yield self._streaming(turns, reply, size)
            except Exception as error:
                failure = sentence(error)
            finally:
                stopped = stop.is_set()
                stop.set()
                if reader.text.strip():
                    self.sessions.set_turns(session, (*turns, Turn("assistant", reader.text)))
        yield self.view(session, size, failure=failure, stopped=stopped, figures=self._figures(first_region_s))

    def _streaming(self, turns: Sequence[Turn], reply: Reply, size: tuple[int, int]) -> tuple[Any, ...]:
        shown = (*turns, Turn("assistant", reply.text)) if reply.text else turns
        count = len(reply.canvas.regions) if reply.canvas else 0
        text = f"composing… {counted(count, 'region')}" if reply.text else "reading your message…"
        state = {"level": "busy", "text": text, "figures": f"{reply.seconds:.0f} s" if reply.text else ""}
        return chat.bubbles(shown), _busy(), state, *self.plan.streaming(reply, size)

    def _figures(self, first_region_s: float | None) -> str:
        stats = self.engine.compose_stats
        if stats is None or not stats.new_tokens:
            return ""
        used, room = stats.prompt_tokens + stats.new_tokens, self.engine.llm_entry.profile.context_tokens
        first = f"first region {first_region_s:.1f} s · " if first_region_s is not None else ""
        return f"{first}{stats.tokens_per_s:.0f} tokens/s · context {used} of {room}"

    # ---- showing
    # -------------------------------------------------------------------------------------------------------

    def _asked(
        self, session: str, turns: tuple[Turn, ...], size: tuple[int, int], another: bool = False
    ) -> tuple[Any, ...]:
        self.sessions.set_turns(session, turns)
        if not turns:
            return (NOTHING, *self.view(session, size))
        state = {"level": "busy", "text": "waiting for the language model…"}
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
        figures: str = "",
    ) -> tuple[Any, ...]:
        """Everything that the chat and the plan show of a session at rest, from the store."""
        turns = self.sessions.turns(session)
        state = self._state(turns, figures)
        if stopped and not failure:
            state = {**state, "text": "stopped" + (f" · {state['text']}" if state["text"] else "")}
        if failure:
            state = {"level": "bad", "text": failure, "asks": True}
        return chat.bubbles(turns), _idle(text), state, *self.plan.show(session, turns, size)

    def _state(self, turns: Sequence[Turn], figures: str) -> dict[str, Any]:
        replies = [turn for turn in turns if turn.role == "assistant" and not turn.picture]
        if not replies:
            return {"level": "idle", "text": ""}
        state = outcome(read_canvas(replies[-1].text), figures)
        stats = self.engine.compose_stats if figures else None
        return {**state, "notes": [*state["notes"], *(stats.notes if stats else ())]}


def _suggested(event: gr.EventData) -> str:
    """The words of a chip, into the message box; they are a client's text like any that is typed there."""
    return str(event._data["text"])[: chat.MAX_MESSAGE]


def _busy(text: str | None = None) -> Any:
    return gr.update(submit_btn=False, stop_btn=True, **({} if text is None else {"value": text}))


def _idle(text: str | None = None) -> Any:
    return gr.update(submit_btn=True, stop_btn=False, interactive=True, **({} if text is None else {"value": text}))


def _index(index: int | tuple[int, int] | list[int]) -> int:
    return index if isinstance(index, int) else int(index[0])
