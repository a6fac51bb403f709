"""Sessions in a browser: list, rename, delete, export, import; whose they are; what a reload brings back."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bench._server import TextServer
from lib_omost.runtime import Engine
from lib_omost.studio.conversation import fenced
from lib_omost.studio.store.archive import export_session
from lib_omost.studio.store.sessions import Sessions, Turn
from tests.browser.acts import (
    Browser,
    BrowserContext,
    Page,
    answered,
    arrive,
    composed,
    delayed,
    drop,
    expect,
    made_here,
    plan,
    rendered,
    send,
    served,
    toggle,
    until,
    watched,
)

pytestmark = pytest.mark.ui


def sessions_of(page: Page) -> list[str]:
    return [str(text) for text in page.locator("#sessions .ss-name").all_inner_texts()]


def more(page: Page, session: str, label: str) -> None:
    """Presses something behind the "…" of a session."""
    page.locator("#sessions .ss-one", has_text=session).get_by_label(f"More for {session}").click()
    page.locator("#sessions .ss-menu").get_by_role("button", name=label, exact=True).click()


def named(page: Page) -> str:
    """The session that the address names."""
    return (parse_qs(urlsplit(page.url).query).get("session") or [""])[0]


def latest(store: Sessions) -> dict[str, Any]:
    """The settings of the session that was used last, whoever's it is."""
    with sqlite3.connect(store.path) as db:
        (session,) = db.execute("SELECT id FROM session ORDER BY updated DESC LIMIT 1").fetchone()
    return store.settings(session)


def test_a_session_is_named_from_its_plan_renamed_left_found_and_opened_again(page: Page) -> None:
    composed(page, "first of all")
    toggle(page, "sessions-bar")
    expect(page.locator("#sessions .ss-name")).to_have_text(["apple and tree"])
    expect(page.locator("#sessions .ss-face svg rect")).to_have_count(3)
    expect(page.locator("#sessions .ss-day")).to_have_text(["Today"])
    more(page, "apple and tree", "Rename")
    page.keyboard.type("my still life")
    page.keyboard.press("Enter")
    expect(page.locator("#sessions .ss-name")).to_have_text(["my still life"])
    page.locator("#new-session").click()
    expect(page.locator(".re-box")).to_have_count(0)
    expect(page.locator("#sessions .ss-name")).to_have_count(2)
    page.locator("#new-session").click()  # one empty session is enough
    page.get_by_label("Search your sessions").fill("nothing of the kind")
    expect(page.locator("#sessions .ss-none")).to_be_visible()
    page.get_by_label("Search your sessions").fill("of all")  # words of its first message
    expect(page.locator("#sessions .ss-name")).to_have_text(["my still life"])
    page.locator("#sessions .ss-open").click()
    expect(page.locator(".re-box")).to_have_count(2)
    expect(page.locator("#chat")).to_contain_text("first of all")
    page.get_by_label("Search your sessions").fill("")
    expect(page.locator("#sessions .ss-name")).to_have_count(2)
    assert sorted(sessions_of(page)) == ["New picture", "my still life"]


def test_of_two_sessions_opened_in_one_breath_the_second_is_shown_whatever_answer_is_late(page: Page) -> None:
    composed(page, "first of all")
    answered(page, lambda: toggle(page, "sessions-bar"))
    page.locator("#new-session").click()
    expect(page.locator(".re-box")).to_have_count(0)
    expect(page.locator("#sessions .ss-name")).to_have_count(2)
    shown = watched(page, "#editor", "document.querySelectorAll('.re-box').length")
    delayed(page, 1500)
    page.locator("#new-session").click()
    delayed(page, 0)
    page.locator("#sessions .ss-open", has_text="apple and tree").click()
    expect(page.locator(".re-box")).to_have_count(2)
    page.wait_for_timeout(2000)  # more than the answer was held up
    assert shown()[-1] == 2
    expect(page.locator("#chat")).to_contain_text("first of all")


def test_the_address_names_the_open_session_so_that_reload_back_forward_and_links_open_it(page: Page, url: str) -> None:
    composed(page, "an apple to find again")
    first = named(page)
    toggle(page, "sessions-bar")
    answered(page, lambda: page.locator("#new-session").click())
    expect(page.locator("#chat .message")).to_have_count(0)
    until(page, lambda: named(page) != first)
    second = named(page)
    page.reload()  # of the empty one, though the other was changed last
    expect(page.locator("#message textarea")).to_be_enabled()
    expect(page.locator("#chat .message")).to_have_count(0)
    assert named(page) == second
    page.go_back()
    expect(page.locator("#chat")).to_contain_text("an apple to find again")
    assert named(page) == first
    page.go_forward()
    expect(page.locator("#chat .message")).to_have_count(0)
    assert named(page) == second
    other = page.context.new_page()
    other.goto(f"{url}?session={first}")
    expect(other.locator(".re-box")).to_have_count(2)


