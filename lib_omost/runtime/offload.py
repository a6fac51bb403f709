"""Who is on the device: modules take turns where they do not fit together, and stay together where they do.

Counts bytes and moves modules. What a phase needs is told by the caller; when to call is engine.py's business.
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
PINNED_ROUNDING = 4 / 3  # torch rounds each page-locked tensor up to a power of two


@dataclass(slots=True)
class _Guest:
    module: nn.Module
    keeps: bool = False  # copies are made as soon as it is on the CPU
    copies: dict[str, torch.Tensor] = field(default_factory=dict)  # on the CPU, pinned; empty: moved both ways by .to
    on_refusal: Callable[[], None] | None = None
    here: bool = False


def module_bytes(module: nn.Module) -> int:
    """Of all tensors that move with a module, the scales of bitsandbytes' 4-bit weights among them."""
    tensors = [*module.parameters(), *module.buffers()]
    states = [state for state in (_quant_state(tensor) for tensor in tensors) if state is not None]
    return sum(t.nbytes for t in (*tensors, *(state.absmax for state in states)))


def _quant_state(tensor: torch.Tensor) -> Any:
    """What a 4-bit weight of bitsandbytes needs beside its codes; None for any other tensor."""
    return getattr(tensor, "quant_state", None)


class Residency:
    """Modules under names, moved to one device when they are needed.

    The longest unused ones leave first, and only when there is too little room. A module with CPU copies leaves without
    a transfer. On a CPU nothing ever moves.
    """

    def __init__(self, device: torch.device, free_bytes: Callable[[], int | None]) -> None:
        self.device = device
        self.swap_s = 0.0  # spent on moving, in total
        self.last_s: dict[str, float] = {}  # by the last move of each: "llm in", "llm out", ...
        self._free_bytes = free_bytes
        self._guests: dict[str, _Guest] = {}  # longest unused first

    def add(self, name: str, module: nn.Module, *, copies: bool, on_refusal: Callable[[], None] | None = None) -> None:
        """Takes a module in, wherever it is now.

        `copies`: keep its weights on the CPU too, in pinned memory; only for weights that never change (may_have_copies
        tells of which modules). One that is on the device gets them when it leaves for the first time. `on_refusal` is
        called, and the module dropped, when it refuses to be moved: it should forget the module, to be loaded again.
        """
        on = {t.device.type for t in (*module.parameters(), *module.buffers())}
        here = self.device.type != "cpu" and self.device.type in on
        guest = _Guest(module, keeps=copies and self.device.type != "cpu", on_refusal=on_refusal, here=here)
        if guest.keeps and not here:
            guest.copies = pinned_copies(module)
        self._guests[name] = guest

    def drop(self, name: str) -> None:
        """Forgets a module, if it was there; its memory is free once no one else holds it."""
        self._guests.pop(name, None)

    def here(self) -> list[str]:
        """The names of those on the device."""
        return [name for name, guest in self._guests.items() if guest.here]

    def bring(self, names: Iterable[str], work_bytes: int = 0) -> None:
        """Puts these on the device with `work_bytes` to spare beside them; others leave only if they must.

        Raises DeviceMemoryError when they do not fit even alone.
        """
        if self.device.type == "cpu":
            return
        wanted = [name for name in names if name in self._guests]
        for name in wanted:
            self._guests[name] = self._guests.pop(name)  # now the latest used
        coming = [name for name in wanted if not self._guests[name].here]
        self.make_room(sum(module_bytes(self._guests[name].module) for name in coming) + work_bytes, keep=wanted)
        for name in coming:
            self._enter(name, wanted)

    def make_room(self, room_bytes: int, keep: Iterable[str] = ()) -> None:
        """Lets the longest unused leave until `room_bytes` are free or only those of `keep` are left."""
        for name in [n for n in self.here() if n not in set(keep)]:
            free = self._free_bytes()
            if free is None or free >= room_bytes:
                return
            self.leave([name])

    def leave(self, names: Iterable[str] | None = None) -> None:
        """Takes these off the device (all of them: None) and hands their memory back."""
        start = time.perf_counter()
        for name in [n for n in self.here() if names is None or n in set(names)]:
            began = time.perf_counter()
            self._exit(name)
            self.last_s[f"{name} out"] = time.perf_counter() - began
        devices.empty_cache(self.device)
        self.swap_s += time.perf_counter() - start

    def _enter(self, name: str, keep: Iterable[str]) -> None:
        start = time.perf_counter()
        guest = self._guests[name]
        guest.here = True  # in part, should the device be full: leaving puts all of it back
        if not moved(guest.module, self.device):
            self.leave([n for n in self.here() if n == name or n not in set(keep)])
            guest.here = True
            if not moved(guest.module, self.device):
                self.leave()
                size = module_bytes(guest.module) / devices.GIB
                raise DeviceMemoryError(
                    f"{name} needs {size:.1f} GiB of device memory, and there is less even with all other models away. "
                    f"Close other programs that use the device, or choose a smaller model."
                )
        devices.synchronize(self.device)
        self.last_s[f"{name} in"] = time.perf_counter() - start
        self.swap_s += self.last_s[f"{name} in"]

    def _exit(self, name: str) -> None:
        guest = self._guests[name]
        guest.here = False
        try:
            if guest.copies:
                _restore(guest.module, guest.copies)
            else:
                move(guest.module, torch.device("cpu"))
                guest.copies = pinned_copies(guest.module) if guest.keeps else {}
        except (RuntimeError, ValueError, NotImplementedError) as error:
            if guest.on_refusal is None:
                raise
            log.info("%s cannot be moved (%s); it will be loaded again when it is needed.", name, error)
            self.drop(name)
            guest.on_refusal()


