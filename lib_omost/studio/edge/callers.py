"""Who calls: a login, else a visitor by a cookie; and the names of their tabs, worth nothing without either."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from lib_omost.studio.owner import COOKIE, well_formed

TAB = "session_hash"  # what gradio calls the name that a tab gives itself
HEARTBEAT = re.compile(r"(/gradio_api/heartbeat/)([^/]+)(/?)")


@dataclass(frozen=True, slots=True)
class Caller:
    """`visitor` is the cookie's name, "" where the call brought none; `address` is whose limits it counts for."""

    address: str
    user: str = ""
    visitor: str = ""

    @property
    def owner(self) -> str:
        return f"user:{self.user}" if self.user else f"visitor:{self.visitor}" if self.visitor else ""

    @property
    def tag(self) -> str:
        """What stands before the names of the caller's tabs. Gradio lets anyone who knows a tab's name hear and change
        what happens there; with this only the owner can say it. Nothing for a script, which keeps no cookie: it
        chooses the whole name.
        """
        return hashlib.sha256(self.owner.encode()).hexdigest()[:24] + "-" if self.owner else ""


def cookies_of(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


def visitor_of(cookies: Mapping[str, str]) -> str:
    name = cookies.get(COOKIE, "")
    return name if well_formed(name) else ""


def tagged_body(body: bytes, tag: str) -> bytes:
    """A call's JSON with the tab's name tagged. Raises ValueError for what is no JSON, or a name that is no text."""
    try:
        call = json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(call, dict) or call.get(TAB) is None:
        return body
    if not isinstance(call[TAB], str):
        raise ValueError(f"{TAB} has to be a text")
    return json.dumps({**call, TAB: tag + call[TAB]}).encode()


def tagged_query(query: bytes, tag: str) -> bytes:
    text = query.decode("latin-1")
    if TAB not in text and "%" not in text:
        return query
    pairs = parse_qsl(text, keep_blank_values=True)
    if all(name != TAB for name, _ in pairs):
        return query
    return urlencode([(name, tag + value if name == TAB else value) for name, value in pairs]).encode()


def tagged_path(path: str, tag: str) -> str:
    found = HEARTBEAT.fullmatch(path)
    return f"{found[1]}{tag}{found[2]}{found[3]}" if found else path
