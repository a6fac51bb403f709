"""The plan column: boxes to edit and the code beside them, kept in step with the conversation. Reads and writes code
through plan.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from lib_omost.canvas import read_canvas, read_program
from lib_omost.errors import CanvasError
from lib_omost.studio import changes
from lib_omost.studio.conversation import Chats, Conversation, bubbles
from lib_omost.studio.page.events import QUIET, PictureSize, Update
from lib_omost.studio.page.html_widgets import region_editor
from lib_omost.studio.plan import Plan, apply_edit, editor_value, plan_of, renamed, streaming_value
from lib_omost.studio.replies import Reply
from lib_omost.studio.sentences import by_hand, counted, suggestions
from lib_omost.studio.store.sessions import Data, Render

FILE_ROUTE = "gradio_api/file="


class PlanColumn:
    """The editor, the code pane and the server's own copy of the plan. `outputs` are filled by `show` and
    `streaming`; an edit by hand shows in the chat (`chatbot`, `state_line`) too.
    """

    def __init__(
        self, chats: Chats, session: gr.State, size: list[gr.Number], chatbot: gr.Chatbot, state_line: gr.HTML
    ) -> None:
        self.chats, self.chatbot, self.state_line = chats, chatbot, state_line
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
            apply = gr.Button("Apply code (Ctrl+S)", size="sm", elem_id="apply")
        self.plan = gr.State(Plan())
        self.outputs = [self.editor, self.code, self.plan]
        shown, known = [*self.outputs, chatbot, state_line], [session, self.plan, *size]
        self.editor.edited(self.edit, known, shown, trigger_mode="multiple", **QUIET)
        apply.click(self.apply_code, [*known, self.code], shown, **QUIET)
        for side in size:
            side.change(self.resize, known, self.editor, **QUIET)

    def show(self, session: str, chat: Conversation, size: PictureSize) -> Update:
        """Editor, code and plan of the newest canvas in the conversation."""
        renders = self.chats.sessions.renders(session)
        plan = _plan_of(renders, chat)
        value = editor_value(plan, ratio=size, picture=_picture(renders))
        return {self.editor: value, self.code: plan.code, self.plan: plan}

    def frame(self, session: str, chat: Conversation, size: PictureSize) -> Update:
        """A new picture to lie under the boxes, where there are any; they stay as a person has them in hand."""
        if chat.newest is None:
            return {}
        renders = self.chats.sessions.renders(session)
        value = editor_value(_plan_of(renders, chat), ratio=size, picture=_picture(renders), frame=True)
        return {self.editor: value}

    def streaming(self, reply: Reply, size: PictureSize) -> Update:
        """The plan while it is written: the code pane waits for the end, the boxes appear one by one."""
        return {self.editor: streaming_value(reply.canvas, reply.pending, size)} if reply.plan_changed else {}

    def edit(self, session: str, plan: Plan, width: int, height: int, event: gr.EventData) -> Update:
        """A change in the editor becomes a change of code, in the plan and in the conversation."""
        posted = event._data
        echo = posted.get("number") if isinstance(posted, dict) else None
        try:
            edited = apply_edit(plan, posted)
        except CanvasError as error:
            value = self._value(session, plan, (width, height), echo=echo, fresh=False)
            return {self.editor: value, self.state_line: by_hand(str(error), "bad")}
        return self._kept(session, edited, (width, height), echo)

    def apply_code(self, session: str, plan: Plan, width: int, height: int, code: str) -> Update:
        """Code that a person edited: strictly read, or refused with the line and the plan left as it was."""
        reading = read_canvas(code or "", strict=True)
        if reading.canvas is None:
            notes = [note.with_line for note in reading.notes]
            return {self.state_line: by_hand("this code was not applied", "bad", notes=notes)}
        return self._kept(session, renamed(plan_of(reading), plan), (width, height), None)

    def resize(self, session: str, plan: Plan, width: int, height: int) -> Update:
        return {self.editor: self._value(session, plan, (width, height), frame=True)}

    def _kept(self, session: str, plan: Plan, size: PictureSize, echo: int | None) -> Update:
        """An edit, in the one turn of the chat that holds the plan, and as the page shows it then."""
        chat, done = self.chats.edit_by_hand(session, plan.code)
        plan = renamed(plan_of(read_program(done.code)), plan) if done.also else plan
        text = f"{counted(len(plan.ids), 'region')}, edited by hand{changes.also(done)}"
        state = by_hand(text, chips=suggestions(plan.read().canvas), asks=False)
        return {
            self.editor: self._value(session, plan, size, echo=echo, fresh=echo is None),
            self.code: plan.code,
            self.plan: plan,
            self.chatbot: bubbles(chat.turns),
            self.state_line: state,
        }

    def _value(self, session: str, plan: Plan, size: PictureSize, **more: Any) -> Data:
        return editor_value(plan, ratio=size, picture=_picture(self.chats.sessions.renders(session)), **more)


def _plan_of(renders: Sequence[Render], chat: Conversation) -> Plan:
    """The newest canvas, with the strengths that its regions had when it was painted last."""
    if chat.newest is None:
        return Plan()
    reading = chat.newest.reading
    painted = next((render for render in renders if render.code == reading.code), None)
    return plan_of(reading, painted.settings.get("region_strengths", ()) if painted else ())


def _picture(renders: Sequence[Render]) -> str:
    return FILE_ROUTE + renders[0].picture if renders else ""
