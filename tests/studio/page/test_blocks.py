"""What gradio is made stricter in."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from lib_omost.errors import StorageError
from lib_omost.studio.page.blocks import Page, Picture


def page(act: Any) -> Page:
    with Page() as demo:
        box = gr.Textbox()
        box.submit(act, box, box)
    return demo


def answer(demo: Page, text: str) -> Any:
    return asyncio.run(demo.process_api(demo.fns[0], [text], request=None))["data"][0]


def test_an_event_gets_only_text_that_can_be_kept() -> None:
    assert answer(page(lambda text: text), "half \ud83d a face") == "half \ufffd a face"


@pytest.mark.parametrize(
    ("error", "words"),
    [(StorageError("no room; free some"), "no room; free some"), (KeyError("x"), r"unforeseen .*\(KeyError\)")],
)
def test_an_event_that_fails_ends_in_a_sentence(error: Exception, words: str) -> None:
    def fails(text: str) -> str:
        raise error

    with pytest.raises(gr.Error, match=words):
        answer(page(fails), "x")


def test_what_fails_outside_of_a_handler_ends_in_a_sentence_too() -> None:
    with Page() as demo:
        box, image = gr.Textbox(), gr.Image()
        box.submit(lambda text: 5, box, image)  # no picture
    with pytest.raises(gr.Error, match="unforeseen"):
        answer(demo, "x")


def test_a_png_and_a_preview_are_shown_without_a_file_and_a_file_as_ever(tmp_path: Path) -> None:
    with gr.Blocks():
        widget = Picture()
    png = widget.postprocess(b"the bytes of a PNG")
    assert (
        png.path is None and base64.b64decode(png.url.removeprefix("data:image/png;base64,")) == b"the bytes of a PNG"
    )
    preview = widget.postprocess(Image.new("RGBA", (8, 8)))
    assert preview.path is None and preview.url.startswith("data:image/jpeg;base64,")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    assert widget.postprocess(str(tmp_path / "a.png")).path.endswith("a.png")
    assert widget.postprocess(None) is None