def moved(module: nn.Module, device: torch.device) -> bool:
    """Moves a module; False, with a part of it there, when the device is full."""
    try:
        move(module, device)
    except RuntimeError as error:
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
    to be written into the attributes of that library. They leave by a transfer. So do other packed formats.
    """
    return {type(parameter).__name__ for parameter in module.parameters()} <= {"Parameter", "Params4bit"}


def host_has_room(copied_bytes: int) -> bool:
    """Whether page-locked copies of so many bytes leave enough of the machine's memory; no where that is not told."""
    found = devices.machine_bytes()
    return found is not None and found[0] - copied_bytes * PINNED_ROUNDING > HOST_RESERVE_BYTES


def pinned_copies(module: nn.Module) -> dict[str, torch.Tensor]:
    """The tensors of a module on the CPU under their names, moved to pinned memory one by one: never two of them."""
    tensors = _tensors(module)
    for tensor in tensors.values():
        tensor.data = _pinned(tensor.data)
    return {name: tensor.data for name, tensor in tensors.items()}


def _tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """With the buffers that a state dict leaves out, such as CLIP's position numbers."""
    buffers = dict(module.named_buffers(remove_duplicate=False))
    return buffers | dict(module.named_parameters(remove_duplicate=False))


def _restore(module: nn.Module, copies: dict[str, torch.Tensor]) -> None:
    """Puts the copies in the place of the module's tensors, without a transfer.

    The tensors stay the same objects, by which the reader of texts knows the encoders it has asked before.
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


def _pinned(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in page-locked memory, from which a GPU copies at full speed; as it is where that cannot be had."""
    if not torch.cuda.is_available():
        return tensor
    try:
        return tensor.pin_memory()
    except RuntimeError:  # no page-locked memory left
        return tensor


def asked_for(error: BaseException) -> str:
    """Of the allocator's long message, what a person may want to know."""
    found = re.search(r"allocate ([\d.]+ [KMG]i?B|\d+ bytes)", str(error))
    return f"{found[1]} more were asked for." if found else "there was no room for one more tensor."
