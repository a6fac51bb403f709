"""The chat column in a browser: send, edit, resubmit, undo, stop, ask again."""

from __future__ import annotations

import re

import pytest

from bench._server import TextServer
from lib_omost.studio.conversation import fenced
from tests.browser.acts import Page, composed, expect, plan, send

pytestmark = pytest.mark.ui


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


def test_prose_offers_to_ask_again_and_to_edit_code_and_a_reply_is_retried_and_a_chat_cleared(
    page: Page, server: TextServer
) -> None:
    server.text = "What a lovely idea."
    send(page, "hello")
    expect(page.locator("#state .sl-text")).to_have_text("no canvas in this reply")
    page.get_by_role("button", name="Edit code").click()
    code = page.locator("#code .cm-content")
    expect(code).to_contain_text("What a lovely idea.")
    expect(code).to_be_focused()
    server.text = fenced(plan())
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator("#state .sl-text")).to_have_text("2 regions")
    server.text = fenced(plan().replace("an apple", "a plum"))
    page.locator("#chat button[title=Retry]").click()
    expect(page.locator(".re-list")).to_contain_text("a plum")
    expect(page.locator("#chat .message")).to_have_count(2)
    page.locator("#chat button[title=Clear]").click()
    expect(page.locator("#chat .message")).to_have_count(0)
    expect(page.locator(".re-box")).to_have_count(0)


def test_shift_enter_starts_a_line_and_enter_sends(page: Page) -> None:
    box = page.locator("#message textarea")
    box.fill("an apple")
    box.press("Shift+Enter")
    box.press_sequentially("and a tree")
    expect(box).to_have_value("an apple\nand a tree")
    expect(page.locator("#chat .message")).to_have_count(0)
    box.press("Enter")
    expect(page.locator("#chat .message").first).to_contain_text("and a tree")
    expect(box).to_have_value("")


def test_while_a_reply_is_written_its_speed_and_the_seconds_left_are_told_and_kept_afterwards(
    page: Page, server: TextServer
) -> None:
    server.rate = 40
    send(page, "an apple")
    figures = page.locator("#state .sl-figures")
    expect(figures).to_have_text(re.compile(r"^\d+ s · \d+ tokens/s · about \d+ s left$"))
    server.rate = 400
    expect(page.locator("#state .sl-text")).to_have_text("2 regions")
    expect(figures).to_have_text(
        re.compile(
            r"^first token [\d.]+ s · first region [\d.]+ s · [\d.]+ s in all · \d+ tokens/s · context \d+ of 8192$"
        )
    )


def test_an_empty_message_is_refused_in_the_state_line(page: Page) -> None:
    send(page, "   ")
    expect(page.locator("#state .sl-text")).to_have_text("Type what you want to see first.")


def test_repairs_are_counted_and_their_notes_are_behind_a_press(page: Page, server: TextServer) -> None:
    server.text = fenced(plan().replace("on the right", "right side"))
    send(page, "an apple")
    expect(page.locator("#state .sl-text")).to_contain_text("2 regions, 1 repair")
    page.locator("#state summary").click()
    expect(page.locator("#state .sl-notes li").first).to_contain_text("line ")


def test_the_oldest_turns_that_the_model_has_no_room_for_are_left_out_and_told_and_stay_in_the_chat(
    page: Page, server: TextServer
) -> None:
    server.text = 1_800 * "Well, " + "\n\n" + fenced(plan())  # the room is 8,192 tokens, a token about three letters
    composed(page, "an apple and a tree")
    composed(page, "make it night", messages=4)
    composed(page, "make it day", messages=6)
    expect(page.locator("#state summary")).to_have_text("1 note")
    page.locator("#state summary").click()
    expect(page.locator("#state .sl-notes li")).to_have_text(
        "The oldest turn was left out: the model has room for 8192 tokens."
    )
    read = [message["content"] for message in server.asked[-1]["messages"] if message["role"] == "user"]
    assert "an apple and a tree" not in read and read[-2:] == ["make it night", "make it day"]
    expect(page.locator("#chat")).to_contain_text("an apple and a tree")


def test_a_suggested_edit_goes_into_the_message_box(page: Page) -> None:
    composed(page)
    page.locator(".sl-chips button").first.click()
    expect(page.locator("#message textarea")).to_have_value("make it night")
