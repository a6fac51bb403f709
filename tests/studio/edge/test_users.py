"""The file of users, and the one login of --auth."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from lib_omost.errors import SettingsError, StorageError
from lib_omost.studio.edge.users import Users, one_login


@pytest.fixture
def users(tmp_path: Path) -> Users:
    users = Users(tmp_path / "users.json")
    users.add("ann", "correct horse")
    return users


def right(users: Users, name: str, password: str) -> bool:
    return asyncio.run(users.check(name, password))


def test_a_user_has_one_password_and_nobody_else_has_one(users: Users) -> None:
    assert right(users, "ann", "correct horse")
    assert not right(users, "ann", "Correct horse")
    assert not right(users, "bob", "correct horse")
    assert not right(users, "ann", "")


def test_the_file_holds_no_password_and_is_its_owner_s_alone(users: Users) -> None:
    users.add("bob", "correct horse")
    text = users.file.read_text()
    assert "correct" not in text
    assert users.file.stat().st_mode & 0o077 == 0
    ann, bob = json.loads(text)["users"].values()
    assert ann["hash"] != bob["hash"]


def test_another_password_takes_the_place_of_the_first_and_a_removed_user_has_none(users: Users) -> None:
    users.add("ann", "battery staple", operator=True)
    assert not right(users, "ann", "correct horse") and right(users, "ann", "battery staple")
    assert users.operator("ann") and not users.operator("bob")
    users.remove("ann")
    assert users.names() == [] and not right(users, "ann", "battery staple")
    with pytest.raises(SettingsError, match="There is no user 'ann'; there are: none"):
        users.remove("ann")


def test_the_mark_of_a_user_goes_with_the_user_and_changes_with_the_password(users: Users) -> None:
    users.add("bob", "correct horse")
    first = users.mark("ann")
    assert first and users.mark("ann") == first and users.mark("eve") == ""
    users.add("ann", "battery staple")
    assert users.mark("ann") not in ("", first)
    bob = users.mark("bob")
    users.remove("ann")
    assert users.mark("ann") == "" and users.mark("bob") == bob
    users.file.unlink()
    assert users.mark("bob") == ""


@pytest.mark.parametrize(("length", "taken"), [(7, False), (8, True), (1000, True), (1001, False)])
def test_a_password_has_8_to_1000_characters(users: Users, length: int, taken: bool) -> None:
    if taken:
        users.add("bob", "x" * length)
        assert right(users, "bob", "x" * length) and not right(users, "bob", "x" * length + "y")
    else:
        with pytest.raises(SettingsError, match=f"this one has {length}"):
            users.add("bob", "x" * length)


@pytest.mark.parametrize("name", ["", " ann", "a\nb", "x" * 61])
def test_a_name_is_one_short_line(users: Users, name: str) -> None:
    with pytest.raises(SettingsError, match="is no name for a user"):
        users.add(name, "correct horse")


def test_a_file_that_is_none_is_told_and_lets_nobody_in(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="`omost users add NAME` makes it"):
        Users(tmp_path / "none.json").names()
    (tmp_path / "odd.json").write_text("[]")
    odd = Users(tmp_path / "odd.json")
    with pytest.raises(StorageError, match="cannot be read as a file of users"):
        odd.names()
    assert not right(odd, "ann", "correct horse") and not odd.operator("ann")
    with pytest.raises(StorageError):
        odd.add("ann", "correct horse")


def test_the_one_login_comes_from_the_option_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMOST_AUTH", raising=False)
    assert one_login(None) is None
    assert one_login("ann:a:b") == ("ann", "a:b")
    (tmp_path / "login").write_text("bob:secret\n")
    assert one_login(f"@{tmp_path / 'login'}") == ("bob", "secret")
    monkeypatch.setenv("OMOST_AUTH", "eve:pass")
    assert one_login(None) == ("eve", "pass")
    for wrong in ("ann", "ann:", ":x", "@", f"@{tmp_path / 'none'}"):
        with pytest.raises(SettingsError):
            one_login(wrong)
