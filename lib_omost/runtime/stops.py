"""Stop inside of a step: one on a CPU may take half a minute, and who leaves should not hold the device as long."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from torch import nn

from lib_omost.errors import Stopped

#: diffusers' and transformers' names of what a model is a stack of.
BLOCKS = ("ResnetBlock2D", "BasicTransformerBlock", "CLIPEncoderLayer")


@contextmanager
def stops_inside(models: Sequence[nn.Module], stop: threading.Event) -> Iterator[None]:
    """In the `with` block, each block of these models raises Stopped, before it computes, once `stop` is set."""

    def check(*_: object) -> None:
        if stop.is_set():
            raise Stopped("Stopped.")

    with ExitStack() as hooks:
        for model in models:
            for block in model.modules():
                if type(block).__name__ in BLOCKS:
                    hooks.callback(block.register_forward_pre_hook(check).remove)
        yield
