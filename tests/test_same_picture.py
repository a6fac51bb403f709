"""One canvas with a noun that the default image model does not know, in a style: the same pixels and the same sentences
from the page, the endpoint, the command line and Python.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client
from PIL import Image

from chat_interface import ChatWidgets
from gradio_app import build, launch
from lib_omost import Canvas, Engine
from lib_omost.__main__ import main
from lib_omost.studio.conversation import Chats
from lib_omost.studio.page.events import Update, View
from lib_omost.studio.page.picture_column import PictureColumn
from lib_omost.studio.page.plan_column import PlanColumn
from lib_omost.studio.page.settings_panel import LOCKED, SettingsPanel
from lib_omost.studio.plan import Plan
from lib_omost.studio.runs import Runs
from lib_omost.studio.store.images import Saved, read_png
from lib_omost.studio.store.jobs import StoredJobs
from lib_omost.studio.store.pictures import Pictures
from lib_omost.studio.store.sessions import Sessions
from lib_omost.studio.work import job_service

STEPS, SEED, STYLE = 2, 7, "watercolour"
SWAP = "“kitten” is new to this image model; it painted “cat” instead."


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("default", "default", device="cpu")


@pytest.fixture(scope="module")
def code() -> str:
    canvas = Canvas()
    canvas.set_global_description("a kitten in a meadow", ["The grass is green."], "meadow", "skyblue")
    canvas.add_local_description(
        *("in the center", "no offset", "a medium-sized square area", 1.0, "a kitten", ["The kitten sits."], "kitten"),
        *("calm", "flat", "clean", "orange"),
    )
    return canvas.to_code()


@pytest.fixture(scope="module")
def python(engine: Engine, code: str) -> Image.Image:
    settings = replace(engine.render_defaults, steps=STEPS, seed=SEED, style=STYLE)
    notes: list[str] = []
    canvas = Canvas.from_bot_response(code)
    (image,) = engine.render(canvas, settings, lambda *_: None, Event(), on_note=notes.append)
    assert [*notes] == [*engine.render_notes] == [SWAP]
    return image


def same(path: Path, image: Image.Image, code: str) -> Saved:
    """What the picture says about itself, seen to be the very picture, with the program as it was written."""
    with Image.open(path) as found:
        assert found.convert("RGB").tobytes() == image.convert("RGB").tobytes()
    saved = read_png(path)
    assert (saved.settings.style, [*saved.notes], saved.code.strip()) == (STYLE, [SWAP], code.strip())
    assert saved.canvas.regions[0].description == "a kitten"
    return saved


def painted_by_the_page(engine: Engine, code: str, folder: Path) -> list[Any]:
    """All that a press of Render with these settings sends to the browser, and the bar that shows how it went."""
    chats, request = Chats(Sessions(folder / "s.sqlite")), gr.Request(session_hash="a tab")
    with gr.Blocks():
        state, drawer, widgets = gr.State(""), SettingsPanel(engine), ChatWidgets()
        told = (widgets.chatbot, widgets.cards, widgets.state_line, widgets.remarks)
        plan = PlanColumn(chats, state, drawer.size, *told)
        view = View([], lambda session, size: {})
        pictures = Pictures(folder / "pictures")
        jobs = job_service(engine, chats, pictures, folder, StoredJobs(chats.sessions))
        column = PictureColumn(engine, chats, jobs, Runs(), state, pictures, plan, drawer, view)
    settings = replace(engine.render_defaults, steps=STEPS, seed=SEED, style=STYLE)
    given: Update = dict(zip(drawer.render, drawer.values_of(settings), strict=True))
    given |= {state: chats.sessions.create("somebody"), plan.plan: Plan(), plan.code: code, column.keep: False}
    given |= {column.gallery.chosen: "", drawer.images: 1, drawer.seed_mode: LOCKED}
    return [update[column.progress] for update in column.paint(given, request) if column.progress in update]


def test_the_page_paints_it_and_says_what_it_changed(
    engine: Engine, code: str, python: Image.Image, tmp_path: Path
) -> None:
    (*_, last) = painted_by_the_page(engine, code, tmp_path)
    assert last["text"] == f"1 picture done. {SWAP}"
    (path,) = (tmp_path / "pictures").iterdir()
    same(path, python, code)


def test_the_endpoint_paints_it(engine: Engine, code: str, python: Image.Image, tmp_path: Path) -> None:
    demo = build(engine, tmp_path)
    _, url, _ = launch(demo, tmp_path, "127.0.0.1", None, None, prevent_thread_lock=True, quiet=True)
    try:
        client = Client(url, verbose=False, download_files=str(tmp_path / "downloads"))
        (path,) = client.predict(code, SEED, steps=STEPS, style=STYLE, api_name="/render")
    finally:
        demo.close()
    same(Path(path), python, code)


def test_the_command_line_paints_it_and_says_what_it_changed(
    code: str, python: Image.Image, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kitten.txt").write_text(code)
    options = ["--sdxl", "default", "--device", "cpu", "--out", str(tmp_path), "--steps", str(STEPS)]
    assert main(["render", str(tmp_path / "kitten.txt"), *options, "--seed", str(SEED), "--style", STYLE]) == 0
    same(Path(capsys.readouterr().out.strip()), python, code)
    assert SWAP in caplog.text


def test_without_the_style_or_with_a_known_noun_the_picture_is_another_one(
    engine: Engine, code: str, python: Image.Image
) -> None:
    settings = replace(engine.render_defaults, steps=STEPS, seed=SEED)
    for noun, style, alike in (("kitten", "", False), ("dog", STYLE, False), ("cat", STYLE, True)):
        canvas = Canvas.from_bot_response(code.replace("kitten", noun))
        (image,) = engine.render(canvas, replace(settings, style=style), lambda *_: None, Event())
        assert (image.tobytes() == python.tobytes()) is alike
    assert engine.render_notes == ()  # of the cat
