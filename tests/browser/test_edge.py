"""What other sites' pages can do to ours, in a real Chromium: nothing. A name of theirs is mapped to loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bench._server import TextServer, text_server
from lib_omost.runtime import Engine
from lib_omost.studio.store.sessions import Sessions
from tests.browser.acts import Page, composed, expect, pane, send, served
from tests.browser.conftest import CHROMIUM, FLAGS, WITHOUT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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
def attacked(browser: Browser) -> Iterator[Browser]:
    """A browser that finds NAME on this machine, and asks nobody whether a page may call here."""
    flags = [flag for flag in FLAGS if not flag.startswith("--disable-features")]
    features = ",".join((*WITHOUT, "LocalNetworkAccessChecks", "BlockInsecurePrivateNetworkRequests"))
    rules = [f"--disable-features={features}", f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]
    other = browser.browser_type.launch(executable_path=CHROMIUM, args=[*flags, *rules])
    yield other
    other.close()


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


def test_hundreds_of_new_tabs_take_nothing_from_one_that_is_open(page: Page, url: str) -> None:
    """More than the server keeps state of; each is a visitor of its own."""
    composed(page)
    pane(page, "code").locator("#code .cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text("# mine\n")
    page.keyboard.press("Control+s")
    expect(page.locator("#state .sl-text")).to_contain_text("edited by hand")
    config = httpx.get(f"{url}config").json()
    quiet = next(one["id"] for one in config["dependencies"] if not one["inputs"] and one["queue"] is False)
    with httpx.Client(base_url=url) as client:
        for number in range(250):
            client.cookies.clear()
            body = {"fn_index": quiet, "data": [], "session_hash": f"new{number}"}
            assert client.post("gradio_api/run/predict", json=body).status_code == 200
    page.locator(".re-box").first.click()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#state .sl-text")).to_contain_text("edited by hand")
    expect(page.locator("#code .cm-content")).to_contain_text("# mine")
    composed(page, "and more", messages=4)


def test_what_was_typed_outlives_a_lost_connection(attacked: Browser, url: str) -> None:
    with attacked.new_context() as context, context.new_page() as page:
        page.goto(url)
        expect(page.locator("#message textarea")).to_be_enabled()
        context.set_offline(True)
        send(page, "an apple that nobody heard of")
        expect(page.locator(".toast-body")).to_contain_text("Connection to the server was lost")
        with page.expect_navigation():  # gradio loads the page anew once it is there again
            context.set_offline(False)
        expect(page.locator("#message textarea")).to_have_value("an apple that nobody heard of")
        page.locator("#message textarea").press("Enter")
        expect(page.locator("#chat .message")).to_have_count(2)
        expect(page.locator("#chat .message").first).to_contain_text("an apple that nobody heard of")


def test_what_was_typed_outlives_its_session(attacked: Browser, url: str, folder: Path) -> None:
    with attacked.new_context() as context, context.new_page() as page:
        page.goto(url)
        expect(page.locator("#message textarea")).to_be_enabled()
        (cookie,) = [one for one in context.cookies() if one["name"] == "omost_visitor"]
        store = Sessions(folder / "sessions.sqlite")
        for one in store.of(f"visitor:{cookie['value']}"):
            store.delete(one.id)
        send(page, "an apple in no session")
        expect(page.locator("#state .sl-text")).to_contain_text("What you typed is still in its box")
        expect(page.locator("#message textarea")).to_have_value("an apple in no session")
