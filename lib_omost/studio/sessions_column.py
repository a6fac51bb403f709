"""The list of sessions: new, open, rename, delete, export and import as one file. What a session holds is
sessions.py's business.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import gradio as gr

from lib_omost.errors import OmostError
from lib_omost.studio.archive import export_session, import_session
from lib_omost.studio.sessions import Sessions
from lib_omost.studio.visitor import owner_of

QUIET: dict[str, Any] = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}


class SessionsColumn:
    """Widgets of the list; opening one fills `view_outputs` through `view(session, size)`."""

    def __init__(self, sessions: Sessions, session: gr.State, folder: Path) -> None:
        self.sessions, self.session, self.folder = sessions, session, folder
        self.new = gr.Button("New picture", variant="primary", size="sm", elem_id="new-session")
        self.list = gr.Radio([], label="Your sessions", elem_id="sessions")
        self.name = gr.Textbox(label="Name", max_length=60, elem_id="session-name")
        with gr.Row():
            self.rename = gr.Button("Rename", size="sm", min_width=80)
            self.delete = gr.Button("Delete", size="sm", min_width=80, elem_id="delete-session")
        self.export = gr.DownloadButton("Export as a file", size="sm", elem_id="export")
        self.load = gr.File(label="Import a session file", file_types=[".zip"], elem_id="import")
        self.outputs = [self.session, self.list, self.name]

    def wire(self, demo: gr.Blocks, bar: gr.Sidebar, view: Any, view_outputs: list[Any], size: list[Any]) -> None:
        self.view = view
        shown = [*self.outputs, *view_outputs]
        bar.expand(self.refresh, self.session, [self.list, self.name], **QUIET)
        demo.load(self.arrive, size, shown, **QUIET)
        self.new.click(self.start, size, shown, **QUIET)
        self.list.input(self.open, [self.session, self.list, *size], shown, **QUIET)
        self.rename.click(self.call, [self.session, self.name], self.list, **QUIET)
        self.delete.click(self.forget, [self.session, *size], shown, **QUIET)
        self.export.click(
            self.save, self.session, self.export, api_visibility="private", queue=False, show_progress="hidden"
        )
        self.load.upload(self.take, [self.session, self.load, *size], [*shown, self.load], **QUIET)

    def arrive(self, width: int, height: int, request: gr.Request) -> tuple[Any, ...]:
        """A page load goes on where this visitor left off."""
        owner = owner_of(request)
        known = self.sessions.of(owner)
        return self._show(owner, known[0].id if known else self.sessions.create(owner), width, height)

    def start(self, width: int, height: int, request: gr.Request) -> tuple[Any, ...]:
        owner = owner_of(request)
        return self._show(owner, self.sessions.create(owner), width, height)

    def open(self, session: str, wanted: str, width: int, height: int, request: gr.Request) -> tuple[Any, ...]:
        owner = owner_of(request)
        return self._show(owner, wanted if self.sessions.owns(owner, wanted) else session, width, height)

    def refresh(self, session: str, request: gr.Request) -> tuple[Any, str]:
        owner = owner_of(request)
        return self._list(owner, session), self._name(owner, session)

    def call(self, session: str, name: str, request: gr.Request) -> Any:
        self.sessions.rename(session, name or "")
        return self._list(owner_of(request), session)

    def forget(self, session: str, width: int, height: int, request: gr.Request) -> tuple[Any, ...]:
        """The session goes, with its pictures."""
        for picture in self.sessions.delete(session):
            Path(picture).unlink(missing_ok=True)
        return self.arrive(width, height, request)

    def save(self, session: str) -> str:
        return str(export_session(self.sessions, session))

    def take(self, session: str, upload: str, width: int, height: int, request: gr.Request) -> tuple[Any, ...]:
        owner = owner_of(request)
        try:
            session = import_session(self.sessions, owner, Path(upload), self.folder)
        except OmostError as error:
            gr.Warning(str(error))
        return (*self._show(owner, session, width, height), None)

    def _show(self, owner: str, session: str, width: int, height: int) -> tuple[Any, ...]:
        return session, self._list(owner, session), self._name(owner, session), *self.view(session, (width, height))

    def _name(self, owner: str, session: str) -> str:
        return next((known.name for known in self.sessions.of(owner) if known.id == session), "")

    def _list(self, owner: str, session: str) -> Any:
        choices = [
            (f"{one.name} · {time.strftime('%d %b %H:%M', time.localtime(one.updated))}", one.id)
            for one in self.sessions.of(owner)
        ]
        return gr.update(choices=choices, value=session)
