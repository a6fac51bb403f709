"""The cookie that tells visitors apart."""

from __future__ import annotations

import gradio as gr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from lib_omost.studio.owner import COOKIE, VisitorCookie, owner_of


async def whose(request: Request) -> PlainTextResponse:
    return PlainTextResponse(owner_of(gr.Request(request)))


def client() -> TestClient:
    return TestClient(Starlette(routes=[Route("/", whose)], middleware=[Middleware(VisitorCookie)]))


def test_a_browser_keeps_its_name_from_the_first_request_on() -> None:
    browser = client()
    first = browser.get("/").text
    assert first.startswith("visitor:")
    assert browser.get("/").text == first


def test_two_browsers_have_two_names() -> None:
    assert client().get("/").text != client().get("/").text


def test_scripts_of_a_page_cannot_read_the_cookie() -> None:
    line = client().get("/").headers["set-cookie"].lower()
    assert "httponly" in line
    assert "samesite=lax" in line


def test_a_name_that_we_did_not_give_is_replaced() -> None:
    browser = client()
    assert browser.get("/", headers={"cookie": f"{COOKIE}=admin; other=1"}).text != "visitor:admin"


def test_a_login_counts_more_than_the_cookie() -> None:
    assert owner_of(gr.Request(username="ann", session_hash="x", cookies={COOKIE: "a" * 32})) == "user:ann"


def test_without_a_cookie_a_page_load_is_on_its_own() -> None:
    assert owner_of(gr.Request(session_hash="x", cookies={})) == "tab:x"
