"""What a reply changed, undone alone; locks; one history of hand edits and replies: as a person uses them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench._server import TextServer
from lib_omost.canvas import delete_region
from lib_omost.studio.conversation import fenced
from lib_omost.studio.store.sessions import Sessions
from tests.browser.acts import Page, composed, drag, expect, middle, plan, press_row, rows, send

pytestmark = pytest.mark.ui
NAMES, STATE, STATUS = ".re-list .name", "#state .sl-text", ".re-status"
APPLE = ".re-list .pick >> nth=0"
PAGES = "#chat .rc-replies span"


def gold() -> str:
    return fenced(plan().replace("'red'", "'gold'"))


def reloaded(page: Page) -> None:
    page.reload()
    expect(page.locator("#message textarea")).to_be_enabled()


def color(page: Page) -> str:
    page.locator(APPLE).click()
    value = page.locator(".re-form [data-key=color]").input_value()
    page.locator(APPLE).click()
    return value


def test_what_a_reply_took_out_is_put_back_and_taken_out_again(page: Page, server: TextServer) -> None:
    composed(page)
    server.text = fenced(delete_region(plan(), 1))
    composed(page, "only the apple", regions=1, messages=4)
    expect(rows(page)).to_have_text(["tree removed"])
    press_row(page, "put back")
    expect(page.locator(NAMES)).to_have_text(["an apple", "a tree"])
    expect(page.locator(STATE)).to_have_text("Undone: tree removed")
    reloaded(page)
    expect(page.locator(NAMES)).to_have_text(["an apple", "a tree"])
    press_row(page, "redo")
    expect(page.locator(NAMES)).to_have_text(["an apple"])


def test_where_the_person_and_the_model_changed_one_thing_the_person_keeps_it_and_may_take_the_models(
    page: Page, server: TextServer, folder: Path
) -> None:
    composed(page)
    server.text, server.rate = gold(), 60
    send(page, "make it golden")
    expect(page.locator(STATE)).to_contain_text("composing")
    painted_blue(folder)  # in another tab
    server.rate = 4000
    expect(page.locator(STATE)).to_have_text("1 kept as you have it")
    expect(rows(page)).to_have_text(["apple: blue → gold, not done: you changed it yourself"])
    assert color(page) == "#0000ff"
    press_row(page, "take the model's")
    expect(rows(page)).to_have_text(["apple: blue → gold"])
    assert color(page) == "#ffd700"
    press_row(page, "undo")
    expect(page.locator(STATE)).to_have_text("Undone: apple: blue → gold")
    assert color(page) == "#0000ff"


def painted_blue(folder: Path) -> None:
    """The apple of the chat that was used last."""
    sessions = Sessions(folder / "sessions.sqlite")
    with sessions.connection() as db:
        (session,) = db.execute("SELECT id FROM session ORDER BY updated DESC LIMIT 1").fetchone()
    turn = sessions.turns(session)[1]
    sessions.change_turn(session, replace(turn, text=turn.text.replace("'red'", "'blue'")))


def test_a_locked_region_is_left_alone_by_every_reply_until_the_models_is_taken(page: Page, server: TextServer) -> None:
    composed(page)
    page.locator(".re-list .lock").first.click()
    expect(page.locator(".re-list .lock").first).to_have_attribute("aria-pressed", "true")
    server.text = gold()
    send(page, "make it golden")
    expect(page.locator(STATE)).to_have_text("1 kept as you have it")
    expect(page.locator("#state .sl")).to_have_attribute("data-level", "warn")
    expect(rows(page)).to_have_text(["apple: red → gold, not done: it is locked"])
    assert color(page) == "#ff0000"
    page.locator("#chat button[title=Retry]").last.click()
    expect(page.locator(PAGES)).to_have_text("2/2")
    assert color(page) == "#ff0000"
    press_row(page, "take the model's")
    expect(rows(page)).to_have_text(["apple: red → gold"])
    assert color(page) == "#ffd700"


def test_the_text_of_the_whole_picture_is_locked_in_its_form(page: Page, server: TextServer) -> None:
    composed(page)
    lock = page.locator(".re-form .lock")
    expect(lock).to_have_text("Lock these texts")
    lock.click()
    expect(lock).to_have_text("Locked: replies leave it alone")
    server.text = fenced(plan().replace("an apple and a tree in a meadow", "a desert"))
    send(page, "in a desert")
    expect(page.locator(STATE)).to_have_text("1 kept as you have it")
    expect(page.locator(".re-form [data-key=description]")).to_have_value("an apple and a tree in a meadow")
    reloaded(page)
    expect(lock).to_have_attribute("aria-pressed", "true")


def test_undo_and_redo_run_through_a_hand_edit_and_a_reply_and_across_a_reload(page: Page, server: TextServer) -> None:
    composed(page)
    page.locator(APPLE).click()
    drag(page, middle(page, ".re-box.selected"), (60, 60))
    moved = re.compile(r"^across (?!0–40)")
    expect(page.locator(STATUS)).to_have_text(moved)
    expect(page.locator(STATE)).to_have_text("2 regions, edited by hand")
    server.text = fenced(delete_region(plan(), 1))
    composed(page, "only the apple", regions=1, messages=4)
    reloaded(page)
    page.locator("h1").click()  # no text field has the focus
    page.keyboard.press("Control+z")
    expect(page.locator(STATE)).to_have_text("Undone: only the apple")
    expect(page.locator(NAMES)).to_have_text(["an apple", "a tree"])
    expect(page.locator("#chat .message")).to_have_count(2)
    page.locator(APPLE).click()
    expect(page.locator(STATUS)).to_have_text(moved)
    page.keyboard.press("Control+z")
    expect(page.locator(STATUS)).to_have_text("across 0–40, down 20–70")  # it is still selected
    expect(rows(page)).to_have_text([re.compile("^apple: moved")])
    page.keyboard.press("Control+Shift+Z")
    expect(page.locator(STATUS)).to_have_text(moved)
    reloaded(page)
    page.locator("[data-act=redo]").click()
    expect(page.locator(NAMES)).to_have_text(["an apple"])
    expect(page.locator("#chat .message")).to_have_count(4)
    expect(page.locator("[data-act=redo]")).to_be_disabled()


def test_in_a_text_field_the_keys_undo_what_was_typed_there(page: Page) -> None:
    composed(page)
    box = page.locator("#message textarea")
    box.press_sequentially("a pear")
    box.press("Control+z")
    expect(page.locator(NAMES)).to_have_text(["an apple", "a tree"])


def test_a_retried_reply_keeps_its_siblings(page: Page, server: TextServer) -> None:
    composed(page)
    expect(page.locator(PAGES)).to_have_count(0)
    server.text = fenced(plan().replace("an apple'", "a plum'"))
    page.locator("#chat button[title=Retry]").click()
    expect(page.locator(PAGES)).to_have_text("2/2")
    expect(page.locator(NAMES)).to_have_text(["a plum", "a tree"])
    page.get_by_label("The reply before").click()
    expect(page.locator(PAGES)).to_have_text("1/2")
    expect(page.locator(NAMES)).to_have_text(["an apple", "a tree"])
    expect(page.get_by_label("The reply before")).to_be_disabled()
    reloaded(page)
    page.get_by_label("The next reply").click()
    expect(page.locator(NAMES)).to_have_text(["a plum", "a tree"])


def test_a_cleared_chat_is_put_back(page: Page) -> None:
    composed(page)
    page.locator("#chat button[title=Clear]").click()
    expect(page.locator(".re-box")).to_have_count(0)
    expect(rows(page)).to_have_text(["Chat and plan were cleared."])
    reloaded(page)
    press_row(page, "put them back")
    expect(page.locator(".re-box")).to_have_count(2)
    expect(page.locator("#chat .message")).to_have_count(2)


def test_a_reply_that_changed_nothing_says_so_and_leads_to_the_boxes(page: Page) -> None:
    composed(page)
    composed(page, "swap the apple and the tree", messages=4)
    expect(page.locator("#state .sl")).to_have_attribute("data-level", "warn")
    expect(rows(page)).to_have_text(["Nothing changed: I did not understand “swap”."])
    press_row(page, "Edit by hand")
    expect(page.locator(".re-stage")).to_be_focused()
