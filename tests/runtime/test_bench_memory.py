"""bench/memory.py: the real configurations are the published ones, and the whole command runs on tiny ones."""

from __future__ import annotations

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, LlamaForCausalLM

from bench import _random_models as models
from bench import memory


def millions(model: torch.nn.Module) -> float:
    return round(sum(p.numel() for p in model.parameters()) / 1e6, 1)


def test_the_real_configurations_have_the_published_numbers_of_parameters() -> None:
    with torch.device("meta"):
        assert millions(UNet2DConditionModel.from_config(models.SDXL_UNET)) == 2567.5
        assert millions(AutoencoderKL.from_config(models.SDXL_VAE)) == 83.7
        assert millions(CLIPTextModel(CLIPTextConfig(**models.CLIP_L))) == 123.1
        assert millions(CLIPTextModelWithProjection(CLIPTextConfig(**models.CLIP_BIGG))) == 694.7
        assert millions(LlamaForCausalLM(models.LLAMA_3_8B)) == 8030.3


def test_the_random_language_model_is_quantised_to_four_bits() -> None:
    composer = models.random_composer(models.TINY_LLAMA, torch.device("cpu"))
    layers = [m for m in composer.model.modules() if isinstance(m, Linear4bit)]
    assert len(layers) == 14 and {m.weight.dtype for m in layers} == {torch.uint8}


@pytest.mark.slow
def test_the_command_measures_every_phase() -> None:
    result = memory.main(["--device", "cpu", "--tiny", "--tokens", "3", "--steps", "2"])
    keys = {f"{phase}_peak_mib" for phase in ("llm", "text", "unet", "vae", "second")} | {"tokens_per_s", "step_s"}
    assert all(float(result[key]) > 0 for key in keys)
    assert float(result["tiles_psnr_db"]) > 35 and "swap_s" in result
