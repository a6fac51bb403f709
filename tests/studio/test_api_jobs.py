"""Endpoints as jobs, over HTTP as any program calls them: who leaves, who waits, who comes twice."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench._server import TextServer, text_server
from gradio_app import Studio, build, launch, studio
from lib_omost.composer import ComposeSettings
from lib_omost.runtime import Engine
from lib_omost.runtime.job import Job
from lib_omost.runtime.jobs import MAX_WAITING
from lib_omost.studio.conversation import fenced
from lib_omost.studio.store.jobs import StoredJobs
from lib_omost.studio.store.sessions import Sessions
from lib_omost.studio.work import CHAT, chat_request

LONG = {"steps": 100, "width": 512, "height": 512, "images": 8}
SHORT = {"steps": 2, "width": 128, "height": 128}
OTHER = {"omost_visitor": "b" * 32}


@pytest.fixture(scope="module")
def server() -> Iterator[TextServer]:
    with text_server("", rate=1000) as server:
        yield server


@pytest.fixture(scope="module")
def page(server: TextServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Studio]]:
    folder = tmp_path_factory.mktemp("outputs")
    engine = Engine(server.name, "default")
    of = studio(engine, folder)
    demo = build(engine, folder, of=of)
    _, url, _ = launch(demo, folder, "127.0.0.1", None, None, prevent_thread_lock=True, quiet=True)
    engine.warm_up()
    yield f"{url}gradio_api/", of
    demo.close()


@pytest.fixture(autouse=True)
def says_the_plan(server: TextServer, code: str) -> None:
    server.text, server.held_at = fenced(code), None


def ask(url: str, name: str, body: dict[str, Any], **more: Any) -> str:
    answer = httpx.post(f"{url}call/v2/{name}", json=body, timeout=60, **more)
    assert answer.status_code == 200
    return str(answer.json()["event_id"])


def answer(url: str, name: str, body: dict[str, Any], **more: Any) -> tuple[str, Any]:
    """How the call ended, and with what."""
    event, cookies = ask(url, name, body, **more), more.get("cookies")
    with httpx.stream("GET", f"{url}call/{name}/{event}", timeout=200, cookies=cookies) as lines:
        kind = ""
        for line in lines.iter_lines():
            kind = line.removeprefix("event: ") if line.startswith("event: ") else kind
            if line.startswith("data: ") and kind in ("complete", "error"):
                return kind, json.loads(line.removeprefix("data: "))
    raise AssertionError("the stream ended without an end")


def active(of: Studio) -> list[str]:
    with of.chats.sessions.connection() as db:
        return [row[0] for row in db.execute("SELECT what FROM job WHERE state IN ('queued', 'running')")]


def wait_until(condition: Callable[[], object], seconds: float = 60) -> float:
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, "waited in vain"
        time.sleep(0.02)
    return time.monotonic() - start


def leave(url: str, name: str, body: dict[str, Any], until: Callable[[], object]) -> None:
    """Calls, and hangs up as soon as it is true."""
    event = ask(url, name, body)
    with httpx.stream("GET", f"{url}call/{name}/{event}", timeout=200) as lines:
        for _ in lines.iter_lines():
            if until():
                return


def test_a_client_that_leaves_frees_the_device(page: tuple[str, Studio], code: str) -> None:
    url, of = page
    leave(url, "render", {"code": code, **LONG}, lambda: active(of) == ["render"])
    assert wait_until(lambda: not active(of)) < 10  # on a machine that does nothing else, within a second or two
    assert answer(url, "render", {"code": code, **SHORT})[0] == "complete"


def test_a_language_model_server_that_hangs_holds_nobody_up_and_is_let_go_with_its_client(
    page: tuple[str, Studio], server: TextServer, code: str
) -> None:
    (url, of), gone = page, threading.Event()
    server.held_at = 0
    held = threading.Thread(target=leave, args=(url, "chat", {"message": "an apple"}, gone.is_set))
    held.start()
    wait_until(lambda: active(of) == ["chat"])
    assert answer(url, "render", {"code": code, **SHORT}, cookies=OTHER)[0] == "complete"
    assert active(of) == ["chat"]
    gone.set()
    held.join(20)
    assert wait_until(lambda: not active(of)) < 10


@pytest.mark.slow
def test_of_many_renders_of_one_client_some_wait_the_rest_is_refused_in_a_sentence_and_others_come_next(
    page: tuple[str, Studio], code: str
) -> None:
    url, of = page
    count = MAX_WAITING + 4
    with ThreadPoolExecutor(count) as pool:
        mine = [pool.submit(answer, url, "render", {"code": code, **SHORT, "steps": 12}) for _ in range(count)]
        wait_until(lambda: len(active(of)) > MAX_WAITING)
        assert answer(url, "chat", {"message": "an apple"}, cookies=OTHER)[0] == "complete"
        assert answer(url, "read", {"text": code})[0] == "complete"
        assert active(of)
        ends = [one.result() for one in mine]
    refused = [data for kind, data in ends if kind == "error"]
    assert 1 <= len(refused) <= 3 and all("8 runs of yours wait already" in json.dumps(data) for data in refused)


def test_a_call_that_comes_twice_with_one_key_is_done_once(page: tuple[str, Studio], code: str) -> None:
    url, _ = page
    calls = [answer(url, "render", {"code": code, **SHORT}, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    other = answer(url, "render", {"code": code, **SHORT}, headers={"Idempotency-Key": "k2"})
    first, second, third = (Path(data[0][0]["path"]).name for _, data in [*calls, other])
    assert first == second != third


def test_pictures_of_one_call_have_a_seed_each(page: tuple[str, Studio], code: str) -> None:
    url, _ = page
    kind, (files,) = answer(url, "render", {"code": code, **SHORT, "images": 2, "seed": 7})
    assert kind == "complete" and [file["orig_name"] for file in files] == ["omost-7.png", "omost-8.png"]


def test_what_an_earlier_process_left_runs_when_the_start_has_cleared_up(server: TextServer, tmp_path: Path) -> None:
    store, seen = StoredJobs(Sessions(tmp_path / "sessions.sqlite")), list[tuple[bool, str]]()
    store.add(Job("left", "ann", "", CHAT, chat_request([{"role": "user", "content": "an apple"}], ComposeSettings())))

    def state() -> str:
        job = store.get("left")
        return job.state if job else ""

    studio(Engine(server.name, "default"), tmp_path, lambda alone: seen.append((alone, state())))
    assert seen == [(True, "queued")]
    wait_until(lambda: state() == "done")
