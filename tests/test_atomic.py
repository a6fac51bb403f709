"""A file or a folder is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib_omost import atomic


def test_a_file_is_written_with_its_folder_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "outputs" / "models.json"
    atomic.write_text(path, "old")
    atomic.write_text(path, "ö")
    assert path.read_bytes() == "ö".encode()
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "models.json"
    folder.mkdir()
    with pytest.raises(OSError, match=r"models\.json"):
        atomic.write_bytes(folder, b"new")  # a file cannot take a folder's place
    assert list(tmp_path.iterdir()) == [folder]


def test_others_may_read_a_file_as_they_may_read_any_other(tmp_path: Path) -> None:
    atomic.write_text(tmp_path / "a", "")
    (tmp_path / "b").write_text("")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_folder_appears_when_it_is_full(tmp_path: Path) -> None:
    with atomic.new_folder(tmp_path / "model") as made:
        (made / "config.json").write_text("{}")
        assert not (tmp_path / "model").exists()
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["config.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), atomic.new_folder(tmp_path / "model") as made:
        (made / "config.json").write_text("{}")
        1 / 0  # noqa: B018
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_another_process_made_meanwhile_stays(tmp_path: Path) -> None:
    with atomic.new_folder(tmp_path / "model") as made:
        (made / "slower").write_text("")
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "faster").write_text("")
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["faster"]
