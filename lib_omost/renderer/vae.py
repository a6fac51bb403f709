"""Pictures to latents and back, and quick previews of latents. Knows no text and no sampler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from lib_omost.renderer.settings import SIDE_STEP
from lib_omost.renderer.tiling import run_tiled

SDXL_SCALING = 0.13025
# Rows: the four latent channels and a constant; columns: red, green, blue in -1..1 after division by 127.5. The figures
# are T. A. Vass's, from the article "Explaining the SDXL latent space".
SDXL_TO_RGB = ((60, 60, 60), (-60, -5, 10), (25, 15, -5), (-70, -50, -35), (22.5, 12.5, 2.5))


def best_vae_dtype(device: torch.device | str) -> torch.dtype:
    """What to load SDXL's own VAE in: its activations overflow float16, and cards before Ampere have no fast
    bfloat16. ROCm's capabilities count otherwise."""
    device = torch.device(device)
    if device.type != "cuda" or torch.version.hip:
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float32


def scale_factor(vae: Any) -> int:
    """How many pixels of a picture one latent pixel is wide: 8 for SDXL's VAE, whose four levels halve three times."""
    factor: int = 2 ** (len(vae.config.block_out_channels) - 1)
    return factor


def encode_images(vae: Any, images: Sequence[Image.Image], device: torch.device | str) -> Tensor:
    """RGB pictures of one size to latents `(n, 4, H/f, W/f)` float32, f the scale factor, the mode of the VAE's
    distribution; one at a time, as decode_latents."""
    pixels = torch.from_numpy(np.stack([np.asarray(image.convert("RGB")) for image in images]))
    pixels = pixels.permute(0, 3, 1, 2).to(device).float() / 127.5 - 1

    def encode(part: Tensor) -> Tensor:
        mode: Tensor = vae.encode(part.to(vae.dtype)).latent_dist.mode().float()
        return mode

    with upcast(vae):
        latents = torch.cat([run_tiled(vae, encode, one[None], scale_factor(vae), 1) for one in pixels])
    mean, std = latent_statistics(vae, latents)
    scaled: Tensor = (latents - mean) / std * vae.config.scaling_factor
    return scaled


def decode_latents(vae: Any, latents: Tensor) -> Tensor:
    """Latents `(n, 4, H/f, W/f)`, f the scale factor, to pixels `(n, 3, H, W)` in -1..1, float32; one at a time, since
    activations are the peak of memory."""
    mean, std = latent_statistics(vae, latents)
    latents = latents.float() / vae.config.scaling_factor * std + mean

    def decode(part: Tensor) -> Tensor:
        pixels: Tensor = vae.decode(part.to(vae.dtype)).sample.float()
        return pixels

    with upcast(vae):
        return torch.cat([run_tiled(vae, decode, one[None], 1, scale_factor(vae)) for one in latents]).clamp(-1, 1)


def latent_statistics(vae: Any, latents: Tensor) -> tuple[Tensor | float, Tensor | float]:
    """Per-channel mean and standard deviation that some VAEs carry in their config, shaped for broadcasting; else 0 and
    1."""
    config = vae.config
    if getattr(config, "latents_mean", None) is None or getattr(config, "latents_std", None) is None:
        return 0.0, 1.0
    mean, std = (
        torch.tensor(x, device=latents.device).view(1, -1, 1, 1) for x in (config.latents_mean, config.latents_std)
    )
    return mean, std


@contextmanager
def upcast(vae: Any) -> Iterator[None]:
    """Runs a float16 VAE with `force_upcast` in its config in float32: its activations overflow, and NaN is black."""
    overflows = vae.dtype == torch.float16 and vae.config.force_upcast
    if overflows:
        vae.to(torch.float32)
    try:
        yield
    finally:
        if overflows:
            vae.to(torch.float16)  # lossless: the weights came from float16


def to_images(pixels: Tensor) -> list[Image.Image]:
    """`(n, 3, H, W)` in -1..1 to RGB pictures."""
    array = ((pixels + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(one) for one in array]


def enlarged_size(width: int, height: int, scale: float) -> tuple[int, int]:
    """Both sides times `scale`, rounded to multiples of 64 pixels."""
    return round(width * scale / SIDE_STEP) * SIDE_STEP, round(height * scale / SIDE_STEP) * SIDE_STEP


def resize(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def preview(latents: Tensor, to_rgb: Tensor, factor: int, tiny: Any = None) -> Image.Image:
    """The first picture of `(n, 4, h, w)`: by an AutoencoderTiny if given, else by the linear map `to_rgb`, `factor`
    times as wide."""
    if tiny is not None:
        return to_images(tiny.decode(latents[:1].to(tiny.device, tiny.dtype)).sample.float().clamp(-1, 1))[0]
    latent = latents[0].float().cpu()
    rgb = torch.einsum("chw,cr->rhw", torch.cat([latent, torch.ones_like(latent[:1])]), to_rgb)
    return to_images(F.interpolate(rgb[None], scale_factor=factor, mode="bilinear"))[0]


def preview_map(vae: Any) -> Tensor:
    """`(5, 3)`: four latent channels and a constant to red, green, blue; published for SDXL's VAE, fitted for any
    other."""
    return torch.tensor(SDXL_TO_RGB) / 127.5 if vae.config.scaling_factor == SDXL_SCALING else fit_preview(vae)


def fit_preview(vae: Any) -> Tensor:
    """`(5, 3)`: least squares from the latents of random colour patches, and a constant, to the colours. A patch is two
    latent pixels wide."""
    colours = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    image = to_images(F.interpolate(colours, scale_factor=2 * scale_factor(vae)) * 2 - 1)[0]
    latents = encode_images(vae, [image], vae.device).cpu()
    target = F.interpolate(
        torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 127.5 - 1, latents.shape[2:], mode="area"
    )
    known = torch.cat([latents, torch.ones_like(latents[:, :1])], 1)[0].flatten(1).T
    solution: Tensor = torch.linalg.lstsq(known, target[0].flatten(1).T).solution
    return solution
