"""Resuming a render that ran out of device memory: the state of its passes after their last step. Knows no models."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lib_omost.canvas import Canvas
from lib_omost.renderer.inpaint import Previous
from lib_omost.renderer.sampling import Generator, Seed
from lib_omost.renderer.settings import RenderSettings


@dataclass(slots=True)
class PassState:
    """The state of one pass after `steps` of its steps: all that the next step depends on. Empty at first."""

    steps: int = 0
    init: Tensor | None = None  # (n, 4, h, w): the latents that the pass started from, before any noise
    noise: Tensor | None = None
    latents: Tensor | None = None
    scheduler_state: dict[str, Any] = field(default_factory=dict)
    generator_state: Tensor | None = None
    finished: bool = False

    def restore(
        self, init: Tensor, latents: Tensor, noise: Tensor, scheduler: Any, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        """(latents, noise) to resume with: those saved after the last step, with the scheduler and the generator set to
        what they were then; or the given ones, for a pass that starts from other latents."""
        if not self._started_from(init):
            self.steps, self.init, self.noise, self.latents, self.finished = 0, init, noise, latents, False
            return latents, noise
        assert self.latents is not None and self.noise is not None
        vars(scheduler).update(copy.deepcopy(self.scheduler_state))
        self._restore_generator(generator)
        return self.latents, self.noise

    def save(self, steps: int, latents: Tensor, scheduler: Any, generator: Generator, *, finished: bool) -> None:
        """Called after each step. A multistep solver changes its lists in place, so they are copied."""
        self.steps, self.latents, self.scheduler_state = steps, latents, copy.deepcopy(vars(scheduler))
        self.finished = finished
        self.generator_state = generator.get_state() if isinstance(generator, torch.Generator) else None

    def result(self, init: Tensor, generator: Generator | Seed) -> Tensor | None:
        """The latents of a finished pass, with the generator set to its state at the end; None before that."""
        if not self.finished or self.latents is None or not self._started_from(init):
            return None
        self._restore_generator(generator.on(self.latents.device) if isinstance(generator, Seed) else generator)
        return self.latents

    def _started_from(self, init: Tensor) -> bool:
        return self.steps > 0 and self.init is not None and torch.equal(self.init, init)

    def _restore_generator(self, generator: Generator) -> None:
        if isinstance(generator, torch.Generator) and self.generator_state is not None:
            generator.set_state(self.generator_state)


@dataclass(slots=True)
class Run:
    """The arguments of a render, and the states of its first and second pass."""

    canvas: Canvas
    settings: RenderSettings
    keep: Previous | None
    first: PassState = field(default_factory=PassState)
    second: PassState = field(default_factory=PassState)

    @property
    def steps(self) -> int:
        """How many are done, of both passes together."""
        return self.first.steps + self.second.steps


class ResumePoint:
    """The last render that ran out of device memory, if any. Its latents are a megabyte or two."""

    def __init__(self) -> None:
        self.run: Run | None = None

    def resume_or_start(self, canvas: Canvas, settings: RenderSettings, keep: Previous | None) -> Run:
        """The saved run, if its canvas, settings and previous pictures are the given ones; else a new one."""
        saved = self.run
        if saved and (saved.canvas, saved.settings, saved.keep) == (canvas, settings, keep):
            return saved
        return Run(canvas, settings, keep)

    def save(self, run: Run) -> None:
        """Keeps the run in place of the one before it."""
        self.run = run

    def discard(self, run: Run) -> None:
        """Drops the run if it is the saved one; a run of other settings leaves that alone."""
        if run is self.run:
            self.run = None
