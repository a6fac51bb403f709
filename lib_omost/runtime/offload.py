"""Offloading: modules are evicted to the CPU where they do not fit on the device together, least recently used first.

Counts bytes and moves modules. What a phase needs is its caller's business, machine.py's; so is when to call.
diffusers has `ComponentsManager.enable_auto_cpu_offload` for pipelines; it keeps no pinned copies (an eviction is a
transfer), knows no 4- and 8-bit layers of a language model, and has no second try for a device that is full.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from lib_omost.errors import DeviceMemoryError, device_is_full
from lib_omost.runtime import device as devices

log = logging.getLogger(__name__)

HOST_RESERVE_BYTES = 10 * devices.GIB  # an image model in 16 bits, 7 of them, and what else runs
CHUNK_BYTES = 64 << 20  # of page-locked memory; torch rounds each allocation up to a power of two, as this is one
ALIGNMENT_BYTES = 256


@dataclass(slots=True)
class _Entry:
    module: nn.Module
    make_copies: Callable[[nn.Module], dict[str, torch.Tensor]] | None = None  # as soon as it is on the CPU
    copies: dict[str, torch.Tensor] = field(default_factory=dict)  # on the CPU; empty: moved both ways by .to
    on_refusal: Callable[[], None] | None = None
    on_device: bool = False


def module_bytes(module: nn.Module) -> int:
    """Of all tensors that move with a module, the scales of bitsandbytes' 4-bit weights among them."""
    tensors = [*module.parameters(), *module.buffers()]
    states = [state for state in (_quant_state(tensor) for tensor in tensors) if state is not None]
    return sum(t.nbytes for t in (*tensors, *(state.absmax for state in states)))


def _quant_state(tensor: torch.Tensor) -> Any:
    """What a 4-bit weight of bitsandbytes needs beside its codes; None for any other tensor."""
    return getattr(tensor, "quant_state", None)


