"""A language-model server that streams one fixed text at a fixed rate, in the protocol of OpenAI's chat completions.

The page's tests and measurements use it where the words of the reply matter, and the model that writes them does not.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

Server = TypeVar("Server", bound=ThreadingHTTPServer)


class TextServer(ThreadingHTTPServer):
    """Answers every request with `text`, `rate` pieces of `characters` a second; `asked` keeps the requests,
    `heard` the headers of every call.

    `key`: refuses whoever brings another one, unless it is empty. `models`: what it offers; it knows no other.
    `held_at`: the number of pieces after which a reply waits until this is None again.
    """

    daemon_threads = True

    def __init__(self, text: str, rate: float = 1000.0, characters: int = 4) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.text, self.rate, self.characters = text, rate, characters
        self.key, self.models = "", ["scripted"]
        self.asked: list[dict[str, Any]] = []
        self.heard: list[str] = []
        self.sent = 0
        self.held_at: int | None = None

    @property
    def name(self) -> str:
        """What --llm takes for this server."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1#scripted"

    def pieces(self) -> list[str]:
        return [self.text[at : at + self.characters] for at in range(0, len(self.text), self.characters)]


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Any server of this machine, in a thread of its own until the block is left."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def text_server(text: str, rate: float = 1000.0, characters: int = 4) -> Iterator[TextServer]:
    """The server, running until the block is left."""
    with running(TextServer(text, rate, characters)) as server:
        yield server


class _Handler(BaseHTTPRequestHandler):
    server: TextServer

    def do_GET(self) -> None:
        """Which models there are."""
        if self._refused():
            return
        self._json(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in self.server.models]})

    def _refused(self) -> bool:
        self.server.heard.append(str(self.headers))
        if not self.server.key or self.headers["authorization"] == f"Bearer {self.server.key}":
            return False
        self._json(401, {"error": {"message": f"no such key: {self.headers['authorization']}"}})
        return True

    def _json(self, status: int, record: dict[str, Any]) -> None:
        body = json.dumps(record).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self._refused():
            return
        if body["model"] not in self.server.models:
            self._json(404, {"error": {"message": f"no model {body['model']}"}})
            return
        self.server.asked.append(body)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        try:
            self._stream()
        except (BrokenPipeError, ConnectionResetError):
            return  # the client stopped the reply

    def _stream(self) -> None:
        start, self.server.sent = time.monotonic(), 0
        for number, piece in enumerate(self.server.pieces()):
            time.sleep(max(0.0, start + number / self.server.rate - time.monotonic()))
            while self.server.held_at is not None and number >= self.server.held_at:
                time.sleep(0.05)
            self._send({"choices": [{"index": 0, "delta": {"content": piece}}]})
            self.server.sent += 1
        self._send({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self.wfile.write(b"data: [DONE]\n\n")

    def _send(self, chunk: dict[str, Any]) -> None:
        record = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "scripted", **chunk}
        self.wfile.write(f"data: {json.dumps(record)}\n\n".encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal."""
