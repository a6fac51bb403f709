from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch
from diffusers import EulerAncestralDiscreteScheduler, HeunDiscreteScheduler
from PIL import Image

from lib_omost.canvas import Canvas
from lib_omost.errors import Stopped
from lib_omost.renderer import RenderSettings, ResumePoint, StableDiffusionXLOmostPipeline, render, with_preset

Pipe = StableDiffusionXLOmostPipeline
ENLARGED = {"highres_scale": 1.5, "highres_steps": 2}


def interrupted(pipe: Pipe, canvas: Canvas, settings: RenderSettings, step: int) -> tuple[list[Image.Image], int]:
    """The pictures of a render that ran out of memory in its `step`-th step and was resumed, and how many steps ran."""
    point, steps = ResumePoint(), 0

    def on_step(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == step:
            raise torch.OutOfMemoryError("full")

    with pytest.raises(torch.OutOfMemoryError):
        render(pipe, canvas, settings, on_step, threading.Event(), resume_point=point)
    assert point.run is not None and point.run.steps == step - 1
    pictures = render(pipe, canvas, settings, on_step, threading.Event(), resume_point=point)
    assert point.run is None
    return pictures, steps


def uninterrupted(pipe: Pipe, canvas: Canvas, settings: RenderSettings) -> list[Image.Image]:
    return render(pipe, canvas, settings, lambda *_: None, threading.Event())


@pytest.mark.parametrize("step", [3, 7, 8])
def test_a_resumed_render_of_the_stochastic_lcm_preset_draws_the_noise_it_would_have_drawn(
    pipe: Pipe, canvas: Canvas, settings: RenderSettings, step: int
) -> None:
    settings = replace(with_preset(settings, "lcm"), **ENLARGED)  # 6 steps, then 2 of the second pass
    pictures, steps = interrupted(pipe, canvas, settings, step)
    assert steps == 8 + 1
    assert pictures[0].tobytes() == uninterrupted(pipe, canvas, settings)[0].tobytes()


@pytest.mark.parametrize(
    ("kind", "step", "total"),
    [
        (HeunDiscreteScheduler, 2, 10),  # 4 steps of 2 runs less the last one's second, then 2 steps likewise
        (HeunDiscreteScheduler, 6, 10),
        (HeunDiscreteScheduler, 9, 10),
        (EulerAncestralDiscreteScheduler, 3, 6),
        (None, 3, 6),
        (None, 6, 6),
    ],
)
def test_a_render_resumes_with_any_scheduler_where_it_ran_out_of_memory(
    fresh_pipe: Pipe, canvas: Canvas, settings: RenderSettings, kind: type | None, step: int, total: int
) -> None:
    if kind:
        fresh_pipe.scheduler = kind.from_config(fresh_pipe.scheduler.config)  # type: ignore[attr-defined]
    settings = replace(settings, **ENLARGED)
    pictures, steps = interrupted(fresh_pipe, canvas, settings, step)
    assert steps == total + 1
    assert pictures[0].tobytes() == uninterrupted(fresh_pipe, canvas, settings)[0].tobytes()


def test_other_settings_start_anew_and_leave_the_saved_render(
    pipe: Pipe, canvas: Canvas, settings: RenderSettings
) -> None:
    point = ResumePoint()

    def full(step: int, *_: object) -> None:
        if step == 3:
            raise torch.OutOfMemoryError("full")

    with pytest.raises(torch.OutOfMemoryError):
        render(pipe, canvas, settings, full, threading.Event(), resume_point=point)
    saved, other = point.run, replace(settings, seed=8)
    found = render(pipe, canvas, other, lambda *_: None, threading.Event(), resume_point=point)
    assert found[0].tobytes() == uninterrupted(pipe, canvas, other)[0].tobytes()
    assert point.run is saved


def test_a_stopped_render_is_not_saved(pipe: Pipe, canvas: Canvas, settings: RenderSettings) -> None:
    point, stop = ResumePoint(), threading.Event()
    with pytest.raises(Stopped):
        render(pipe, canvas, settings, lambda *_: stop.set(), stop, resume_point=point)
    assert point.run is None
