"""Inpainting by blended latent diffusion, arXiv 2206.02779: the mask of what an edit changes, and how the rest of the
previous picture is kept. Knows no UNet and no scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor

from lib_omost.canvas import GRID, Canvas
from lib_omost.renderer.vae import resize

BORDER = 2  # grid cells; the soft border around a changed box is twice as wide


@dataclass(frozen=True, slots=True)
class Previous:
    """A canvas and the pictures that were rendered from it, one for each picture to be rendered or one for all.

    `style`: the setting that they were rendered with.
    """

    canvas: Canvas
    images: tuple[Image.Image, ...]
    style: str = ""


@dataclass(frozen=True, slots=True)
class Inpaint:
    """The latents `(n, 4, h, w)` to blend back at each step, and the mask `(1, 1, h, w)` in 0..1, 1 = repaint."""

    latents: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> Inpaint:
        return Inpaint(self.latents.to(device), self.mask.to(device))

    def blend(self, latents: Tensor, noised: Tensor) -> Tensor:
        """`latents` where the mask is 1, `noised` (the previous latents at the same noise level) where it is 0."""
        return noised + self.mask * (latents - noised)


def changed_mask(before: Canvas, after: Canvas) -> NDArray[np.float32]:
    """`(90, 90)`: 1 in the boxes of regions that were added, removed or altered; everywhere if only the rest changed.

    An edit of a region usually restates the global description too; the picture around it is still meant to stay.
    """
    old, new = ([replace(region, name="", locked=False) for region in canvas.regions] for canvas in (before, after))
    changed = [r for r in old if r not in new] + [r for r in new if r not in old]
    if changed:
        masks: NDArray[np.float32] = np.stack([r.mask for r in changed]).max(0)
        return masks
    return np.full((GRID, GRID), 1 if global_text_differs(before, after) else 0, np.float32)


def global_text_differs(before: Canvas, after: Canvas) -> bool:
    return replace(before, regions=(), locked=False) != replace(after, regions=(), locked=False)


def soften(mask: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """`(90, 90)` to `size` (width, height) in 0..1: 1 in the changed boxes, falling to 0 over 4 cells outside them."""
    picture = Image.fromarray((mask * 255).astype(np.uint8)).filter(ImageFilter.MaxFilter(2 * BORDER + 1))
    picture = picture.filter(ImageFilter.BoxBlur(BORDER)).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(picture, np.float32) / np.float32(255)


def latent_mask(mask: NDArray[np.float32], latent_size: tuple[int, int], factor: int) -> Tensor:
    """`(1, 1, h, w)`: `soften` at the size of a latent, (height, width), whose pixels are `factor` wide."""
    width, height = latent_size[1] * factor, latent_size[0] * factor
    return F.interpolate(torch.from_numpy(soften(mask, (width, height)).copy())[None, None], latent_size, mode="area")


def composite(
    images: Sequence[Image.Image], previous: Sequence[Image.Image], mask: NDArray[np.float32]
) -> list[Image.Image]:
    """Each repainted picture over its previous one, so that outside the soft border nothing changes at all, not even by
    the VAE."""
    alpha = Image.fromarray((soften(mask, images[0].size) * 255).round().astype(np.uint8))
    return [Image.composite(new, resize(old, new.size), alpha) for new, old in zip(images, previous, strict=True)]


def repeated(images: Sequence[Image.Image], count: int) -> list[Image.Image]:
    """`count` pictures, starting over when there are fewer."""
    return [images[index % len(images)] for index in range(count)]