class Offloader:
    """Modules under names, loaded to one device when they are needed.

    The least recently used are evicted first, and only when there is too little room. A module with CPU copies is
    evicted without a transfer. On a CPU nothing ever moves.
    """

    def __init__(self, device: torch.device, free_bytes: Callable[[], int | None]) -> None:
        self.device = device
        self.swap_s = 0.0  # spent on moving, in total
        self.last_s: dict[str, float] = {}  # by the last move of each: "llm in", "llm out", ...
        self._free_bytes = free_bytes
        self._entries: dict[str, _Entry] = {}  # least recently used first

    def add(
        self,
        name: str,
        module: nn.Module,
        *,
        copies: bool,
        pinned: bool = True,
        on_refusal: Callable[[], None] | None = None,
    ) -> None:
        """Registers a module, wherever it is now.

        `copies`: keep its weights on the CPU too, in pinned memory or, not `pinned`, as they are there, which costs
        no memory where they are mapped from their file; only for weights that never change (see may_have_copies). One
        that is on the device gets them when it is evicted for the first time. `on_refusal` is called, and the module
        dropped, when it refuses to be moved: it should forget the module, to be loaded again.
        """
        on = {t.device.type for t in (*module.parameters(), *module.buffers())}
        on_device = self.device.type != "cpu" and self.device.type in on
        make_copies = pinned_copies if pinned else resting_copies
        entry = _Entry(module, make_copies if copies else None, on_refusal=on_refusal, on_device=on_device)
        if entry.make_copies and self.device.type != "cpu" and not on_device:
            entry.copies = entry.make_copies(module)
        self._entries[name] = entry

    def drop(self, name: str) -> None:
        """Forgets a module, if it was there; its memory is free once no one else holds it."""
        self._entries.pop(name, None)

    def on_device(self) -> list[str]:
        """The names of those on the device."""
        return [name for name, entry in self._entries.items() if entry.on_device]

    def load(self, names: Iterable[str], work_bytes: int = 0) -> None:
        """Puts these on the device with `work_bytes` to spare beside them; others are evicted only if they must be.

        Raises DeviceMemoryError when they do not fit even alone.
        """
        if self.device.type == "cpu":
            return
        wanted = [name for name in names if name in self._entries]
        for name in wanted:
            self._entries[name] = self._entries.pop(name)  # now the most recently used
        coming = [name for name in wanted if not self._entries[name].on_device]
        self.make_room(sum(module_bytes(self._entries[name].module) for name in coming) + work_bytes, keep=wanted)
        for name in coming:
            self._load(name, wanted)

    def make_room(self, room_bytes: int, keep: Iterable[str] = ()) -> None:
        """Evicts the least recently used until `room_bytes` are free or only those of `keep` are left."""
        for name in [n for n in self.on_device() if n not in set(keep)]:
            free = self._free_bytes()
            if free is None or free >= room_bytes:
                return
            self.evict([name])

    def evict(self, names: Iterable[str] | None = None) -> None:
        """Takes these off the device (all of them: None) and hands their memory back."""
        start = time.perf_counter()
        for name in [n for n in self.on_device() if names is None or n in set(names)]:
            began = time.perf_counter()
            self._evict(name)
            self.last_s[f"{name} out"] = time.perf_counter() - began
        devices.empty_cache(self.device)
        self.swap_s += time.perf_counter() - start

    def _load(self, name: str, keep: Iterable[str]) -> None:
        start = time.perf_counter()
        entry = self._entries[name]
        entry.on_device = True  # in part, should the device be full: an eviction puts all of it back
        if not moved(entry.module, self.device):
            self.evict([n for n in self.on_device() if n == name or n not in set(keep)])
            entry.on_device = True
            if not moved(entry.module, self.device):
                self.evict()
                size = module_bytes(entry.module) / devices.GIB
                raise DeviceMemoryError(
                    f"{name} needs {size:.1f} GiB of device memory, and there is less even with all other models away. "
                    f"Close other programs that use the device, or choose a smaller model."
                )
        devices.synchronize(self.device)
        self.last_s[f"{name} in"] = time.perf_counter() - start
        self.swap_s += self.last_s[f"{name} in"]

    def _evict(self, name: str) -> None:
        entry = self._entries[name]
        entry.on_device = False
        try:
            if entry.copies:
                restore(entry.module, entry.copies)
            else:
                move(entry.module, torch.device("cpu"))
                entry.copies = entry.make_copies(entry.module) if entry.make_copies else {}
        except (RuntimeError, ValueError, NotImplementedError) as error:
            if entry.on_refusal is None:
                raise
            log.info("%s cannot be moved (%s); it will be loaded again when it is needed.", name, error)
            self.drop(name)
            entry.on_refusal()


def moved(module: nn.Module, device: torch.device) -> bool:
    """Moves a module; False, with a part of it there, when the device is full."""
    try:
        move(module, device)
    except (RuntimeError, MemoryError) as error:
        if device_is_full(error):
            return False
        raise
    return True


def move(module: nn.Module, device: torch.device) -> None:
    """`module.to(device)`, and what that leaves behind.

    After its first pass an 8-bit layer of bitsandbytes (0.50) works from tensors beside its weight, which its own `to`
    moves and that of a module around it does not. Its forward makes the two one again, and so do we: else each layer
    would be on the device twice.
    """
    later = device.type != "cpu"  # what comes back to the CPU is used at once
    for layer in module.modules():
        if type(layer).__name__ == "Linear8bitLt":
            _move_8_bit(layer, device, later)
    module.to(device, non_blocking=later)


def _move_8_bit(layer: Any, device: torch.device, later: bool) -> None:
    if getattr(layer.weight, "CB", None) is not None:
        layer.init_8bit_state()
    layer.to(device, non_blocking=later)
    if layer.state.CB is not None:
        layer.weight.data = layer.state.CB


def may_have_copies(module: nn.Module) -> bool:
    """Whether a module's weights can be given back from copies, by the data of its parameters and `.to` alone.

    Plain ones can, and bitsandbytes' 4-bit ones: their codes are a parameter's data, and the state with their scales
    (an eighth of them or less) has a `to` of its own. Its 8-bit layers cannot: after a pass codes and
    scales are held by a state beside the parameter, which only the layer's own `to` moves, so that copies would have
    to be written into the attributes of that library. They are evicted by a transfer. So are other packed formats.
    """
    return {type(parameter).__name__ for parameter in module.parameters()} <= {"Parameter", "Params4bit"}


