"""Named choices of the settings: picture sizes, qualities, negative prompts; and what a call that names some of them
gets. Plain values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from lib_omost.renderer import STYLES, RenderSettings, with_preset
from lib_omost.settings import Shown, table

# The sizes that SDXL was trained on (arXiv 2307.01952, appendix I), widest use first; (width, height) in pixels.
SDXL_SIZES = (
    (896, 1152), (1024, 1024), (1152, 896), (832, 1216), (1216, 832),
    (768, 1344), (1344, 768), (704, 1408), (1408, 704), (640, 1536), (1536, 640),
)  # fmt: skip
NEGATIVES = {
    "usual": RenderSettings().negative_prompt,
    "photograph": "drawing, painting, illustration, lowres, bad anatomy, bad hands, cropped, worst quality",
    "illustration": "photograph, realistic, lowres, blurry, cropped, worst quality",
    "none": "",
}


@dataclass(frozen=True, slots=True)
class Quality:
    """`steps` as a multiple of the model's own; `highres_scale` of the second pass, 1 for none; `guided`: the shares of
    the steps between which there is guidance."""

    steps: float
    highres_scale: float = 1.0
    guided: tuple[float, float] = (0.0, 1.0)


NORMAL = "normal"
QUALITIES = {"fast": Quality(0.5), NORMAL: Quality(1.0), "fine": Quality(1.4, 1.5)}
# Of a small model, which has no second pass to gain from. Guidance in the middle alone saves runs of the UNet; what it
# costs in boxes says `python -m bench fast` (training/LOG.md). With SDXL it was not measured.
SMALL_QUALITIES = {"fast": Quality(0.5, guided=(0.1, 0.7)), NORMAL: Quality(1.0), "fine": Quality(1.4)}
#: the settings that a quality brings
QUALITY_FIELDS = ("steps", "highres_scale", "guidance_start", "guidance_steps")
LOCKED, RANDOM = "Keep this seed", "A new seed every time"
#: The pickers beside the settings that a session keeps too, and what each takes.
CHOICES: dict[str, tuple[str, ...]] = {
    "quality": tuple(QUALITIES),
    "seed_mode": (LOCKED, RANDOM),
    "negative_preset": tuple(NEGATIVES),
}


def sizes_for(defaults: RenderSettings) -> list[tuple[int, int]]:
    """The sizes to offer: a model of SDXL's own size takes all its buckets, any other one the size it was made for."""
    own = (defaults.width, defaults.height)
    return list(SDXL_SIZES) if own in SDXL_SIZES else [own]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest(RenderSettings):
    """What a call may name: every setting, and the quality that the others come from."""

    quality: Annotated[
        str,
        Field(
            title="Quality",
            description="Fast takes fewer steps, and small models guide the middle ones alone; fine takes more, and "
            "large models a second pass. Settings that are named too win over it.",
        ),
        Shown(choices={name: name for name in QUALITIES}),
    ] = NORMAL


def requested(defaults: RenderSettings, named: Mapping[str, Any]) -> RenderSettings:
    """The settings of a call: the model's own, over them its quality's, its few-step preset's, and what it names
    itself. Raises SettingsError.
    """
    rest = dict(named)
    quality = rest.pop("quality", NORMAL)
    table(RenderRequest)["quality"].check(quality)
    return replace(with_preset(with_quality(defaults, quality), rest.get("few_steps", "")), **rest)


def with_quality(defaults: RenderSettings, name: str) -> RenderSettings:
    """The settings that a quality preset brings, QUALITY_FIELDS, for a model with these defaults."""
    large = (defaults.width, defaults.height) in SDXL_SIZES
    quality = (QUALITIES if large else SMALL_QUALITIES)[name]
    first, last = quality.guided
    return replace(
        defaults,
        steps=max(1, round(defaults.steps * quality.steps)),
        highres_scale=quality.highres_scale,
        guidance_start=first,
        guidance_steps=last,
    )


def size_name(size: tuple[int, int]) -> str:
    width, height = size
    shape = "square" if width == height else "upright" if width < height else "wide"
    return f"{width} × {height} {shape}"


def style_of(settings: Mapping[str, object]) -> str:
    """The style among a picture's settings; "" for none, and for one that this version does not know."""
    name = str(settings.get("style", ""))
    return name if STYLES.get(name) else ""
