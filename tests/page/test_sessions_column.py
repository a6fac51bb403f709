"""Sessions in a browser: list, rename, delete, export, import; whose they are; what a reload brings back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench._server import TextServer
from lib_omost.studio.turns import fenced
from tests.page.acts import Browser, Page, composed, expect, plan, rendered, send, toggle, visit

pytestmark = pytest.mark.ui


def sessions_of(page: Page) -> list[str]:
    return [str(text).split(" · ")[0] for text in page.locator("#sessions label").all_inner_texts()]


def test_a_session_is_renamed_left_and_opened_again(page: Page) -> None:
    composed(page, "first of all")
    toggle(page, "sessions-bar")
    expect(page.locator("#sessions label")).to_have_count(1)
    page.locator("#session-name textarea, #session-name input").fill("my still life")
    page.locator("#rename-session").click()
    expect(page.locator("#sessions label").first).to_contain_text("my still life")
    page.locator("#new-session").click()
    expect(page.locator(".re-box")).to_have_count(0)
    expect(page.locator("#sessions label")).to_have_count(2)
    page.locator("#new-session").click()  # one empty session is enough
    page.locator("#sessions label", has_text="my still life").click()
    expect(page.locator(".re-box")).to_have_count(2)
    expect(page.locator("#chat")).to_contain_text("first of all")
    assert sorted(sessions_of(page)) == ["New picture", "my still life"]


def test_a_session_goes_into_a_file_is_deleted_after_a_question_and_comes_back_from_the_file(
    page: Page, tmp_path: Path
) -> None:
    composed(page, "an apple to keep")
    page.locator("#render").click()
    rendered(page)
    toggle(page, "sessions-bar")
    expect(page.locator("#sessions label")).to_have_count(1)
    with page.expect_download() as download:
        page.locator("#export").click()
    assert download.value.suggested_filename == "omost-an-apple-to-keep.zip"
    file = tmp_path / "session.zip"
    download.value.save_as(file)
    page.locator("#delete-session").click()
    expect(page.locator("#delete-sure")).to_contain_text("its chat and its 1 picture will be gone for good")
    page.locator("#delete-not").click()
    expect(page.locator("#delete-sure")).to_be_hidden()
    page.locator("#delete-session").click()
    page.locator("#delete-really").click()
    expect(page.locator(".re-box")).to_have_count(0)
    expect(page.locator("#gallery img")).to_have_count(0)
    page.locator("#import input[type=file]").set_input_files(file)
    expect(page.locator(".re-box")).to_have_count(2)
    expect(page.locator("#gallery img")).to_have_count(1)
    expect(page.locator("#chat")).to_contain_text("an apple to keep")
    assert "an apple to keep" in sessions_of(page)


def test_a_file_that_is_no_session_is_refused_in_a_sentence(page: Page, tmp_path: Path) -> None:
    (tmp_path / "session.zip").write_bytes(b"nothing of the kind")
    toggle(page, "sessions-bar")
    page.locator("#import input[type=file]").set_input_files(tmp_path / "session.zip")
    expect(page.locator(".toast-body")).to_contain_text("Choose a .zip file that")


def test_what_is_seen_of_a_reply_is_there_after_a_reload_in_the_middle_of_it(page: Page, server: TextServer) -> None:
    server.rate = 20
    send(page, "an apple")
    expect(page.locator("#chat .message").nth(1)).to_contain_text("set_global_description(")
    page.reload()
    expect(page.locator("#chat .message").nth(1)).to_contain_text("set_global_description(")
    expect(page.locator("#message .submit-button")).to_be_visible()


def test_two_visitors_never_see_each_other(browser: Browser, url: str, server: TextServer) -> None:
    server.text = fenced(plan())
    with visit(browser, url) as ann, visit(browser, url) as bob:
        composed(ann, "the secret garden")
        bob.reload()
        expect(bob.locator("#message textarea")).to_be_enabled()
        expect(bob.locator(".re-box")).to_have_count(0)
        toggle(bob, "sessions-bar")
        expect(bob.locator("#sessions label")).to_have_count(1)
        assert "secret" not in bob.locator("body").inner_text()


def test_two_visitors_write_and_paint_at_once_and_each_gets_their_own(
    browser: Browser, url: str, server: TextServer
) -> None:
    server.text, server.rate = fenced(plan()), 400
    with visit(browser, url) as ann, visit(browser, url) as bob:
        send(ann, "the apple of ann")
        send(bob, "the tree of bob")
        for page, own, other in ((ann, "apple of ann", "tree of bob"), (bob, "tree of bob", "apple of ann")):
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
