"""The page in a real browser (headless Chromium). Every test fails on a console error or a request to another host."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from PIL import Image

from bench._server import TextServer, text_server
from gradio_app import build, launch
from lib_omost.canvas import Canvas
from lib_omost.composer import ComposeSettings
from lib_omost.runtime import Engine
from lib_omost.studio.images import read_png
from lib_omost.studio.turns import fenced

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=20_000)
Page, Browser = playwright.Page, playwright.Browser

pytestmark = pytest.mark.ui
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def served(engine: Engine, folder: Path) -> Iterator[str]:
    """The page's address."""
    demo = build(engine, folder)
    _, url, _ = launch(demo, folder, "127.0.0.1", None, None, prevent_thread_lock=True, quiet=True)
    yield url
    demo.close()


@contextmanager
def visit(browser: Browser, url: str, width: int = 1440, height: int = 900) -> Iterator[Page]:
    """A visitor of their own, on a page that knows its session; whatever the page complains of fails the test."""
    complaints: list[str] = []
    ours = (url, "data:", "blob:")
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(ours) else complaints.append(asked.url))
    page.goto(url)
    expect(page.locator("#message textarea")).to_be_enabled()
    yield page
    context.close()
    assert complaints == []


def send(page: Page, text: str) -> None:
    page.locator("#message textarea").fill(text)
    page.locator("#message textarea").press("Enter")


def code_of(page: Page) -> str:
    return str(page.locator("#code .cm-content").inner_text())


def rendered(page: Page, timeout_s: float = 60) -> None:
    expect(page.locator("#progress .pg-text")).to_have_text(re.compile("picture.* done"), timeout=timeout_s * 1000)


# ---- the whole way, on the default models ----------------------------------------------------------------------------


@pytest.mark.model
@pytest.mark.slow
def test_a_message_becomes_code_is_edited_and_becomes_a_picture_on_the_default_models(
    browser: Browser, tmp_path: Path
) -> None:
    engine = Engine("default", "default")
    with served(engine, tmp_path) as url, visit(browser, url) as page:
        send(page, "a red apple on the left and a yellow balloon on the top right")
        expect(page.locator(".re-box").first).to_be_visible(timeout=120_000)
        expect(page.locator("#state .sl-text")).to_have_text(re.compile(r"^\d+ regions?"), timeout=120_000)
        page.locator(".re-list button").first.click()
        page.locator(".re-form [data-key=description]").fill("a red apple with a leaf")
        page.locator(".re-form [data-key=name]").focus()
        expect(page.locator("#code .cm-content")).to_contain_text("a red apple with a leaf")
        page.locator("#render").click()
        rendered(page)
        expect(page.locator("#picture img")).to_be_visible()
    (file,) = (tmp_path / "pictures").iterdir()
    saved = read_png(file)
    assert any(region.description == "a red apple with a leaf" for region in saved.canvas.regions)
    with Image.open(file) as image:
        assert len(image.convert("RGB").resize((8, 8)).getcolors() or []) > 8


# ---- every act, on a language model that always writes the same plan -------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[TextServer]:
    with text_server(fenced(plan()), rate=400) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def url(server: TextServer, folder: Path) -> Iterator[str]:
    engine = Engine(server.name, "default")
    *_, _ = engine.compose([{"role": "user", "content": "ready?"}], ComposeSettings(), Event())  # libraries load here
    with served(engine, folder) as url:
        yield url


@pytest.fixture
def page(browser: Browser, url: str, server: TextServer) -> Iterator[Page]:
    server.text, server.rate = fenced(plan()), 400
    with visit(browser, url) as page:
        yield page


def composed(page: Page, text: str = "an apple and a tree", regions: int = 2, messages: int = 2) -> None:
    send(page, text)
    expect(page.locator("#chat .message")).to_have_count(messages)
    expect(page.locator("#state .sl-text")).to_have_text(f"{regions} regions")
    expect(page.locator(".re-box")).to_have_count(regions)


def drag(page: Page, start: tuple[float, float], by: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + by[0], start[1] + by[1], steps=4)
    page.mouse.up()


