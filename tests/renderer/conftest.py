"""Shared by the renderer's tests: the formula in its slowest, plainest form, and the default image model."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from lib_omost.canvas import Canvas
from lib_omost.renderer import RenderSettings, StableDiffusionXLOmostPipeline

MODEL = Path(__file__).resolve().parents[2] / "default_models" / "image"
SMALL = RenderSettings(width=128, height=128, steps=4, guidance=4.0, canvas_start=1.0, centred_noise=True, seed=7)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Small tensors: a second thread waits at barriers more than it computes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def regional_attention(
    q: Tensor, k: Tensor, v: Tensor, masks: list[Tensor], lengths: list[int], scale: float
) -> Tensor:
    """The formula at the head of attention.py in float64, one pixel, one head and one token at a time. q `(B, h, N,
    d)`, k and v `(1, h, T, d)`."""
    q, k, v = q.double(), k.double(), v.double()
    region = [index for index, length in enumerate(lengths) for _ in range(length)]
    out = torch.zeros_like(q)
    for b, h, pixel in ((b, h, p) for b in range(q.shape[0]) for h in range(q.shape[1]) for p in range(q.shape[2])):
        scores = []
        for token, r in enumerate(region):
            visible = bool(masks[r].flatten()[pixel])
            gain = masks[r].numel() / int(masks[r].sum())
            dot = float(q[b, h, pixel] @ k[0, h, token])
            scores.append(dot * scale * gain if visible else -math.inf)
        out[b, h, pixel] = torch.tensor(scores, dtype=torch.float64).softmax(0) @ v[0, h]
    return out


@pytest.fixture
def reference() -> Callable[..., Tensor]:
    return regional_attention


@pytest.fixture(scope="session")
def pipe() -> StableDiffusionXLOmostPipeline:
    loaded = StableDiffusionXLOmostPipeline.from_pretrained(MODEL, dtype=torch.float32, local_files_only=True)
    loaded.set_progress_bar_config(disable=True)
    return loaded


@pytest.fixture
def fresh_pipe(pipe: StableDiffusionXLOmostPipeline) -> StableDiffusionXLOmostPipeline:
    """A copy, for tests that change weights or attributes."""
    copied = StableDiffusionXLOmostPipeline(**copy.deepcopy(pipe.components))
    copied.set_progress_bar_config(disable=True)
    return copied


@pytest.fixture(scope="session")
def deep_pipe(pipe: StableDiffusionXLOmostPipeline) -> StableDiffusionXLOmostPipeline:
    """The default model with a tiny random VAE of five levels: a latent pixel is 16 pixels wide, not 8."""
    torch.manual_seed(0)
    levels = 5
    vae = AutoencoderKL(
        block_out_channels=(8,) * levels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        norm_num_groups=1,
        scaling_factor=1.0,
        sample_size=256,
    )
    loaded = StableDiffusionXLOmostPipeline(**pipe.components | {"vae": vae.eval()})
    loaded.set_progress_bar_config(disable=True)
    return loaded


@pytest.fixture
def settings() -> RenderSettings:
    return SMALL


def region(canvas: Canvas, location: str, text: str, color: str, distance: float = 1.0, **extra: object) -> None:
    place = (location, "no offset", "a small square area", distance)
    canvas.add_local_description(
        *place, text, [f"{text} up close"], "icon", "calm", "flat", "high quality", color, **extra
    )


def make_canvas(*regions: tuple[str, str, str]) -> Canvas:
    canvas = Canvas()
    canvas.set_global_description("a picture in a meadow", ["soft light"], "icon, flat", "skyblue")
    for place, text, color in regions:
        region(canvas, place, text, color)
    return canvas


@pytest.fixture
def canvas() -> Canvas:
    return make_canvas(("on the left", "an apple", "red"), ("on the top-right", "a balloon", "red"))


@pytest.fixture(scope="session")
def build_canvas() -> Callable[..., Canvas]:
    return make_canvas
