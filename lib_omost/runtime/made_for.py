"""What a model's files say of themselves, so that new weights bring it along: how large they are, and for which size of
picture an image model was made. Knows no catalog.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lib_omost.errors import SettingsError
from lib_omost.renderer import RenderSettings

SMALL_LATENT = 32  # up to this side the mean of the noise is read as a background: see RegionGuidance.centred_noise
MAX_CONFIG_BYTES = 2**20


def suiting(folder: Path) -> RenderSettings:
    """SDXL's own settings, or, for a small model in diffusers layout, its side and how such a model renders best. A
    folder that does not say what it was made for gets SDXL's: loading it says what is wrong.
    """
    try:
        latent = _config(folder / "unet")["sample_size"]
        side = latent * 2 ** (len(_config(folder / "vae")["block_out_channels"]) - 1)
        if not isinstance(latent, int) or not 0 < latent <= SMALL_LATENT:
            return RenderSettings()
        return RenderSettings(width=side, height=side, steps=20, guidance=4.0, canvas_start=1.0, centred_noise=True)
    except (OSError, ValueError, TypeError, KeyError, RecursionError, SettingsError):
        return RenderSettings()


def weight_bytes(path: Path) -> int:
    """Of the weights in a folder, or of one file."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.suffix in (".safetensors", ".gguf"))


def _config(folder: Path) -> dict[str, Any]:
    with (folder / "config.json").open(encoding="utf-8") as file:
        found = json.loads(file.read(MAX_CONFIG_BYTES))
    if not isinstance(found, dict):
        raise TypeError(f"{folder.name}/config.json is no object")
    return found
