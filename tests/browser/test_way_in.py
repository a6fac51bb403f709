"""From the demo models to real ones, and the words that the demo painter knows."""

from __future__ import annotations

import pytest

from tests.browser.acts import Page, expect, until

pytestmark = pytest.mark.ui


def test_the_words_of_the_painter_are_pressed_into_the_message_and_unknown_ones_are_told_while_typing(
    page: Page,
) -> None:
    box, unknown = page.locator("#message textarea"), page.locator("#words-line .wd-unknown li")
    page.locator("#words-line summary").click()
    page.locator("#words-line .wd-words").get_by_text("balloon", exact=True).click()
    page.locator("#words-line .wd-words").get_by_text("apple", exact=True).click()
    expect(box).to_have_value("a balloon, an apple")
    expect(unknown).to_have_count(0)
    box.fill("a balloon above a dragon")
    expect(unknown.locator("mark")).to_have_text(["dragon"])
    unknown.get_by_role("button", name="write “turtle”").click()
    expect(box).to_have_value("a balloon above a turtle")
    expect(unknown).to_have_count(0)


def test_the_head_leads_to_the_picker_of_models_with_what_each_needs(page: Page) -> None:
    page.locator("#use-real").click()
    expect(page.locator("#models-from")).to_be_in_viewport()
    page.locator("#models-from").get_by_text("Hub", exact=True).click()
    page.locator("#llm input").click()
    listed = page.get_by_role("option")
    expect(listed.filter(has_text="omost-llama-3-8b-4bits").first).to_contain_text("5.7 GB · not here")
    expect(listed.filter(has_text="omost-llama-3-8b-4bits").first).to_contain_text("GiB of a card")
    page.keyboard.press("Escape")
    page.locator("#models-from").get_by_text("Server", exact=True).click()
    expect(page.locator("#test-server")).to_be_visible()
    page.locator("#llm input").fill("http://127.0.0.1:9/v1#gone")
    page.locator("#llm input").press("Enter")
    page.locator("#use-models").click()
    expect(page.locator(".toast-body.warning")).to_be_visible()
    until(page, lambda: "gone" not in page.locator("#models-line").inner_text())
