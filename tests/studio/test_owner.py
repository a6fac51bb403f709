"""Under whose name sessions are kept."""

from __future__ import annotations

import gradio as gr

from lib_omost.studio.owner import COOKIE, owner_of


def test_a_login_counts_more_than_the_cookie() -> None:
    assert owner_of(gr.Request(username="ann", session_hash="x", cookies={COOKIE: "a" * 32})) == "user:ann"


def test_a_cookie_counts_more_than_the_page_load() -> None:
    assert owner_of(gr.Request(session_hash="x", cookies={COOKIE: "a" * 32})) == f"visitor:{'a' * 32}"


def test_without_a_cookie_of_ours_a_page_load_is_on_its_own() -> None:
    assert owner_of(gr.Request(session_hash="x", cookies={})) == "tab:x"
    assert owner_of(gr.Request(session_hash="x", cookies={COOKIE: "ä" * 32})) == "tab:x"
