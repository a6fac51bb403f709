"""Every event that names a session is its owner's, whatever a client says; over the app as it is served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.routes import App
from starlette.testclient import TestClient

from gradio_app import build
from lib_omost.runtime import Engine
from lib_omost.studio.edge import Edge, Site
from lib_omost.studio.page.owned import guard
from lib_omost.studio.store.sessions import Sessions


class Page:
    """An app with a handler of each kind, and the ids of their events."""

    def __init__(self, folder: Path) -> None:
        self.sessions = Sessions(folder / "sessions.sqlite")
        with gr.Blocks() as demo:
            self.session, text, out = gr.Textbox(visible="hidden"), gr.Textbox(), gr.Textbox()
            button = gr.Button()
            known: dict[str, Any] = {"queue": False}
            button.click(lambda text, session: f"{session} {text}", [text, self.session], out, **known)
            button.click(lambda given: given[self.session], {text, self.session}, out, **known)
            button.click(self.flow, [self.session, text], out, **known)
            button.click(lambda text: text, text, out, **known)
        guard(demo, self.session, self.sessions, gr.HTML(render=False))
        self.ids = [dependency["id"] for dependency in demo.config["dependencies"]]
        self.edge = Edge(App.create_app(demo), Site())

    def flow(self, session: str, text: str, request: gr.Request) -> Iterator[str]:
        assert request.session_hash
        yield session

    def browser(self) -> TestClient:
        client = TestClient(self.edge, base_url="http://localhost")  # type: ignore[arg-type]
        client.get("/gradio_api/app_id")
        return client

    def owner(self, client: TestClient) -> str:
        return f"visitor:{client.cookies['omost_visitor']}"

    def call(self, client: TestClient, event: int, data: list[str]) -> tuple[int, Any]:
        body = {"fn_index": self.ids[event], "data": data, "session_hash": "tab"}
        answer = client.post("/gradio_api/run/predict", json=body)
        return answer.status_code, answer.json().get("data", answer.json().get("error"))


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path)


def test_a_session_is_used_by_its_owner_and_by_nobody_else(page: Page) -> None:
    ann, bob = page.browser(), page.browser()
    session = page.sessions.create(page.owner(ann))
    assert page.call(ann, 0, ["hello", session]) == (200, [f"{session} hello"])
    assert page.call(ann, 2, [session, ""]) == (200, [session])
    for event, data in ((0, ["hello", session]), (1, [session, session]), (2, [session, ""])):
        status, told = page.call(bob, event, data)
        assert status == 500 and "belongs to somebody else" in told and "still in its box" in told


def test_before_there_is_a_session_and_without_one_events_run(page: Page) -> None:
    ann = page.browser()
    assert page.call(ann, 0, ["hello", ""]) == (200, [" hello"])
    assert page.call(ann, 3, ["hello"]) == (200, ["hello"])


def test_of_the_whole_page_every_event_with_a_session_is_checked(tmp_path: Path) -> None:
    demo = build(Engine("default", "default"), tmp_path)
    (session,) = [block for block in demo.blocks.values() if getattr(block, "elem_id", None) == "session"]
    events = [event for event in demo.fns.values() if event.fn is not None and session in event.inputs]
    assert len(events) > 25
    assert all("_checked" in event.fn.__code__.co_qualname for event in events)  # type: ignore[union-attr]
