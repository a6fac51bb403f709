from __future__ import annotations

import threading

import diffusers
import numpy as np
import pytest

from lib_omost.canvas import Canvas
from lib_omost.errors import SettingsError, Stopped
from lib_omost.renderer import (
    PRESETS,
    RenderSettings,
    StableDiffusionXLOmostPipeline,
    missing_lora,
    render,
    use_preset,
    with_preset,
)


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


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_in_the_settings_is_used_for_the_run_and_gone_after_it(
    fresh_pipe: StableDiffusionXLOmostPipeline, canvas: Canvas, settings: RenderSettings, name: str
) -> None:
    own, seen = fresh_pipe.scheduler, set()
    chosen = with_preset(settings, name)
    found = render(
        fresh_pipe, canvas, chosen, lambda step, *_: seen.add((type(fresh_pipe.scheduler), step)), threading.Event()
    )
    scheduler = getattr(diffusers, PRESETS[name].scheduler)
    assert seen == {(scheduler, step) for step in range(1, PRESETS[name].steps + 1)}
    assert fresh_pipe.scheduler is own
    numbers = use_preset(fresh_pipe, PRESETS[name], settings)
    assert render(fresh_pipe, canvas, numbers, lambda *_: None, threading.Event())[0].tobytes() == found[0].tobytes()


def test_a_stopped_run_gives_the_pipeline_its_scheduler_back(
    fresh_pipe: StableDiffusionXLOmostPipeline, canvas: Canvas, settings: RenderSettings
) -> None:
    own, stop = fresh_pipe.scheduler, threading.Event()
    with pytest.raises(Stopped):
        render(fresh_pipe, canvas, with_preset(settings, "lcm"), lambda *_: stop.set(), stop)
    assert fresh_pipe.scheduler is own


def test_a_preset_sets_the_numbers_together_and_none_leaves_them() -> None:
    chosen = with_preset(RenderSettings(seed=3), "hyper-8-cfg")
    assert (chosen.few_steps, chosen.steps, chosen.guidance, chosen.highres_steps) == ("hyper-8-cfg", 8, 5.0, 8)
    assert with_preset(chosen, "") == RenderSettings(seed=3, steps=8, guidance=5.0, highres_steps=8)
    assert PRESETS["hyper-8-cfg"].lora_name == "Hyper-SDXL-8steps-CFG-lora"


def test_an_unknown_preset_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(SettingsError, match="few_steps is 'turbo'; it wants one of: lightning-4"):
        with_preset(RenderSettings(), "turbo")
    with pytest.raises(SettingsError, match="few_steps is 'turbo'"):
        RenderSettings(few_steps="turbo")


def test_a_preset_whose_lora_is_not_loaded_names_it_and_where_it_comes_from() -> None:
    sentence = missing_lora("hyper-8-cfg", ["ink"])
    assert "wants the LoRA Hyper-SDXL-8steps-CFG-lora, and none of that name is loaded" in sentence
    assert "ByteDance/Hyper-SD" in sentence
    assert missing_lora("hyper-8-cfg", ["Hyper-SDXL-8steps-CFG-lora"]) == missing_lora("", []) == ""
