"""What the page's tests do again and again: serve it, visit it, send, drag. They wait for conditions, never for
time.
"""

from __future__ import annotations

import base64
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gradio_app import build, launch
from lib_omost.canvas import Canvas
from lib_omost.renderer import RenderSettings
from lib_omost.runtime import Engine
from lib_omost.studio.store.images import save_png

playwright = pytest.importorskip("playwright.sync_api")  # skips the test file that imports this one
Browser, BrowserContext = playwright.Browser, playwright.BrowserContext
Page, Locator, expect = playwright.Page, playwright.Locator, playwright.expect
ROOT = Path(__file__).parents[2]
WAIT_MS = 30_000  # for one condition: the machine may be busy
# Gradio's client tells the console that it closes its stream when a page is left; there it means nothing.
SAID_ON_LEAVING = ("AbortError: signal is aborted without reason", "Unexpected error Connection errored out.")
expect.set_options(timeout=WAIT_MS)


def plan() -> str:
    canvas = Canvas()
    canvas.set_global_description("an apple and a tree in a meadow", ["The grass is green."], "meadow", "skyblue")
    words = ("", "calm", "flat illustration", "clean")
    canvas.add_local_description(
        "on the left", "no offset", "a small square area", 2.0, "an apple", ["It is ripe."], *words, "red"
    )
    canvas.add_local_description(
        "on the right", "no offset", "a small vertical area", 8.0, "a tree", ["It is old."], *words, "green"
    )
    return canvas.to_code()


def samples(heading: str, language: str, file: str = "README.md") -> list[str]:
    """The code blocks after a line of a document."""
    text = (ROOT / file).read_text(encoding="utf-8").partition(heading)[2]
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def served(engine: Engine, folder: Path, port: int | None = None, *, auto: bool = False, **more: Any) -> Iterator[str]:
    """The page's address. Its port is none of those that gradio itself tries, which others on this machine may take."""
    demo = build(engine, folder, auto=auto)  # most tests say themselves what is painted, and when
    _, url, _ = launch(
        demo, folder, "127.0.0.1", port or free_port(), None, prevent_thread_lock=True, quiet=True, **more
    )
    yield url
    demo.close()


@contextmanager
def visit(browser: Browser, url: str, width: int = 1440, height: int = 900, **more: Any) -> Iterator[Page]:
    """A visitor with a browser of their own."""
    with (
        browser.new_context(viewport={"width": width, "height": height}, **more) as context,
        arrive(context, url) as page,
    ):
        yield page


@contextmanager
def arrive(context: BrowserContext, url: str) -> Iterator[Page]:
    """A new visitor, on a page that knows its session; whatever the page complains of fails the test. The browser
    keeps the page's files, and its tab if there is one, which spares most of the time that a first visit takes.
    """
    complaints: list[str] = []
    ours = (url, "data:", "blob:", "about:blank")

    def left() -> None:
        complaints[:] = [one for one in complaints if not one.startswith(SAID_ON_LEAVING)]

    heard: dict[str, Callable[[Any], None]] = {
        "console": lambda said: complaints.append(f"{said.text} {said.location}") if said.type == "error" else None,
        "pageerror": lambda error: complaints.append(str(error)),
        "request": lambda asked: None if asked.url.startswith(ours) else complaints.append(asked.url),
        "framenavigated": lambda frame: None if frame.parent_frame else left(),
    }
    context.clear_cookies()
    page = context.pages[0] if context.pages else context.new_page()
    page.set_default_timeout(WAIT_MS)
    for event, hear in heard.items():
        page.on(event, hear)
    page.mouse.move(0, 0)

    def enter() -> None:
        page.goto(url)
        expect(page.locator("#message textarea")).to_be_enabled()

    answered(page, enter)  # else a late answer writes over what a test types
    yield page
    found = list(complaints)
    for event, hear in heard.items():
        page.remove_listener(event, hear)
    for one in context.pages[1:]:
        one.close()
    context.pages[0].goto("about:blank")  # ends what the page still asks for
    assert not found, found


def send(page: Page, text: str) -> None:
    page.locator("#message textarea").fill(text)
    page.locator("#message textarea").press("Enter")


def pane(page: Page, name: str) -> Page:
    """Shows the texts or the code below the plan."""
    page.locator(f".re-panes [data-pane={name}]").click()
    return page


def code_of(page: Page) -> str:
    return str(pane(page, "code").locator("#code .cm-content").inner_text())


