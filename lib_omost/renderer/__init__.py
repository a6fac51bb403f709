"""A Canvas in, images out: SDXL with region-masked cross-attention. Importing this room costs no torch until a heavy
name is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lib_omost.renderer.presets import PRESETS, Preset, missing_lora, with_preset
from lib_omost.renderer.settings import RenderSettings, Steering
from lib_omost.renderer.styles import STYLES

if TYPE_CHECKING:
    from lib_omost.renderer.keep import Previous
    from lib_omost.renderer.passes import render
    from lib_omost.renderer.pipeline import StableDiffusionXLOmostPipeline
    from lib_omost.renderer.presets import use_preset
    from lib_omost.renderer.sampling import reference_scheduler
    from lib_omost.renderer.unfinished import Unfinished
    from lib_omost.renderer.vae import best_vae_dtype

__all__ = [
    "PRESETS",
    "STYLES",
    "Preset",
    "Previous",
    "RenderSettings",
    "StableDiffusionXLOmostPipeline",
    "Steering",
    "Unfinished",
    "best_vae_dtype",
    "missing_lora",
    "reference_scheduler",
    "render",
    "use_preset",
    "with_preset",
]

_HOMES = {
    "Previous": "keep",
    "StableDiffusionXLOmostPipeline": "pipeline",
    "Unfinished": "unfinished",
    "best_vae_dtype": "vae",
    "reference_scheduler": "sampling",
    "render": "passes",
    "use_preset": "presets",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
