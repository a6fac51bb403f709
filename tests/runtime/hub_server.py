"""A model hub on this machine: the few addresses that huggingface_hub asks for, over repositories held in memory."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

LARGE = (".safetensors",)  # files that a hub keeps by their sha256


@dataclass
class Hub:
    """`commits`: commit hash -> file name -> content; `main` is the newest. `cut`: a file whose first answer breaks
    off."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    main: str = ""
    cut: str = ""
    told: dict[str, str] = field(default_factory=dict)  # file name -> a sha256 that is told instead of the true one
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, range

    def sha256(self, name: str, content: bytes) -> str:
        return self.with_line.get(name, hashlib.sha256(content).hexdigest())

    def serve(self) -> ThreadingHTTPServer:
        hub = self

        class Handler(_Handler):
            def answer(self) -> None:
                hub.asked.append((self.command, self.path, self.headers.get("Range", "")))
                hub.reply(self)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        return server

    def reply(self, handler: _Handler) -> None:
        path = urlsplit(handler.path).path
        if found := re.fullmatch(r"/api/models/[^/]+/[^/]+(?:/revision/([^/]+))?", path):
            commit = self.commit(found[1])
            siblings = [{"rfilename": f} | self.facts(f, c) for f, c in self.commits[commit].items()]
            handler.json({"id": "someone/model", "sha": commit, "siblings": siblings})
        elif found := re.fullmatch(r"/api/models/[^/]+/[^/]+/tree/([^/]+)", path):
            files = self.commits[self.commit(found[1])].items()
            handler.json([{"type": "file", "path": f, "oid": "0" * 40} | self.facts(f, c) for f, c in files])
        elif re.fullmatch(r"/api/models/[^/]+/[^/]+/commits/main", path):
            facts = {"title": "Upload", "message": "", "date": "2024-05-29T00:00:00.000Z", "authors": []}
            handler.json([{"id": commit} | facts for commit in self.commits])
        elif found := re.fullmatch(r"/[^/]+/[^/]+/resolve/([^/]+)/(.+)", path):
            commit = self.commit(found[1])
            self.send(handler, commit, found[2], self.commits[commit][found[2]])
        else:
            handler.send_error(404)

    def commit(self, revision: str | None) -> str:
        return self.main if revision in (None, "main") else str(revision)

    def facts(self, name: str, content: bytes) -> dict[str, Any]:
        if not name.endswith(LARGE):
            return {"size": len(content)}
        digest = self.sha256(name, content)
        lfs = {"oid": digest, "sha256": digest, "size": len(content), "pointerSize": 135}
        return {"size": len(content), "lfs": lfs}

    def send(self, handler: _Handler, commit: str, name: str, content: bytes) -> None:
        start = int(re.sub(r"bytes=(\d+)-.*", r"\1", handler.headers.get("Range") or "bytes=0-"))
        large = name.endswith(LARGE)
        handler.send_response(206 if start else 200)
        handler.send_header("X-Repo-Commit", commit)
        handler.send_header("ETag", f'"{self.sha256(name, content) if large else hashlib.sha1(content).hexdigest()}"')
        handler.send_header("Content-Length", str(len(content) - start))
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.end_headers()
        if handler.command == "HEAD":
            return
        if name == self.cut:
            self.cut, content = "", content[: len(content) // 2]
            handler.close_connection = True
        handler.wfile.write(content[start:])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        raise NotImplementedError

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def json(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass
