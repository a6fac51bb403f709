"""A small CNN that names what the crop of a region shows. Trained on drawn scenes, it judges rendered ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib_omost.canvas import GRID
from training.image import draw
from training.image.catalogue import Catalogue
from training.image.feed import SceneStream, scenes
from training.image.scenes import Scene, make_scene
from training.schedule import Clock, cosine

CROP = 48
TRAINED, HELD_OUT = 3 * 10**8, 6 * 10**8
_CORNERS = ((0, 0, 40, 40), (50, 0, 90, 40), (0, 50, 40, 90), (50, 50, 90, 90))


@dataclass(frozen=True, slots=True)
class Targets:
    """picture: `(m,)` index. box: `(m, 4)` left, top, right, bottom in 90ths. noun: `(m,)` index, the last one none."""

    picture: Tensor
    box: Tensor
    noun: Tensor


def targets(drawn: Sequence[Scene], nouns: Sequence[str], with_none: bool = True) -> Targets:
    """Every region; and, `with_none`, one empty corner of every fourth scene that has one."""
    index = {noun: i for i, noun in enumerate(nouns)}
    rows = [(i, tuple(thing.box), index[thing.noun]) for i, scene in enumerate(drawn) for thing in scene.things]
    for i, scene in enumerate(drawn[::4] if with_none else ()):
        free = [corner for corner in _CORNERS if _is_free(scene, corner)]
        if free:
            rows.append((4 * i, free[i % len(free)], len(nouns)))
    pictures, boxes, found = zip(*rows, strict=True)
    return Targets(torch.tensor(pictures), torch.tensor(boxes), torch.tensor(found))


def _is_free(scene: Scene, corner: tuple[int, int, int, int]) -> bool:
    left, top, right, bottom = corner
    return all(
        p[2] < left or p[0] > right or p[3] < top or p[1] > bottom for thing in scene.things for p in thing.places
    )


def crop(images: Tensor, wanted: Targets) -> Tensor:
    """`(m, 3, CROP, CROP)`: the boxes of `images` `(n, 3, H, W)`, stretched to a square."""
    device = images.device
    left, top, right, bottom = (wanted.box.to(device).float() / GRID)[:, :, None].unbind(1)
    at = (torch.arange(CROP, device=device) + 0.5) / CROP
    x, y = (left + at * (right - left)) * 2 - 1, (top + at * (bottom - top)) * 2 - 1
    grid = torch.stack([x[:, None, :].expand(-1, CROP, -1), y[:, :, None].expand(-1, -1, CROP)], -1)
    small = F.avg_pool2d(images, max(1, images.shape[-1] // 128))
    return F.grid_sample(small[wanted.picture.to(device)], grid, align_corners=False)


def new_classifier(classes: int, width: int) -> nn.Sequential:
    def block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]

    widths = [(3, 1, 1), (1, 2, 2), (2, 2, 1), (2, 4, 2), (4, 4, 1), (4, 6, 2)]
    blocks = [layer for i, (a, b, s) in enumerate(widths) for layer in block(3 if i == 0 else a * width, b * width, s)]
    ends = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(24 * width, classes)]
    return nn.Sequential(*blocks, *ends)


@dataclass(frozen=True, slots=True)
class Classifier:
    """`network` on `device`; `accuracy` on crops of held-out drawn scenes; `nouns` in the order of its classes."""

    network: nn.Sequential
    nouns: tuple[str, ...]
    device: str
    accuracy: float

    @torch.inference_mode()
    def hits(self, images: Tensor, wanted: Targets) -> Tensor:
        """`(m,)` bool: the crop shows the noun that was asked for."""
        best: Tensor = self.network(crop(images.to(self.device), wanted)).argmax(1).cpu()
        return best == wanted.noun


def train_classifier(
    catalogue: Catalogue, size: int, minutes: float, device: str, workers: int, batch: int, width: int = 48
) -> Classifier:
    """On crops that are noisy and, every other time, as soft as a VAE's decoder paints them."""
    nouns = tuple(catalogue.nouns)
    network = new_classifier(len(nouns) + 1, width).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    painter = draw.Painter(catalogue.images, size, device)
    clock = Clock(minutes * 60, minutes * 60)
    for step, (first, packed) in enumerate(scenes(SceneStream(catalogue, TRAINED, batch, 10**6), workers)):
        if clock.is_over:
            break
        for group in optimizer.param_groups:
            group["lr"] = cosine(3e-3, clock.fraction, step, 50)
        wanted = targets([make_scene(catalogue, n) for n in range(first, first + batch)], nouns)
        images = painter(packed)
        if step % 2:
            images = F.interpolate(F.avg_pool2d(images, 2), scale_factor=2.0, mode="bilinear")
        seen = crop(images, wanted)
        with torch.autocast(device, torch.bfloat16):
            scores = network(seen + 0.06 * torch.randn_like(seen))
        loss = F.cross_entropy(scores.float(), wanted.noun.to(device), label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return _checked(network.eval(), nouns, device, catalogue, painter)


def _checked(
    network: nn.Sequential, nouns: tuple[str, ...], device: str, catalogue: Catalogue, painter: draw.Painter
) -> Classifier:
    drawn = [make_scene(catalogue, n) for n in range(HELD_OUT, HELD_OUT + 96)]
    unchecked = Classifier(network, nouns, device, 0.0)
    hits = unchecked.hits(painter(draw.pack(drawn)), targets(drawn, nouns))
    return Classifier(network, nouns, device, round(hits.float().mean().item(), 3))
