"""The list of sessions: new, open, rename, delete, export and import as one file. What a session holds is
sessions.py's business.
"""

from __future__ import annotations

import html
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import gradio as gr

from lib_omost.errors import OmostError
from lib_omost.studio.owner import owner_of
from lib_omost.studio.page.events import QUIET, TOASTING, PictureSize, Update, View
from lib_omost.studio.sentences import counted, plain
from lib_omost.studio.store.archive import export_session, import_session
from lib_omost.studio.store.sessions import Sessions

# A DownloadButton downloads what it held before the click; this one asks for the file that was made after it.
DOWNLOAD = """file => {
  if (!file) return;
  const link = document.createElement('a');
  link.href = file.url; link.download = file.orig_name; link.click();
}"""

# Of two sessions that are opened one right after the other, the second is asked for when the first is shown (turns.js).
TAKE_TURN = "async (...given) => { await window.omostTurn.take(); return given.slice(0, %d); }"
LEAVE_TURN = "() => window.omostTurn.leave()"


class SessionsColumn:
    """Widgets of the list, in the sidebar `bar`; opening one shows all of it through `view`. `opened`: the events after
    which another one is shown. `stop_all` ends what is done for a session.
    """

    def __init__(
        self,
        sessions: Sessions,
        session: gr.Textbox,
        folder: Path,
        demo: gr.Blocks,
        bar: gr.Sidebar,
        view: View,
        size: list[gr.Number],
        stop_all: Callable[[str], None],
    ) -> None:
        self.sessions, self.session, self.folder, self.view = sessions, session, folder, view
        self.stop_all = stop_all
        self.new = gr.Button("New picture", variant="primary", size="sm", elem_id="new-session")
        self.list = gr.Radio([], label="Your sessions", info="The last used one comes first.", elem_id="sessions")
        self.name = gr.Textbox(label="Name", info="Of the open session.", max_length=60, elem_id="session-name")
        with gr.Row():
            self.rename = gr.Button("Rename", size="sm", min_width=80, elem_id="rename-session")
            self.delete = gr.Button("Delete…", size="sm", min_width=80, elem_id="delete-session")
        with gr.Column(visible=False, elem_id="delete-sure") as self.sure:
            self.question = gr.Markdown("", container=True)
            with gr.Row():
                self.really = gr.Button("Delete", variant="stop", size="sm", min_width=80, elem_id="delete-really")
                self.spare = gr.Button("Keep it", size="sm", min_width=80, elem_id="delete-not")
        self.export = gr.Button("Export as a file", size="sm", elem_id="export")
        self.exported = gr.File(visible="hidden", elem_id="exported")
        self.load = gr.File(label="Import a session file", file_types=[".zip"], height=130, elem_id="import")
        self._wire(demo, bar, size)

    def _wire(self, demo: gr.Blocks, bar: gr.Sidebar, size: list[gr.Number]) -> None:
        shown = [self.session, self.list, self.name, self.sure, *self.view.outputs]
        bar.expand(self.refresh, self.session, [self.list, self.name], **QUIET)
        which = [self.session, self.list, *size]
        self.opened = [
            demo.load(self.arrive, size, shown, **QUIET),
            self.new.click(self.start, size, shown, js=TAKE_TURN % len(size), trigger_mode="multiple", **QUIET),
            self.list.input(self.open, which, shown, js=TAKE_TURN % len(which), trigger_mode="multiple", **QUIET),
        ]
        for opened in self.opened[1:]:
            opened.then(None, js=LEAVE_TURN, **QUIET)
        for named in (self.rename.click, self.name.submit):
            named(self.call, [self.session, self.name], [self.list, self.name], **QUIET)
        self.delete.click(self.ask, self.session, [self.sure, self.question], **QUIET)
        self.spare.click(self.spared, None, self.sure, **QUIET)
        self.really.click(self.forget, [self.session, *size], shown, **QUIET)
        made = self.export.click(self.save, self.session, self.exported, **QUIET)
        made.then(None, self.exported, None, js=DOWNLOAD, **QUIET)
        self.load.upload(self.take, [self.session, self.load, *size], [*shown, self.load], **TOASTING)

    def arrive(self, width: int, height: int, request: gr.Request) -> Update:
        """A page load goes on where this visitor left off."""
        owner = owner_of(request)
        known = self.sessions.of(owner)
        return self._show(owner, known[0].id if known else self.sessions.create(owner), (width, height))

    def start(self, width: int, height: int, request: gr.Request) -> Update:
        """A new session, or the one that is still empty."""
        owner = owner_of(request)
        return self._show(owner, self.sessions.empty(owner) or self.sessions.create(owner), (width, height))

    def open(self, session: str, wanted: str, width: int, height: int, request: gr.Request) -> Update:
        owner = owner_of(request)
        return self._show(owner, wanted if self.sessions.owns(owner, wanted) else session, (width, height))

    def refresh(self, session: str, request: gr.Request) -> Update:
        return self._named(owner_of(request), session)

    def call(self, session: str, name: str, request: gr.Request) -> Update:
        self.sessions.rename(session, name or "")
        return self.refresh(session, request)

    def ask(self, session: str) -> Update:
        pictures = len(self.sessions.renders(session))
        held = f", its chat and its {counted(pictures, 'picture')}" if pictures else " and its chat"
        text = f"**{plain(self.sessions.name(session))}**{held} will be gone for good."
        return {self.sure: gr.update(visible=True), self.question: text}

    def spared(self) -> Update:
        return {self.sure: gr.update(visible=False)}

    def forget(self, session: str, width: int, height: int, request: gr.Request) -> Update:
        """The session goes, with its pictures and what is still done for it."""
        self.stop_all(session)
        for picture in self.sessions.delete(session):
            Path(picture).unlink(missing_ok=True)
        return self.arrive(width, height, request)

    def save(self, session: str) -> str:
        """The file lies in gradio's own folder, which is emptied in time, under a name that nobody guesses."""
        folder = Path(self.exported.GRADIO_CACHE) / secrets.token_hex(16)
        return str(export_session(self.sessions, session, folder))

    def take(self, session: str, upload: str, width: int, height: int, request: gr.Request) -> Update:
        owner = owner_of(request)
        try:
            session = import_session(self.sessions, owner, Path(upload), self.folder)
        except OmostError as error:
            gr.Warning(html.escape(str(error)))
        return {**self._show(owner, session, (width, height)), self.load: None}

    def _show(self, owner: str, session: str, size: PictureSize) -> Update:
        named = self._named(owner, session)
        return {self.session: session, **named, **self.spared(), **self.view.show(session, size)}

    def _named(self, owner: str, session: str) -> Update:
        """The list as it is now, with this session chosen, and its name."""
        choices = [
            (f"{one.name} · {time.strftime('%d %b %H:%M', time.localtime(one.updated))}", one.id)
            for one in self.sessions.of(owner)
        ]
        return {self.list: gr.update(choices=choices, value=session), self.name: self.sessions.name(session)}
