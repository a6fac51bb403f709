"""The edge: one ASGI middleware around the whole app. A refused call gets one sentence, and the log one line."""

from __future__ import annotations

import json
import logging
import math
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, MutableHeaders

from lib_omost.studio.edge import answers, callers
from lib_omost.studio.edge.callers import Caller
from lib_omost.studio.edge.limits import LIMITS, Limits
from lib_omost.studio.edge.logins import Logins, Mark
from lib_omost.studio.edge.meters import Brake, Quota, address_of
from lib_omost.studio.edge.origins import Site, foreign, unknown_host
from lib_omost.studio.owner import A_YEAR_S, COOKIE

Signal = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Signal]]
Send = Callable[[Signal], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)
UPLOAD, LOGIN, MCP = "/gradio_api/upload", "/login", "/gradio_api/mcp"
#: What a proxy says of the people behind it; from anyone else it is a lie. The last one is gradio's own.
OF_A_PROXY = ("x-forwarded-host", "x-forwarded-proto", "x-forwarded-for", "x-forwarded-port", "forwarded")
NEVER = ("x-gradio-server",)


class Refused(Exception):
    """A call that is not answered: the status, and a sentence for whoever made it."""

    def __init__(self, status: int, sentence: str, wait_s: float = 0.0) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.wait_s = status, sentence, wait_s


@dataclass(frozen=True, slots=True)
class Arrival:
    """One call: ASGI's scope, what a reader asks of it, and who makes it."""

    scope: Scope
    headers: Mapping[str, str]
    caller: Caller

    @property
    def method(self) -> str:
        return str(self.scope.get("method", "GET"))

    @property
    def path(self) -> str:
        return str(self.scope["path"]).rstrip("/") or "/"

    @property
    def https(self) -> bool:
        return self.scope.get("scheme") in ("https", "wss")

    @property
    def posts(self) -> bool:
        return self.method not in ("GET", "HEAD", "OPTIONS")


class Body:
    """`receive` of a call that ends with `over` once it has brought more than `room` bytes."""

    def __init__(self, receive: Receive, room: int, over: Refused) -> None:
        self._receive, self.room, self.over = receive, room, over
        self.taken, self.refused = 0, False

    async def __call__(self) -> Signal:
        message = await self._receive()
        self.taken += len(message.get("body", b""))
        if self.taken > self.room:
            self.refused = True
            raise self.over
        return message

    async def whole(self) -> bytes:
        parts, more = [], True
        while more:
            message = await self()
            parts.append(message.get("body", b""))
            more = message["type"] == "http.request" and message.get("more_body", False)
        return b"".join(parts)


class Edge:
    """`user_of` says who a call's cookies have logged in, "" for nobody. `proxied`: a proxy was named, and what it says
    of the people behind it holds (the server itself has put their address and scheme into the scope).
    """

    def __init__(
        self,
        app: Application,
        site: Site,
        *,
        limits: Limits = LIMITS,
        user_of: Callable[[Mapping[str, str]], str] = lambda cookies: "",
        proxied: bool = False,
    ) -> None:
        self.app, self.site, self.limits, self._user_of, self._proxied = app, site, limits, user_of, proxied
        memory = (limits.upload_memory_s, limits.remembered)
        self._of_owner, self._of_address = (
            Quota(limits.uploads_of_owner, *memory),
            Quota(limits.uploads_of_address, *memory),
        )
        pauses = (limits.login_pause_s, limits.longest_pause_s, limits.login_memory_s)
        self._logins = Brake(limits.free_logins, *pauses, limits.remembered)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        call = self._call(scope)
        answered = _Answer(send, call)
        try:
            self._check(call)
            await self._pass_on(call, receive, answered)
        except Refused as refused:
            _logged(call, refused)
            await answered.refuse(refused)

    def _call(self, scope: Scope) -> Arrival:
        """The call with only those headers that are to be believed."""
        lies = {*NEVER, *(() if self._proxied else OF_A_PROXY)}
        scope = {**scope, "headers": [one for one in scope["headers"] if one[0].decode("latin-1") not in lies]}
        headers = Headers(scope=scope)
        cookies = callers.cookies_of(headers.get("cookie", ""))
        caller = Caller(address_of(scope.get("client")), self._user_of(cookies), callers.visitor_of(cookies))
        return Arrival(scope, headers, caller)

    def _check(self, call: Arrival) -> None:
        """Raises Refused by what the headers say."""
        if sentence := unknown_host(call.headers, self.site):
            raise Refused(403, sentence)
        scheme = "https" if call.https else "http"
        if foreign(call.headers, call.method, call.path, scheme, self.site):
            raise Refused(403, "This call comes from another site's page; only the page itself may make it.")
        if call.method == "POST" and call.path == LOGIN and (wait_s := self._logins.wait_s(call.caller.address)):
            raise Refused(429, f"Too many wrong logins; try again in {math.ceil(wait_s)} s.", wait_s)

    async def _pass_on(self, call: Arrival, receive: Receive, answer: _Answer) -> None:
        body = self._body(call, receive)
        scope, receive = await self._tagged(call, body)
        # gradio hands the headers of an MCP call on to the call that it makes of it, but not to the one that listens
        if not call.caller.visitor and scope["type"] == "http" and not call.path.startswith(MCP):
            scope = answer.introduce(scope)
        login = call.method == "POST" and call.path == LOGIN
        if login:
            self._logins.tried(call.caller.address)
        answer.body = body
        try:
            await self.app(scope, receive, answer)
        except Refused:  # from reading the body
            if answer.started:
                raise RuntimeError("a body grew too long after its answer had begun") from None
        finally:
            if call.path == UPLOAD:
                self._of_owner.take(call.caller.owner or call.caller.address, body.taken)
                self._of_address.take(call.caller.address, body.taken)
        if body.refused and not answer.started:
            raise body.over
        if login and answer.status == 200:
            self._logins.passed(call.caller.address)

    def _body(self, call: Arrival, receive: Receive) -> Body:
        """What may be read of the call. Raises Refused where it says itself that it is longer."""
        room, over = self.limits.body, self._too_long(self.limits.body)
        if call.path == UPLOAD:
            owner, address = call.caller.owner or call.caller.address, call.caller.address
            left = min(self._of_owner.left(owner), self._of_address.left(address))
            room, over = self.limits.upload, self._too_long(self.limits.upload)
            if left < room:
                room = max(left, 0)
                over = Refused(413, "Your uploads of this day are as much as the page keeps; try again tomorrow.")
        declared = call.headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared) > room:
            raise over
        return Body(receive, room, over)

    def _too_long(self, room: int) -> Refused:
        return Refused(413, f"This call is too long: at most {room >> 20} MiB are taken.")

    async def _tagged(self, call: Arrival, body: Body) -> tuple[Scope, Receive]:
        """The call with the name of its tab tagged by its owner, wherever gradio reads it."""
        tag, kind = call.caller.tag, call.headers.get("content-type", "").partition(";")[0]
        path = callers.tagged_path(str(call.scope["path"]), tag)
        scope = {**call.scope, "path": path, "query_string": callers.tagged_query(call.scope["query_string"], tag)}
        if path != call.scope["path"]:
            scope["raw_path"] = path.encode()
        if not (call.posts and "json" in kind.lower()) or call.path.startswith(MCP):
            return scope, body
        try:
            content = callers.tagged_body(await body.whole(), tag)
        except ValueError as error:
            raise Refused(400, "This call's body is not JSON as this page takes it.") from error
        headers = MutableHeaders(scope=(scope := {**scope, "headers": list(scope["headers"])}))
        headers["content-length"] = str(len(content))
        del headers["transfer-encoding"]
        return scope, _given(content, body)


