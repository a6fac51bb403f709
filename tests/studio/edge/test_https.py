"""The page behind a real proxy with https: cookies that no plain connection carries, and calls of its own page."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from bench._tls_front import Front, tls_front
from gradio_app import build, launch
from lib_omost.runtime import Engine

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
JOIN = "/gradio_api/queue/join"


@pytest.fixture
def front(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Front]:
    demo = build(Engine("default", "default"), tmp_path / "outputs", local=False)
    proxies = getattr(request, "param", ["127.0.0.1"])
    _, url, _ = launch(
        demo, tmp_path / "outputs", "127.0.0.1", None, ("ann", "correct horse"),
        names=["localhost"], proxies=proxies, prevent_thread_lock=True, quiet=True,
    )  # fmt: skip
    with tls_front(urlsplit(url).port or 0, tmp_path) as front:
        yield front
    demo.close()


def visitor(front: Front) -> httpx.Client:
    return httpx.Client(
        base_url=front.url, verify=ssl.create_default_context(cafile=str(front.certificate)), timeout=30
    )


def test_behind_https_every_cookie_is_secure_lax_and_closed_to_scripts(front: Front) -> None:
    with visitor(front) as browser:
        lines = browser.get("/").headers.get_list("set-cookie")
        login = {"username": "ann", "password": "correct horse"}
        lines += browser.post("/login", data=login, headers={"origin": front.url}).headers.get_list("set-cookie")
        assert browser.get("/config").status_code == 200  # the cookies come back by this way
    assert len(lines) >= 2 and any("access-token" in line for line in lines)
    for line in lines:
        attributes = {part.strip().lower() for part in line.split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax"} <= attributes, line


def test_behind_https_the_page_s_own_calls_are_taken_and_a_plain_page_s_are_not(front: Front) -> None:
    with visitor(front) as browser:
        own, plain = front.url, front.url.replace("https", "http")
        told = [browser.post(JOIN, json={}, headers={"origin": one}).status_code for one in (own, plain)]
    assert told[0] != 403 == told[1]


@pytest.mark.parametrize("front", [[]], indirect=True)
def test_a_proxy_that_nobody_named_is_not_believed(front: Front) -> None:
    with visitor(front) as browser:
        (line, *_) = browser.get("/").headers.get_list("set-cookie")
    assert "secure" not in line.lower()
