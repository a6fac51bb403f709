"""What a folder that was made here holds."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lib_omost.runtime import manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "weights").write_bytes(bytes(1000))
    (tmp_path / "tokenizer" / "words").write_text("a b c")
    manifest.write(tmp_path)
    return tmp_path


def test_a_folder_is_intact_as_long_as_nothing_changes(folder: Path) -> None:
    assert manifest.intact(folder)
    os.utime(folder / "weights")  # copied or touched: hashed, and found to be the same
    assert manifest.intact(folder)


def test_a_file_that_is_cut_changed_or_gone_is_found(folder: Path) -> None:
    weights = folder / "weights"
    for content in (bytes(999), bytes(999) + b"x", bytes(1001)):
        weights.write_bytes(content)
        assert not manifest.intact(folder)
    weights.write_bytes(bytes(1000))
    assert manifest.intact(folder)
    (folder / "tokenizer" / "words").unlink()
    assert not manifest.intact(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"weights": 3}', '{"weights": {"bytes": 1000}}'])
def test_a_damaged_manifest_is_a_damaged_folder(folder: Path, text: str) -> None:
    (folder / manifest.FILE).write_text(text)
    assert not manifest.intact(folder)


def test_an_error_of_the_disk_itself_is_found_within_a_day(folder: Path) -> None:
    before = (folder / "weights").stat()
    (folder / "weights").write_bytes(bytes(999) + b"x")
    os.utime(folder / "weights", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert manifest.intact(folder)
    os.utime(folder / manifest.FILE, (time.time() - 2 * manifest.HASHED_AGAIN_S,) * 2)
    assert not manifest.intact(folder)
