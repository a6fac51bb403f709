"""Draws scenes, whole batches at once, on any device. What is where comes from scenes.py."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from lib_omost.canvas import GRID
from training.image.backgrounds import MAX_DOTS, Paint
from training.image.scenes import MAX_SPRITES, Place, Scene

Packed = dict[str, Tensor]
_FAR = -9.0
#: sizes that the bank is kept in: full, half and quarter
_HALVINGS = (1, 2, 4)


def pack(scenes: Sequence[Scene]) -> Packed:
    """Scenes as tensors of one batch: colours and edges of the backgrounds, rows and places of the sprites."""
    paints = [_painted(scene.background.paint) for scene in scenes]
    packed = {name: torch.tensor([paint[name] for paint in paints], dtype=torch.float32) for name in paints[0]}
    sprites = [[(t.sprite.row, p) for t in scene.things for p in t.places][:MAX_SPRITES] for scene in scenes]
    return packed | _packed_sprites(sprites)


def _painted(paint: Paint) -> dict[str, object]:
    dots = [*paint.dots, *[(_FAR, _FAR, 0.0)] * (MAX_DOTS - len(paint.dots))]
    return {
        "upper": paint.upper,
        "lower": paint.lower,
        "horizon": [paint.horizon],
        "band": paint.band,
        "band_rgb": paint.band_rgb,
        "ellipse": paint.ellipse,
        "ellipse_rgb": paint.ellipse_rgb,
        "dots": dots,
        "dot_rgb": paint.dot_rgb,
    }


def _packed_sprites(sprites: list[list[tuple[int, Place]]]) -> Packed:
    rows = torch.full((len(sprites), MAX_SPRITES), -1, dtype=torch.long)
    places = torch.zeros(len(sprites), MAX_SPRITES, 4)
    for i, drawn in enumerate(sprites):
        for j, (row, at) in enumerate(drawn):
            rows[i, j], places[i, j] = row, torch.tensor(at)
    return {"rows": rows, "places": places}


class Painter:
    """Holds the sprite bank on its device, in three sizes, so that shrunken sprites do not alias."""

    def __init__(self, images: npt.NDArray[np.uint8], size: int, device: str) -> None:
        """`images`: `(rows, side, side, 4)`; `size`: side of the pictures in pixels."""
        self.size, self.device = size, device
        self.bank = [_shrunk(images, factor, device) for factor in _HALVINGS]
        at = (torch.arange(size, device=device) + 0.5) / size
        self.y, self.x = at.view(1, 1, size, 1), at.view(1, 1, 1, size)

    @torch.no_grad()
    def __call__(self, packed: Packed) -> Tensor:
        """Pictures `(n, 3, size, size)` in -1..1."""
        p = {name: tensor.to(self.device, non_blocking=True) for name, tensor in packed.items()}
        image = self._dots(self._shapes(self._gradients(p), p), p)
        for slot in range(MAX_SPRITES):
            self._sprites(image, p["rows"][:, slot], p["places"][:, slot] / GRID)
        return image.clamp(0, 1) * 2 - 1

    def _gradients(self, p: Packed) -> Tensor:
        horizon = _spread(p["horizon"])
        above = (self.y / horizon).clamp(0, 1)
        below = ((self.y - horizon) / (1 - horizon).clamp(min=1e-3)).clamp(0, 1)
        ground = (self.y >= horizon).float()
        sky = torch.lerp(_spread(p["upper"][:, 0]), _spread(p["upper"][:, 1]), above)
        land = torch.lerp(_spread(p["lower"][:, 0]), _spread(p["lower"][:, 1]), below)
        return torch.lerp(sky, land, ground).expand(-1, 3, self.size, self.size).contiguous()

    def _shapes(self, image: Tensor, p: Packed) -> Tensor:
        x, y, half_width, half_height = (_spread(v[:, None]) for v in p["ellipse"].unbind(1))
        inside = 1 - ((self.x - x) / half_width) ** 2 - ((self.y - y) / half_height) ** 2
        image = torch.lerp(image, _spread(p["ellipse_rgb"]).expand_as(image), (inside * self.size * 0.2).clamp(0, 1))
        top, bottom = (_spread(v[:, None]) for v in p["band"].unbind(1))
        band = ((self.y >= top) & (self.y < bottom)).float().expand(-1, 1, self.size, self.size)
        return torch.lerp(image, _spread(p["band_rgb"]).expand_as(image), band)

    def _dots(self, image: Tensor, p: Packed) -> Tensor:
        some = (p["dots"][:, 0, 0] > _FAR).nonzero()[:, 0]
        if not len(some):
            return image
        part, rgb = image[some], _spread(p["dot_rgb"][some])
        for dot in p["dots"][some].unbind(1):
            x, y, radius = (_spread(v[:, None]) for v in dot.unbind(1))
            away = ((self.x - x) ** 2 + (self.y - y) ** 2).sqrt()
            part = torch.lerp(part, rgb.expand_as(part), ((radius - away) * self.size + 0.5).clamp(0, 1))
        image[some] = part
        return image

    def _sprites(self, image: Tensor, rows: Tensor, places: Tensor) -> None:
        """Paste one sprite on each picture that has one. `rows`: `(n,)`; `places`: `(n, 4)` in 0..1."""
        side = self.bank[0].shape[-1]
        pixels = (places[:, 2] - places[:, 0]) * self.size
        level = (pixels < side / 1.4).long() + (pixels < side / 2.8).long()
        for i, bank in enumerate(self.bank):
            some = ((rows >= 0) & (level == i)).nonzero()[:, 0]
            if len(some):
                sprite = self._stretched(bank[rows[some]].float() / 255, places[some])
                image[some] = sprite[:, :3] + image[some] * (1 - sprite[:, 3:])

    def _stretched(self, sprites: Tensor, places: Tensor) -> Tensor:
        """Sprites `(m, 4, s, s)` where their places are on an otherwise transparent picture."""
        left, top, right, bottom = places[:, :, None].unbind(1)
        u = (self.x[:, 0, 0, :] - left) / (right - left) * 2 - 1
        v = (self.y[:, 0, :, 0] - top) / (bottom - top) * 2 - 1
        size = self.size
        grid = torch.stack([u[:, None, :].expand(-1, size, -1), v[:, :, None].expand(-1, -1, size)], -1)
        return F.grid_sample(sprites, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _shrunk(images: npt.NDArray[np.uint8], factor: int, device: str) -> Tensor:
    """`(rows, 4, side / factor, side / factor)` uint8 with colours multiplied by their opacity."""
    parts = []
    for chunk in torch.split(torch.from_numpy(images).permute(0, 3, 1, 2), 256):
        x = chunk.to(device).float() / 255
        x[:, :3] *= x[:, 3:]
        parts.append((F.avg_pool2d(x, factor) * 255).round().byte())
    return torch.cat(parts)


def _spread(values: Tensor) -> Tensor:
    """`(n, c)` -> `(n, c, 1, 1)`."""
    return values[:, :, None, None]
