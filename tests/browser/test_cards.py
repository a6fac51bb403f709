"""Replies as cards in the chat: layout, chips, difference, pictures, code behind a press; texts stay texts."""

from __future__ import annotations

import re

import pytest

from bench._server import TextServer
from lib_omost.studio.conversation import fenced
from tests.browser.acts import Page, composed, expect, plan, rendered, rows, send

pytestmark = pytest.mark.ui


def test_a_reply_is_one_card_with_its_code_behind_a_press_and_the_picture_in_the_place_of_its_layout(
    page: Page, server: TextServer
) -> None:
    composed(page)
    card = page.locator("#chat .rc")
    expect(card.locator(".rc-chip")).to_have_text(["apple", "tree"])
    expect(card.locator(".rc-face svg rect")).to_have_count(3)
    expect(page.locator("#chat .code_wrap")).to_be_hidden()
    card.locator("summary").click()
    expect(page.locator("#chat .code_wrap")).to_be_visible()
    server.text = fenced(plan().replace("'green'", "'orange'"))
    send(page, "make the tree orange")
    expect(rows(page)).to_have_text(["tree: green → orange"])  # of the newest reply, with its button, and only there
    expect(card.locator(".rc-lines")).to_have_count(0)
    expect(page.locator("#chat .code_wrap").first).to_be_visible()  # what was opened stays open
    page.locator("#render").click()
    rendered(page)
    expect(card.last.locator(".rc-face img")).to_have_count(1)
    expect(card.first.locator(".rc-face img")).to_have_count(0)
    expect(page.locator("#chat .message")).to_have_count(4)  # the picture is no bubble of its own
    page.locator("#render").click()
    expect(card.last.locator(".rc-pages span")).to_have_text("2/2")
    newest = card.last.locator("img").get_attribute("src")
    card.last.get_by_label("The picture before").click()
    expect(card.last.locator(".rc-pages span")).to_have_text("1/2")
    assert card.last.locator("img").get_attribute("src") != newest
    server.text = fenced(plan().replace("'green'", "'gold'"))
    page.locator("#chat button[title=Retry]").last.click()
    expect(card.last.locator(".rc-replies span")).to_have_text("2/2")
    expect(card.first.locator(".rc-replies")).to_have_count(0)
    card.last.get_by_label("The reply before").click()
    expect(card.last.locator(".rc-replies span")).to_have_text("1/2")
    expect(card.last.locator(".rc-face .rc-pages span")).to_have_text("1/2")  # its pictures too, as they were turned
    send(page, "and more")
    expect(page.locator("#chat .message")).to_have_count(6)
    expect(card.nth(1).locator(".rc-lines li")).to_have_text(["tree: green → orange"])
    expect(card.locator(".rc-replies")).to_have_count(0)


def test_a_reply_in_prose_leads_back_to_the_plan_that_it_replaced(page: Page, server: TextServer) -> None:
    composed(page)
    server.text = "I would rather talk."
    page.locator("#chat button[title=Retry]").click()
    expect(page.locator("#chat .rc.bare .rc-replies span")).to_have_text("2/2")
    expect(page.locator("#chat")).to_contain_text("I would rather talk.")
    page.get_by_label("The reply before").click()
    expect(page.locator("#chat .rc-chip")).to_have_text(["apple", "tree"])


def test_a_card_grows_while_its_reply_is_written(page: Page, server: TextServer) -> None:
    server.rate = 40
    send(page, "an apple")
    expect(page.locator("#chat .writing .rc-chip")).to_have_text(["apple"])
    expect(page.locator("#chat .code_wrap")).to_be_visible()
    server.rate = 4000
    expect(page.locator("#chat .writing")).to_have_count(0)
    expect(page.locator("#chat .rc-chip")).to_have_text(["apple", "tree"])


def test_the_texts_of_a_card_are_texts(page: Page, server: TextServer) -> None:
    tag = '<img src="http://tracker.example/x" onerror="document.title=1"><b>apple</b>'
    server.text = fenced(plan().replace("'an apple'", repr(tag)))
    send(page, "an apple")
    expect(page.locator("#chat .rc-chip").first).to_have_text(re.compile(r'^<img src="http://tracker'))
    assert page.locator("#chat .rc").locator("img, b, a").count() == 0
    assert page.title() == "Omost"
