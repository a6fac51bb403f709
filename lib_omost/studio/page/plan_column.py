"""The plan column: boxes to edit and the code beside them, kept in step with the conversation. Reads and writes code
through plan.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from lib_omost.canvas import Canvas, read_canvas, read_program
from lib_omost.errors import CanvasError
from lib_omost.studio import changes, history
from lib_omost.studio.cards import Last, cards
from lib_omost.studio.conversation import STRENGTHS, Chats, Conversation, bubbles
from lib_omost.studio.page.events import QUIET, PictureSize, Update
from lib_omost.studio.page.html_widgets import region_editor
from lib_omost.studio.plan import Plan, apply_edit, carried, editor_value, plan_of, renamed, streaming_value
from lib_omost.studio.remarks import Remark
from lib_omost.studio.replies import Reply
from lib_omost.studio.sentences import by_hand, counted, suggestions
from lib_omost.studio.store.sessions import Data, Render, Turn


class PlanColumn:
    """The editor, the code pane and the server's own copy of the plan. `outputs` are filled by `show` and
    `streaming`; an edit by hand shows in the chat (`chatbot`, `state_line`, `remarks`) too.
    """

    def __init__(
        self,
        chats: Chats,
        session: gr.Textbox,
        size: list[gr.Number],
        chatbot: gr.Chatbot,
        cards: gr.HTML,
        state_line: gr.HTML,
        remarks: gr.HTML,
    ) -> None:
        self.chats, self.state_line, self.remarks = chats, state_line, remarks
        self.chatbot, self.cards, self.chat = chatbot, cards, [chatbot, cards]
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
        shown, known = [*self.outputs, *self.chat, state_line, remarks], [session, self.plan, *size]
        self.editor.edited(self.edit, known, shown, trigger_mode="multiple", **QUIET)
        apply.click(self.apply_code, [*known, self.code], shown, **QUIET)
        for side in size:
            side.change(self.resize, known, self.editor, **QUIET)

    def show(
        self,
        session: str,
        chat: Conversation,
        size: PictureSize,
        known: Plan | None = None,
        echo: int | None = None,
        opened: bool = False,
    ) -> Update:
        """Editor, code and plan of the newest canvas in the conversation. Regions of the plan that is `known` keep
        their names, with which the editor keeps what is selected; `echo` is the number of what this answers; a plan
        that is only `opened` is no news that wants a picture.
        """
        plan = _plan_of(self.chats.sessions.renders(session), chat)
        plan = plan if known is None else carried(plan, known)
        value = self._value(session, plan, size, echo=echo, fresh=known is None, opened=opened)
        return {self.editor: value, self.code: plan.code, self.plan: plan}

    def streaming(self, reply: Reply, size: PictureSize) -> Update:
        """The plan while it is written: the code pane waits for the end, the boxes appear one by one."""
        return {self.editor: streaming_value(reply.canvas, reply.pending, size)} if reply.plan_changed else {}

    def said(
        self,
        session: str,
        turns: Sequence[Turn],
        size: PictureSize,
        growing: Canvas | None = None,
        busy: bool = False,
    ) -> Update:
        """The chat: what was said, each reply with its card. `busy`: the last one is written, `growing` its canvas."""
        at, of = (1, 1) if busy else history.replies(self.chats, session)
        last = Last(at, of, told=not busy and self.chats.told(session).of_changes)
        return {self.chatbot: bubbles(turns), self.cards: cards(turns, size, growing, busy, last)}

    def edit(self, session: str, plan: Plan, width: int, height: int, event: gr.EventData) -> Update:
        """A change in the editor becomes a change of code, in the plan and in the conversation."""
        plan, posted = self.known(session, plan), event._data
        echo = posted.get("number") if isinstance(posted, dict) else None
        try:
            edited = apply_edit(plan, posted)
        except CanvasError as error:
            value = self._value(session, plan, (width, height), echo=echo, fresh=False)
            return {self.editor: value, self.state_line: by_hand(str(error), "bad")}
        return self._kept(session, edited, (width, height), echo)

    def apply_code(self, session: str, plan: Plan, width: int, height: int, code: str) -> Update:
        """Code that a person edited: strictly read, or refused with the line and the plan left as it was."""
        plan = self.known(session, plan)
        reading = read_canvas(code or "", strict=True)
        if reading.canvas is None:
            notes = [note.with_line for note in reading.notes]
            return {self.state_line: by_hand("this code was not applied", "bad", notes=notes)}
        return self._kept(session, renamed(plan_of(reading), plan), (width, height), None)

    def resize(self, session: str, plan: Plan, width: int, height: int) -> Update:
        return {self.editor: self._value(session, self.known(session, plan), (width, height), frame=True)}

    def known(self, session: str, plan: Plan) -> Plan:
        """The tab's plan; what the server has forgotten of it (many came since) is read anew from the session."""
        return plan if plan.code else _plan_of(self.chats.sessions.renders(session), self.chats.open(session))

    def _kept(self, session: str, plan: Plan, size: PictureSize, echo: int | None) -> Update:
        """An edit, in the one turn of the chat that holds the plan, and as the page shows it then."""
        chat, done = self.chats.edit_by_hand(session, plan.code, {STRENGTHS: list(plan.strengths)})
        plan = renamed(plan_of(read_program(done.code)), plan) if done.also else plan
        self._told(session, changes.also(done))
        chips = suggestions(plan.read().canvas)
        state = by_hand(f"{counted(len(plan.ids), 'region')}, edited by hand", chips=chips, asks=False)
        return {
            self.editor: self._value(session, plan, size, echo=echo, fresh=echo is None),
            self.code: plan.code,
            self.plan: plan,
            **self.said(session, chat.turns, size),
            self.state_line: state,
            self.remarks: remarks_value(self.chats, session),
        }

    def _told(self, session: str, rows: tuple[Remark, ...]) -> None:
        """Rows on an edit come before those on the last reply; the state line speaks of the edit now."""
        told = self.chats.told(session)
        if rows or told.text:
            others = tuple(row for row in told.rows if not (rows and row.by_hand))
            self.chats.tell(session, replace(told, rows=(*rows, *others), text=""))

    def _value(self, session: str, plan: Plan, size: PictureSize, **more: Any) -> Data:
        return editor_value(plan, ratio=size, steps=history.steps(self.chats, session), **more)


def remarks_value(chats: Chats, session: str) -> Data:
    """What was said of the last act, for the widget."""
    return {"rows": chats.told(session).values()}


def _plan_of(renders: Sequence[Render], chat: Conversation) -> Plan:
    """The newest canvas, with the strengths that a person gave its regions, or those that they had when it was painted
    last.
    """
    if chat.newest is None:
        return Plan()
    turn, reading = chat.newest
    if STRENGTHS in turn.about:
        return plan_of(reading, turn.about[STRENGTHS])
    painted = next((render for render in renders if render.code == reading.code), None)
    return plan_of(reading, painted.settings.get("region_strengths", ()) if painted else ())
