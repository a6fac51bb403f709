"""What the machine decides from sizes and limits. Its device is torch's "meta": takes models, computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lib_omost.errors import SettingsError
from lib_omost.renderer import RenderSettings, StableDiffusionXLOmostPipeline
from lib_omost.runtime import catalog
from lib_omost.runtime import device as devices
from lib_omost.runtime.hub import SDXL_PARTS
from lib_omost.runtime.load_llm import load_composer
from lib_omost.runtime.load_sdxl import load_pipeline
from lib_omost.runtime.machine import Machine

CPU = torch.device("cpu")
PAGE = RenderSettings()  # 896 x 1152


@pytest.fixture(scope="module")
def pipe() -> StableDiffusionXLOmostPipeline:
    return load_pipeline(catalog.sdxl("default"), CPU, {})


@pytest.fixture
def machine_of(tiny_llm: Path, pipe: StableDiffusionXLOmostPipeline) -> Iterator[Callable[[float], Machine]]:
    """Makes a machine of so many GiB that has its models, on the CPU; at the end the pipeline is back there."""
    made = []

    def make(gib: float) -> Machine:
        machine = Machine("meta", gib)
        machine.adopt_llm(load_composer(catalog.llm(str(tiny_llm)), CPU, None))
        machine.adopt_sdxl(pipe)
        made.append(machine)
        return machine

    yield make
    for machine in made:
        machine._tile(False)
        machine.offloader.evict(SDXL_PARTS)
    pipe.vae.to(torch.float32)


@pytest.mark.parametrize(("gib", "keep_llm", "stays"), [(8, False, False), (8, True, True), (24, False, True)])
def test_after_a_reply_the_language_model_leaves_a_small_card_unless_it_is_to_be_kept(
    machine_of: Callable[[float], Machine], gib: float, keep_llm: bool, stays: bool
) -> None:
    machine = machine_of(gib)
    machine.offloader.load(["llm"])
    machine._after_reply(keep_llm)
    assert ("llm" in machine.offloader.on_device()) == stays


def test_a_model_that_cannot_be_moved_back_is_loaded_again_for_the_next_reply(
    machine_of: Callable[[float], Machine], tiny_llm: Path
) -> None:
    machine = machine_of(8)
    assert machine.composer is not None
    machine.offloader.add("llm", machine.composer.model, copies=False, on_refusal=machine.drop_llm)
    machine.offloader.load(["llm"])
    machine._after_reply(keep_llm=False)  # meta has no weights to give back, so torch refuses the move
    assert machine.composer is None
    machine.device = CPU
    machine.load_llm(catalog.llm(str(tiny_llm)))
    assert machine.composer is not None


@pytest.mark.parametrize(
    ("gib", "scale", "tiles"), [(8, 1.0, False), (8, 1.5, True), (8, 2.0, True), (24, 1.5, False), (24, 2.5, True)]
)
def test_tiles_are_used_where_the_picture_or_the_card_asks_for_them(
    machine_of: Callable[[float], Machine], gib: float, scale: float, tiles: bool
) -> None:
    machine = machine_of(gib)
    assert machine.pipe is not None
    machine.pipe.vae.to(torch.bfloat16)
    machine.settings = replace(PAGE, highres_scale=scale)
    assert machine._wants_tiles() == tiles


def test_a_vae_in_32_bits_asks_for_tiles_at_half_the_size(machine_of: Callable[[float], Machine]) -> None:
    machine = machine_of(8)
    machine.settings = PAGE
    assert machine._wants_tiles()


def test_a_phase_announces_the_room_that_its_work_takes(machine_of: Callable[[float], Machine]) -> None:
    machine = machine_of(8)
    machine.settings = PAGE
    alone = machine.work_bytes(("unet",))
    machine.settings = replace(PAGE, images=4)
    four = machine.work_bytes(("unet",))
    assert machine.pipe is not None
    machine.pipe.one_at_a_time = True
    assert alone < four and machine.work_bytes(("unet",)) == alone
    machine._tile(True)
    tiled = machine.work_bytes(("vae",))
    machine._tile(False)
    assert tiled < machine.work_bytes(("vae",)) / 4


def test_with_a_limit_the_free_memory_is_what_is_left_of_it() -> None:
    assert devices.total_bytes(CPU) is None and devices.free_bytes(CPU) is None
    assert devices.total_bytes(torch.device("meta"), 8 * devices.GIB) == 8 * devices.GIB - devices.CONTEXT_BYTES


def test_the_parts_of_a_pipeline_come_when_they_are_announced_and_give_way_to_each_other(
    machine_of: Callable[[float], Machine],
) -> None:
    machine = machine_of(8)
    assert machine.pipe is not None and machine.pipe.onload is not None
    machine.pipe.onload(("text_encoder", "text_encoder_2"))
    machine.pipe.onload(("unet",))
    machine.pipe.onload(("vae",))
    assert set(machine.offloader.on_device()) == set(SDXL_PARTS)  # small as they are, they fit together
    assert machine._step_down(("vae",)) and machine.offloader.on_device() == ["vae"]
    assert not machine._step_down(("vae",))  # nothing is left to give


@pytest.mark.parametrize(
    ("device", "vram", "message"),
    [
        ("gpu", None, "no device 'gpu'. Give cuda, mps or cpu"),
        ("xpu", None, "'xpu' is not to be had"),
        ("cpu", 0.2, "--vram 0.2: give the GiB"),
        ("cpu", -8.0, "--vram -8: give the GiB"),
        ("cpu", float("nan"), "--vram nan: give the GiB"),
    ],
)
def test_a_device_that_is_not_here_or_a_cap_that_holds_nothing_is_one_sentence(
    device: str, vram: float | None, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        Machine(device, vram)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_on_a_machine_without_it_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match=r"finds no such device on this machine\. Leave --device out, or give"):
        Machine("cuda")
