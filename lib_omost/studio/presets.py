"""Named choices of the settings panel: picture sizes, qualities, negative prompts. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lib_omost.renderer import STYLES, RenderSettings

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
    """`steps` as a multiple of the model's own; `highres_scale` of the second pass, 1 for none."""

    steps: float
    highres_scale: float


QUALITIES = {"fast": Quality(0.5, 1.0), "normal": Quality(1.0, 1.0), "fine": Quality(1.4, 1.5)}
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


def with_quality(defaults: RenderSettings, name: str) -> RenderSettings:
    """Steps and second pass of a quality preset, for a model with these defaults. A small model has no second pass to
    gain from.
    """
    quality = QUALITIES[name]
    scale = quality.highres_scale if (defaults.width, defaults.height) in SDXL_SIZES else 1.0
    return replace(defaults, steps=max(1, round(defaults.steps * quality.steps)), highres_scale=scale)


def size_name(size: tuple[int, int]) -> str:
    width, height = size
    shape = "square" if width == height else "upright" if width < height else "wide"
    return f"{width} × {height} {shape}"


def style_of(settings: Mapping[str, object]) -> str:
    """The style among a picture's settings; "" for none, and for one that this version does not know."""
    name = str(settings.get("style", ""))
    return name if STYLES.get(name) else ""
