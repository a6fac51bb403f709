"""A small network that tells decoded crops from drawn ones, and what a decoder learns from it: crisp edges.

Squared error alone paints the mean of all that a latent may stand for, which is soft.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

#: weight of being taken for a drawing, and of looking alike to the network's inner layers, against the plain error
WEIGHT, ALIKE = 0.02, 5.0


class Adversary(nn.Module):
    """Patches of 10 pixels: `(n, 3, H, W)` to scores, high for drawn ones, and to the states of its inner layers."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        shapes = ((3, width, 4, 2), (width, 2 * width, 4, 2), (2 * width, 3 * width, 3, 1))
        self.inner = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, side, stride, 1)) for a, b, side, stride in shapes)
        self.last = spectral_norm(nn.Conv2d(3 * width, 1, 3, 1, 1))

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        states: list[Tensor] = []
        for layer in self.inner:
            images = F.leaky_relu(layer(images), 0.2)
            states.append(images)
        return self.last(images), states


def telling_loss(adversary: Adversary, drawn: Tensor, decoded: Tensor) -> Tensor:
    """Hinge loss of the adversary itself."""
    real, _ = adversary(drawn)
    fake, _ = adversary(decoded.detach())
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def crispness_loss(adversary: Adversary, drawn: Tensor, decoded: Tensor) -> Tensor:
    """What the decoder is told: be taken for a drawing, and look like this one to the inner layers."""
    adversary.requires_grad_(False)
    score, states = adversary(decoded)
    with torch.no_grad():
        _, wanted = adversary(drawn)
    adversary.requires_grad_(True)
    apart = torch.stack([(a - b).abs().mean() for a, b in zip(states, wanted, strict=True)]).sum()
    return WEIGHT * (ALIKE * apart - score.mean())
