"""Auto-render in a browser: what is finished or changed is painted by itself, the rest kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench._server import TextServer
from lib_omost.runtime import Engine
from lib_omost.studio.conversation import fenced
from lib_omost.studio.store.images import read_png
from tests.browser.acts import BrowserContext, Page, arrive, composed, expect, newest, pane, plan, served, until

pytestmark = pytest.mark.ui
SAID, PICTURES, LONG_MS = "#progress .pg-text", "#gallery img", 90_000


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("live")


@pytest.fixture(scope="module")
def live_url(engine: Engine, kept: Path) -> Iterator[str]:
    with served(engine, kept, auto=True) as url:
        yield url


@pytest.fixture
def live(context: BrowserContext, live_url: str, server: TextServer) -> Iterator[Page]:
    server.text, server.rate = fenced(plan()), 4000
    with arrive(context, live_url) as page:
        yield page


def painted(page: Page, count: int) -> None:
    """So many pictures are kept, and the newest one is what the canvas shows, sharp."""
    expect(page.locator(PICTURES)).to_have_count(count, timeout=LONG_MS)
    expect(page.locator(SAID)).to_have_text(re.compile("1 picture done"))
    newest_one = page.locator(PICTURES).first.get_attribute("src") or ""
    page.wait_for_function(
        "name => (document.querySelector('.re-stage img')?.src || '').endsWith(name)", arg=newest_one.split("/")[-1]
    )


def test_a_plan_and_each_change_of_it_are_painted_by_themselves_and_what_did_not_change_stays_to_the_pixel(
    live: Page, kept: Path
) -> None:
    composed(live)
    painted(live, 1)
    first = newest(kept)
    live.locator(".re-list button").first.click()
    live.locator(".re-form [data-key=color]").fill("#ffd700")
    live.locator(".re-stage").focus()
    painted(live, 2)
    second = newest(kept)
    assert read_png(second).settings.seed == read_png(first).settings.seed
    before, after = (np.asarray(Image.open(file).convert("RGB")) for file in (first, second))
    assert (before[:, 160:] == after[:, 160:]).all()  # the apple ends at cell 40 of 90, its soft border at 44
    assert (before[:, :100] != after[:, :100]).any()
    live.locator(".re-stage").press("Control+z")
    painted(live, 3)
    live.reload()
    expect(live.locator(PICTURES)).to_have_count(3)
    live.wait_for_timeout(1500)
    expect(live.locator(PICTURES)).to_have_count(3)  # what is only opened is not painted


def test_of_many_changes_in_a_row_the_last_one_is_what_is_painted_and_seen(live: Page, kept: Path) -> None:
    composed(live)
    painted(live, 1)
    live.locator(".re-list button").first.click()
    for _ in range(3):
        live.locator(".re-stage").press("ArrowDown")
        live.wait_for_timeout(400)  # more than the hand has to rest
    expect(live.locator(".re-status")).to_contain_text("down 23–73")
    until(live, lambda: tuple(read_png(newest(kept)).canvas.regions[0].box) == (0, 23, 40, 73))
    expect(live.locator(SAID)).to_have_text(re.compile("1 picture done"), timeout=LONG_MS)
    name = newest(kept).name
    live.wait_for_function("name => document.querySelector('.re-stage img').src.endsWith(name)", arg=name)


def test_auto_switched_off_paints_nothing_and_switched_on_what_is_not_painted_yet(live: Page) -> None:
    live.locator("#auto input").uncheck()
    composed(live)
    live.wait_for_timeout(1500)
    expect(live.locator(PICTURES)).to_have_count(0)
    live.locator("#auto input").check()
    painted(live, 1)


def test_code_that_is_applied_is_painted_and_code_that_is_only_typed_is_not(live: Page, kept: Path) -> None:
    composed(live)
    painted(live, 1)
    pane(live, "code").locator("#code .cm-content").fill(plan().replace("an apple", "a pear"))
    live.locator("#apply").click()
    painted(live, 2)
    assert read_png(newest(kept)).canvas.regions[0].description == "a pear"
    live.locator("#code .cm-content").fill("nothing of the kind")
    live.locator(".re-list button").first.click()
    live.locator(".re-stage").press("ArrowDown")
    painted(live, 3)


def test_four_variations_of_one_region_keep_the_rest_and_one_of_them_is_chosen(live: Page, kept: Path) -> None:
    composed(live)
    live.locator(".re-list .pick").first.click()
    expect(live.locator("[data-act=vary]")).to_be_disabled()  # there is no picture yet
    painted(live, 1)
    first = newest(kept)
    live.locator("[data-act=vary]").click()
    offered = live.locator("#choices .ch-row button")
    expect(offered).to_have_count(4, timeout=LONG_MS)
    files = sorted((kept / "pictures").iterdir(), key=lambda file: file.stat().st_mtime)[-4:]
    before, *four = (np.asarray(Image.open(file).convert("RGB")) for file in (first, *files))
    assert all((one[:, 160:] == before[:, 160:]).all() and (one != before).any() for one in four)
    assert len({one.tobytes() for one in four}) == 4
    name = files[1].name
    canvas = live.locator(".re-stage img")
    offered.nth(1).hover()
    expect(canvas).to_have_attribute("src", re.compile(name))
    live.locator("#message textarea").hover()
    expect(canvas).to_have_attribute("src", re.compile(first.name))  # only looked at
    offered.nth(1).focus()
    live.keyboard.press("Enter")
    expect(offered.first).to_be_hidden()
    expect(canvas).to_have_attribute("src", re.compile(name))
    live.locator(".re-form [data-key=color]").fill("#ffd700")
    live.locator(".re-stage").focus()
    expect(live.locator(PICTURES)).to_have_count(6, timeout=LONG_MS)
    assert read_png(newest(kept)).settings.seed == read_png(files[1]).settings.seed  # painted from the chosen one


def test_the_eye_leaves_a_region_out_of_the_picture_and_brings_it_back(live: Page, kept: Path) -> None:
    composed(live)
    painted(live, 1)
    first = newest(kept)
    eye = live.locator(".re-list .eye").first
    eye.click()
    expect(live.locator(".re-box.out")).to_have_count(1)
    painted(live, 2)
    without = newest(kept)
    assert read_png(without).settings.region_strengths == (0.0, 1.0)
    before, after = (np.asarray(Image.open(file).convert("RGB")) for file in (first, without))
    assert (before[:, 160:] == after[:, 160:]).all() and (before[:, :100] != after[:, :100]).any()
    live.locator(".re-list .pick").first.click()
    live.locator(".re-stage").press("h")
    expect(live.locator(".re-box.out")).to_have_count(0)
    painted(live, 3)
    assert set(read_png(newest(kept)).settings.region_strengths) <= {1.0}
