"""Only where there is a CUDA device: what moves really moves, and memory really comes back."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch

from lib_omost.canvas import Canvas
from lib_omost.composer import ComposeSettings, load_local
from lib_omost.errors import DeviceMemoryError
from lib_omost.runtime import Engine
from lib_omost.runtime.catalog import OMOST
from lib_omost.runtime.offload import Offloader, may_have_copies

pytestmark = pytest.mark.cuda

MIB = 2**20
SETTINGS = ComposeSettings(max_new_tokens=32, grammar=False)


def write(engine: Engine) -> str:
    return "".join(engine.compose([{"role": "user", "content": "a red apple"}], SETTINGS, threading.Event()))


@pytest.fixture
def small_card(tiny_llm: Path) -> Engine:
    return Engine(str(tiny_llm), "default", device="cuda", vram_gib=4)


def test_after_a_reply_the_memory_of_a_small_card_is_back(small_card: Engine) -> None:
    write(small_card)  # libraries take their share at the first use
    before = torch.cuda.memory_allocated()
    write(small_card)
    assert torch.cuda.memory_allocated() - before < 300 * MIB
    assert small_card.machine.offloader.on_device() == []


def test_a_picture_is_painted_by_models_that_came_from_the_cpu(small_card: Engine, canvas: Canvas) -> None:
    settings = replace(small_card.render_defaults, steps=2)
    images = small_card.render(canvas, settings, lambda *_: None, threading.Event())
    assert images[0].size == (128, 128) and "unet" in small_card.machine.offloader.on_device()
    used = small_card.device_memory()
    assert used is not None and 0 < used[0] <= used[1]


def test_a_really_full_device_is_one_sentence_and_the_next_picture_works(small_card: Engine, canvas: Canvas) -> None:
    settings = replace(small_card.render_defaults, steps=2)
    too_large = replace(settings, width=8192, height=8192)
    with pytest.raises(DeviceMemoryError, match="The canvas is kept"):
        small_card.render(canvas, too_large, lambda *_: None, threading.Event())
    assert small_card.render(canvas, settings, lambda *_: None, threading.Event())


@pytest.mark.parametrize("quantization", ["nf4", "int8"])
@pytest.mark.parametrize("first", ["written", "not written"])
def test_a_quantised_model_leaves_the_card_whole_and_writes_the_same_when_it_is_back(
    tiny_llm: Path, quantization: Literal["nf4", "int8"], first: str
) -> None:
    device = torch.device("cuda", torch.cuda.current_device())
    before = torch.cuda.memory_allocated()
    composer = load_local(tiny_llm, profile=OMOST, dtype=torch.bfloat16, device=device, quantization=quantization)
    offloader = Offloader(device, lambda: 8 << 30)
    copies = may_have_copies(composer.model)
    assert copies == (quantization == "nf4")
    offloader.add("llm", composer.model, copies=copies)

    def reply() -> str:
        greedy = replace(SETTINGS, temperature=0.0, speculate=False)
        return "".join(composer.stream([{"role": "user", "content": "a cat"}], greedy, threading.Event()))

    said = reply() if first == "written" else None
    composer.release()
    offloader.evict()
    assert torch.cuda.memory_allocated() - before < MIB
    if copies:
        assert all(parameter.is_pinned() for parameter in composer.model.parameters())
    offloader.load(["llm"])
    held = torch.cuda.memory_allocated()
    assert said in (None, reply())
    composer.release()
    assert torch.cuda.memory_allocated() - held < MIB  # not on the card twice
    offloader.evict()  # now from the copies, where there are any
    assert torch.cuda.memory_allocated() - before < MIB
    offloader.load(["llm"])
    assert said in (None, reply())
    offloader.drop("llm")
