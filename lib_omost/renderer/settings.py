"""The settings of a render, checked, and the few-step presets among them. Knows no torch: the page and the command
line import it cheaply."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import Field

from lib_omost.renderer.styles import STYLES
from lib_omost.settings import Shown, check, table

# The UNet halves its latent twice. With SDXL's VAE, 8x smaller, the coarsest level stays even; with one of five levels,
# 16x smaller, it is whole.
SIDE_STEP = 64
NEGATIVE_PROMPT = "lowres, bad anatomy, bad hands, cropped, worst quality"
ATTENTIONS = ("auto", "lse", "groups", "sdpa", "varlen")  # the names of attention.py's back ends
PICTURE, REGIONS = "Picture", "Second pass and regions"  # the groups of the settings

# DDIM's own defaults clip latents to -1..1 and end at a noise level that SDXL was not trained for.
_DDIM = {"timestep_spacing": "trailing", "clip_sample": False, "set_alpha_to_one": False}


@dataclass(frozen=True, slots=True)
class Preset:
    """A few-step checkpoint: scheduler, steps and guidance that belong together.

    `label`: for a picker; `scheduler`: a class of diffusers; `options`: what differs from the model's own noise
    schedule; `lora`: where it is published. Guidance of 1 and below means that the negative prompt has no effect.
    """

    label: str
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
        *("Lightning, 4 steps", "EulerDiscreteScheduler", {"timestep_spacing": "trailing"}, 4, 0.0),
        lora="ByteDance/SDXL-Lightning/sdxl_lightning_4step_lora.safetensors",
    ),
    "lightning-8": Preset(
        *("Lightning, 8 steps", "EulerDiscreteScheduler", {"timestep_spacing": "trailing"}, 8, 0.0),
        lora="ByteDance/SDXL-Lightning/sdxl_lightning_8step_lora.safetensors",
    ),
    "hyper-8-cfg": Preset(
        *("Hyper-SD CFG, 8 steps", "DDIMScheduler", _DDIM, 8, 5.0),
        lora="ByteDance/Hyper-SD/Hyper-SDXL-8steps-CFG-lora.safetensors",
    ),
    "hyper-12-cfg": Preset(
        *("Hyper-SD CFG, 12 steps", "DDIMScheduler", _DDIM, 12, 5.0),
        lora="ByteDance/Hyper-SD/Hyper-SDXL-12steps-CFG-lora.safetensors",
    ),
    "lcm": Preset(
        *("LCM, 6 steps", "LCMScheduler", {}, 6, 1.5),
        lora="latent-consistency/lcm-lora-sdxl/pytorch_lora_weights.safetensors",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionGuidance:
    """How strictly regions bind. Every default leaves the formula of the region-masked attention exact.

    A strength multiplies the attention odds of a text: 2 doubles the weight of its tokens before normalisation, 0
    leaves a region out. `region_strengths` follow the order in which the canvas names its regions; regions beyond its
    end have strength 1. `region_steps` and `guidance_steps` are the shares of the steps, from the first, in which
    region texts and guidance are active; before `guidance_start`, a share too, guidance is not yet. `canvas_start` is
    the share of the canvas's colours in the start latent, `canvas_blur` softens them (radius in 90ths of the canvas),
    and `centred_noise` takes the mean out of each channel of the noise, which small latents otherwise read as a
    background colour.
    """

    global_strength: Annotated[
        float,
        Field(
            title="Strength of the whole",
            description="Above 1 the description of the whole picture weighs more than the regions.",
            ge=0.01,
            le=100,
        ),
        Shown(REGIONS, 0.1, 4, 0.1),
    ] = 1.0
    region_strengths: Annotated[
        tuple[Annotated[float, Field(ge=0, le=100)], ...],
        Field(
            title="Strengths of the regions",
            description="One for each region, in the plan's order. 1 is as written, 0 leaves a region out.",
        ),
        Shown(),  # on the page each region has its own
    ] = ()
    region_steps: Annotated[
        float,
        Field(
            title="Share of steps with regions",
            description="Below 1 the last steps hear the whole picture's description only.",
            ge=0,
            le=1,
        ),
        Shown(REGIONS, 0, 1, 0.05),
    ] = 1.0
    canvas_start: Annotated[
        float,
        Field(
            title="Start from the plan's colours",
            description="How much of the coloured boxes is in the first noise.",
            ge=0,
            le=10,
        ),
        Shown(REGIONS, 0, 2, 0.1),
    ] = 0.0
    canvas_blur: Annotated[
        float,
        Field(
            title="Softness of these colours",
            description="Blurs the boxes' edges in the first noise; 90 would be the whole canvas.",
            ge=0,
            le=90,
        ),
        Shown(REGIONS, 0, 30, 1),
    ] = 0.0
    centred_noise: Annotated[
        bool,
        Field(
            title="Noise without colour",
            description="Takes the mean out of each channel of the noise, which small latents read as a background.",
        ),
        Shown(),  # a trait of the image model
    ] = False
    guidance_steps: Annotated[
        float,
        Field(
            title="Share of steps with guidance",
            description="Below 1 the last steps run without guidance: faster, a little freer.",
            ge=0,
            le=1,
        ),
        Shown(REGIONS, 0, 1, 0.05),
    ] = 1.0
    guidance_start: Annotated[
        float,
        Field(
            title="Share of steps before guidance",
            description="Above 0 the first steps run without guidance: faster, a little freer.",
            ge=0,
            le=1,
        ),
        Shown(REGIONS, 0, 1, 0.05),
    ] = 0.0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSettings(RegionGuidance):
    """Everything that, with a canvas and a model, decides a picture. Sizes in pixels; raises SettingsError for unusable
    values.

    `few_steps`: a name in PRESETS, whose scheduler the render uses; `with_preset` sets steps and guidance with it.
    `style`: a name in STYLES, whose words are added to the whole picture's; "" for none.
    """

    width: Annotated[
        int,
        Field(title="Width", description="In pixels, a multiple of 64.", ge=1, le=2**16, multiple_of=SIDE_STEP),
        Shown(PICTURE, 64, 2048, typed=True, unit="pixels"),
    ] = 896
    height: Annotated[
        int,
        Field(title="Height", description="In pixels, a multiple of 64.", ge=1, le=2**16, multiple_of=SIDE_STEP),
        Shown(PICTURE, 64, 2048, typed=True, unit="pixels"),
    ] = 1152
    few_steps: Annotated[
        str,
        Field(
            title="Few steps",
            description="Scheduler, steps and guidance that belong together, whatever the quality. Each wants its "
            "LoRA beside it; steps and guidance that are set too win over it.",
        ),
        Shown(PICTURE, choices={"": "none", **{name: preset.label for name, preset in PRESETS.items()}}),
    ] = ""
    steps: Annotated[
        int,
        Field(title="Steps", description="More steps, cleaner picture, more time.", ge=1, le=1000),
        Shown(PICTURE, 1, 100, 1),
    ] = 25
    guidance: Annotated[
        float,
        Field(
            title="Guidance (CFG)",
            description="How strictly the picture follows the words. Up to 1, no negative prompt.",
            ge=0,
            le=100,
        ),
        Shown(PICTURE, 0, 15, 0.5, option="cfg"),
    ] = 5.0
    images: Annotated[
        int,
        Field(title="Pictures", description="How many are made.", ge=1, le=64),
        Shown(PICTURE, 1, 8, 1),
    ] = 1
    seed: Annotated[
        int,
        Field(
            title="Seed number",
            description="Of the first picture. The same seed, plan and settings give the same picture.",
            ge=0,
            le=2**63 - 1,
        ),
        Shown(PICTURE, 0, typed=True),
    ] = 12345
    cpu_noise: Annotated[
        bool,
        Field(
            title="Same noise on any card",
            description="The seed's noise is drawn by the CPU: the picture is the same on another card. Off, by the "
            "card itself, as pictures of version 0.2 and older were.",
        ),
        Shown(PICTURE),
    ] = True
    style: Annotated[
        str,
        Field(title="Style", description="Adds words to the description of the whole picture."),
        Shown(PICTURE, choices={name if words else "": name for name, words in STYLES.items()}),
    ] = ""
    negative_prompt: Annotated[
        str,
        Field(title="Negative prompt", description="What should not be in the picture."),
        Shown(PICTURE, high=500, option="negative"),
    ] = NEGATIVE_PROMPT
    highres_scale: Annotated[
        float,
        Field(title="Enlarge", description="Above 1, a second pass paints the picture larger.", ge=1, le=4),
        Shown(REGIONS, 1, 2, 0.1, option="highres"),
    ] = 1.0
    highres_steps: Annotated[
        int,
        Field(title="Its steps", description="Of the second pass, if there is one.", ge=1, le=1000),
        Shown(REGIONS, 1, 100, 1),
    ] = 20
    highres_denoise: Annotated[
        float,
        Field(title="Its strength", description="How much the second pass may change.", ge=0.01, le=1),
        Shown(REGIONS, 0.1, 1, 0.05),
    ] = 0.4

    def __post_init__(self) -> None:
        if isinstance(self.style, str) and STYLES.get(self.style) == "":  # the name that people read for none
            object.__setattr__(self, "style", "")
        check(self)


def check_side(name: str, pixels: int) -> None:
    """Raises SettingsError unless `pixels` is a positive multiple of 64; names the nearest one that is."""
    table(RenderSettings)[name].check(pixels)


def with_preset(settings: RenderSettings, name: str) -> RenderSettings:
    """`settings` with the preset's scheduler (which `render` sets for its run), steps and guidance together.

    Guidance is in all steps; the steps of a second pass follow, if they were more. "" removes the scheduler and leaves
    the numbers. Needs no torch; the LoRA, `PRESETS[name].lora_name`, is to be loaded beside this. Raises SettingsError
    for an unknown name.
    """
    table(RenderSettings)["few_steps"].check(name)
    if not name:
        return replace(settings, few_steps="")
    preset = PRESETS[name]
    return replace(
        settings,
        few_steps=name,
        steps=preset.steps,
        guidance=preset.guidance,
        guidance_start=0.0,
        guidance_steps=1.0,
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
