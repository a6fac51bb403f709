"""Who is looking: a random name in a cookie that scripts cannot read, so that a reload finds its sessions and no one
else does.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

import gradio as gr
from starlette.datastructures import MutableHeaders

COOKIE = "omost_visitor"
A_YEAR_S = 365 * 24 * 3600
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class VisitorCookie:
    """ASGI middleware: gives a browser that has no such cookie a new one, also for the request in hand."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _visitor(_header(scope, b"cookie")):
            await self.app(scope, receive, send)
            return
        name = secrets.token_urlsafe(24)
        scope = {**scope, "headers": list(scope["headers"]), "new_visitor": True}
        headers = MutableHeaders(scope=scope)
        known = headers.get("cookie")
        headers["cookie"] = f"{known}; {COOKIE}={name}" if known else f"{COOKIE}={name}"

        async def send_with_cookie(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                line = f"{COOKIE}={name}; Path=/; Max-Age={A_YEAR_S}; HttpOnly; SameSite=Lax"
                MutableHeaders(scope=message).append("set-cookie", line)
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def owner_of(request: gr.Request) -> str:
    """Under whose name sessions are kept: the login, else the cookie, else this page load alone."""
    if request.username:
        return f"user:{request.username}"
    name = dict(request.cookies).get(COOKIE, "")
    return f"visitor:{name}" if _well_formed(name) else f"tab:{request.session_hash}"


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _visitor(cookies: str) -> str:
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found and _well_formed(found.value) else ""


def _well_formed(name: str) -> bool:
    return re.fullmatch(r"[\w-]{32}", name) is not None
