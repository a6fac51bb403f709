"""A small app behind the edge, which says what it was given; and a browser of its own for each visitor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from lib_omost.studio.edge import Edge, Site
from lib_omost.studio.owner import owner_of

Visit = Callable[..., TestClient]


async def whose(request: Request) -> PlainTextResponse:
    return PlainTextResponse(owner_of(gr.Request(request)))


async def told(request: Request) -> JSONResponse:
    """What reaches the app of a call."""
    body = (await request.body()).decode()
    given = {"path": request.url.path, "query": request.url.query, "body": body, "headers": dict(request.headers)}
    return JSONResponse(given, headers={"access-control-allow-origin": "http://evil.example"})


async def login(request: Request) -> Response:
    right = (await request.body()) == b"right"
    answer = PlainTextResponse("", status_code=200 if right else 400)
    answer.set_cookie("access-token-x", "t", samesite="none", secure=True)
    return answer


def app() -> Starlette:
    paths = ("/queue/join", "/queue/data", "/heartbeat/{name}", "/upload", "/file={name}")
    routes = [Route(f"/gradio_api{path}", told, methods=["GET", "POST"]) for path in paths]
    return Starlette(routes=[Route("/", whose), Route("/login", login, methods=["POST"]), *routes])


@pytest.fixture
def visit() -> Visit:
    """A new visitor of an edge: of a new one, or of the one that is given."""

    def visit(edge: Edge | None = None, base: str = "http://localhost:7860", **more: Any) -> TestClient:
        edge = edge or Edge(app(), more.pop("site", Site()), **more)
        return TestClient(edge, base_url=base, client=("127.0.0.1", 50000))  # type: ignore[arg-type]

    return visit


@pytest.fixture
def edge() -> Edge:
    return Edge(app(), Site())
