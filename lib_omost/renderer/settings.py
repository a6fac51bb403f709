"""The settings of a render, checked, and the few-step presets among them. Knows no torch: the page and the command
line import it cheaply."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import PurePosixPath
from typing import Any

from lib_omost.errors import SettingsError
from lib_omost.renderer.styles import checked_style

SIDE_STEP = 64  # the UNet halves an 8x smaller latent twice; one spare factor of two keeps the coarsest level even
NEGATIVE_PROMPT = "lowres, bad anatomy, bad hands, cropped, worst quality"

# DDIM's own defaults clip latents to -1..1 and end at a noise level that SDXL was not trained for.
_DDIM = {"timestep_spacing": "trailing", "clip_sample": False, "set_alpha_to_one": False}


@dataclass(frozen=True, slots=True)
class Preset:
    """A few-step checkpoint: scheduler, steps and guidance that belong together.

    `scheduler`: a class of diffusers; `options`: what differs from the model's own noise schedule; `lora`: where it is
    published. Guidance of 1 and below means that the negative prompt has no effect.
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


# As their authors' model cards say. Hyper-SD with CFG keeps the negative prompt; the others have none, for speed.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionGuidance:
    """How strictly regions bind. Every default leaves the formula of the region-masked attention exact.

    A strength multiplies the attention odds of a text: 2 doubles the weight of its tokens before normalisation, 0
    leaves a region out. `region_strengths` follow the order in which the canvas names its regions; regions beyond its
    end have strength 1. `region_steps` and `guidance_steps` are the shares of the steps, from the first, in which
    region texts and guidance are active. `canvas_start` is the share of the canvas's colours in the start latent,
    `canvas_blur` softens them (radius in 90ths of the canvas), and `centred_noise` takes the mean out of each channel
    of the noise, which small latents otherwise read as a background colour.
    """

    global_strength: float = 1.0
    region_strengths: tuple[float, ...] = ()
    region_steps: float = 1.0
    guidance_steps: float = 1.0
    canvas_start: float = 0.0
    canvas_blur: float = 0.0
    centred_noise: bool = False

    def __post_init__(self) -> None:
        check_range("global_strength", self.global_strength, 0.01, 100)
        for strength in self.region_strengths:
            check_range("region_strengths", strength, 0, 100)
        check_range("region_steps", self.region_steps, 0, 1)
        check_range("guidance_steps", self.guidance_steps, 0, 1)
        check_range("canvas_start", self.canvas_start, 0, 10)
        check_range("canvas_blur", self.canvas_blur, 0, 90)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSettings(RegionGuidance):
    """Everything that, with a canvas and a model, decides a picture. Sizes in pixels; raises SettingsError for unusable
    values.

    `few_steps`: a name in PRESETS, whose scheduler the render uses; `with_preset` sets steps and guidance with it.
    `style`: a name in STYLES, whose words are added to the whole picture's; "" for none.
    """

    width: int = 896
    height: int = 1152
    images: int = 1
    steps: int = 25
    guidance: float = 5.0
    seed: int = 12345
    negative_prompt: str = NEGATIVE_PROMPT
    highres_scale: float = 1.0
    highres_steps: int = 20
    highres_denoise: float = 0.4
    few_steps: str = ""
    style: str = ""

    def __post_init__(self) -> None:
        RegionGuidance.__post_init__(self)
        check_side("width", self.width)
        check_side("height", self.height)
        check_range("images", self.images, 1, 64)
        check_range("steps", self.steps, 1, 1000)
        check_range("guidance", self.guidance, 0, 100)
        check_range("seed", self.seed, 0, 2**63 - 1)
        check_range("highres_scale", self.highres_scale, 1, 4)
        check_range("highres_steps", self.highres_steps, 1, 1000)
        check_range("highres_denoise", self.highres_denoise, 0.01, 1)
        check_preset(self.few_steps)
        object.__setattr__(self, "style", checked_style(self.style))  # of two names for none, one
        for field in fields(self):
            if field.name in WHOLE_NUMBERS and not isinstance(getattr(self, field.name), int):
                raise SettingsError(f"{field.name} is {getattr(self, field.name)!r}; it wants a whole number.")


WHOLE_NUMBERS = {"width", "height", "images", "steps", "seed", "highres_steps"}


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raises SettingsError unless `low <= value <= high`."""
    if not isinstance(value, int | float) or not low <= value <= high:
        raise SettingsError(f"{name} is {value!r}; it wants a number from {low:g} to {high:g}.")


def check_side(name: str, pixels: int) -> None:
    """Raises SettingsError unless `pixels` is a positive multiple of 64; names the nearest one that is."""
    check_range(name, pixels, 1, 2**16)
    if pixels % SIDE_STEP:
        nearest = max(1, round(pixels / SIDE_STEP)) * SIDE_STEP
        raise SettingsError(f"{name} is {pixels}; it wants a multiple of {SIDE_STEP} pixels, for example {nearest}.")


def check_preset(name: str) -> None:
    """Raises SettingsError unless `name` is one of PRESETS, or "" for none."""
    if name and name not in PRESETS:
        raise SettingsError(f"few_steps is {name!r}; it wants one of: {', '.join(PRESETS)}, or nothing.")


def with_preset(settings: RenderSettings, name: str) -> RenderSettings:
    """`settings` with the preset's scheduler (which `render` sets for its run), steps and guidance together.

    The steps of a second pass follow, if they were more. "" removes the scheduler and leaves the numbers. Needs no
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
