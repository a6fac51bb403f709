"""Faults of whoever calls and of the language-model server: foreign sites, files of others, clients that leave, servers
that hang.
"""

from __future__ import annotations

import json
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from bench._client import API, Failed, Visitor
from bench._fault_rows import CODE, SMALL, Place, Row, active, lives, own_site, refusal, until
from bench._site import free_port, site
from bench._tls_front import tls_front

RUNS = 5
FREED_S, LET_GO_S = 3.0, 2.0  # after their client has left, the device by a render and a server by a reply

FOREIGN: dict[str, dict[str, str]] = {
    "a name that was rebound to this machine": {"host": "evil.example"},
    "a name that begins like this machine's": {"host": "127.0.0.1.evil.example"},
    "another site's page": {"origin": "http://evil.example"},
    "a page of no site": {"origin": "null"},
    "another site's request, by the browser's own word": {"sec-fetch-site": "cross-site"},
    "another port of this machine": {"origin": "http://127.0.0.1:1"},
}
PATHS = {
    "the system's passwords": "/file=/etc/passwd",
    "a path that climbs": "/file=outputs/pictures/../../../../../../etc/passwd",
    "a path that climbs in disguise": "/file=..%2f..%2f..%2fetc%2fpasswd",
    "another site by way of ours": "/proxy=http://169.254.169.254/latest/meta-data",
}
#: What a server does, and a word of the sentence that is expected; some are only let go when their client leaves.
ENDS = ("early end", "garbage", "a web page", "429", "500", "404", "elsewhere")
NEVER_ENDS = ("hang", "drip", "comments")


def _foreign(headers: dict[str, str], place: Place) -> None:
    with place.visitor(**headers) as visitor:
        body, kind = json.dumps({"text": CODE}), {"content-type": "application/json"}
        answer = visitor.http.post(f"{API}/call/v2/read", content=body, headers=kind)
        assert 400 <= answer.status_code < 500, f"answered with {answer.status_code}"
        assert "access-control-allow-origin" not in answer.headers, "another site is allowed"


def _headers(place: Place) -> None:
    with place.visitor() as visitor:
        answer = visitor.http.get("/")
    policy, cookie = answer.headers.get("content-security-policy", ""), answer.headers.get("set-cookie", "")
    assert "frame-ancestors 'none'" in policy and "default-src 'self'" in policy, "no policy"
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie, f"cookie: {cookie[-40:]}"


def _path(path: str, place: Place) -> None:
    with place.visitor() as visitor:
        answer = visitor.http.get(API + path)
    assert answer.status_code >= 400 and "root:" not in answer.text, f"{answer.status_code}: {answer.text[:40]}"


def _database(place: Place) -> None:
    _path(f"/file={place.folder}/outputs/sessions.sqlite", place)


def _large_body(place: Place) -> None:
    with place.visitor() as visitor:
        told = refusal(lambda: visitor.begin("read", b'{"text": "' + b"x" * 8 * 2**20 + b'"}'), 10.0)
    assert told
    lives(place)


def _page_of_another(place: Place) -> None:
    """Who knows the name of another's tab sees and changes nothing of it."""
    with place.visitor() as owner, place.visitor() as thief:
        owner.arrive()
        owner.fire("message", "submit", message="my secret garden")
        thief.arrive()
        thief.tab = owner.tab
        try:
            shown = _reload(thief)
        except Failed:
            return
        assert "secret" not in json.dumps(shown["chat"]), "another's chat is shown"
        assert "secret" in json.dumps(_reload(owner)["chat"]), "another's chat is gone"


def _reload(visitor: Visitor) -> dict[str, Any]:
    visitor.arrive()
    return visitor.shown


def _fresh_tabs(place: Place) -> None:
    """Many calls with tabs of their own evict nobody: what a person types next is kept."""
    with place.visitor() as owner, place.visitor() as crowd:
        owner.arrive()
        for number in range(60 if place.short else 210):
            crowd.http.post(f"{API}/queue/join", json={"data": [], "fn_index": 0, "session_hash": f"crowd{number}"})
        shown = owner.fire("message", "submit", message="a pond after the crowd")
        assert "a pond" in json.dumps(shown["chat"]), "the message is lost"


def _uploaded_page(place: Place) -> None:
    with place.visitor() as visitor:
        path = visitor.upload("a.html", b"<script>x()</script>")["path"]
        answer = visitor.http.get(f"{API}/file={path}")
    harmless = "attachment" in answer.headers.get("content-disposition", "") or "sandbox" in answer.headers.get(
        "content-security-policy", ""
    )
    assert answer.status_code >= 400 or harmless, "a page of a visitor is served as one of ours"


# --- clients that leave ---


def _begin_and_leave(place: Place, name: str, after_s: float, **named: Any) -> None:
    with place.visitor() as visitor:
        call = visitor.begin(name, json.dumps(named))
        with visitor.events(call, name):
            time.sleep(after_s)


def _leaves_a_render(place: Place) -> str:
    """A client of a long render leaves, some runs at several moments: the device is free soon, for another."""
    freed = []
    with place.visitor() as other:
        other.call("render", code=CODE, **SMALL)  # the load of the model is not broken off: the next one wants it too
    for run in range(RUNS):
        _begin_and_leave(place, "render", 0.5 + run, code=CODE, width=512, height=512, steps=100, images=8)
        freed.append(until(lambda: not active(place.folder / "outputs"), 30.0))
    with place.visitor() as other:
        assert _timed(lambda: other.call("render", code=CODE, **SMALL), 30.0), "another's render does not come"
    told = f"freed after {min(freed):.1f} to {max(freed):.1f} s"
    assert max(freed) < FREED_S, told
    return told