def host_has_room(copied_bytes: int) -> bool:
    """Whether page-locked copies of so many bytes leave enough of the machine's memory."""
    return devices.machine_bytes()[0] - copied_bytes > HOST_RESERVE_BYTES


def resting_copies(module: nn.Module) -> dict[str, torch.Tensor]:
    """The tensors of a module on the CPU under their names, where they are.

    Weights that were loaded in their file's format are mapped from it: the system reads them when they are moved to
    the device, and forgets them when it wants the memory.
    """
    return {name: tensor.data for name, tensor in _tensors(module).items()}


def pinned_copies(module: nn.Module, buffer: Callable[[int], torch.Tensor] | None = None) -> dict[str, torch.Tensor]:
    """The tensors of a module on the CPU under their names, moved to pinned memory one by one: never two of them.

    They stay where they are when no more of it is to be had, and without CUDA. `buffer(bytes)`: uint8 in such memory,
    or a RuntimeError.
    """
    if buffer is None and not torch.cuda.is_available():
        return resting_copies(module)
    unique = {id(tensor): tensor for tensor in _tensors(module).values()}  # tied weights have two names
    tensors = sorted(unique.values(), key=lambda tensor: tensor.nbytes, reverse=True)
    sizes, places = packed([tensor.nbytes for tensor in tensors])
    buffers: dict[int, torch.Tensor] = {}
    for tensor, (number, start) in zip(tensors, places, strict=True):
        if number not in buffers:
            try:
                buffers[number] = (buffer or _page_locked)(sizes[number])
            except RuntimeError:  # no page-locked memory left
                break
        there = buffers[number][start : start + tensor.nbytes].view(tensor.dtype).view(tensor.shape)
        tensor.data = there.copy_(tensor.data)
    return resting_copies(module)


def _page_locked(size: int) -> torch.Tensor:
    return torch.empty(size, dtype=torch.uint8, pin_memory=True)


def packed(sizes: Iterable[int]) -> tuple[list[int], list[tuple[int, int]]]:
    """Places in few buffers, each of a power of two, for tensors of these sizes in bytes, the largest first.

    The bytes of each buffer, and for each tensor its buffer's number and where in it the tensor begins. One by one,
    rounded up by torch, SDXL's tensors took a third more than they are.
    """
    used: list[int] = []
    places = []
    for size in sizes:
        room = -(-size // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
        number = next((n for n, full in enumerate(used) if full + room <= CHUNK_BYTES), len(used))
        if number == len(used):
            used.append(0)
        places.append((number, used[number]))
        used[number] += room
    return [1 << max(0, full - 1).bit_length() for full in used], places


def _tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """With the buffers that a state dict leaves out, such as CLIP's position numbers."""
    buffers = dict(module.named_buffers(remove_duplicate=False))
    return buffers | dict(module.named_parameters(remove_duplicate=False))


def restore(module: nn.Module, copies: dict[str, torch.Tensor]) -> None:
    """Puts the copies in the place of the module's tensors, without a transfer.

    The tensors stay the same objects, by which the cache of text embeddings knows the encoders.
    """
    own = _tensors(module)
    for name, copy in copies.items():
        if not own[name].is_meta:
            own[name].data = copy
            if (state := _quant_state(own[name])) is not None:
                state.to(copy.device)
            continue
        path, _, leaf = name.rpartition(".")  # a tensor without data takes none
        replaced = nn.Parameter(copy, own[name].requires_grad) if isinstance(own[name], nn.Parameter) else copy
        setattr(module.get_submodule(path), leaf, replaced)


def asked_for(error: BaseException) -> str:
    """Of the allocator's long message, what a person may want to know."""
    found = re.search(r"allocate ([\d.]+ [KMG]i?B|\d+ bytes)", str(error))
    return f"{found[1]} more were asked for." if found else "there was no room for one more tensor."
