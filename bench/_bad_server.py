"""A language-model server that behaves as the last message tells it: well, or badly in one of the ways that servers do.

What it answers to "hang" and the like is in `ACTS`; to anything else it answers with a plan whose only region is the
message.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench._server import running
from lib_omost.canvas import Canvas

LONGEST_S = 120.0  # what hangs or drips ends then
HTML = "Look: <img src=http://evil.example/x.png> <div style='position:fixed;inset:0'>over</div> <script>x()</script>"


class BadServer(ThreadingHTTPServer):
    """`asked`: the bodies of all requests. `going`: replies that are being written now."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.going = 0
        self.lock = threading.Lock()

    @property
    def name(self) -> str:
        """What --llm takes for this server."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1#scripted"


@contextmanager
def bad_server() -> Iterator[BadServer]:
    with running(BadServer()) as server:
        yield server


def plan(thing: str) -> str:
    """A reply whose one region is `thing`."""
    canvas = Canvas()
    canvas.set_global_description(f"A meadow with {thing}.", ["The grass is green."], "meadow", "skyblue")
    words = ("flat", "calm", "clean", "sharp")
    canvas.add_local_description(
        "on the left", "no offset", "a small square area", 2.0, thing, ["It is there."], *words, "red"
    )
    return f"```python\n{canvas.to_code()}\n```"


class _Handler(BaseHTTPRequestHandler):
    server: BadServer

    def do_GET(self) -> None:
        self.say(200, json.dumps({"object": "list", "data": [{"id": "scripted", "object": "model"}]}))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            self.server.asked.append(body)
            self.server.going += 1
        try:
            said = str(body["messages"][-1]["content"]).strip()
            ACTS.get(said, _well)(self, said)
        except OSError:
            return  # the client left
        finally:
            with self.server.lock:
                self.server.going -= 1

    def say(self, status: int, text: str, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(text.encode())), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()

    def piece(self, text: str) -> None:
        choice = {"index": 0, "delta": {"content": text}}
        record = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "scripted", "choices": [choice]}
        self.wfile.write(f"data: {json.dumps(record)}\n\n".encode())
        self.wfile.flush()

    def end(self) -> None:
        choice = {"index": 0, "delta": {}, "finish_reason": "stop"}
        record = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "scripted", "choices": [choice]}
        self.wfile.write(f"data: {json.dumps(record)}\n\ndata: [DONE]\n\n".encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal."""


def _well(handler: _Handler, said: str) -> None:
    _text(handler, plan(said[:200]))


def _text(handler: _Handler, text: str) -> None:
    handler.begin()
    for at in range(0, len(text), 40):
        handler.piece(text[at : at + 40])
    handler.end()


def _hang(handler: _Handler, said: str) -> None:
    end = time.monotonic() + LONGEST_S
    handler.begin()
    while time.monotonic() < end:
        time.sleep(0.2)
        handler.connection.setblocking(False)
        try:
            if handler.connection.recv(1) == b"":
                return  # the client left
        except BlockingIOError:
            continue
        finally:
            handler.connection.setblocking(True)


def _again(what: Callable[[_Handler], object], pause_s: float) -> Callable[[_Handler, str], None]:
    def act(handler: _Handler, said: str) -> None:
        end = time.monotonic() + LONGEST_S
        handler.begin()
        while time.monotonic() < end:
            what(handler)
            handler.wfile.flush()
            time.sleep(pause_s)

    return act


def _breaks_off(handler: _Handler, said: str) -> None:
    handler.begin()
    handler.piece(plan("half")[:200])


def _halves(handler: _Handler, said: str) -> None:
    """A smile whose two halves come in two events, and halves alone."""
    handler.begin()
    for text in ("A smile: \ud83d", "\ude00, half of one: \ud83d.\n", plan("a face"), "\udc00"):
        handler.piece(text)
    handler.end()


ACTS: dict[str, Callable[[_Handler, str], None]] = {
    "hang": _hang,
    "drip": _again(lambda handler: handler.piece("a "), 0.3),
    "comments": _again(lambda handler: handler.wfile.write(b": still here\n\n"), 0.3),
    "flood": _again(lambda handler: handler.piece("x" * 100_000), 0.0),
    "one line": _again(lambda handler: handler.wfile.write(b"x" * 2**20), 0.0),
    "early end": _breaks_off,
    "halves": _halves,
    "html": lambda handler, said: _text(handler, f"{HTML}\n{plan('a wall')}"),
    "a web page": lambda handler, said: handler.say(200, "<html>hello</html>", "text/html"),
    "garbage": lambda handler, said: handler.say(200, "data: {{{\n\ndata: 3\n\n", "text/event-stream"),
    "429": lambda handler, said: handler.say(429, json.dumps({"error": {"message": "slow down"}})),
    "500": lambda handler, said: handler.say(500, json.dumps({"error": {"message": "it broke"}})),
    "404": lambda handler, said: handler.say(404, json.dumps({"error": {"message": "no such model"}})),
    "elsewhere": lambda handler, said: handler.say(307, "", location="/v1/elsewhere"),
}