def test_an_address_of_somebody_else_s_session_opens_nothing_and_says_so(
    page: Page, neighbour: BrowserContext, url: str
) -> None:
    composed(page, "the secret apple of ann")
    theirs = named(page)
    with arrive(neighbour, url) as bob:
        own = named(bob)
        bob.goto(f"{url}?session={theirs}")
        expect(bob.locator("#state .sl-text")).to_contain_text("belongs to somebody else")
        expect(bob.locator("#chat .message")).to_have_count(0)
        expect(bob.locator(".re-box")).to_have_count(0)
        assert named(bob) == own and "secret" not in bob.locator("body").inner_text()


def test_a_second_tab_is_told_and_shows_at_once_what_changed_in_the_first(page: Page) -> None:
    composed(page)
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(".re-box")).to_have_count(2)
    page.bring_to_front()
    page.locator(".re-box").first.click()
    page.locator(".re-stage").press("Delete")
    expect(page.locator(".re-box")).to_have_count(1)
    other.bring_to_front()
    expect(other.locator(".re-box")).to_have_count(1)
    expect(other.locator("#state .sl-text")).to_contain_text("changed in another tab")
    send(other, "and more")
    expect(other.locator("#chat .message")).to_have_count(4)
    expect(other.locator("#state .sl-text")).not_to_contain_text("another tab")
    page.bring_to_front()
    expect(page.locator("#chat .message")).to_have_count(4)


def test_nothing_of_a_render_is_told_in_another_session(page: Page) -> None:
    composed(page)
    page.locator("#render").click()
    rendered(page)
    toggle(page, "sessions-bar")
    page.locator("#new-session").click()
    expect(page.locator("#gallery img")).to_have_count(0)
    expect(page.locator("#progress .pg-text")).to_have_text("")


def test_a_session_goes_into_a_file_is_deleted_after_a_question_and_comes_back_from_the_file(
    page: Page, tmp_path: Path
) -> None:
    composed(page, "an apple to keep")
    drop(page, "#chat", made_here(tmp_path / "one.png"))
    expect(page.locator("#gallery img")).to_have_count(1)
    toggle(page, "sessions-bar")
    expect(page.locator("#sessions .ss-face img")).to_have_count(1)
    with page.expect_download() as download:
        more(page, "apple and tree", "Export")
    assert download.value.suggested_filename == "omost-an-apple-to-keep.zip"
    file = tmp_path / "session.zip"
    download.value.save_as(file)
    more(page, "apple and tree", "Delete…")
    expect(page.locator(".ss-menu")).to_contain_text("its chat and its 1 picture will be gone for good")
    page.locator(".ss-menu").get_by_text("Keep it").click()
    expect(page.locator(".ss-menu")).to_have_count(0)
    more(page, "apple and tree", "Delete…")
    page.locator(".ss-menu .ss-gone").click()
    expect(page.locator(".re-box")).to_have_count(0)
    expect(page.locator("#gallery img")).to_have_count(0)
    page.locator("#import input[type=file]").set_input_files(file)
    expect(page.locator(".re-box")).to_have_count(2)
    expect(page.locator("#gallery img")).to_have_count(1)
    expect(page.locator("#chat")).to_contain_text("an apple to keep")
    assert "apple and tree" in sessions_of(page)


def test_a_file_that_is_no_session_is_refused_in_a_sentence(page: Page, tmp_path: Path) -> None:
    (tmp_path / "session.zip").write_bytes(b"nothing of the kind")
    toggle(page, "sessions-bar")
    page.locator("#import input[type=file]").set_input_files(tmp_path / "session.zip")
    expect(page.locator(".toast-body")).to_contain_text("Choose a .zip file that")


def test_a_session_file_dropped_anywhere_on_the_page_is_imported(page: Page, tmp_path: Path) -> None:
    store = Sessions(tmp_path / "elsewhere.sqlite")
    session = store.create("someone")
    store.set_turns(session, (Turn("user", "an apple from elsewhere"), Turn("assistant", fenced(plan()))))
    drop(page, "#chat", export_session(store, session, tmp_path))
    expect(page.locator("#chat")).to_contain_text("an apple from elsewhere")
    expect(page.locator(".re-box")).to_have_count(2)


