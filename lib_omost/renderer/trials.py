"""Which back end of the attention works on this machine: each is tried on its first real layer, and left where it
fails. The back ends are attention.py's."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lib_omost.errors import SettingsError, device_is_full
from lib_omost.renderer.attention import BACK_ENDS, choose, has_varlen, masked_sdpa, merge_boxes, varlen_groups
from lib_omost.renderer.regions import Attend, MaskLevel
from lib_omost.renderer.settings import ATTENTIONS

FARTHEST = 0.1  # of the masked form's root mean square; half precision is 0.01 away


def named_back_end(name: str) -> Attend | None:
    """The back end of `--attention NAME`; None for "auto", the measured rule. Raises SettingsError."""
    if name not in ATTENTIONS:
        raise SettingsError(f"--attention {name}: there is no such back end. Give one of {', '.join(ATTENTIONS)}.")
    return BACK_ENDS.get(name)


def suits(attend: Attend, level: MaskLevel, q: Tensor) -> bool:
    """Whether a back end can compute this level at all."""
    if attend is merge_boxes:
        return level.boxes[0] == level.full_box and None not in level.boxes
    return attend is not varlen_groups or (level.unit_strengths and has_varlen(q))


class Trials:
    """The back ends that were tried here, and those that failed; `notify` gets a sentence for each of these.

    A kernel may be absent from a build of torch, or be wrong on some card, without any way to ask before: its first
    result for each shape is compared with the masked form's, which every device has.
    """

    def __init__(self, notify: Callable[[str], None]) -> None:
        self.notify = notify
        self.failed: set[Attend] = set()
        self._passed: set[tuple[object, ...]] = set()

    def attend(self, wanted: Attend | None, q: Tensor, k: Tensor, v: Tensor, level: MaskLevel, scale: float) -> Tensor:
        """As the back ends do, by `wanted` (None: the measured rule) or what has to take its place."""
        chosen = wanted if wanted and suits(wanted, level, q) else choose(level, q)
        if chosen is masked_sdpa or chosen in self.failed:
            return masked_sdpa(q, k, v, level, scale)
        if torch.compiler.is_compiling():  # the graph of a UNet that has painted before
            return chosen(q, k, v, level, scale)
        return self._tried(chosen, q, k, v, level, scale)

    def _tried(self, chosen: Attend, q: Tensor, k: Tensor, v: Tensor, level: MaskLevel, scale: float) -> Tensor:
        shape = (chosen, q.shape[1:], q.dtype, q.device, level.strengths)
        try:
            found = chosen(q, k, v, level, scale)
        except Exception as error:
            if device_is_full(error):
                raise
            self._give_up(chosen, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
            return masked_sdpa(q, k, v, level, scale)
        if shape in self._passed:
            return found
        wanted = masked_sdpa(q, k, v, level, scale)
        if problem := differs(found, wanted):
            self._give_up(chosen, problem)
            return wanted
        self._passed.add(shape)
        return found

    def _give_up(self, chosen: Attend, problem: str) -> None:
        self.failed.add(chosen)
        name = next((name for name, back_end in BACK_ENDS.items() if back_end is chosen), "given")
        self.notify(
            f"The attention back end {name} does not work on this device ({problem.rstrip('. ')}); the masked form "
            f"takes its place, which is slower. The pictures are the same."
        )


def differs(found: Tensor, wanted: Tensor) -> str:
    """What is wrong with a result, nothing where it is the masked form's up to rounding."""
    error = (found.float() - wanted.float()).square().mean().sqrt()
    size = wanted.float().square().mean().sqrt()
    if not bool(size.isfinite()) or bool(error <= FARTHEST * size):  # what is no number in either form is no news
        return ""
    return f"it is {float(error / size):.0%} away from the formula"
