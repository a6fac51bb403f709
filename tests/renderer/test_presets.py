from __future__ import annotations

import threading

import diffusers
import numpy as np
import pytest

from lib_omost.canvas import Canvas
from lib_omost.renderer import PRESETS, RenderSettings, StableDiffusionXLOmostPipeline, render, use_preset


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_scheduler_steps_and_guidance_together_and_renders(
    fresh_pipe: StableDiffusionXLOmostPipeline, canvas: Canvas, settings: RenderSettings, name: str
) -> None:
    preset, trained = PRESETS[name], fresh_pipe.scheduler.config
    chosen = use_preset(fresh_pipe, preset, settings)
    assert isinstance(fresh_pipe.scheduler, getattr(diffusers, preset.scheduler))
    assert (chosen.steps, chosen.guidance, chosen.seed) == (preset.steps, preset.guidance, settings.seed)
    for key in ("beta_start", "beta_end", "beta_schedule", "prediction_type"):
        assert fresh_pipe.scheduler.config[key] == trained[key]
    assert all(fresh_pipe.scheduler.config[key] == value for key, value in preset.options.items())
    picture = render(fresh_pipe, canvas, chosen, lambda *_: None, threading.Event())[0]
    assert np.asarray(picture).std() > 5
