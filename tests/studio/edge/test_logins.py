"""Logins that end, alone and in a running page."""

from __future__ import annotations

from pathlib import Path

import httpx

from gradio_app import build, launch
from lib_omost.runtime import Engine
from lib_omost.studio.edge.logins import Logins
from lib_omost.studio.edge.users import Users


def test_a_login_ends_with_its_user_and_with_the_password_that_it_was_made_with() -> None:
    tokens, marks = {"a": "ann", "b": "bob"}, {"ann": "1", "bob": "2"}
    logins = Logins(tokens, lambda user: marks.get(user, ""))
    assert [logins.user(token) for token in ("a", "b", "c")] == ["ann", "bob", ""]
    marks["ann"] = "3"
    del marks["bob"]
    assert [logins.user(token) for token in ("a", "b")] == ["", ""] and tokens == {}
    tokens["a"] = "ann"  # a new login
    assert logins.user("a") == "ann"


def test_a_user_who_is_removed_is_logged_out_at_once_and_others_are_not(tmp_path: Path) -> None:
    users = Users(tmp_path / "users.json")
    for name in ("ann", "bob"):
        users.add(name, "correct horse")
    demo = build(Engine("default", "default"), tmp_path / "outputs", local=False)
    _, url, _ = launch(
        demo, tmp_path / "outputs", "127.0.0.1", None, users.check, users=users, prevent_thread_lock=True, quiet=True
    )
    with httpx.Client(base_url=url) as ann, httpx.Client(base_url=url) as bob:
        for name, browser in (("ann", ann), ("bob", bob)):
            login = {"username": name, "password": "correct horse"}
            assert browser.post("/login", data=login, timeout=30).status_code == 200
            assert browser.get("/config").status_code == 200
        users.remove("ann")
        assert (ann.get("/config").status_code, bob.get("/config").status_code) == (401, 200)
        users.add("bob", "battery staple")
        assert bob.get("/config").status_code == 401
    demo.close()
