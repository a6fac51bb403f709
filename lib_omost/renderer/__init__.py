"""A Canvas in, images out: SDXL with region-masked cross-attention. Importing this room costs no torch until a heavy
name is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib_omost._lazy import lazy_names
from lib_omost.renderer.settings import (
    ATTENTIONS,
    PRESETS,
    Preset,
    RegionGuidance,
    RenderSettings,
    missing_lora,
    with_preset,
)
from lib_omost.renderer.styles import STYLES

if TYPE_CHECKING:
    from lib_omost.renderer.inpaint import Previous
    from lib_omost.renderer.pipeline import StableDiffusionXLOmostPipeline
    from lib_omost.renderer.rendering import OnStep, render
    from lib_omost.renderer.resume import ResumePoint
    from lib_omost.renderer.sampling import reference_scheduler, use_preset
    from lib_omost.renderer.trials import named_back_end
    from lib_omost.renderer.vae import best_vae_dtype

__all__ = [
    "ATTENTIONS",
    "PRESETS",
    "STYLES",
    "OnStep",
    "Preset",
    "Previous",
    "RegionGuidance",
    "RenderSettings",
    "ResumePoint",
    "StableDiffusionXLOmostPipeline",
    "best_vae_dtype",
    "missing_lora",
    "named_back_end",
    "reference_scheduler",
    "render",
    "use_preset",
    "with_preset",
]

_HOMES = {
    "OnStep": "rendering",
    "Previous": "inpaint",
    "ResumePoint": "resume",
    "StableDiffusionXLOmostPipeline": "pipeline",
    "best_vae_dtype": "vae",
    "named_back_end": "trials",
    "reference_scheduler": "sampling",
    "render": "rendering",
    "use_preset": "sampling",
}

__getattr__ = lazy_names(__name__, _HOMES)
