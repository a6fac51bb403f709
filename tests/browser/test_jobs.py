"""Jobs as a person meets them, against the page in a process of its own: reloads, a closed tab, a restart."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bench._server import TextServer
from tests.browser.acts import ROOT, BrowserContext, Page, arrive, composed, expect, free_port, send, toggle

pytestmark = [pytest.mark.ui, pytest.mark.slow]
SAID = "#progress .pg-text"
LONG_MS = 120_000  # a start of the program on a busy machine, or a picture


@contextmanager
def running(llm: str, folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-u", "gradio_app.py", "--llm", llm, "--sdxl", "default", "--port", str(port)]
    with subprocess.Popen(
        [*command, "--outputs", str(folder)], cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Ready"):
                break
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> float:
    """Tells the program to end; returns how many seconds it took."""
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    return time.monotonic() - start


def steps(page: Page, count: int) -> None:
    field = page.get_by_role("spinbutton", name="number input for Steps", exact=True)
    field.fill(str(count))
    field.press("Tab")


def painting(page: Page, of: int) -> None:
    expect(page.locator(SAID)).to_have_text(re.compile(rf"^step \d+ of {of}$"), timeout=LONG_MS)


def test_what_a_page_asked_for_goes_on_through_reloads_and_restarts(
    context: BrowserContext, neighbour: BrowserContext, server: TextServer, tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with running(server.name, tmp_path, port) as process, arrive(context, url) as page:
        composed(page)
        toggle(page, "settings-bar")
        steps(page, 100)
        toggle(page, "settings-bar")
        page.locator("#render").click()
        painting(page, 100)
        page.reload()
        painting(page, 100)  # as whoever opens the session sees it
        toggle(page, "settings-bar")
        steps(page, 4)
        toggle(page, "settings-bar")
        page.locator("#render").click()
        expect(page.locator("#progress .pg-figures")).to_contain_text("1 more queued", timeout=LONG_MS)
        send(page, "make it night")  # waits for the picture, as everything of one person does
        expect(page.locator("#state .sl-text")).to_contain_text("waiting for the language model")
        assert httpx.get(f"{url}readyz").status_code == httpx.get(f"{url}healthz").status_code == 200
        page.goto("about:blank")
        assert ended(process) < 10
    cookies = context.cookies()
    with running(server.name, tmp_path, port) as process:
        neighbour.clear_cookies()
        neighbour.add_cookies(cookies)
        page = neighbour.new_page()
        page.goto(url)
        expect(page.locator("#gallery img")).to_have_count(1, timeout=LONG_MS)  # the one that was queued
        expect(page.locator(SAID)).to_have_text(re.compile(r"^interrupted at step \d+ of 100$"), timeout=LONG_MS)
        expect(page.locator("#chat .message")).to_have_count(4, timeout=LONG_MS)  # and the message is answered
        turns = page.locator("#chat .message")
        assert turns.nth(1).locator(".rc-face img").count() == 1 and "make it night" in turns.nth(2).inner_text()
        page.locator("#run-again").click()
        painting(page, 100)
        page.locator("#stop-render").click()
        expect(page.locator(SAID)).to_have_text("stopped", timeout=LONG_MS)
        page.close()
        assert ended(process) < 10
