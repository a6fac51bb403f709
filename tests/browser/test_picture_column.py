"""The picture column in a browser: render, keep the rest, compare, reuse, restore."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from bench._server import TextServer
from lib_omost.canvas import Canvas
from lib_omost.studio.conversation import fenced
from lib_omost.studio.store.images import read_png
from tests.browser.acts import (
    BrowserContext,
    Page,
    arrive,
    composed,
    drop,
    expect,
    made_here,
    newest,
    pane,
    plan,
    rendered,
    toggle,
    watched,
)

pytestmark = pytest.mark.ui
RENDER_MS = 60_000  # for the next picture, where the one before is "done" already
SAID, STATE = "#progress .pg-text", "#state .sl-text"
PICTURE = "document.querySelector('#picture img')?.src || ''"


def number(page: Page, name: str, value: str) -> None:
    """Types a number into a setting of the drawer."""
    page.get_by_role("spinbutton", name=name, exact=True).fill(value)
    page.get_by_role("spinbutton", name=name, exact=True).press("Tab")


def test_a_picture_is_rendered_kept_and_restored_by_dropping_it_and_all_of_it_survives_a_reload(
    page: Page, folder: Path
) -> None:
    composed(page)
    said = watched(page, "#progress", f"document.querySelector('{SAID}').textContent")
    shown = watched(page, "#picture-column", PICTURE)
    page.locator("#message textarea").press("Control+Enter")
    rendered(page)
    assert any(re.fullmatch(r"step \d+ of 20", text) for text in said())
    assert len(set(shown()) - {""}) >= 2  # a preview, then the picture
    expect(page.locator("#gallery img")).to_have_count(1)
    assert page.locator(".re-stage img").evaluate("img => img.naturalWidth") == 256
    page.locator(".re-list button").first.click()
    page.locator(".re-stage").press("ArrowRight")
    expect(page.locator(STATE)).to_have_text("2 regions, edited by hand")
    page.locator("#keep input").check()
    page.locator("#render").click()
    expect(page.locator("#gallery img")).to_have_count(2, timeout=RENDER_MS)
    file = newest(folder)
    page.reload()
    expect(page.locator("#gallery img")).to_have_count(2)
    expect(page.locator(".re-box")).to_have_count(2)
    toggle(page, "sessions-bar")
    page.locator("#new-session").click()
    expect(page.locator(".re-box")).to_have_count(0)
    toggle(page, "sessions-bar")
    page.locator("#open-box button").first.click()
    page.locator("#drop input[type=file]").set_input_files(file)
    expect(page.locator(".re-box")).to_have_count(2)
    expect(page.locator("#gallery img")).to_have_count(1)


def test_a_png_dropped_anywhere_brings_its_plan_and_is_refused_in_a_toast_if_it_has_none_or_its_file_is_gone(
    page: Page, folder: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "other.png")
    drop(page, "#chat", tmp_path / "other.png")
    expect(page.locator(".toast-body")).to_contain_text("carries no canvas")
    drop(page, "#plan-column", made_here(tmp_path / "ours.png"))
    expect(page.locator(".re-box")).to_have_count(2)
    expect(page.locator("#gallery img")).to_have_count(1)
    expect(page.locator("#seed input")).to_have_value("4711")
    newest(folder).unlink()
    page.locator("#use-seed").click()
    expect(page.locator(".toast-body", has_text="no longer there")).to_be_visible()


def test_render_paints_the_edit_that_is_still_in_the_hand_and_each_regions_strength(page: Page, folder: Path) -> None:
    composed(page)
    page.locator(".re-list button").first.click()
    page.locator(".re-form summary").click()
    page.locator(".re-form [data-key=strength]").fill("2.5")
    page.locator(".re-form [data-key=description]").fill("an apple with a leaf")
    page.keyboard.press("Control+Enter")
    rendered(page)
    saved = read_png(newest(folder))
    assert saved.canvas.regions[0].description == "an apple with a leaf"
    assert saved.settings.region_strengths == (2.5, 1.0)
    page.reload()
    page.locator(".re-list button").first.click()
    expect(page.locator(".re-form [data-key=strength]")).to_have_value("2.5")


def test_a_batch_is_compared_two_by_two_and_seed_settings_and_plan_of_any_picture_are_reused_or_the_seed_drawn_anew(
    page: Page, folder: Path
) -> None:
    composed(page)
    page.get_by_label("Keep this seed").check()
    number(page, "number input for Pictures", "3")
    toggle(page, "settings-bar")
    number(page, "number input for Steps", "4")
    toggle(page, "settings-bar")
    page.locator("#render").click()
    rendered(page)
    expect(page.locator("#gallery img")).to_have_count(3)
    seed = page.locator("#seed input")
    expect(seed).to_have_value("12345")
    page.locator("#compare-box button").first.click()
    expect(page.locator("#compare-left input")).to_have_value("2 · seed 12346")
    expect(page.locator("#compare-right input")).to_have_value("3 · seed 12347")
    before = page.locator("#compare img").evaluate_all("images => images.map(image => image.src)")
    page.locator("#compare-left input").click()
    page.get_by_role("option", name="1 · seed 12345").click()
    page.wait_for_function(
        "before => { const now = [...document.querySelectorAll('#compare img')].map(i => i.src);"
        " return now.length === before.length && now.filter(src => !before.includes(src)).length === 1; }",
        arg=before,
    )
    page.locator("#gallery button", has=page.locator("img")).nth(1).click()
    expect(page.locator("#compare-right input")).to_have_value("2 · seed 12346")
    toggle(page, "settings-bar")
    number(page, "number input for Steps", "9")
    toggle(page, "settings-bar")
    page.locator("#use-seed").click()
    expect(seed).to_have_value("12346")
    page.locator("#use-settings").click()
    expect(page.get_by_role("spinbutton", name="number input for Steps", exact=True)).to_have_value("4")
    page.locator(".re-list button").first.click()
    page.locator(".re-stage").press("Delete")
    expect(page.locator(".re-box")).to_have_count(1)
    page.locator("#use-plan").click()
    expect(page.locator(".re-box")).to_have_count(2)
    page.get_by_label("A new seed every time").check()
    number(page, "number input for Pictures", "1")
    page.locator("#render").click()
    expect(page.locator("#gallery img")).to_have_count(4, timeout=RENDER_MS)
    expect(seed).not_to_have_value("12346")


def test_a_picture_is_downloaded_as_the_file_that_carries_its_plan_and_seen_on_the_full_screen(
    page: Page, tmp_path: Path
) -> None:
    drop(page, "#chat", made_here(tmp_path / "one.png"))
    expect(page.locator("#gallery img")).to_have_count(1)
    with page.expect_download() as waiting:
        page.locator("[data-view=download]").click()
    assert len(read_png(waiting.value.path()).canvas.regions) == 2
    page.locator("[data-view=full]").click()
    page.wait_for_function(
        "document.fullscreenElement"
        " && document.querySelector('.re-stage img').getBoundingClientRect().height > innerHeight * .85"
    )
    page.keyboard.press("f")
    page.wait_for_function("!document.fullscreenElement")


def test_one_who_waits_for_the_device_is_told_the_place_in_the_queue_and_escape_stops(
    page: Page, neighbour: BrowserContext, url: str, tmp_path: Path
) -> None:
    ann = page
    with arrive(neighbour, url) as bob:
        for one in (ann, bob):
            drop(one, "#chat", made_here(tmp_path / "one.png"))
            expect(one.locator("#gallery img")).to_have_count(1)
        toggle(ann, "settings-bar")
        number(ann, "number input for Steps", "100")
        toggle(ann, "settings-bar")
        ann.locator("#render").click()
        expect(ann.locator(SAID)).to_have_text(re.compile("step .* of 100"))
        bob.locator("#render").click()
        expect(bob.locator(SAID)).to_have_text("waiting for the device, 1 run before yours…")
        ann.keyboard.press("Escape")
        expect(ann.locator(SAID)).to_have_text("stopped")
        expect(ann.locator("#render")).to_be_enabled()
        rendered(bob)


def test_a_word_that_the_image_model_does_not_know_is_told_with_the_near_one_that_was_painted(
    page: Page, server: TextServer
) -> None:
    canvas = Canvas.from_bot_response(plan())
    server.text = fenced(canvas.to_code().replace("an apple", "a tiger"))
    composed(page)
    page.locator("#render").click()
    expect(page.locator(SAID)).to_contain_text("“tiger” is new to this image model; it painted “lion” instead.")
    expect(pane(page, "code").locator("#code .cm-content")).to_contain_text("a tiger")


def test_the_picture_lies_under_outlines_that_b_hides_and_next_and_previous_turn_the_pages(page: Page) -> None:
    composed(page)
    tint = page.locator(".re-box .tint").first
    assert float(tint.evaluate("n => getComputedStyle(n).opacity")) > 0.5  # there is nothing below yet
    number(page, "number input for Pictures", "2")
    page.locator("#render").click()
    rendered(page)
    expect(page.locator("#gallery img")).to_have_count(2)
    expect(page.locator(".re-stage.painted")).to_be_visible()
    page.wait_for_function("getComputedStyle(document.querySelector('.re-box .tint')).opacity === '0'")
    image = page.locator(".re-stage img")
    newest_one = image.get_attribute("src")
    page.locator("[data-view=older]").click()
    expect(image).not_to_have_attribute("src", newest_one or "")
    expect(page.locator("[data-view=older]")).to_be_disabled()
    page.locator(".re-stage").press("PageUp")
    expect(image).to_have_attribute("src", newest_one or "")
    page.locator(".re-stage").press("b")
    expect(page.locator(".re-box").first).to_be_hidden()
    page.locator("[data-view=boxes]").click()
    expect(page.locator(".re-box").first).to_be_visible()


def test_the_canvas_takes_the_room_that_a_window_has(page: Page) -> None:
    composed(page)
    usual = page.viewport_size
    for width, high, least in ((1440, 900, 760), (2560, 1440, 1800)):
        page.set_viewport_size({"width": width, "height": high})
        page.wait_for_function(
            "least => document.querySelector('.re-surface').clientWidth >= least"
            " && document.querySelector('.re-stage').clientHeight >= innerHeight * .5",
            arg=least,
        )
    page.set_viewport_size(usual)
