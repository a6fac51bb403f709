"""A language model on a server: the key for it, a test of both, the models that it offers. The key is kept nowhere but
in the page's field and, once the model is used, in the engine's memory.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import gradio as gr

from lib_omost.composer import MAX_KEY
from lib_omost.errors import SettingsError
from lib_omost.runtime import Engine
from lib_omost.runtime.keys import typed_key
from lib_omost.studio.page.events import QUIET, TOASTING, Update
from lib_omost.studio.sentences import sentence


class ServerPanel:
    """`box` is shown beside a server's URL only. `key` and `typed_for` are inputs of the event that uses the
    models; `llm` is the picker that holds the URL.
    """

    def __init__(self, engine: Engine, llm: gr.Dropdown, may_choose: Callable[[gr.Request | None], bool]) -> None:
        self.engine, self._may_choose = engine, may_choose
        with gr.Column(visible=is_server(engine.llm_entry.name), elem_id="server") as self.box:
            self.key = gr.Textbox(
                type="password",
                label="Key of the server",
                info="Kept nowhere, and sent only to the address above that it was typed for. Many servers want none; "
                "for that of OPENAI_BASE_URL or --llm, OPENAI_API_KEY is used.",
                html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False),
                max_length=MAX_KEY,
                elem_id="server-key",
            )
            self.typed_for = gr.Textbox("", visible="hidden", elem_id="server-key-for")
            self.test = gr.Button("Test the server", size="sm", elem_id="test-server")
            self.line = gr.HTML("", elem_id="server-line")
            self.offered = gr.Dropdown(
                [],
                label="Models of the server",
                info="The chosen one goes into the field above.",
                visible=False,
                elem_id="server-models",
            )
        # What the picker holds while the key is typed; in the browser, so that no key is on its way before it is used.
        # A field of passwords tells of no `input` (gradio 6).
        self.key.change(None, llm, self.typed_for, js="llm => llm", **QUIET)
        self.test.click(self.tested, [llm, self.key, self.typed_for], [self.line, self.offered], **TOASTING)

    def shown_for(self, llm: str | None) -> Update:
        return {self.box: gr.update(visible=is_server(llm))}

    def asked_for(self) -> Update:
        """For whoever is about to type a server's address."""
        return {self.box: gr.update(visible=True)}

    def changed(self, llm: str | None, line: str) -> Update:
        """Another address: what came of testing the one before is not said of it."""
        same = is_server(llm) and f'data-of="{html.escape(_base(llm))}"' in (line or "")
        cleared = {} if same or not line else {self.line: "", self.offered: gr.update(choices=[], visible=False)}
        return {**self.shown_for(llm), **cleared}

    def tested(self, name: str, key: str, typed_for: str, request: gr.Request | None = None) -> Iterator[Update]:
        """The line and the list: first that it is being asked, then what came of it."""
        yield {self.line: _line("asking the server…"), self.offered: gr.update(visible=False)}
        try:
            if not self._may_choose(request):
                raise SettingsError("The servers of this page are its operator's to choose.")
            text, models = self.engine.test_server(checked_url(name), typed_key(key, typed_for, name))
            told = _line(text, "good", name)
        except Exception as error:
            told, models = _line(sentence(error), "bad", name), list(getattr(error, "offered", ()))
        base = name.partition("#")[0]
        choices = [(model, f"{base}#{model}") for model in models]
        value = name if name in dict(choices).values() else None
        yield {self.line: told, self.offered: gr.update(choices=choices, value=value, visible=bool(choices))}


def is_server(name: str | None) -> bool:
    return bool(re.match(r"https?://", name or ""))


def checked_url(name: str | None) -> str:
    """Raises SettingsError for what cannot be a server's address."""
    try:
        address = urlsplit(name or "")
        good = is_server(name) and bool(address.hostname) and address.port != 0
    except ValueError:  # no number where the port is, half a bracket
        good = False
    if not good:
        raise SettingsError(f"{name!r} is not a server's address, as http://127.0.0.1:8000/v1#model is.")
    return str(name)


def _base(name: str | None) -> str:
    """The address without the model's name."""
    return (name or "").partition("#")[0]


def _line(text: str, level: str = "busy", name: str | None = "") -> str:
    of = html.escape(_base(name))
    return f'<p role="status" class="server-{level}" data-of="{of}">{html.escape(text)}</p>'
