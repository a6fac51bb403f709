"""Pictures to latents and back, and quick previews of latents. Knows no text and no sampler."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from lib_omost.renderer.settings import SIDE_STEP

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


def encode_images(vae: Any, images: Sequence[Image.Image], device: torch.device | str) -> Tensor:
    """RGB pictures of one size to latents `(n, 4, H/8, W/8)` float32, the mode of the VAE's distribution; one at a
    time, as decode_latents."""
    pixels = torch.from_numpy(np.stack([np.asarray(image.convert("RGB")) for image in images]))
    pixels = pixels.permute(0, 3, 1, 2).to(device).float() / 127.5 - 1

    def encode(part: Tensor) -> Tensor:
        mode: Tensor = vae.encode(part.to(vae.dtype)).latent_dist.mode().float()
        return mode

    with whole_range(vae):
        latents = torch.cat([_whole_or_tiled(vae, encode, one[None], _side(vae), 1) for one in pixels])
    mean, std = latent_statistics(vae, latents)
    scaled: Tensor = (latents - mean) / std * vae.config.scaling_factor
    return scaled


def decode_latents(vae: Any, latents: Tensor) -> Tensor:
    """Latents `(n, 4, H/8, W/8)` to pixels `(n, 3, H, W)` in -1..1, float32; one at a time, since activations are the
    peak of memory."""
    mean, std = latent_statistics(vae, latents)
    latents = latents.float() / vae.config.scaling_factor * std + mean

    def decode(part: Tensor) -> Tensor:
        pixels: Tensor = vae.decode(part.to(vae.dtype)).sample.float()
        return pixels

    with whole_range(vae):
        return torch.cat([_whole_or_tiled(vae, decode, one[None], 1, _side(vae)) for one in latents]).clamp(-1, 1)


def _side(vae: Any) -> int:
    """Of one latent, in pixels."""
    side: int = 2 ** (len(vae.config.block_out_channels) - 1)
    return side


def _whole_or_tiled(vae: Any, run: Callable[[Tensor], Tensor], x: Tensor, unit: int, made: int) -> Tensor:
    """`run(x)`, in tiles if the VAE's `use_tiling` says so and `x` is larger than `tile_latent_min_size` latents."""
    tile: int = vae.tile_latent_min_size
    if not vae.use_tiling or max(x.shape[2:]) <= tile * unit:
        return run(x)
    with norms_of_the_whole(vae, lambda: run(_thinned(x, tile, unit))):
        return in_tiles(run, x, tile, tile // 4, unit, made)


def _thinned(x: Tensor, tile: int, unit: int) -> Tensor:
    """Every n-th element of `x`, so that it is no larger than a tile. An average would be too smooth a picture."""
    size = [max(1, length // unit * tile // (max(x.shape[2:]) // unit)) * unit for length in x.shape[2:]]
    return F.interpolate(x, size, mode="nearest")


@contextmanager
def norms_of_the_whole(vae: Any, look: Callable[[], object]) -> Iterator[None]:
    """While it lasts, the VAE's group norms take the mean and deviation that they see during `look`, not the input's.

    Tiles that are each normed by what is in them differ in tone from each other and from the untiled picture: at 896 x
    1152 they agree with it to 40 dB, and so to 50 (`bench memory`). That a small copy of the picture tells the norms
    enough was first shown by the tiled VAE of multidiffusion-upscaler-for-automatic1111.
    """
    seen: dict[torch.nn.Module, tuple[Tensor, Tensor]] = {}

    def note(norm: torch.nn.GroupNorm, inputs: tuple[Tensor], out: Tensor) -> None:
        seen[norm] = _moments(inputs[0], norm)

    def share(norm: torch.nn.GroupNorm, inputs: tuple[Tensor], out: Tensor) -> Tensor:
        (mean, deviation), (own_mean, own_deviation) = seen[norm], _moments(inputs[0], norm)
        shape = (-1, *[1] * (out.ndim - 2))
        weight, bias = (x.float() for x in (norm.weight, norm.bias))
        scale = own_deviation / deviation
        shift = bias * (1 - scale) + weight * (own_mean - mean) / deviation
        return out * scale.to(out.dtype).view(shape) + shift.to(out.dtype).view(shape)

    with _hooked(vae, note):
        look()
    with _hooked(vae, share):
        yield


@contextmanager
def _hooked(vae: Any, hook: Callable[..., Any]) -> Iterator[None]:
    norms = [module for module in vae.modules() if isinstance(module, torch.nn.GroupNorm)]
    handles = [norm.register_forward_hook(hook) for norm in norms]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _moments(x: Tensor, norm: torch.nn.GroupNorm) -> tuple[Tensor, Tensor]:
    """Mean and deviation of one `(1, c, ...)` as its group norm sees them, `(c,)` each, float32; without a copy of x in
    float32, which would be the largest tensor of all."""
    groups = x.reshape(norm.num_groups, -1)
    mean = groups.mean(1, dtype=torch.float32)
    squares = torch.linalg.vector_norm(groups, dim=1, dtype=torch.float32) ** 2 / groups.shape[1]
    deviation = ((squares - mean**2).clamp(min=0) + norm.eps).sqrt()
    each = x.shape[1] // norm.num_groups
    return mean.repeat_interleave(each), deviation.repeat_interleave(each)


def in_tiles(run: Callable[[Tensor], Tensor], x: Tensor, tile: int, overlap: int, unit: int, made: int) -> Tensor:
    """`run` over evenly spread tiles of `x`, which fade into each other where they overlap.

    x: `(1, c, h, w)`. Lengths are counted in latents, of which one is `unit` elements of `x` and `made` of the result.
    diffusers' own tiles end in a strip of what is left over, down to an eighth of a tile, whose group norms see other
    statistics than the rest of the picture; `bench memory` prints what that costs.
    """
    rows, columns = (_starts(length // unit, tile, overlap) for length in x.shape[2:])
    total = weights = None
    for top in rows:
        for left in columns:
            part = run(x[..., top * unit : (top + tile) * unit, left * unit : (left + tile) * unit])
            if total is None or weights is None:
                total = part.new_zeros(*part.shape[:2], *(length // unit * made for length in x.shape[2:]))
                weights = part.new_zeros(1, 1, *total.shape[2:])
            fade = _ramp(part.shape[2], overlap * made, part)[:, None] * _ramp(part.shape[3], overlap * made, part)
            here = (..., slice(top * made, (top + tile) * made), slice(left * made, (left + tile) * made))
            total[here] += part * fade
            weights[here] += fade
    assert total is not None and weights is not None  # there is at least one tile
    return total / weights


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin that cover `length` evenly, each over the next one's first `overlap` at least."""
    if length <= tile:
        return [0]
    last = -(-(length - tile) // (tile - overlap))  # of the tiles, counted from 0
    return [round(number * (length - tile) / last) for number in range(last + 1)]


def _ramp(length: int, fade: int, like: Tensor) -> Tensor:
    """`(length,)` weights that rise over `fade` elements from the start and fall towards the end; never 0."""
    place = torch.arange(length, device=like.device, dtype=like.dtype) + 0.5
    return (torch.minimum(place, length - place) / fade).clamp(max=1)


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
def whole_range(vae: Any) -> Iterator[None]:
    """Runs a float16 VAE that says `force_upcast` in float32: its activations overflow, and NaN is a black picture."""
    upcast = vae.dtype == torch.float16 and vae.config.force_upcast
    if upcast:
        vae.to(torch.float32)
    try:
        yield
    finally:
        if upcast:
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


def preview(latents: Tensor, to_rgb: Tensor, tiny: Any = None) -> Image.Image:
    """The first picture of `(n, 4, h, w)` at 8 times its size: by an AutoencoderTiny if given, else by the linear map
    `to_rgb`."""
    if tiny is not None:
        return to_images(tiny.decode(latents[:1].to(tiny.device, tiny.dtype)).sample.float().clamp(-1, 1))[0]
    latent = latents[0].float().cpu()
    rgb = torch.einsum("chw,cr->rhw", torch.cat([latent, torch.ones_like(latent[:1])]), to_rgb)
    return to_images(F.interpolate(rgb[None], scale_factor=8, mode="bilinear"))[0]


def preview_map(vae: Any) -> Tensor:
    """`(5, 3)`: four latent channels and a constant to red, green, blue; published for SDXL's VAE, fitted for any
    other."""
    return torch.tensor(SDXL_TO_RGB) / 127.5 if vae.config.scaling_factor == SDXL_SCALING else fit_preview(vae)


def fit_preview(vae: Any) -> Tensor:
    """`(5, 3)`: least squares from the latents of random colour patches, and a constant, to the colours."""
    colours = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    image = to_images(F.interpolate(colours, scale_factor=16) * 2 - 1)[0]
    latents = encode_images(vae, [image], vae.device).cpu()
    target = F.interpolate(
        torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 127.5 - 1, latents.shape[2:], mode="area"
    )
    known = torch.cat([latents, torch.ones_like(latents[:, :1])], 1)[0].flatten(1).T
    solution: Tensor = torch.linalg.lstsq(known, target[0].flatten(1).T).solution
    return solution
