"""The list of sessions: new, open, rename, delete, export and import as one file; the open one is in the page's
address, and a tab that is behind is brought up to date. What a session holds is sessions.py's business.
"""

from __future__ import annotations

import html
import secrets
from collections.abc import Callable
from pathlib import Path

import gradio as gr

from lib_omost.errors import OmostError
from lib_omost.studio.cards import version
from lib_omost.studio.listing import listed
from lib_omost.studio.owner import owner_of
from lib_omost.studio.page.events import QUIET, TOASTING, UNCHANGED, PictureSize, Update, View
from lib_omost.studio.page.html_widgets import session_list
from lib_omost.studio.store.archive import export_session, import_session
from lib_omost.studio.store.sessions import Data, Sessions

# A DownloadButton downloads what it held before the click; this one asks for the file that was made after it.
DOWNLOAD = """file => {
  if (!file) return;
  const link = document.createElement('a');
  link.href = file.url; link.download = file.orig_name; link.click();
}"""
IN_ADDRESS = "session"
NOT_HERE = (
    "The session that the address names is not here: it was deleted, or it belongs to somebody else. "
    "Yours are in the list of sessions."
)
ELSEWHERE = "changed in another tab"

# Of two sessions that are opened one right after the other, the second is asked for when the first is shown (turns.js).
TAKE_TURN = "async (...given) => { await window.omostTurn.take(); return given.slice(0, %d); }"
LEAVE_TURN = "() => window.omostTurn.leave()"