def test_what_is_seen_of_a_reply_is_there_for_the_next_tab_even_if_this_one_is_closed_in_the_middle(
    page: Page, url: str, server: TextServer
) -> None:
    server.rate = 20
    send(page, "an apple")
    expect(page.locator("#chat .message").nth(1)).to_contain_text("set_global_description(")
    other = page.context.new_page()
    page.close()
    other.goto(url)
    expect(other.locator("#chat .message").nth(1)).to_contain_text("set_global_description(")
    expect(other.locator("#state .sl-text")).to_have_text("2 regions", timeout=60_000)  # it was written on meanwhile


def test_a_reload_brings_back_chat_plan_figures_and_settings(page: Page, folder: Path) -> None:
    composed(page, "an apple to come back to")
    figures = page.locator("#state .sl-figures").inner_text()
    assert "context" in figures
    toggle(page, "settings-bar")
    page.locator("#steps input[type=number]").fill("7")
    toggle(page, "settings-bar")
    page.locator("#style input").click()
    page.get_by_role("option", name="watercolour").click()
    page.locator("#seed input").fill("4711")
    page.locator("#seed input").blur()
    expect(page.locator("#seed input")).to_have_value("4711")
    store = Sessions(folder / "sessions.sqlite")
    until(page, lambda: {"seed": 4711, "steps": 7, "style": "watercolour"}.items() <= latest(store).items())
    page.reload()
    expect(page.locator("#chat")).to_contain_text("an apple to come back to")
    expect(page.locator(".re-box")).to_have_count(2)
    expect(page.locator("#state .sl-figures")).to_have_text(figures)
    expect(page.locator("#steps input[type=number]")).to_have_value("7")
    expect(page.locator("#style input")).to_have_value("watercolour")
    expect(page.locator("#seed input")).to_have_value("4711")


def test_a_server_that_starts_anew_finds_the_open_tab_again_with_all_it_showed(
    browser: Browser, engine: Engine, server: TextServer, tmp_path: Path
) -> None:
    server.text, server.rate = fenced(plan()), 4000
    with browser.new_context() as context:
        with served(engine, tmp_path) as url:
            page = context.new_page()
            page.goto(url)
            expect(page.locator("#message textarea")).to_be_enabled()
            composed(page, "before the restart")
            page.locator("#message textarea").fill("not sent yet")
        with served(engine, tmp_path, int(url.rstrip("/").rpartition(":")[2])):
            with page.expect_navigation(timeout=60_000):
                pass
            expect(page.locator("#chat")).to_contain_text("before the restart")
            expect(page.locator(".re-box")).to_have_count(2)
            expect(page.locator("#message textarea")).to_have_value("not sent yet")
            composed(page, "after it", messages=4)


def test_two_visitors_write_and_paint_at_once_and_each_gets_and_sees_only_their_own(
    page: Page, neighbour: BrowserContext, url: str
) -> None:
    ann = page
    with arrive(neighbour, url) as bob:
        send(ann, "the apple of ann")
        send(bob, "the tree of bob")
        both = ((ann, "apple of ann", "tree of bob"), (bob, "tree of bob", "apple of ann"))
        for page, own, other in both:
            expect(page.locator("#state .sl-text")).to_have_text("2 regions")
            expect(page.locator("#chat .message")).to_have_count(2)
            expect(page.locator("#chat")).to_contain_text(own)
            expect(page.locator("#chat")).not_to_contain_text(other)
        ann.locator("#render").click()
        bob.locator("#render").click()
        for page in (ann, bob):
            rendered(page)
            expect(page.locator("#gallery img")).to_have_count(1)
        pictures = [page.locator("#gallery img").get_attribute("src") for page in (ann, bob)]
        assert pictures[0] != pictures[1]
        assert all(re.search(r"-[0-9a-f]{32}\.png", str(name)) for name in pictures)
        bob.reload()
        expect(bob.locator("#chat")).to_contain_text("tree of bob")
        expect(bob.locator("#gallery img")).to_have_count(1)
        toggle(bob, "sessions-bar")
        expect(bob.locator("#sessions .ss-one")).to_have_count(1)
        assert "apple of ann" not in bob.locator("body").inner_text()