def middle(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_box_is_dragged_resized_and_moved_by_keys_and_the_code_follows(page: Page) -> None:
    composed(page)
    before = code_of(page)
    page.locator(".re-list button").first.click()
    status = page.locator(".re-status")
    expect(status).to_have_text("across 0–40, down 20–70 of 90")
    stage = page.locator(".re-stage").bounding_box()
    assert stage is not None
    drag(page, middle(page, ".re-box.selected"), (stage["width"] / 9, stage["height"] / 9))
    expect(status).to_have_text("across 10–50, down 30–80 of 90")
    drag(page, middle(page, ".re-box.selected [data-grip=se]"), (-stage["width"] / 9, -stage["height"] / 9))
    expect(status).to_have_text("across 10–40, down 30–70 of 90")
    page.locator(".re-stage").press("ArrowRight")
    page.locator(".re-stage").press("Shift+ArrowDown")
    expect(status).to_have_text("across 11–41, down 30–71 of 90")
    expect(page.locator("#code .cm-content")).to_contain_text("bbox=")
    expect(page.locator("#chat")).to_contain_text("bbox=")
    page.locator(".re-stage").press("s")
    expect(page.locator("#code .cm-content")).not_to_contain_text("bbox=")
    assert code_of(page) != before


def test_regions_are_drawn_duplicated_deleted_and_every_step_is_undone_and_redone(page: Page) -> None:
    boxes = page.locator(".re-box")
    left, top = middle(page, ".re-stage")
    drag(page, (left - 60, top - 60), (100, 80))
    expect(boxes).to_have_count(1)
    page.keyboard.type("a moon")
    page.locator(".re-form [data-key=name]").focus()
    expect(page.locator("#code .cm-content")).to_contain_text("description='a moon'")
    page.locator(".re-stage").press("Control+d")
    expect(boxes).to_have_count(2)
    page.locator(".re-stage").press("Delete")
    expect(boxes).to_have_count(1)
    page.locator(".re-stage").press("Control+z")
    expect(boxes).to_have_count(2)
    page.locator(".re-stage").press("Control+Shift+z")
    expect(boxes).to_have_count(1)
    expect(page.locator("#state .sl-text")).to_have_text("1 region, edited by hand")


def test_depth_colour_and_texts_are_edited_in_place(page: Page) -> None:
    composed(page)
    page.locator(".re-list button").first.click()
    page.locator(".re-form [data-key=color]").fill("#008000")
    expect(page.locator("#code .cm-content")).to_contain_text("HTML_web_color_name='green'")
    page.locator(".re-form [data-key=negative]").fill("worms")
    page.locator("[data-act=farther]").click()
    expect(page.locator("#code .cm-content")).to_contain_text("negative='worms'")
    expect(page.locator(".re-list button").nth(1)).to_contain_text("an apple")


def test_code_is_applied_strictly_and_a_mistake_names_its_line_and_keeps_the_plan(page: Page) -> None:
    composed(page)
    page.locator("#code .cm-content").fill(plan().replace("an apple", "a pear"))
    page.locator("#apply").click()
    expect(page.locator(".re-list")).to_contain_text("a pear")
    page.locator("#code .cm-content").fill(plan().replace("on the left", "somewhere"))
    page.locator("#code .cm-content").press("Control+s")
    expect(page.locator("#state .sl-text")).to_have_text("this code was not applied")
    expect(page.locator("#state .sl-notes li").first).to_contain_text("line ")
    expect(page.locator(".re-list")).to_contain_text("a pear")


def test_an_earlier_message_is_edited_and_resubmitted_and_a_reply_is_edited_without_the_model(
    page: Page, server: TextServer
) -> None:
    composed(page)
    composed(page, "and more", messages=4)
    asked = len(server.asked)
    page.locator("#chat button[title=Edit]").first.click()
    page.locator("#chat .edit-textarea").fill("only an apple")
    page.locator("#chat button[title=Submit]").click()
    expect(page.locator("#chat .message")).to_have_count(2)
    expect(page.locator("#state .sl-text")).to_have_text("2 regions")
    assert len(server.asked) == asked + 1
    page.locator("#chat button[title=Edit]").nth(1).click()
    page.locator("#chat .edit-textarea").fill(fenced(plan().replace("an apple", "a plum")))
    page.locator("#chat button[title=Submit]").click()
    expect(page.locator(".re-list")).to_contain_text("a plum")
    assert len(server.asked) == asked + 1
    page.locator("#chat button[title=Undo]").click()
    expect(page.locator("#message textarea")).to_have_value("only an apple")
    expect(page.locator(".re-box")).to_have_count(0)


def test_escape_stops_a_reply_and_what_was_written_stays(page: Page, server: TextServer) -> None:
    server.rate = 20
    send(page, "an apple")
    expect(page.locator("#chat .message").nth(1)).to_contain_text("canvas")
    page.keyboard.press("Escape")
    expect(page.locator("#state .sl-text")).to_contain_text("stopped")
    expect(page.locator("#message .submit-button")).to_be_visible()
    expect(page.locator("#chat .message")).to_have_count(2)


def test_prose_offers_to_ask_again_and_to_edit_code(page: Page, server: TextServer) -> None:
    server.text = "What a lovely idea."
    send(page, "hello")
    expect(page.locator("#state .sl-text")).to_have_text("no canvas in this reply")
    server.text = fenced(plan())
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator("#state .sl-text")).to_have_text("2 regions")


