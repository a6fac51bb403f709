"""Tiles for a VAE that has no room for a picture in one piece: blended where they overlap, with the group norms of the
whole picture. Knows no pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def run_tiled(vae: Any, run: Callable[[Tensor], Tensor], x: Tensor, unit: int, out_unit: int) -> Tensor:
    """`run(x)`, in tiles if the VAE's `use_tiling` says so and `x` is larger than `tile_latent_min_size` latents."""
    tile: int = vae.tile_latent_min_size
    if not vae.use_tiling or max(x.shape[2:]) <= tile * unit:
        return run(x)
    with shared_norms(vae, lambda: run(_downsampled(x, tile, unit))):
        return in_tiles(run, x, tile, tile // 4, unit, out_unit)


def _downsampled(x: Tensor, tile: int, unit: int) -> Tensor:
    """Every n-th element of `x`, so that it is no larger than a tile. An average would be too smooth a picture."""
    size = [max(1, length // unit * tile // (max(x.shape[2:]) // unit)) * unit for length in x.shape[2:]]
    return F.interpolate(x, size, mode="nearest")


@contextmanager
def shared_norms(vae: Any, calibrate: Callable[[], object]) -> Iterator[None]:
    """Inside, the VAE's group norms use the mean and deviation that they saw during `calibrate`, not their input's.

    Tiles that are each normed by what is in them differ in tone from each other and from the untiled picture: at 896 x
    1152 they agree with it to 40 dB, and so to 50 (`bench memory`). That the norms of a small copy of the picture are
    near enough was first shown by the tiled VAE of multidiffusion-upscaler-for-automatic1111.
    """
    seen: dict[torch.nn.Module, tuple[Tensor, Tensor]] = {}

    def record(norm: torch.nn.GroupNorm, inputs: tuple[Tensor], out: Tensor) -> None:
        seen[norm] = _moments(inputs[0], norm)

    def renorm(norm: torch.nn.GroupNorm, inputs: tuple[Tensor], out: Tensor) -> Tensor:
        (mean, deviation), (own_mean, own_deviation) = seen[norm], _moments(inputs[0], norm)
        shape = (-1, *[1] * (out.ndim - 2))
        weight, bias = (x.float() for x in (norm.weight, norm.bias))
        scale = own_deviation / deviation
        shift = bias * (1 - scale) + weight * (own_mean - mean) / deviation
        return out * scale.to(out.dtype).view(shape) + shift.to(out.dtype).view(shape)

    with _hooked(vae, record):
        calibrate()
    with _hooked(vae, renorm):
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


def in_tiles(run: Callable[[Tensor], Tensor], x: Tensor, tile: int, overlap: int, unit: int, out_unit: int) -> Tensor:
    """`run` over evenly spread tiles of `x`, blended where they overlap.

    x: `(1, c, h, w)`. Lengths are counted in latents; one latent is `unit` elements of `x` and `out_unit` of the
    result. diffusers' own tiles end in a strip of what is left over, down to an eighth of a tile, whose group norms see
    other statistics than the rest of the picture; `bench memory` prints what that costs.
    """
    rows, columns = (_starts(length // unit, tile, overlap) for length in x.shape[2:])
    total = weights = None
    for top in rows:
        for left in columns:
            part = run(x[..., top * unit : (top + tile) * unit, left * unit : (left + tile) * unit])
            if total is None or weights is None:
                total = part.new_zeros(*part.shape[:2], *(length // unit * out_unit for length in x.shape[2:]))
                weights = part.new_zeros(1, 1, *total.shape[2:])
            fade = _ramp(part.shape[2], overlap * out_unit, part)[:, None] * _ramp(
                part.shape[3], overlap * out_unit, part
            )
            here = (
                ...,
                slice(top * out_unit, (top + tile) * out_unit),
                slice(left * out_unit, (left + tile) * out_unit),
            )
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