class _Answer:
    """`send` of a call: marks its answer as ours, gives a new visitor a name, and knows whether it has begun."""

    def __init__(self, send: Send, call: Arrival) -> None:
        self._send, self._call = send, call
        self.body: Body | None = None
        self.started, self.status, self._name = False, 0, ""

    async def __call__(self, message: Signal) -> None:
        if self.body is not None and self.body.refused and not self.started:
            return  # what the app makes of a body that broke off; the refusal is sent instead
        if message["type"] == "http.response.start":
            self.started, self.status = True, message["status"]
            if self._name:
                line = f"{COOKIE}={self._name}; Path=/; Max-Age={A_YEAR_S}"
                MutableHeaders(scope=message).append("set-cookie", line)
            answers.guarded(message, self._call.path, self._call.https)
        await self._send(message)

    def introduce(self, scope: Scope) -> Scope:
        """The call with the cookie that its answer will bring, so that it counts for this call already; "new_visitor"
        says that it brought none.
        """
        self._name = secrets.token_urlsafe(24)
        scope = {**scope, "headers": list(scope["headers"]), "new_visitor": True}
        headers = MutableHeaders(scope=scope)
        known = headers.get("cookie")
        headers["cookie"] = f"{known}; {COOKIE}={self._name}" if known else f"{COOKIE}={self._name}"
        return scope

    async def refuse(self, refused: Refused) -> None:
        """One sentence: JSON for a script of the page, text for a person."""
        if self._call.scope["type"] == "websocket":
            await self._send({"type": "websocket.close", "code": 1008})
            return
        self.body, self._name = None, ""
        wants_text = "text/html" in self._call.headers.get("accept", "")
        text = refused.sentence if wants_text else json.dumps({"error": refused.sentence})
        kind = b"text/plain; charset=utf-8" if wants_text else b"application/json"
        headers = [(b"content-type", kind), (b"content-length", str(len(text.encode())).encode())]
        if refused.wait_s:
            headers.append((b"retry-after", str(math.ceil(refused.wait_s)).encode()))
        await self({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": text.encode()})


def around(
    site: Site, *, limits: Limits = LIMITS, proxied: bool = False, mark: Mark = str
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """A lifespan that puts the edge around gradio's app before the first call: outside of what gradio adds itself,
    which answers other sites' preflights. `mark`: see Logins.
    """

    @asynccontextmanager
    async def guarded(app: Any) -> AsyncIterator[None]:
        logins = Logins(app.tokens, mark)

        def user_of(cookies: Mapping[str, str]) -> str:
            names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
            users = (logins.user(cookies[name]) for name in names if name in cookies)
            return next(filter(None, users), "")

        app.middleware_stack = Edge(app.middleware_stack, site, limits=limits, user_of=user_of, proxied=proxied)
        yield

    return guarded


def _given(content: bytes, then: Receive) -> Receive:
    """A body that was read already, then what comes after it: the caller leaves."""
    waiting = [content]

    async def receive() -> Signal:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await then()

    return receive


def _logged(call: Arrival, refused: Refused) -> None:
    """The path as a call wrote it, but on one line and without its query, which may name a tab or a file."""
    path = repr(call.path)[1:-1][:200]
    log.warning("refused %s %s from %s: %s", call.method, path, call.caller.address, refused.sentence)