def test_a_picture_is_rendered_kept_and_restored_by_dropping_it_and_all_of_it_survives_a_reload(
    page: Page, folder: Path
) -> None:
    composed(page)
    page.locator("#message textarea").press("Control+Enter")
    rendered(page)
    expect(page.locator("#gallery img")).to_have_count(1)
    page.locator(".sl-chips button").first.click()
    expect(page.locator("#message textarea")).to_have_value("make it night")
    page.locator("#message textarea").fill("")
    page.locator(".re-list button").first.click()
    page.locator(".re-stage").press("ArrowRight")
    expect(page.locator("#state .sl-text")).to_have_text("2 regions, edited by hand")
    page.locator("#keep input").check()
    page.locator("#render").click()
    expect(page.locator("#gallery img")).to_have_count(2)
    rendered(page)
    file = max((folder / "pictures").iterdir(), key=lambda path: path.stat().st_mtime)
    assert read_png(file).settings.steps == 20
    page.reload()
    expect(page.locator("#gallery img")).to_have_count(2)
    expect(page.locator(".re-box")).to_have_count(2)
    page.locator("#sessions-bar .toggle-button").click()
    page.locator("#new-session").click()
    expect(page.locator(".re-box")).to_have_count(0)
    page.locator("#sessions-bar .toggle-button").click()
    page.locator("#open-box button").first.click()
    page.locator("#drop input[type=file]").set_input_files(file)
    expect(page.locator(".re-box")).to_have_count(2)
    expect(page.locator("#gallery img")).to_have_count(1)


def test_two_visitors_never_see_each_other(browser: Browser, url: str, server: TextServer) -> None:
    server.text = fenced(plan())
    with visit(browser, url) as ann, visit(browser, url) as bob:
        composed(ann, "the secret garden")
        bob.reload()
        expect(bob.locator("#message textarea")).to_be_enabled()
        expect(bob.locator(".re-box")).to_have_count(0)
        assert "secret" not in bob.locator("body").inner_text()


@pytest.mark.parametrize("width", [390, 1440, 2560])
def test_nothing_hangs_over_the_side_of_the_window(browser: Browser, url: str, width: int) -> None:
    with visit(browser, url, width) as page:
        composed(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_labels_of_boxes_in_one_corner_never_overlap(page: Page, server: TextServer) -> None:
    canvas = Canvas.from_bot_response(plan())
    apple = canvas.regions[0]
    canvas.regions = (apple,) * 6
    server.text = fenced(canvas.to_code())
    composed(page, regions=6)
    found = page.evaluate("[...document.querySelectorAll('.re-label')].map(l => l.getBoundingClientRect().toJSON())")
    assert len(found) == 6
    for one, other in itertools.combinations(found, 2):
        apart = one["right"] <= other["left"] or other["right"] <= one["left"]
        assert apart or one["bottom"] <= other["top"] or other["bottom"] <= one["top"]


def test_hostile_texts_are_shown_and_not_run(page: Page, server: TextServer) -> None:
    canvas = Canvas.from_bot_response(plan())
    evil = "<img src=x onerror=window.hit=1>${window.hit=1}{{window.hit=1}}</style><script>window.hit=1</script>"
    canvas.set_global_description(evil, [evil], evil, "skyblue")
    server.text = f"{evil}\n\n{fenced(canvas.to_code())}"
    composed(page)
    expect(page.locator(".re-form [data-key=description]")).to_have_value(evil)
    assert page.evaluate("window.hit") is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Page, url: str, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="axe-core comes with axe-playwright-python")
    page.goto(f"{url}?__theme={theme}")
    expect(page.locator("#message textarea")).to_be_enabled()
    composed(page)
    expect(page.locator("#chat pre")).to_have_attribute("tabindex", "0")
    page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [(one["id"], one["impact"]) for one in found if one["impact"] in ("serious", "critical")] == []
