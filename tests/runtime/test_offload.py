"""The Offloader with real modules. Its device is torch's "meta", which takes weights as a GPU does, gives none back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch
from bitsandbytes.nn import Linear4bit, Linear8bitLt, Params4bit
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import nn

from lib_omost.errors import DeviceMemoryError, device_is_full
from lib_omost.runtime.offload import (
    Offloader,
    host_has_room,
    may_have_copies,
    module_bytes,
    move,
    packed,
    pinned_copies,
    resting_copies,
    restore,
)
from lib_omost.runtime.random_models import SDXL_UNET

KIB = 1024
SIZES = {"llm": 4, "text": 1, "unet": 4, "vae": 1}  # KiB


class Desk:
    """An offloader over four real modules and a device of so many KiB."""

    def __init__(self, kib: int) -> None:
        self.modules = {name: nn.Linear(16, size * 16, bias=False) for name, size in SIZES.items()}
        self.before = {name: module.weight.detach().clone() for name, module in self.modules.items()}
        self.offloader = Offloader(torch.device("meta"), lambda: kib * KIB - self.used())
        for name, module in self.modules.items():
            self.offloader.add(name, module, copies=True)

    def used(self) -> int:
        return sum(module_bytes(m) for m in self.modules.values() if m.weight.is_meta)

    def here(self) -> set[str]:
        return {name for name, module in self.modules.items() if module.weight.is_meta}


def test_sizes_are_what_the_tests_say() -> None:
    assert {name: module_bytes(m) for name, m in Desk(9).modules.items()} == {n: s * KIB for n, s in SIZES.items()}


def test_on_a_small_device_the_models_evict_each_other() -> None:
    desk = Desk(5)
    for name in ("llm", "text", "unet", "vae", "llm"):
        desk.offloader.load([name])
        assert name in desk.here() and desk.used() <= 5 * KIB
    assert desk.here() == {"vae", "llm"}


def test_on_a_large_device_they_stay_together() -> None:
    desk = Desk(10)
    for name in SIZES:
        desk.offloader.load([name])
    assert desk.here() == set(SIZES)


def test_room_for_the_work_is_made_even_when_the_model_is_there() -> None:
    desk = Desk(6)
    desk.offloader.load(["unet", "vae"])
    desk.offloader.load(["vae"], work_bytes=3 * KIB)
    assert desk.here() == {"vae"}


def test_the_least_recently_used_is_evicted_first() -> None:
    desk = Desk(6)
    desk.offloader.load(["text"])
    desk.offloader.load(["unet"])
    desk.offloader.load(["text"])
    desk.offloader.load(["vae"], work_bytes=KIB)
    assert desk.here() == {"text", "vae"}


def test_nothing_moves_that_is_there_already() -> None:
    desk = Desk(6)
    desk.offloader.load(["unet"])
    weight = desk.modules["unet"].weight
    desk.offloader.load(["unet"])
    assert desk.modules["unet"].weight is weight


def test_weights_come_back_whole() -> None:
    desk = Desk(10)
    desk.offloader.load(SIZES)
    desk.offloader.evict()
    assert desk.here() == set()
    for name, module in desk.modules.items():
        assert torch.equal(module.weight, desk.before[name])


def test_weights_that_come_back_are_the_same_objects_unwritten() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    tensors = dict(module.state_dict(keep_vars=True))
    copies = {name: torch.full_like(tensor, 2) for name, tensor in tensors.items()}
    before = {name: (id(tensor), tensor._version) for name, tensor in tensors.items()}
    restore(module, copies)
    after = module.state_dict(keep_vars=True)
    assert {name: (id(tensor), tensor._version) for name, tensor in after.items()} == before
    assert all(after[name].data_ptr() == copy.data_ptr() for name, copy in copies.items())


def test_a_module_that_refuses_to_move_is_dropped_and_its_owner_learns_it() -> None:
    refused = []
    offloader = Offloader(torch.device("meta"), lambda: 0)
    offloader.add("llm", nn.Linear(4, 4), copies=False, on_refusal=lambda: refused.append("llm"))
    offloader.load(["llm"])
    offloader.evict(["llm"])  # a module on meta, without copies, cannot go to the CPU: torch refuses
    assert refused == ["llm"] and offloader.on_device() == []
    offloader.load(["llm"])  # forgotten, so nothing to do


def test_on_a_cpu_nothing_ever_moves() -> None:
    module = nn.Linear(4, 4)
    offloader = Offloader(torch.device("cpu"), lambda: None)
    offloader.add("llm", module, copies=True)
    weight = module.weight
    offloader.load(["llm"], work_bytes=1 << 60)
    offloader.evict()
    assert module.weight is weight


def failing_once(times: int) -> Callable[[nn.Module], nn.Module]:
    """A module hook in the way of `.to`: the first `times` moves to the device find it full."""
    left = [times]

    class Full(nn.Linear):
        def to(self, *args: object, **kwargs: object) -> nn.Module:
            if args[0] != "cpu" and left[0]:
                left[0] -= 1
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
            return super().to(*args, **kwargs)  # type: ignore[arg-type]

    return Full(16, 64, bias=False)  # type: ignore[return-value]


def test_a_move_that_finds_the_device_full_is_tried_again_with_the_others_away() -> None:
    desk = Desk(20)
    desk.offloader.load(["llm", "vae"])
    desk.offloader.add("big", failing_once(1), copies=True)  # type: ignore[arg-type]
    desk.offloader.load(["big"])
    assert desk.offloader.on_device() == ["big"]


def test_a_move_that_never_fits_ends_in_one_sentence_and_an_empty_device() -> None:
    desk = Desk(20)
    desk.offloader.load(["llm"])
    desk.offloader.add("big", failing_once(9), copies=True)  # type: ignore[arg-type]
    with pytest.raises(DeviceMemoryError, match="big needs"):
        desk.offloader.load(["big"])
    assert desk.offloader.on_device() == []


# --- bitsandbytes' layers; test_cuda.py sees that they leave a real card ---


def four_bit() -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(Linear4bit(64, 128, bias=False, quant_type="nf4", compress_statistics=False)).eval()
    return model.to("cpu")  # quantises


def test_a_4_bit_layer_is_given_back_from_its_copies_and_computes_the_same() -> None:
    model, question = four_bit(), torch.randn(2, 64)
    answer = copy.deepcopy(model)(question)
    copies = pinned_copies(model)
    weight = model[0].weight
    weight.data = weight.data.clone()  # what a visit to a device leaves: the same object with other data
    restore(model, copies)
    assert model[0].weight is weight and isinstance(weight, Params4bit)
    assert weight.data_ptr() == copies["0.weight"].data_ptr() and weight.quant_state.absmax.device.type == "cpu"
    assert torch.equal(model(question), answer)


def test_the_scales_of_4_bit_weights_count_as_their_bytes() -> None:
    assert module_bytes(four_bit()) == 64 * 128 // 2 + 4 * 64 * 128 // 64


def test_8_bit_layers_are_evicted_without_copies_and_others_with_them() -> None:
    eight = nn.Sequential(nn.Linear(4, 4), Linear8bitLt(4, 4, has_fp16_weights=False))
    assert may_have_copies(four_bit()) and may_have_copies(nn.Linear(4, 4)) and not may_have_copies(eight)


def test_copies_are_not_kept_where_they_would_fill_the_machine() -> None:
    assert not host_has_room(1 << 50)


def test_page_locked_copies_are_packed_into_few_buffers_and_hold_the_same_numbers() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(7, 5), nn.Linear(5, 3).half(), nn.BatchNorm1d(3))
    model[1].bias = model[2].bias  # one tensor, two names
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    sizes: list[int] = []

    def buffer(size: int) -> torch.Tensor:
        sizes.append(size)
        return torch.empty(size, dtype=torch.uint8)

    copies = pinned_copies(model, buffer)
    assert len(sizes) == 1 and sizes[0] >= module_bytes(model)
    assert {name: bool(torch.equal(copies[name], tensor)) for name, tensor in before.items()} == dict.fromkeys(
        before, True
    )
    assert model[1].bias is model[2].bias and copies["1.bias"].data_ptr() == copies["2.bias"].data_ptr()


def test_where_page_locked_memory_ends_the_other_tensors_stay_as_they_are() -> None:
    def none_left(size: int) -> torch.Tensor:
        raise RuntimeError("CUDA error: out of memory")

    model = nn.Linear(4, 4)
    before = model.weight.data_ptr()
    assert pinned_copies(model, none_left)["weight"].data_ptr() == before


def test_sdxls_tensors_take_a_hundredth_more_page_locked_memory_than_they_are() -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(SDXL_UNET).half()
    tensors = sorted((tensor.nbytes for tensor in unet.parameters()), reverse=True)
    buffers, places = packed(tensors)
    assert sum(buffers) < 1.01 * sum(tensors)
    taken: dict[int, int] = {}
    for size, (number, start) in zip(tensors, places, strict=True):
        assert start == taken.get(number, 0) and start + size <= buffers[number]
        taken[number] = -(-(start + size) // 256) * 256


def test_a_tensor_larger_than_a_buffer_has_one_of_its_own() -> None:
    assert packed([100 << 20, 10 << 20, 10]) == ([128 << 20, 16 << 20], [(0, 0), (1, 0), (1, 10 << 20)])


def test_weights_that_rest_in_their_file_cost_no_memory_on_their_way_to_the_device_and_back(tmp_path: Path) -> None:
    size = 256 << 20
    save_file({"weight": torch.ones(size // 4096, 2048, dtype=torch.float16)}, tmp_path / "weights.safetensors")
    module = nn.Linear(2048, 1, bias=False)
    before = psutil.Process().memory_info()
    module.weight = nn.Parameter(load_file(tmp_path / "weights.safetensors")["weight"], False)
    offloader = Offloader(torch.device("meta"), lambda: 1 << 40)
    offloader.add("unet", module, copies=True, pinned=False)
    for _ in range(2):
        offloader.load(["unet"])
        assert module.weight.is_meta
        offloader.evict()
    own = psutil.Process().memory_info()
    assert (own.rss - own.shared) - (before.rss - before.shared) < size / 8  # mapped pages are shared ones
    assert module.weight[5, 7] == 1 and module.weight.data_ptr() == resting_copies(module)["weight"].data_ptr()


@pytest.mark.parametrize("passes", [0, 2])
def test_an_8_bit_layer_that_has_moved_is_held_once_and_computes_the_same(passes: int) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(Linear8bitLt(32, 32, bias=False, has_fp16_weights=False, threshold=6.0)).eval()
    model.to("cpu")  # quantises
    question = torch.randn(2, 32)
    answer = copy.deepcopy(model)(question)
    for _ in range(passes):
        model(question)
    move(model, torch.device("cpu"))
    assert model[0].weight.CB is None and model[0].weight.SCB is None  # nothing stays beside what has moved
    assert model[0].weight.data_ptr() == model[0].state.CB.data_ptr()
    assert torch.equal(model(question), answer)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("MPS backend out of memory (MPS allocated: 5.00 GB, max allowed: 6.00 GB)."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes."),
        MemoryError(),
    ],
)
def test_a_full_device_is_known_however_torch_says_it(error: Exception) -> None:
    assert device_is_full(error)
    assert not device_is_full(RuntimeError("expected scalar type Half but found Float"))
