"""bench/memory.py: the real configurations are the published ones, and the whole command runs on tiny ones."""

from __future__ import annotations

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, LlamaForCausalLM

from bench import memory
from bench.__main__ import main as run
from lib_omost.runtime import random_models as models
from lib_omost.runtime.machine import Machine


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
    assert float(result["tiles_psnr_db"]) > 45 and "swap_s" in result
    assert float(result["tiles_psnr_db"]) > float(result["diffusers_tiles_psnr_db"])
    assert str(result["reply_left"]).startswith("not judged")


@pytest.mark.parametrize(
    ("after", "left", "verdict"), [((1200, None), 200, "within"), ((1200, 2301), 301, "MORE THAN the 300 MiB")]
)
def test_what_a_reply_left_on_a_small_card_is_judged_by_the_larger_growth(
    after: tuple[int, int | None], left: int, verdict: str
) -> None:
    result = memory.left_by_the_reply((1000, 2000), after, Machine("meta", 8))
    assert result["reply_left_mib"] == left and str(result["reply_left"]).startswith(verdict)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_here_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["memory", "--device", "cuda", "--vram", "8"]) == 1
    assert capsys.readouterr().err.startswith("Device 'cuda' is not to be had")
