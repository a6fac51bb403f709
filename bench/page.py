"""How fast the page is there, and how busy it keeps a browser while a long reply streams. No model: a text is replayed.

python -m bench page [--tokens N] [--rate R] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench._server import text_server
from lib_omost.canvas import Canvas
from lib_omost.studio.conversation import fenced

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
CHARACTERS_PER_TOKEN = 4
# Notes the longest task of the main thread.
PROBE = """
window.longest = 0;
new PerformanceObserver(list => list.getEntries().forEach(e => window.longest = Math.max(window.longest, e.duration)))
  .observe({type: 'longtask'});
"""


def long_reply(tokens: int) -> str:
    """A canvas program of about that many tokens, with as many regions as that takes (at most 60)."""
    canvas = Canvas()
    canvas.set_global_description(
        "a wide valley with many things in it", ["The light is soft."] * 4, "valley", "skyblue"
    )
    regions = min(60, max(1, round(tokens * CHARACTERS_PER_TOKEN / 1240)))
    sentence = (
        "It stands in the grass and the low sun throws its long shadow over the path beside it, seen in fine detail."
    )
    for number in range(regions):
        canvas.add_local_description(
            ("on the left", "in the center", "on the right")[number % 3],
            "no offset",
            "a small square area",
            float(number + 1),
            f"thing number {number}",
            [f"{sentence} {line}" for line in range(7)],
            "grass, sun, shadow",
            "calm",
            "photograph",
            "fine detail",
            "green",
        )
    return fenced(canvas.to_code())


@contextmanager
def page_process(llm: str, folder: str, port: int) -> Iterator[float]:
    """gradio_app.py as a person starts it; yields the seconds until it answers."""
    command = [
        sys.executable,
        "gradio_app.py",
        "--llm",
        llm,
        "--sdxl",
        "default",
        "--port",
        str(port),
        "--outputs",
        folder,
    ]
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Ready"):
                break
        yield time.monotonic() - start
    finally:
        process.terminate()
        process.wait(20)


def measure(url: str, seconds: float) -> dict[str, float]:
    """Loads the page, sends one message, and watches the main thread while the reply streams."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        client = page.context.new_cdp_session(page)
        client.send("Network.enable")
        client.send("Performance.enable")
        received: list[int] = []
        client.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
        page.add_init_script(PROBE)
        start = time.monotonic()
        page.goto(url)
        page.wait_for_function(
            "() => { const box = document.querySelector('#message textarea'); return box && !box.disabled; }"
        )
        shown_s = time.monotonic() - start
        kib = sum(received) / 1024
        before = task_seconds(client)
        page.fill("#message textarea", "a wide valley")
        page.keyboard.press("Enter")
        page.wait_for_selector("#state .sl[data-level=busy]")
        begin, texts = time.monotonic(), []
        while time.monotonic() - begin < seconds * 3:
            texts.append((time.monotonic(), page.evaluate("document.querySelector('#chat').textContent.length")))
            if page.evaluate("document.querySelector('#state .sl').dataset.level") != "busy":
                break
            page.wait_for_timeout(100)
        wall = time.monotonic() - begin
        busy = task_seconds(client) - before
        longest = page.evaluate("window.longest")
        browser.close()
    changes = [after[0] - before[0] for before, after in zip(grown(texts), grown(texts)[1:], strict=False)]
    return {
        "shown_s": shown_s,
        "page_kib": kib,
        "busy_share": busy / wall,
        "longest_task_ms": float(longest),
        "stream_s": wall,
        "update_pause_ms": 1000 * statistics.median(changes) if changes else 0.0,
    }


def grown(texts: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """The moments at which the chat was longer than before."""
    found = texts[:1]
    for moment in texts:
        if moment[1] > found[-1][1]:
            found.append(moment)
    return found


def task_seconds(client: Any) -> float:
    """Seconds that the page's main thread has spent in tasks so far."""
    metrics = {one["name"]: one["value"] for one in client.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def server_update_ms(text: str) -> float:
    """CPU of one update on the server, up to the queue: reading, writing to the session, boxes, bubbles, and what
    gradio makes of them.
    """
    import gradio as gr

    from lib_omost.canvas import CanvasReader
    from lib_omost.studio import conversation as chat
    from lib_omost.studio.plan import streaming_value
    from lib_omost.studio.replies import stream_reply
    from lib_omost.studio.store.sessions import Sessions, Turn

    with gr.Blocks():
        chatbot = gr.Chatbot(latex_delimiters=[], allow_tags=False)
    with tempfile.TemporaryDirectory() as folder:
        sessions = Sessions(Path(folder) / "sessions.sqlite")
        session = sessions.create("bench")
        position = sessions.add_turn(session, Turn("assistant", ""))
        pieces = (text[at : at + CHARACTERS_PER_TOKEN] for at in range(0, len(text), CHARACTERS_PER_TOKEN))
        ticks = iter(range(10**9))
        updates, start = 0, time.process_time()
        for reply in stream_reply(pieces, CanvasReader(), clock=lambda: next(ticks) / 60):
            sessions.change_turn(session, position, Turn("assistant", reply.text))
            if reply.plan_changed:
                streaming_value(reply.canvas, reply.pending, (896, 1152))
            chatbot.postprocess(chat.bubbles((Turn("user", "a wide valley"), Turn("assistant", reply.text))))
            updates += 1
        return 1000 * (time.process_time() - start) / updates


def main(argv: list[str]) -> dict[str, float | int | str]:
    parser = argparse.ArgumentParser(prog="python -m bench page")
    parser.add_argument("--tokens", type=int, default=6000)
    parser.add_argument("--rate", type=float, default=30.0, help="tokens a second")
    parser.add_argument("--port", type=int, default=7899)
    parser.add_argument("--json", type=Path, help="write the result here as well")
    chosen = parser.parse_args(argv)
    text = long_reply(chosen.tokens)
    tokens = len(text) / CHARACTERS_PER_TOKEN
    with (
        tempfile.TemporaryDirectory() as folder,
        text_server(text, chosen.rate, CHARACTERS_PER_TOKEN) as server,
        page_process(server.name, folder, chosen.port) as ready_s,
    ):
        found = measure(f"http://127.0.0.1:{chosen.port}/", tokens / chosen.rate)
    result: dict[str, float | int | str] = {
        "ready_s": round(ready_s, 2),
        "shown_s": round(found["shown_s"], 2),
        "page_kib": round(found["page_kib"]),
        "busy_share": round(found["busy_share"], 3),
        "update_ms": round(server_update_ms(text), 2),
        "longest_task_ms": round(found["longest_task_ms"]),
        "update_pause_ms": round(found["update_pause_ms"]),
        "stream_s": round(found["stream_s"], 1),
        "tokens": round(tokens),
        "tokens_per_s": chosen.rate,
        "load_1min": round(os.getloadavg()[0], 1),
    }
    for name, value in result.items():
        print(f"{name:18} {value}")
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps(result, indent=1) + "\n")
    return result
