"""The model hub: the right files of one revision, complete or not at all, and one sentence when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants as hub_constants
import numpy as np
import pytest
from safetensors.numpy import save

from lib_omost.errors import BrokenWeightsError, MissingWeightsError
from lib_omost.runtime import catalog, pins
from lib_omost.runtime import hub as client
from tests.runtime.hub_server import Hub

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
    assert [f for f in client.wanted_files("sdxl", REPOSITORY) if f.endswith((".safetensors", ".bin"))] == [
        "text_encoder/model.fp16.safetensors",
        "text_encoder_2/model.safetensors",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    ]
    assert {"model_index.json", "tokenizer/merges.txt", "unet/config.json"} <= set(
        client.wanted_files("sdxl", REPOSITORY)
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
    assert sorted(client.wanted_files("llm", files)) == files[:-1]
    assert client.wanted_files("llm", ["config.json", "pytorch_model.bin"]) == []


def test_a_folder_with_a_shard_missing_is_not_complete(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert not client.is_complete(tmp_path, "llm")
    (tmp_path / "model-1.safetensors").write_bytes(b"")
    assert not client.is_complete(tmp_path, "llm")  # nor is one without a tokenizer
    (tmp_path / "tokenizer.json").write_text("{}")
    assert client.is_complete(tmp_path, "llm")
    index = '{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}'
    (tmp_path / "model.safetensors.index.json").write_text(index)
    assert not client.is_complete(tmp_path, "llm")


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
    first = client.hub_folder("someone/model", "llm", None)
    assert first.name == A == pins.pinned("someone/model", cache)
    assert sorted(path.name for path in first.iterdir()) == ["config.json", "model.safetensors", "tokenizer.json"]
    hub.main = B
    hub.asked.clear()
    assert client.hub_folder("someone/model", "llm", None) == first
    assert hub.asked == []  # what is here is used without a network


def test_a_pinned_model_that_was_deleted_comes_back_as_it_was(hub: Hub, cache: Path) -> None:
    client.hub_folder("someone/model", "llm", None)
    hub.main = B
    (cache.parent / "hub").rename(cache.parent / "gone")
    assert weights(client.hub_folder("someone/model", "llm", None)) == hub.commits[A]["model.safetensors"]


def test_a_revision_can_be_named(hub: Hub, cache: Path) -> None:
    entry = catalog.llm(f"someone/model@{B}")
    assert entry.source == "someone/model" and not catalog.is_here(entry)
    assert catalog.locate(entry).name == B and catalog.is_here(entry)


def test_a_revision_of_which_the_beginning_is_known_is_found_and_kept(hub: Hub, cache: Path) -> None:
    assert client.hub_folder("someone/model", "llm", B[:7]).name == B  # not the newest
    hub.commits["c" * 40] = commit(3)
    hub.main = "c" * 40
    hub.asked.clear()
    assert client.hub_folder("someone/model", "llm", B[:7]).name == B
    assert catalog.is_here(catalog.llm(f"someone/model@{B[:7]}")) and hub.asked == []


def test_a_revision_that_the_hub_has_no_more_is_told_with_the_way_to_accept_the_newest(hub: Hub, cache: Path) -> None:
    message = rf"no revision any more that begins with 1234567.* name it: someone/model@{A}"
    with pytest.raises(MissingWeightsError, match=message):
        client.hub_folder("someone/model", "llm", "1234567")
    hub.commits[B[:20] + "0" * 20] = commit(3)
    with pytest.raises(MissingWeightsError, match="has 2 revisions that begin with bbbbbbb"):
        client.hub_folder("someone/model", "llm", B[:7])


def test_a_file_that_is_known_by_its_own_hash_is_compared_with_it_whatever_the_hub_tells(
    hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(client.SUMS, A[:7], {"model.safetensors": "d" * 64})
    with pytest.raises(BrokenWeightsError, match="dddddddddddd… expected"):
        client.hub_folder("someone/model", "llm", A[:7])


def test_a_model_of_the_hubs_cache_is_pinned_when_it_is_first_used(hub: Hub, cache: Path) -> None:
    from huggingface_hub import snapshot_download

    snapshot_download("someone/model")  # by another program
    hub.main = B
    hub.asked.clear()
    assert client.hub_folder("someone/model", "llm", None).name == A == pins.pinned("someone/model", cache)
    assert hub.asked == []


def test_a_download_that_breaks_off_goes_on_where_it_stopped(hub: Hub, capfd: pytest.CaptureFixture[str]) -> None:
    hub.cut = "model.safetensors"
    folder = client.hub_folder("someone/model", "llm", None)
    assert weights(folder) == hub.commits[A]["model.safetensors"]
    ranges = [span for method, path, span in hub.asked if method == "GET" and path.endswith("model.safetensors")]
    assert ranges[0] == "" and ranges[1].startswith("bytes=") and ranges[1] != "bytes=0-"
    assert "Fetching 3 files" in capfd.readouterr().err  # the bar


def test_a_file_that_is_not_what_the_hub_announced_is_refused_and_fetched_again(hub: Hub, cache: Path) -> None:
    hub.with_line["model.safetensors"] = "c" * 64
    with pytest.raises(BrokenWeightsError, match=r"model\.safetensors is not the file .* cccccccccccc… expected"):
        client.hub_folder("someone/model", "llm", None)
    assert pins.pinned("someone/model", cache) is None
    assert client.local_hub_folder("someone/model", "llm", A) is None


def test_a_file_altered_in_the_hubs_cache_is_found_by_its_name_there(hub: Hub, cache: Path) -> None:
    from huggingface_hub import snapshot_download

    file = Path(snapshot_download("someone/model")) / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.resolve().write_bytes(data)
    with pytest.raises(BrokenWeightsError, match="It has been removed; start again"):
        client.hub_folder("someone/model", "llm", None)
    assert weights(client.hub_folder("someone/model", "llm", None)) == hub.commits[A]["model.safetensors"]


def test_without_a_network_another_revision_that_is_here_is_named(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    client.hub_folder("someone/model", "llm", A)
    monkeypatch.setattr(hub_constants, "HF_HUB_OFFLINE", True)
    hub.asked.clear()
    with pytest.raises(MissingWeightsError, match=rf"Only its revision {A} is here; someone/model@{A} names it"):
        client.hub_folder("someone/model", "llm", B)
    assert hub.asked == []


def test_a_record_of_revisions_that_cannot_be_read_is_told_and_made_anew(
    cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache.mkdir(parents=True)
    (cache / pins.FILE).write_text("{")
    assert pins.pinned("someone/model", cache) is None and "cannot be read" in caplog.text
    pins.pin("someone/model", A, cache)
    assert pins.pinned("someone/model", cache) == A