def watched(page: Page, selector: str, expression: str) -> Callable[[], list[Any]]:
    """Notes the value of an expression at every change below the selected node; returns what gives the values so
    far.
    """
    name = page.evaluate(
        """([selector, expression]) => {
            const seen = [], name = 'seen' + Object.keys(window).length, read = new Function('return ' + expression);
            const look = () => seen.push(read());
            look();
            new MutationObserver(look).observe(document.querySelector(selector), {subtree: true, childList: true,
                characterData: true, attributes: true});
            window[name] = seen;
            return name;
        }""",
        [selector, expression],
    )
    return lambda: list(page.evaluate(f"window.{name}"))


def rendered(page: Page, timeout_s: float = 60) -> None:
    expect(page.locator("#progress .pg-text")).to_have_text(re.compile("picture.* done"), timeout=timeout_s * 1000)


def composed(page: Page, text: str = "an apple and a tree", regions: int = 2, messages: int = 2) -> None:
    send(page, text)
    expect(page.locator("#chat .message")).to_have_count(messages)
    # The first reply is a plan; those after it are patches on it, told by what they changed.
    told = f"{regions} regions" if messages == 2 else re.compile(r"^Nothing changed|^\d+ changes?$")
    expect(page.locator("#state .sl-text")).to_have_text(told)
    expect(page.locator(".re-box")).to_have_count(regions)


def rows(page: Page) -> Locator:
    """What the page says of the last act, a sentence a row."""
    return page.locator("#remarks .rm-rows li span")


def press_row(page: Page, label: str) -> None:
    page.locator("#remarks .rm-rows").get_by_text(label, exact=True).click()


def drag(page: Page, start: tuple[float, float], by: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + by[0], start[1] + by[1], steps=4)
    page.mouse.up()


def drop(page: Page, selector: str, file: Path) -> None:
    """Lets go of a file over the selected node."""
    handle = page.evaluate_handle(
        """async ([name, content]) => {
            const bytes = await (await fetch('data:;base64,' + content)).blob(), files = new DataTransfer();
            files.items.add(new File([bytes], name));
            return files;
        }""",
        [file.name, base64.b64encode(file.read_bytes()).decode()],
    )
    page.dispatch_event(selector, "drop", {"dataTransfer": handle})


def made_here(file: Path) -> Path:
    """A picture with the plan inside, as a render would keep it; its settings ask for little work."""
    image, canvas = Image.new("RGB", (128, 128), "red"), Canvas.from_bot_response(plan())
    return save_png(image, file, canvas, RenderSettings(width=128, height=128, steps=2, seed=4711))


def newest(folder: Path) -> Path:
    """The picture that was rendered last, by anyone."""
    return max((folder / "pictures").iterdir(), key=lambda path: path.stat().st_mtime)


def middle(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def toggle(page: Page, bar: str) -> None:
    """Opens or closes the sidebar of that id."""
    page.locator(f"#{bar} .toggle-button").click()


def answered(page: Page, act: Callable[[], None]) -> None:
    """Does something, and waits until all that the page then asks of the server is answered and shown."""
    asked: list[Any] = []
    done: list[Any] = []

    def ask(one: Any) -> None:
        if "/run/predict" in one.url:
            asked.append(one)

    def answer(one: Any) -> None:
        if one in asked:
            done.append(one)

    page.on("request", ask)
    page.on("requestfinished", answer)
    act()
    until(page, lambda: asked and len(done) == len(asked))
    page.evaluate("new Promise(shown => requestAnimationFrame(() => requestAnimationFrame(shown)))")
    page.remove_listener("request", ask)
    page.remove_listener("requestfinished", answer)


def until(page: Page, true: Callable[[], object]) -> None:
    """Waits for something that is not on the page, while the page goes on."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while not true():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


def delayed(page: Page, ms: int) -> None:
    """From now on each answer of the server comes that much later, as from a busy machine; 0 ends that."""
    page.evaluate(
        """ms => {
            if (!window.plainFetch) {
                window.plainFetch = window.fetch;
                window.fetch = async (asked, ...more) => {
                    const wait = String(asked?.url || asked).includes('/run/predict') ? window.delayMs : 0;
                    const answer = await window.plainFetch(asked, ...more);
                    if (wait) await new Promise(go => setTimeout(go, wait));
                    return answer;
                };
            }
            window.delayMs = ms;
        }""",
        ms,
    )
