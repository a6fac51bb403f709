"""A stop inside of a step."""

from __future__ import annotations

import threading

import pytest
import torch
from diffusers.models.resnet import ResnetBlock2D
from torch import nn

from lib_omost.errors import Stopped
from lib_omost.runtime.stops import stops_inside


def block() -> ResnetBlock2D:
    return ResnetBlock2D(in_channels=32, temb_channels=None)


def test_a_block_that_comes_after_the_stop_computes_nothing_and_later_passes_go_through() -> None:
    stop, calls = threading.Event(), []
    first, second = block(), block()
    first.register_forward_hook(lambda *_: (calls.append("first"), stop.set())[0])
    second.register_forward_hook(lambda *_: calls.append("second"))
    model, pixels = nn.ModuleList([first, second]), torch.zeros(1, 32, 4, 4)
    with pytest.raises(Stopped), stops_inside([model], stop):
        second(first(pixels, None), None)
    assert calls == ["first"]
    second(first(pixels, None), None)  # the hooks are gone with the block
    assert calls == ["first", "first", "second"]
