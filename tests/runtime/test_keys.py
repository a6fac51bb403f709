"""Which server gets the key of the environment, against servers on loopback that note what they are sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lib_omost.errors import OmostError, SettingsError
from lib_omost.runtime import Engine
from lib_omost.runtime.keys import key_of_environment, origin, typed_key

KEY = "sk-of-the-environment"


@contextmanager
def listener(location: str = "") -> Iterator[tuple[str, list[str]]]:
    """A server's URL, and the keys that came there; it refuses all, or sends them to `location`."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append(self.headers.get("Authorization", ""))
            self.send_response(307 if location else 401)
            if location:
                self.send_header("Location", location + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", came
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def key_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def asked(engine: Engine, url: str, key: str = "") -> str:
    """What the test of a server says."""
    with pytest.raises(OmostError) as failure:
        engine.test_server(f"{url}/v1#m", key)
    return str(failure.value)


def test_a_server_that_the_page_names_gets_no_key_of_the_environment() -> None:
    with listener() as (url, came):
        assert "goes only to the address in OPENAI_BASE_URL" in asked(Engine("default", "default"), url)
        assert came and all(KEY not in one for one in came)


def test_the_server_of_the_start_gets_it_and_its_neighbour_on_another_port_does_not() -> None:
    with listener() as (url, came), listener() as (neighbour, came_there):
        engine = Engine(f"{url}/v1#m", "default")
        asked(engine, url)
        asked(engine, neighbour)
        assert f"Bearer {KEY}" in came
        assert came_there and all(KEY not in one for one in came_there)


def test_the_server_of_openai_base_url_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as (url, came):
        monkeypatch.setenv("OPENAI_BASE_URL", f"{url}/v1")
        asked(Engine("default", "default"), url)
        assert f"Bearer {KEY}" in came


def test_a_redirect_is_not_followed_and_the_sentence_says_where_it_leads() -> None:
    with listener() as (there, came_there), listener(there) as (url, came):
        engine = Engine(f"{url}/v1#m", "default")
        assert f"sends its callers elsewhere, to {there}" in asked(engine, url)
        assert f"Bearer {KEY}" in came
        assert came_there == []


@pytest.mark.parametrize("url", ["https://api.openai.com/v1", "https://API.openai.com:443/v1#m"])
def test_without_an_address_it_is_openai_s_key(url: str) -> None:
    assert key_of_environment(url, None) == KEY


@pytest.mark.parametrize(
    "url",
    [
        "http://api.openai.com/v1", "https://api.openai.com:444/v1", "https://api.openai.com.evil.example/v1",
        "https://api.openai.com@evil.example/v1", "https://evil.example/https://api.openai.com/v1", "default", "",
    ],
)  # fmt: skip
def test_what_only_looks_like_openai_gets_none(url: str) -> None:
    assert key_of_environment(url, "default") == ""


def test_an_origin_is_scheme_name_and_port() -> None:
    assert origin("HTTP://Host/v1#m") == "http://host:80"
    assert origin("http://[::1]:8000/v1") == "http://::1:8000"
    assert origin("http://host:x/") == origin("ftp://host/") == origin("folder/name") == ""


def test_a_typed_key_goes_to_the_server_that_it_was_typed_for() -> None:
    assert typed_key(" sk-1 ", "http://a:1/v1", "http://a:1/v1#model") == "sk-1"
    assert typed_key("", "", "http://b/v1") == ""
    with pytest.raises(SettingsError, match="typed for http://a:1 and does not go to http://b:80"):
        typed_key("sk-1", "http://a:1/v1", "http://b/v1")
    with pytest.raises(SettingsError, match="another address"):
        typed_key("sk-1", "", "http://b/v1")
