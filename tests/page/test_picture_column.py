"""The picture column in a browser: render, keep the rest, restore."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib_omost.studio.images import read_png
from tests.page.acts import Page, composed, expect, rendered

pytestmark = pytest.mark.ui


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
