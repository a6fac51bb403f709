"""Takes the pictures of the page for docs/, every state at the widths it is meant for; with --thumbnails first the
examples' pictures.

python -m bench shots [--out DIR] [--only NAME,...] [--thumbnails [--seed N]]
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from bench._server import TextServer, text_server
from bench.page import CHROMIUM, FLAGS
from lib_omost.canvas import Canvas
from lib_omost.studio.conversation import fenced

MESSAGE = "a house on the left and a sunflower on the right in a meadow, with the sun above"
WAIT_MS = 180_000
DESK, WIDE, TABLET, PHONE = (1440, 900), (2560, 1440), (768, 1024), (390, 844)
SIZE = 256  # pixels of a thumbnail's side


def plan() -> str:
    canvas = Canvas()
    canvas.set_global_description(
        "a house and a sunflower in a meadow", ["The grass is green.", "A quiet summer day."], "meadow", "skyblue"
    )
    for place, offset, area, depth, thing, color in (
        ("on the left", "no offset", "a medium-sized square area", 6.0, "house", "peru"),
        ("on the right", "slightly to the lower", "a small vertical area", 3.0, "sunflower", "gold"),
        ("on the top-right", "slightly to the upper", "a small square area", 9.0, "sun", "yellow"),
    ):
        words = (f"a {thing}", [f"The {thing} is seen in full."], thing, "calm", "flat illustration", "clean", color)
        canvas.add_local_description(place, offset, area, depth, *words)
    return canvas.to_code()


class Shooter:
    """A page at work and the folder for its pictures."""

    def __init__(self, page: Any, server: TextServer) -> None:
        self.page, self.server = page, server

    def shows(self, selector: str, text: str = "") -> None:
        """Waits until the node is seen, with this pattern in its text."""
        self.page.locator(selector, has_text=re.compile(text)).first.wait_for()

    def send(self, text: str = MESSAGE) -> None:
        self.page.locator("#message textarea").fill(text)
        self.page.locator("#message textarea").press("Enter")

    def compose(self) -> None:
        self.send()
        self.shows("#state .sl-text", "^3 regions")

    def render(self) -> None:
        self.compose()
        self.page.locator("#render").click()
        self.shows("#progress .pg-text", r"pictures? done")
        self.page.locator("#gallery img").first.wait_for()

    def select(self) -> None:
        self.render()
        self.page.locator(".re-list button").first.click()

    def code(self) -> None:
        self.compose()
        self.page.locator(".re-panes [data-pane=code]").click()
        self.page.locator(".re-label", has_text="sunflower").hover()

    def stream(self) -> None:
        self.server.rate = 100
        self.server.held_at = self.server.text.rindex("description='a sun'") // self.server.characters
        self.send()
        self.page.locator(".re-box.pending").wait_for()
        self.page.locator(".re-box:not(.pending)").nth(1).wait_for()

    def no_canvas(self) -> None:
        self.server.text = "I would paint a calm meadow with a house in it."
        self.send("what would you paint?")
        self.shows("#state .sl-text", "no canvas")

    def unknown(self) -> None:
        self.server.text = fenced(plan().replace("sunflower", "dandelion"))
        self.render()

    def compare(self) -> None:
        self.page.get_by_role("spinbutton", name="number input for Pictures", exact=True).fill("2")
        self.page.get_by_role("spinbutton", name="number input for Pictures", exact=True).press("Tab")
        self.render()
        self.page.locator("#compare-box button").first.click()
        self.page.locator("#compare img").last.scroll_into_view_if_needed()

    def settings(self) -> None:
        self.render()
        self.page.locator("#settings-bar .toggle-button").click()

    def sessions(self) -> None:
        self.render()
        self.page.locator("#sessions-bar .toggle-button").click()
        self.shows("#sessions .ss-one")


def nothing(shooter: Shooter) -> None:
    shooter.page.locator("#chat .example img").last.wait_for()


#: name -> (what is done before, window, theme); a page narrower than a desk is taken in full length
STATES: dict[str, tuple[Callable[[Shooter], None], tuple[int, int], str]] = {
    "page": (Shooter.render, DESK, "light"),
    "page-dark": (Shooter.render, DESK, "dark"),
    "page-empty": (nothing, DESK, "light"),
    "page-empty-dark": (nothing, DESK, "dark"),
    "page-streaming": (Shooter.stream, DESK, "light"),
    "page-editing": (Shooter.select, DESK, "light"),
    "page-code": (Shooter.code, DESK, "light"),
    "page-compare": (Shooter.compare, DESK, "light"),
    "page-no-canvas": (Shooter.no_canvas, DESK, "light"),
    "page-unknown-word": (Shooter.unknown, DESK, "light"),
    "page-settings": (Shooter.settings, DESK, "light"),
    "page-sessions": (Shooter.sessions, DESK, "light"),
    "page-wide": (Shooter.select, WIDE, "light"),
    "page-tablet": (Shooter.render, TABLET, "light"),
    "page-phone": (Shooter.select, PHONE, "light"),
    "page-phone-dark": (nothing, PHONE, "dark"),
}


@contextmanager
def served(server: TextServer) -> Iterator[str]:
    from gradio_app import build, launch
    from lib_omost.composer import ComposeSettings
    from lib_omost.runtime import Engine

    with tempfile.TemporaryDirectory() as folder:
        server.models.append("scripted-omost")  # a model of this kind is not asked twice when it answers in prose
        engine = Engine(server.name.replace("scripted", "scripted-omost"), "default")
        engine.warm_up()  # else the first picture tells how long loading took
        *_, _ = engine.compose([{"role": "user", "content": "ready?"}], ComposeSettings(), Event())
        demo = build(engine, Path(folder))
        _, url, _ = launch(demo, Path(folder), "127.0.0.1", None, None, prevent_thread_lock=True, quiet=True)
        yield url
        demo.close()


def shoot(names: list[str], out: Path) -> dict[str, float]:
    """KiB of each picture taken."""
    from playwright.sync_api import sync_playwright

    found = {}
    with text_server(fenced(plan())) as server, served(server) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name in names:
            act, (width, height), theme = STATES[name]
            server.text, server.rate, server.held_at = fenced(plan()), 1000, None
            context = browser.new_context(viewport={"width": width, "height": height})
            page = context.new_page()
            page.set_default_timeout(WAIT_MS)
            page.goto(f"{url}?__theme={theme}")
            page.locator("#message textarea:enabled").wait_for()
            act(Shooter(page, server))
            page.evaluate("scrollTo(0, 0)")
            path = out / f"{name}.png"
            page.screenshot(path=path, full_page=width < DESK[0], animations="disabled")
            context.close()
            found[name] = round(path.stat().st_size / 1024, 1)
            print(f"{name:20} {width} x {height} {theme:6} {found[name]:8} KiB")
        browser.close()
    return found


def thumbnails(seed: int | None) -> None:
    """The examples' pictures anew: what the default models make of their messages, with the page's own settings;
    `seed`: of the plans, where another than the page's draws better ones.
    """
    from PIL import Image

    from lib_omost.composer import ComposeSettings
    from lib_omost.runtime import Engine
    from lib_omost.studio.page.examples import EXAMPLES, THUMBNAILS

    engine, settings = Engine("default", "default"), ComposeSettings()
    settings = settings if seed is None else replace(settings, seed=seed)
    for name, message in EXAMPLES:
        reply = "".join(engine.compose([{"role": "user", "content": message}], settings, Event()))
        canvas = Canvas.from_bot_response(reply)
        (picture,) = engine.render(canvas, engine.render_defaults, lambda step, steps, preview: None, Event())
        picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS).save(THUMBNAILS / name, quality=88)
        print(f"{name:20} {message}: {', '.join(region.description for region in canvas.regions)}")


def main(argv: list[str]) -> dict[str, float]:
    parser = argparse.ArgumentParser(prog="python -m bench shots")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(STATES), metavar="NAME,...")
    parser.add_argument("--thumbnails", action="store_true", help="render the examples' pictures first")
    parser.add_argument("--seed", type=int, help="of the plans for the thumbnails")
    chosen = parser.parse_args(argv)
    unknown = [name for name in chosen.only if name not in STATES]
    if unknown:
        parser.error(f"{', '.join(unknown)}: no such state; there are {', '.join(STATES)}")
    if chosen.thumbnails:
        thumbnails(chosen.seed)
    chosen.out.mkdir(parents=True, exist_ok=True)
    return shoot(chosen.only, chosen.out)
