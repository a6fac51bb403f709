"""What a render leaves that found the device full: how far its passes came, so that the same render goes on from there.
Knows no models."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lib_omost.canvas import Canvas
from lib_omost.renderer.keep import Previous
from lib_omost.renderer.sampling import Generator, Seed
from lib_omost.renderer.settings import RenderSettings


@dataclass(slots=True)
class Progress:
    """One pass after `steps` of its steps, with all that the next one depends on. Empty at first."""

    steps: int = 0
    init: Tensor | None = None  # (n, 4, h, w): what the pass began with, before any noise
    noise: Tensor | None = None
    latents: Tensor | None = None
    scheduler: dict[str, Any] = field(default_factory=dict)
    random: Tensor | None = None  # the generator's state

    def begin(
        self, init: Tensor, latents: Tensor, noise: Tensor, scheduler: Any, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        """(latents, noise) to go on with: those of the last step, with the scheduler and the generator as they were
        then; or the given ones, for a pass that begins with something else."""
        if not self._began_with(init):
            self.steps, self.init, self.noise, self.latents = 0, init, noise, latents
            return latents, noise
        assert self.latents is not None and self.noise is not None
        vars(scheduler).update(copy.deepcopy(self.scheduler))
        self._restore(generator)
        return self.latents, self.noise

    def save(self, steps: int, latents: Tensor, scheduler: Any, generator: Generator) -> None:
        """Called after each step. A multistep solver changes its lists in place, so they are copied."""
        self.steps, self.latents, self.scheduler = steps, latents, copy.deepcopy(vars(scheduler))
        self.random = generator.get_state() if isinstance(generator, torch.Generator) else None

    def result(self, init: Tensor, steps: int, generator: Generator | Seed) -> Tensor | None:
        """The latents of a pass that came to its end, with the generator as it was then; None before that."""
        if self.steps < steps or self.latents is None or not self._began_with(init):
            return None
        self._restore(generator.on(self.latents.device) if isinstance(generator, Seed) else generator)
        return self.latents

    def _began_with(self, init: Tensor) -> bool:
        return self.steps > 0 and self.init is not None and torch.equal(self.init, init)

    def _restore(self, generator: Generator) -> None:
        if isinstance(generator, torch.Generator) and self.random is not None:
            generator.set_state(self.random)


@dataclass(slots=True)
class Run:
    """A render that was asked for, and how far its first and second pass came."""

    canvas: Canvas
    settings: RenderSettings
    keep: Previous | None
    first: Progress = field(default_factory=Progress)
    second: Progress = field(default_factory=Progress)

    @property
    def steps(self) -> int:
        """Of both passes together that are done."""
        return self.first.steps + self.second.steps


class Unfinished:
    """The last render that found the device full, if any. Its latents are a megabyte or two."""

    def __init__(self) -> None:
        self.run: Run | None = None

    def open(self, canvas: Canvas, settings: RenderSettings, keep: Previous | None) -> Run:
        """The run that was left, if the very same is asked for; else a new one."""
        left = self.run
        if left and (left.canvas, left.settings, left.keep) == (canvas, settings, keep):
            return left
        return Run(canvas, settings, keep)

    def leave(self, run: Run) -> None:
        """Keeps the run, and forgets the one before it."""
        self.run = run

    def close(self, run: Run) -> None:
        """Forgets the run if it is the one that was left; another picture of its batch may be."""
        if run is self.run:
            self.run = None
