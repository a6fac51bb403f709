"""Where an offloading owner hooks into a pipeline: each piece of device work names its components, and runs once more
if memory ran out and was freed. Moves nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from lib_omost.errors import device_is_full

T = TypeVar("T")


class OffloadHooks:
    """`onload(names)` is called before each piece of device work with the components it needs, to move them there.
    `on_full(names)` is called when the device is out of memory; True = there is room now, run that piece again."""

    onload: Callable[[tuple[str, ...]], None] | None = None
    on_full: Callable[[tuple[str, ...]], bool] | None = None

    device: torch.device  # this and the next are diffusers'
    _execution_device: torch.device

    def on_device(self, names: tuple[str, ...], work: Callable[[], T]) -> T:
        """Runs `work`, which must be repeatable, with the named components in place; once more if the device was out
        of memory and room was made."""
        if self.onload:
            self.onload(names)
        try:
            return work()
        except (RuntimeError, MemoryError) as error:
            if not device_is_full(error) or self.on_full is None or not self.on_full(names):
                raise
        return work()  # outside of the handler, whose traceback holds the failed attempt's tensors

    def device_of(self, component: torch.nn.Module) -> torch.device:
        """Where a component computes: an offloading hook's device if there is one, else where its weights are."""
        working = self._execution_device
        return next(component.parameters()).device if working == self.device else working
