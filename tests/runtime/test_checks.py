"""Honest loading: what is wrong with a file is said by name, with what was expected and found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from gguf import GGUFWriter
from safetensors.torch import save_file

from lib_omost.errors import BrokenWeightsError, MissingWeightsError, VersionError
from lib_omost.runtime import checks

TENSORS = {"a.weight": torch.ones(3, 4), "b.weight": torch.zeros(5)}


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    save_file(TENSORS, tmp_path / "model.safetensors", metadata={"format": "pt"})
    return tmp_path / "model.safetensors"


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    writer = GGUFWriter(tmp_path / "model.gguf", "llama")
    writer.add_array("tokenizer.ggml.tokens", ["a", "bc", "d"])
    writer.add_array("some.numbers", [1.0, 2.0])
    writer.add_tensor("a.weight", TENSORS["a.weight"].numpy())
    writer.add_tensor("b.weight", TENSORS["b.weight"].numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tmp_path / "model.gguf"


def cut(path: Path, size: int) -> Path:
    path.write_bytes(path.read_bytes()[:size])
    return path


def test_a_whole_file_passes_and_its_header_tells_the_shapes(whole: Path, gguf: Path) -> None:
    checks.check_file(whole)
    checks.check_file(gguf)
    assert checks.tensor_shapes(whole) == {"a.weight": (3, 4), "b.weight": (5,)}


def test_a_truncated_safetensors_file_is_named_with_both_sizes(whole: Path) -> None:
    size = whole.stat().st_size
    with pytest.raises(
        BrokenWeightsError, match=rf"model\.safetensors is truncated: {size:,} bytes expected, {size - 1:,} found"
    ):
        checks.check_file(cut(whole, size - 1))


@pytest.mark.parametrize("size", [1, 7, 9, 40])
def test_a_file_cut_within_its_header_is_refused(whole: Path, size: int) -> None:
    with pytest.raises(BrokenWeightsError, match=r"model\.safetensors"):
        checks.check_file(cut(whole, size))


def test_a_gguf_file_is_refused_wherever_it_is_cut(gguf: Path) -> None:
    data = gguf.read_bytes()
    needed = len(data) - 12  # writers pad behind the last tensor
    for size in range(4, needed, 7):
        gguf.write_bytes(data[:size])
        with pytest.raises(BrokenWeightsError, match=r"model\.gguf"):
            checks.check_file(gguf)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "is a web page"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 5135149760\n",
            "LFS pointer .* 5,135,149,760 bytes expected",
        ),
        (b"\xff" * 64, "not a safetensors file"),
        (b"\x02\0\0\0\0\0\0\0[]", "unreadable safetensors header"),
        (b"\x02\0\0\0\0\0\0\0{}more", "unreadable safetensors header"),
    ],
)
def test_what_is_no_weights_is_told_what_it_is(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(BrokenWeightsError, match=message):
        checks.check_file(path)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    (tmp_path / "model.ckpt").write_bytes(b"\x80\x02.")
    with pytest.raises(BrokenWeightsError, match="can run code"):
        checks.check_file(tmp_path / "model.ckpt")


def test_an_index_that_names_an_absent_file_is_refused(whole: Path) -> None:
    index = {"weight_map": {"a.weight": "model-00001-of-00002.safetensors"}}
    (whole.parent / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(MissingWeightsError, match="model-00001-of-00002"):
        checks.check_folder(whole.parent)


def test_one_flipped_byte_is_found_by_its_hash(whole: Path) -> None:
    expected = checks.sha256(whole)
    checks.check_hash(whole, expected)
    data = bytearray(whole.read_bytes())
    data[-1] ^= 1
    whole.write_bytes(data)
    with pytest.raises(BrokenWeightsError, match=rf"sha256 {expected[:12]}… expected"):
        checks.check_hash(whole, expected)


def test_tensors_missing_left_over_or_of_another_shape_are_named() -> None:
    with pytest.raises(
        BrokenWeightsError, match=r"1 missing \(b\).*1 left over \(c\).*1 of another shape \(a \(2,\) for \(3,\)\)"
    ):
        checks.fit("unet", {"a": (3,), "b": (1,)}, {"a": (2,), "c": (1,)})
    checks.fit("unet", {"a": (3,)}, {"a": (3,)})


def test_quantised_tensors_without_a_quantised_config_are_refused(tmp_path: Path) -> None:
    save_file({"q.weight": TENSORS["b.weight"], "q.weight.absmax": torch.ones(1)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BrokenWeightsError, match="would load as noise"):
        checks.quantisation(tmp_path)
    (tmp_path / "config.json").write_text('{"quantization_config": {"quant_method": "bitsandbytes"}}')
    assert checks.quantisation(tmp_path) == "bitsandbytes"


def test_a_candidate_of_a_release_is_older_than_the_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "candidate-5.0rc1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: candidate\nVersion: 5.0rc1\n")
    checks.need("candidate", "4.9.9", "a model")
    with pytest.raises(VersionError, match=r"needs candidate 5\.0 or newer, 5\.0rc1 is installed"):
        checks.need("candidate", "5.0", "a model")


def test_a_library_too_old_or_absent_is_said_in_one_line() -> None:
    checks.need("torch", "2.0", "a model")
    with pytest.raises(
        VersionError, match=r"a model needs torch 99\.0 or newer, \S+ is installed: pip install -U 'torch>=99\.0'"
    ):
        checks.need("torch", "99.0", "a model")
    with pytest.raises(VersionError, match="which is not installed"):
        checks.need("no-such-package", "1.0", "a model")
