"""Few-step checkpoints: scheduler, steps and guidance that belong together. Fetches nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from lib_omost.errors import SettingsError

if TYPE_CHECKING:
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

    @property
    def lora_name(self) -> str:
        """Its file's name without the ending, as LoRAs in a folder are named."""
        return PurePosixPath(self.lora).stem


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


def check_preset(name: str) -> None:
    """Raises SettingsError unless `name` is one of PRESETS, or "" for none."""
    if name and name not in PRESETS:
        raise SettingsError(f"few_steps is {name!r}; it wants one of: {', '.join(PRESETS)}, or nothing.")


def with_preset(settings: RenderSettings, name: str) -> RenderSettings:
    """`settings` with the preset's scheduler (which `render` sets for its run), steps and guidance together.

    The steps of a second pass follow, if they were more. "" takes the scheduler back and leaves the numbers. Needs no
    torch; the LoRA, `PRESETS[name].lora_name`, is to be loaded beside this. Raises SettingsError for an unknown name.
    """
    check_preset(name)
    if not name:
        return replace(settings, few_steps="")
    preset = PRESETS[name]
    return replace(
        settings,
        few_steps=name,
        steps=preset.steps,
        guidance=preset.guidance,
        highres_steps=min(settings.highres_steps, preset.steps),
    )


def missing_lora(name: str, loaded: Collection[str]) -> str:
    """A sentence where the preset `name` wants a LoRA that is not among the names of those `loaded`; else nothing."""
    if not name or PRESETS[name].lora_name in loaded:
        return ""
    preset = PRESETS[name]
    return (
        f"The preset {name} wants the LoRA {preset.lora_name}, and none of that name is loaded; without it pictures "
        f"are poor, unless the image model itself was made for few steps. It is {preset.lora} on the model hub: put it "
        f"into models_dir/loras, then choose it in the page's settings or with --lora {preset.lora_name}."
    )


@contextmanager
def scheduler_for(pipe: Any, name: str) -> Iterator[None]:
    """The pipeline with the scheduler of a preset, on the model's own noise schedule; with its own again afterwards."""
    before = pipe.scheduler
    if name:
        pipe.scheduler = preset_scheduler(before, PRESETS[name])
    try:
        yield
    finally:
        pipe.scheduler = before


def preset_scheduler(trained: Any, preset: Preset) -> Any:
    import diffusers

    config = {**trained.config, "use_karras_sigmas": False, **preset.options}
    return getattr(diffusers, preset.scheduler).from_config(config)


def use_preset(pipe: Any, preset: Preset, settings: RenderSettings) -> RenderSettings:
    """For scripts that call the pipeline themselves: sets its scheduler for good and returns `settings` with the
    preset's steps and guidance. Load its LoRA beside this."""
    pipe.scheduler = preset_scheduler(pipe.scheduler, preset)
    return replace(settings, steps=preset.steps, guidance=preset.guidance)
