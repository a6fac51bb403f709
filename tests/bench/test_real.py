"""bench/real.py and bench/host.py: published names and sizes, loaded by the application; real sizes by `-m disk`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from bench import _real_files as files
from bench import host, real
from bench._limit import memory_group, run_limited
from lib_omost.runtime import checks
from lib_omost.runtime.catalog import llm
from lib_omost.runtime.load_llm import load_composer
from lib_omost.runtime.random_models import LLAMA_3_8B, TINY_LLAMA


def test_sdxl_in_one_file_has_the_published_number_of_tensors_and_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: dict[str, torch.Tensor] = {}
    monkeypatch.setattr(files, "write_file", lambda path, tensors, fill: written.update(tensors))
    files.write_image_file(tmp_path / "x.safetensors", files.image_model(tiny=False))
    assert len(written) == 2515
    assert sum(tensor.nbytes for tensor in written.values()) == pytest.approx(6_937_700_000, rel=1e-4)


def test_llama_in_nested_4_bits_has_the_published_size_and_two_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: dict[str, int] = {}
    count = lambda path, tensors, fill: sizes.update({path.name: sum(t.nbytes for t in tensors.values())})  # noqa: E731
    monkeypatch.setattr(files, "write_file", count)
    files.write_llm(tmp_path, LLAMA_3_8B)
    assert list(sizes) == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    assert sum(sizes.values()) == pytest.approx(5_702_577_984, rel=1e-4)


def test_what_is_written_as_nested_4_bits_is_unpacked_to_weights_of_the_models_size(tmp_path: Path) -> None:
    files.write_llm(tmp_path, TINY_LLAMA, 200_000)
    assert checks.quantisation(tmp_path) == "bitsandbytes"
    model = load_composer(llm(str(tmp_path)), torch.device("cpu"), None).model
    weight = model.model.layers[0].mlp.up_proj.weight
    assert weight.quant_state.nested and weight.quant_state.shape == (256, 128)
    from bitsandbytes.functional import dequantize_4bit

    unpacked = dequantize_4bit(weight.data, weight.quant_state).float()
    assert unpacked.isfinite().all() and 0.01 < float(unpacked.std()) < 0.1
    assert isinstance(model, LlamaForCausalLM)


@pytest.mark.parametrize("part", real.PARTS)
@pytest.mark.slow
def test_each_part_is_loaded_by_the_application_with_nothing_left_over(part: str) -> None:
    numbers = real.main(["--part", part, "--tiny"])
    assert numbers["leftovers"] == 0 and int(numbers["bytes"]) > 0
    assert min(float(numbers[key]) for key in ("load_s", "peak_resident_mib", "resting_mib")) > 0
    assert numbers.get("lora_modules") in (None, 216, 257)


@pytest.mark.slow
def test_a_plan_a_picture_and_another_plan_are_made_in_one_process() -> None:
    numbers = host.main(["--tiny"])
    assert {"1_plan_s", "2_picture_s", "3_plan_s"} <= numbers.keys()
    assert float(numbers["peak_resident_mib"]) > 0 and numbers["swapped_mib"] == 0


@pytest.mark.disk
def test_plan_picture_and_plan_of_real_size_keep_within_12_gib(tmp_path: Path) -> None:
    numbers = host.main(["--folder", str(tmp_path)])
    assert float(numbers["peak_own_mib"]) < 12 * 1024
    assert float(numbers["resting_mib"]) < 1500  # 12.6 GB of weights


def test_a_command_that_takes_more_than_it_may_is_ended_and_says_so() -> None:
    with memory_group(64) as group:
        if group is None:
            pytest.skip("no control groups of our own here")
    with pytest.raises(RuntimeError, match="took more than the 64 MiB"):
        run_limited("bench._real_run", {"llm": ""}, 64, {})  # torch alone is larger


def test_the_lora_of_each_form_has_alphas_and_two_matrices_for_each_module(tmp_path: Path) -> None:
    model = files.image_model(tiny=True)
    for form in ("diffusers", "sgm"):
        modules = files.write_lora(tmp_path / f"{form}.safetensors", model, form)
        names = checks.tensor_shapes(tmp_path / f"{form}.safetensors")
        assert len(names) == 3 * modules
    assert any(name.startswith("lora_te2_text_model_encoder_layers_0") for name in names)
    assert "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q.alpha" in names
