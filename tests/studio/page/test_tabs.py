"""What is left of tabs that have ended, in gradio's own queue."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench._client import Visitor
from gradio_app import build, launch
from lib_omost.runtime import Engine
from lib_omost.studio.page import tabs


def test_a_tab_that_waits_for_nothing_is_forgotten_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabs, "PAUSE_S", 0.05)
    demo = build(Engine("default", "default"), tmp_path)
    _, url, _ = launch(demo, tmp_path, "127.0.0.1", None, None, prevent_thread_lock=True, quiet=True)
    queue, visitor = demo._queue, Visitor(url)
    visitor.arrive()
    end = time.monotonic() + 20
    while queue.pending_messages_per_session or queue.pending_event_ids_session:
        assert time.monotonic() < end, "a tab is still remembered"
        time.sleep(0.05)
    visitor.arrive()  # the same tab
    assert visitor.call("read", text="nothing")["status"] == "reject"
    assert queue.ANALYTICS_MAX_EVENTS == 100
    demo.close()


def test_a_tab_whose_event_goes_on_or_that_has_not_heard_all_is_kept() -> None:
    messages = {name: asyncio.Queue[str]() for name in ("ended", "waits", "unheard")}
    messages["unheard"].put_nowait("news")
    events: dict[str, set[str]] = {"ended": set(), "waits": {"event"}}
    queue = SimpleNamespace(pending_messages_per_session=messages, pending_event_ids_session=events)
    assert tabs.forget_ended(queue) == 1
    assert set(messages) == {"waits", "unheard"} and set(events) == {"waits"}
