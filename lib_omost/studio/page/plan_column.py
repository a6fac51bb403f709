"""The plan column: boxes to edit and the code beside them, kept in step with the conversation. Reads and writes code
through plan.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from lib_omost.canvas import read_canvas, read_program
from lib_omost.errors import CanvasError
from lib_omost.studio import conversation as chat
from lib_omost.studio.page.events import QUIET
from lib_omost.studio.page.html_widgets import region_editor
from lib_omost.studio.plan import Plan, apply_edit, editor_value, plan_of, renamed, streaming_value
from lib_omost.studio.replies import Reply
from lib_omost.studio.sentences import by_hand, counted, suggestions
from lib_omost.studio.store.sessions import Render, Sessions, Turn

FILE_ROUTE = "gradio_api/file="


class PlanColumn:
    """The editor, the code pane and the server's own copy of the plan. `outputs` are filled by `show` and
    `streaming`.
    """

    def __init__(self, sessions: Sessions, session: gr.State, size: list[gr.components.Component]) -> None:
        self.sessions, self.session, self.size = sessions, session, size
        self.editor = region_editor(elem_id="editor")
        with gr.Column(elem_id="code-box"):
            self.code = gr.Code(
                language="python",
                lines=3,
                max_lines=18,
                interactive=True,
                show_label=False,
                label="Canvas code",
                elem_id="code",
            )
            self.apply = gr.Button("Apply code (Ctrl+S)", size="sm", elem_id="apply")
        self.plan = gr.State(Plan())
        self.outputs = [self.editor, self.code, self.plan]

    def wire(self, chatbot: gr.Chatbot, state_line: gr.HTML) -> None:
        shown = [*self.outputs, chatbot, state_line]
        known = [self.session, self.plan, *self.size]
        self.editor.edited(self.edit, known, shown, trigger_mode="multiple", **QUIET)
        self.apply.click(self.apply_code, [*known, self.code], shown, **QUIET)
        for side in self.size:
            side.change(self.resize, known, self.editor, **QUIET)

    def show(self, session: str, turns: Sequence[Turn], size: tuple[int, int]) -> tuple[Any, ...]:
        """Editor, code and plan of the newest canvas in the conversation."""
        renders = self.sessions.renders(session)
        plan = _plan_of(renders, turns)
        return editor_value(plan, ratio=size, picture=_picture(renders)), plan.code, plan

    def frame(self, session: str, turns: Sequence[Turn], size: tuple[int, int]) -> dict[str, Any]:
        """A new picture to lie under the boxes; they stay as a person has them in hand."""
        renders = self.sessions.renders(session)
        return editor_value(_plan_of(renders, turns), ratio=size, picture=_picture(renders), frame=True)

    def streaming(self, reply: Reply, size: tuple[int, int]) -> tuple[Any, ...]:
        """The plan while it is written: the code pane waits for the end, the boxes appear one by one."""
        editor = streaming_value(reply.canvas, reply.pending, size) if reply.plan_changed else gr.skip()
        return editor, gr.skip(), gr.skip()

    def _picture(self, session: str) -> str:
        return _picture(self.sessions.renders(session))

    def edit(self, session: str, plan: Plan, width: int, height: int, event: gr.EventData) -> tuple[Any, ...]:
        """A change in the editor becomes a change of code, in the plan and in the conversation."""
        posted = event._data
        echo = posted.get("number") if isinstance(posted, dict) else None
        try:
            edited = apply_edit(plan, posted)
        except CanvasError as error:
            value = editor_value(plan, ratio=(width, height), picture=self._picture(session), echo=echo, fresh=False)
            return (value, *[gr.skip()] * 3, by_hand(str(error), "bad"))
        return self._kept(session, edited, (width, height), echo)

    def apply_code(self, session: str, plan: Plan, width: int, height: int, code: str) -> tuple[Any, ...]:
        """Code that a person edited: strictly read, or refused with the line and the plan left as it was."""
        reading = read_canvas(code or "", strict=True)
        if reading.canvas is None:
            notes = [note.with_line for note in reading.notes]
            return (*[gr.skip()] * 4, by_hand("this code was not applied", "bad", notes=notes))
        return self._kept(session, renamed(plan_of(reading), plan), (width, height), None)

    def resize(self, session: str, plan: Plan, width: int, height: int) -> dict[str, Any]:
        return editor_value(plan, ratio=(width, height), picture=self._picture(session), frame=True)

    def _kept(self, session: str, plan: Plan, size: tuple[int, int], echo: int | None) -> tuple[Any, ...]:
        turns = chat.with_code(self.sessions.turns(session), plan.code)
        self.sessions.set_turns(session, turns)
        value = editor_value(plan, ratio=size, picture=self._picture(session), echo=echo, fresh=echo is None)
        chips = suggestions(read_program(plan.code).canvas)
        state = by_hand(f"{counted(len(plan.ids), 'region')}, edited by hand", chips=chips, asks=False)
        return value, plan.code, plan, chat.bubbles(turns), state


def _plan_of(renders: Sequence[Render], turns: Sequence[Turn]) -> Plan:
    """The newest canvas, with the strengths that its regions had when it was painted last."""
    found = chat.last_reading(turns)
    if found is None:
        return Plan()
    painted = next((r for r in renders if r.code == found[1].code), None)
    return plan_of(found[1], painted.settings.get("region_strengths", ()) if painted else ())


def _picture(renders: Sequence[Render]) -> str:
    return FILE_ROUTE + renders[0].picture if renders else ""
