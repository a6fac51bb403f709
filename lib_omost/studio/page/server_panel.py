"""A language model on a server: the key for it, a test of both, the models that it offers. The key is kept nowhere but
in the page's field and, once the model is used, in the engine's memory.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import gradio as gr

from lib_omost.composer import MAX_KEY, checked_key
from lib_omost.errors import SettingsError
from lib_omost.runtime import Engine
from lib_omost.studio.page.events import TOASTING
from lib_omost.studio.sentences import sentence


class ServerPanel:
    """`box` is shown beside a server's URL only. `key` is an input of the event that uses the models."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        with gr.Column(visible=is_server(engine.llm_entry.name), elem_id="server") as self.box:
            self.key = gr.Textbox(
                type="password",
                label="Key of the server",
                info="Kept nowhere: it is forgotten when the program ends. Empty, OPENAI_API_KEY is used; many servers "
                "want none.",
                html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False),
                max_length=MAX_KEY,
                elem_id="server-key",
            )
            self.test = gr.Button("Test the server", size="sm", elem_id="test-server")
            self.line = gr.HTML("", elem_id="server-line")
            self.offered = gr.Dropdown(
                [],
                label="Models of the server",
                info="The chosen one goes into the field above.",
                visible=False,
                elem_id="server-models",
            )

    def wire(self, llm: gr.Dropdown) -> None:
        """`llm`: the picker that holds the server's URL."""
        self.test.click(self.tested, [llm, self.key], [self.line, self.offered], **TOASTING)

    def tested(self, name: str, key: str) -> Iterator[tuple[Any, Any]]:
        """The line and the list: first that it is being asked, then what came of it."""
        yield _line("asking the server…"), gr.update(visible=False)
        try:
            text, models = self.engine.test_server(checked_url(name), checked_key(key))
            told = _line(text, "good")
        except Exception as error:
            told, models = _line(sentence(error), "bad"), list(getattr(error, "offered", ()))
        base = name.partition("#")[0]
        choices = [(model, f"{base}#{model}") for model in models]
        yield told, gr.update(choices=choices, value=name if name in dict(choices).values() else None,
                              visible=bool(choices))  # fmt: skip


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


def _line(text: str, level: str = "busy") -> str:
    return f'<p role="status" class="server-{level}">{html.escape(text)}</p>'
