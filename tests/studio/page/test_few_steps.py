"""The few-step picker: numbers that belong together, and what it says of the LoRA."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from lib_omost.canvas import Canvas
from lib_omost.renderer import PRESETS, with_preset
from lib_omost.runtime import Engine, catalog
from lib_omost.studio.limits import fits
from lib_omost.studio.page.settings_panel import LOCKED, SettingsPanel
from lib_omost.studio.presets import FEW_STEPS, few_step_choices
from lib_omost.studio.store.images import parameters_line


@pytest.fixture
def drawer() -> SettingsPanel:
    with gr.Blocks():
        return SettingsPanel(Engine("default", "default"))


def test_every_preset_is_offered_under_a_name_of_its_own_and_none_comes_first() -> None:
    assert [name for _, name in few_step_choices()] == ["", *PRESETS]
    assert set(FEW_STEPS) == set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_its_numbers_fit_the_sliders_and_reach_the_render_with_its_scheduler(drawer: SettingsPanel, name: str) -> None:
    steps, guidance, highres_steps = drawer.few.numbers("normal", name)
    chosen = with_preset(drawer.engine.render_defaults, name)
    assert (steps, guidance, highres_steps) == (PRESETS[name].steps, PRESETS[name].guidance, chosen.highres_steps)
    assert fits(drawer.steps, steps) and fits(drawer.guidance, guidance) and fits(drawer.highres_steps, highres_steps)
    assert drawer.render_settings(drawer.values_of(chosen), LOCKED) == chosen


def test_none_goes_back_to_the_numbers_of_the_model_at_the_chosen_quality(drawer: SettingsPanel) -> None:
    d = drawer.engine.render_defaults
    assert drawer.few.numbers("normal", "") == (d.steps, d.guidance, d.highres_steps)
    assert drawer.few.numbers("fast", "") == (d.steps // 2, d.guidance, d.highres_steps)


def test_a_kept_preset_comes_back_with_its_session(drawer: SettingsPanel) -> None:
    values = with_preset(drawer.engine.render_defaults, "lightning-4")
    kept = dict(zip(drawer.render_fields, drawer.values_of(values), strict=True))
    shown = dict(zip(drawer.kept, drawer.view({**kept, "sdxl": "default"})[1:], strict=True))
    assert (shown["few_steps"], shown["steps"], shown["guidance"]) == ("lightning-4", 4, 0.0)
    shown = dict(zip(drawer.kept, drawer.view({**kept, "few_steps": "turbo", "sdxl": "default"})[1:], strict=True))
    assert shown["few_steps"] == ""


def test_the_line_says_which_lora_is_wanted_and_whether_it_is_here_or_at_work(
    drawer: SettingsPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MODELS_DIR", tmp_path)
    few = drawer.few
    assert "sdxl\\_lightning\\_4step\\_lora**, which is not here" in few.text("lightning-4")
    (tmp_path / "loras").mkdir()
    (tmp_path / "loras" / "sdxl_lightning_4step_lora.safetensors").write_bytes(b"")
    assert "choose it under LoRAs" in few.text("lightning-4") and "not here" not in few.text("lightning-4")
    drawer.engine.use_sdxl("default", {"sdxl_lightning_4step_lora": 1.0})
    assert "is at work" in few.text("lightning-4")
    assert few.text("") == few.text("turbo") == ""


def test_a_picture_tells_other_programs_the_sampler_that_made_it(drawer: SettingsPanel, canvas: Canvas) -> None:
    settings = drawer.engine.render_defaults
    lines = [parameters_line(canvas, replace(settings, few_steps=name), (128, 128)) for name in ("", *PRESETS)]
    found = [line.split("Sampler: ")[1].split(",")[0] for line in lines]
    assert found == ["DPM++ 2M Karras", "Euler", "Euler", "DDIM", "DDIM", "LCM"]
