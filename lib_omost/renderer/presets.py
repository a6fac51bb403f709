"""Few-step checkpoints: scheduler, steps and guidance that belong together. Fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lib_omost.renderer.settings import RenderSettings

# DDIM's own defaults clip latents to -1..1 and end at a noise level that SDXL was not trained for.
_DDIM = {"timestep_spacing": "trailing", "clip_sample": False, "set_alpha_to_one": False}


@dataclass(frozen=True, slots=True)
class Preset:
    """`scheduler`: a class of diffusers; `options`: what differs from the model's own noise schedule; `lora`: where it
    is published.

    Guidance of 1 and below means that no negative prompt is heard.
    """

    scheduler: str
    options: Mapping[str, Any]
    steps: int
    guidance: float
    lora: str


# As their authors' model cards say. Hyper-SD with CFG keeps the negative prompt; the others give it up for speed.
PRESETS: dict[str, Preset] = {
    "lightning-4": Preset(
        *("EulerDiscreteScheduler", {"timestep_spacing": "trailing"}, 4, 0.0),
        lora="ByteDance/SDXL-Lightning/sdxl_lightning_4step_lora.safetensors",
    ),
    "lightning-8": Preset(
        *("EulerDiscreteScheduler", {"timestep_spacing": "trailing"}, 8, 0.0),
        lora="ByteDance/SDXL-Lightning/sdxl_lightning_8step_lora.safetensors",
    ),
    "hyper-8-cfg": Preset(
        *("DDIMScheduler", _DDIM, 8, 5.0), lora="ByteDance/Hyper-SD/Hyper-SDXL-8steps-CFG-lora.safetensors"
    ),
    "hyper-12-cfg": Preset(
        *("DDIMScheduler", _DDIM, 12, 5.0), lora="ByteDance/Hyper-SD/Hyper-SDXL-12steps-CFG-lora.safetensors"
    ),
    "lcm": Preset(
        *("LCMScheduler", {}, 6, 1.5), lora="latent-consistency/lcm-lora-sdxl/pytorch_lora_weights.safetensors"
    ),
}


def use_preset(pipe: Any, preset: Preset, settings: RenderSettings) -> RenderSettings:
    """Sets the pipeline's scheduler and returns `settings` with the preset's steps and guidance. Load its LoRA beside
    this."""
    import diffusers

    config = {**pipe.scheduler.config, "use_karras_sigmas": False, **preset.options}
    pipe.scheduler = getattr(diffusers, preset.scheduler).from_config(config)
    return replace(settings, steps=preset.steps, guidance=preset.guidance)
