"""Few-step presets from a LoRA's file to a picture: a random one of low rank stands for the published ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, LCMScheduler
from PIL import Image
from safetensors.torch import save_file

from lib_omost.canvas import Canvas
from lib_omost.renderer import PRESETS, RenderSettings, with_preset
from lib_omost.runtime import Engine, catalog

SCHEDULERS = {"lightning-4": EulerDiscreteScheduler, "hyper-8-cfg": DDIMScheduler, "lcm": LCMScheduler}
HOMELESS = "unet.no.such.layer.to_k"


def low_rank(engine: Engine, rank: int = 2) -> dict[str, torch.Tensor]:
    """Weights of `rank` for each projection of the UNet's attentions, in diffusers' spelling."""
    assert engine.machine.pipe is not None
    random, tensors = torch.Generator().manual_seed(0), {}
    for name, module in engine.machine.pipe.unet.named_modules():
        if name.endswith((".to_q", ".to_k", ".to_v", ".to_out.0")):
            down = torch.randn(rank, module.in_features, generator=random)
            tensors[f"unet.{name}.lora_A.weight"] = down / module.in_features**0.5
            tensors[f"unet.{name}.lora_B.weight"] = torch.randn(module.out_features, rank, generator=random) * 0.1
    return tensors


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Over the default image model, with the LoRAs of three presets in models_dir/loras; one has a part too many."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "loras").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "MODELS_DIR", folder)
        engine = Engine("default", "default", device="cpu")
        engine._load_sdxl()
        weights = low_rank(engine)
        stray = {f"{HOMELESS}.lora_{x}.weight": torch.ones(shape) for x, shape in (("A", (1, 4)), ("B", (4, 1)))}
        for name in SCHEDULERS:
            file = folder / "loras" / f"{PRESETS[name].lora_name}.safetensors"
            save_file(weights | stray if name == "lcm" else weights, file)
        yield engine


def paint(engine: Engine, canvas: Canvas, settings: RenderSettings) -> tuple[Image.Image, set[type]]:
    """The picture, and the schedulers that were at work."""
    used: set[type] = set()
    pipe = engine.machine.pipe
    assert pipe is not None
    pictures = engine.render(canvas, settings, lambda *_: used.add(type(pipe.scheduler)), threading.Event())
    return pictures[0], used


def differ(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, float) - np.asarray(b, float)).mean())


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_preset_with_its_lora_paints_with_both_and_without_it_says_what_is_missing(
    engine: Engine, canvas: Canvas, name: str
) -> None:
    preset = PRESETS[name]
    settings = with_preset(replace(engine.render_defaults, width=64, height=64), name)
    engine.use_sdxl("default")
    engine._load_sdxl()
    without, _ = paint(engine, canvas, settings)
    assert [note for note in engine.render_notes if f"wants the LoRA {preset.lora_name}" in note]

    engine.use_sdxl("default", {preset.lora_name: 1.0})
    engine._load_sdxl()
    with_lora, used = paint(engine, canvas, settings)
    assert used == {SCHEDULERS[name]} and differ(with_lora, without) > 1
    assert [HOMELESS in note for note in engine.render_notes] == ([True] if name == "lcm" else [])

    other, _ = paint(engine, canvas, replace(settings, negative_prompt="a red balloon"))
    assert (differ(other, with_lora) > 0) == (preset.guidance > 1)
    assert engine.render_notes == ()