def _leaves_a_server(act: str, place: Place) -> str:
    """A client of a server that never ends leaves: the server is let go, others render meanwhile."""
    with place.visitor() as visitor, place.visitor() as other:
        other.http.get("/")  # whoever has no cookie is one with all others at the address, and comes after them
        call = visitor.begin("chat", json.dumps({"message": act}))
        with visitor.events(call, "chat"):
            until(lambda: place.llm.going > 0, 10.0)
            assert _timed(lambda: other.call("render", code=CODE, **SMALL), 20.0), "nobody else renders"
    freed = until(lambda: not active(place.folder / "outputs"), 20.0)
    until(lambda: place.llm.going == 0, 6.0)
    told = f"let go after {freed:.1f} s"
    assert freed < LET_GO_S, told
    return told


def _one_key(place: Place) -> None:
    """Sent twice with one key, a call is one job: at once, and when it is done."""
    with place.visitor() as visitor:
        visitor.http.get("/")
        asked = len(place.llm.asked)
        calls = [visitor.begin("chat", json.dumps({"message": "a twin"}), **{"idempotency-key": "k"}) for _ in range(2)]
        for call in calls:
            with visitor.events(call, "chat") as lines:
                assert any("twin" in line for line in lines), "no reply"
        calls = [visitor.begin("chat", json.dumps({"message": "a twin"}), **{"idempotency-key": "k"})]
        with visitor.events(calls[0], "chat") as lines:
            assert any("twin" in line for line in lines), "no reply when it is done"
    told = sum("a twin" in json.dumps(body["messages"][-1]) for body in place.llm.asked[asked:])
    assert told == 1, f"the model was asked {told} times"


def _behind_https(place: Place) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        behind = ("--allow-host", "localhost", "--proxy", "127.0.0.1")
        with site(place.llm.name, folder / "outputs", port, *behind), tls_front(port, folder) as front:
            trusted = ssl.create_default_context(cafile=str(front.certificate))
            answer = httpx.get(front.url, verify=trusted, timeout=30)
    cookie = answer.headers.get("set-cookie", "")
    assert "Secure" in cookie and "SameSite=Lax" in cookie, f"cookie: {cookie[-40:]}"


def _timed(act: Callable[[], object], seconds: float) -> object:
    """What an act returns, None where it takes longer."""
    done: list[object] = []
    worker = threading.Thread(target=lambda: done.append(act()), daemon=True)
    worker.start()
    worker.join(seconds)
    return done[0] if done else None


def _greedy(place: Place) -> str:
    """One client asks for fifty renders; another's chat starts after at most one of them."""
    with own_site(place) as (running, _):
        greedy, other, taken = Visitor(running.url), Visitor(running.url), 0
        greedy.http.get("/")
        for _ in range(12 if place.short else 50):
            try:
                greedy.begin("render", json.dumps({"code": CODE, "width": 128, "height": 128, "steps": 8}))
                taken += 1
            except Failed:
                break  # told that enough wait
        start = time.monotonic()
        assert _timed(lambda: other.call("read", text=CODE), 10.0), "reading waits behind the device"
        assert _timed(lambda: other.call("chat", message="a pond"), 30.0), "another's chat does not start"
        chat_s = time.monotonic() - start
        assert _timed(lambda: other.call("render", code=CODE, **SMALL), 30.0), "another's render does not start"
    return f"another's chat took {chat_s:.1f} s beside {taken} calls"


def _two_at_once(place: Place) -> None:
    """Each gets its own reply."""
    found: dict[int, object] = {}

    def ask(number: int) -> None:
        with place.visitor() as visitor:
            found[number] = visitor.call("chat", message=f"thing number {number}")

    workers = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert all(f"thing number {number}" in str(found.get(number)) for number in range(4)), "mixed or missing"


# --- servers ---


def _bad_end(act: str, place: Place) -> None:
    with place.visitor() as visitor:
        refusal(lambda: visitor.call("chat", message=act))
    assert all(body["messages"] for body in place.llm.asked)
    lives(place)


def _flood(act: str, place: Place) -> None:
    """A reply without end is cut off."""
    with place.visitor() as visitor:
        start = time.monotonic()
        try:
            reply = _timed(lambda: visitor.call("chat", message=act), 60.0)
        except Failed:
            reply = ""
        assert len(str(reply)) < 2**20, "a megabyte was passed on"
    assert time.monotonic() - start < 60.0, "it was not cut off"
    until(lambda: place.llm.going == 0, 10.0)
    lives(place)


WIRES: tuple[Row, ...] = (
    *(Row(f"callers: {name}", partial(_foreign, headers)) for name, headers in FOREIGN.items()),
    Row("callers: what every answer says", _headers),
    *(Row(f"files of others: {name}", partial(_path, path)) for name, path in PATHS.items()),
    Row("files of others: the database", _database),
    Row("callers: a body of 8 MB", _large_body),
    Row("callers: the name of another's tab", _page_of_another),
    Row("callers: a crowd of new tabs", _fresh_tabs, short=False),
    Row("callers: a page that was uploaded", _uploaded_page),
    Row("callers: cookies behind a proxy with https", _behind_https, short=False),
    Row("many: four ask at once", _two_at_once),
    Row("many: one call twice, with one key", _one_key),
    Row("clients: one leaves a long render", _leaves_a_render, short=False),
    *(Row(f"servers: {act}", partial(_bad_end, act)) for act in ENDS),
    *(Row(f"servers: {act}, and the client leaves", partial(_leaves_a_server, act), short=False) for act in NEVER_ENDS),
    *(Row(f"servers: {act}", partial(_flood, act), short=False) for act in ("flood", "one line")),
    Row("many: one asks for fifty renders", _greedy, short=False),
)