class SessionsColumn:
    """Widgets of the list, in the sidebar `bar`; opening one shows all of it through `view`. `opened`: the events after
    which another one is shown, or the same as it is by now. `cards` say what a tab shows, `state_line` what is amiss.
    `stop_all` ends what is done for a session.
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
        cards: gr.HTML,
        state_line: gr.HTML,
    ) -> None:
        self.sessions, self.session, self.folder, self.view = sessions, session, folder, view
        self.stop_all, self.state_line = stop_all, state_line
        self.new = gr.Button("New picture", variant="primary", size="sm", elem_id="new-session")
        self.list = session_list(elem_id="sessions")
        # Changes when a tab was behind: only then is what is done in the session followed anew.
        self.caught_up = gr.Textbox("", visible="hidden", elem_id="caught-up")
        self.exported = gr.File(visible="hidden", elem_id="exported")
        self.load = gr.File(label="Import a session file", file_types=[".zip"], height=130, elem_id="import")
        self._wire(demo, bar, size, cards)

    def _wire(self, demo: gr.Blocks, bar: gr.Sidebar, size: list[gr.Number], cards: gr.HTML) -> None:
        shown = [self.session, self.list, *self.view.outputs]
        take_turn = TAKE_TURN % len(size)
        bar.expand(self.refresh, self.session, self.list, **QUIET)
        self.opened = [
            demo.load(self.arrive, size, shown, **QUIET),
            self.new.click(self.start, size, shown, js=take_turn, trigger_mode="multiple", **QUIET),
            self.list.pick(self.pick, size, shown, js=take_turn, trigger_mode="multiple", **QUIET),
            self.list.remove(self.remove, size, shown, **QUIET),
            self.caught_up.change(None, None, None, js="() => []", **QUIET),
        ]
        for opened in self.opened[1:3]:
            opened.then(None, js=LEAVE_TURN, **QUIET)
        cards.behind(self.catch_up, [self.session, *size], [*shown, self.caught_up], **QUIET)
        self.list.rename(self.call, None, self.list, **QUIET)
        made = self.list.export(self.save, None, self.exported, **QUIET)
        made.then(None, self.exported, None, js=DOWNLOAD, **QUIET)
        self.load.upload(self.take, [self.session, self.load, *size], [*shown, self.load], **TOASTING)

    def arrive(self, width: int, height: int, request: gr.Request) -> Update:
        """A page load opens what its address names, else goes on where this visitor left off. An address that names
        what is not the visitor's opens nothing, and says so.
        """
        owner, wanted = owner_of(request), str(dict(request.query_params or {}).get(IN_ADDRESS) or "")
        if not wanted:
            return self._latest(owner, (width, height))
        if self.sessions.owns(owner, wanted):
            return self._show(owner, wanted, (width, height))
        return {**self.start(width, height, request), self.state_line: {"level": "bad", "text": NOT_HERE}}

    def start(self, width: int, height: int, request: gr.Request) -> Update:
        """A new session, or the one that is still empty."""
        owner = owner_of(request)
        return self._show(owner, self.sessions.empty(owner) or self.sessions.create(owner), (width, height))

    def pick(self, width: int, height: int, request: gr.Request, event: gr.EventData) -> Update:
        """Opens one of the list, or the one that the browser's Back leads to."""
        owner, (wanted, open_now) = owner_of(request), self._asked(request, event)
        if wanted:
            return self._show(owner, wanted, (width, height))
        return {self.list: self._listed(owner, open_now), self.state_line: {"level": "bad", "text": NOT_HERE}}

    def catch_up(self, session: str, width: int, height: int, request: gr.Request, event: gr.EventData) -> Update:
        """Shows the session as it is, where the tab shows an older state of it."""
        now = version(self.sessions.turns(session))
        if now == event._data.get("version"):
            return UNCHANGED
        update = self._show(owner_of(request), session, (width, height))
        state = update[self.state_line]
        text = " · ".join(part for part in (state.get("text"), ELSEWHERE) if part)
        return {**update, self.state_line: {**state, "text": text}, self.caught_up: now}

    def refresh(self, session: str, request: gr.Request) -> Update:
        return {self.list: self._listed(owner_of(request), session)}

    def call(self, request: gr.Request, event: gr.EventData) -> Update:
        wanted, open_now = self._asked(request, event)
        if wanted:
            self.sessions.rename(wanted, str(event._data.get("name") or ""))
        return {self.list: self._listed(owner_of(request), open_now)}

    def remove(self, width: int, height: int, request: gr.Request, event: gr.EventData) -> Update:
        """The session goes, with its pictures and what is still done for it."""
        owner, (wanted, open_now) = owner_of(request), self._asked(request, event)
        if wanted:
            self.stop_all(wanted)
            for picture in self.sessions.delete(wanted):
                Path(picture).unlink(missing_ok=True)
        if open_now and open_now != wanted:
            return {self.list: self._listed(owner, open_now)}
        return self._latest(owner, (width, height))

    def save(self, request: gr.Request, event: gr.EventData) -> str | None:
        """The file lies in gradio's own folder, which is emptied in time, under a name that nobody guesses."""
        wanted, _ = self._asked(request, event)
        folder = Path(self.exported.GRADIO_CACHE) / secrets.token_hex(16)
        return str(export_session(self.sessions, wanted, folder)) if wanted else None

    def take(self, session: str, upload: str, width: int, height: int, request: gr.Request) -> Update:
        owner = owner_of(request)
        try:
            session = import_session(self.sessions, owner, Path(upload), self.folder)
        except OmostError as error:
            gr.Warning(html.escape(str(error)))
        return {**self._show(owner, session, (width, height)), self.load: None}

    def _asked(self, request: gr.Request, event: gr.EventData) -> tuple[str, str]:
        """The session that an event of the list is about, and the one that its tab shows; "" for what is not the
        caller's.
        """
        owner = owner_of(request)
        named = (event._data.get(key) for key in ("id", "open"))
        wanted, open_now = (one if isinstance(one, str) and self.sessions.owns(owner, one) else "" for one in named)
        return wanted, open_now

    def _latest(self, owner: str, size: PictureSize) -> Update:
        known = self.sessions.of(owner)
        return self._show(owner, known[0].id if known else self.sessions.create(owner), size)

    def _show(self, owner: str, session: str, size: PictureSize) -> Update:
        return {self.session: session, self.list: self._listed(owner, session), **self.view.show(session, size)}

    def _listed(self, owner: str, session: str) -> Data:
        """The list as it is now, with this session as the open one."""
        return {"open": session, "sessions": listed(self.sessions, owner)}
