"""The few-step picker: numbers that belong together, and what it says of the LoRA."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from lib_omost.canvas import Canvas
from lib_omost.renderer import PRESETS, RenderSettings, with_preset
from lib_omost.runtime import Engine, catalog
from lib_omost.settings import table
from lib_omost.studio.page.settings_panel import LOCKED, SettingsPanel, image_model
from lib_omost.studio.presets import QUALITY_FIELDS, with_quality
from lib_omost.studio.store.images import parameters_line


@pytest.fixture
def panel() -> SettingsPanel:
    with gr.Blocks():
        return SettingsPanel(Engine("default", "default"))


def test_every_preset_is_offered_under_a_name_of_its_own_and_none_comes_first() -> None:
    choices = table(RenderSettings)["few_steps"].shown.choices
    assert list(choices) == ["", *PRESETS] and len(set(choices.values())) == len(choices)


@pytest.mark.parametrize("name", PRESETS)
def test_its_numbers_fit_the_sliders_and_reach_the_render_with_its_scheduler(panel: SettingsPanel, name: str) -> None:
    steps, guidance, highres_steps, *guided = panel.few.numbers("fast", name).values()
    chosen = with_preset(panel.engine.render_defaults, name)
    assert (steps, guidance, highres_steps) == (PRESETS[name].steps, PRESETS[name].guidance, chosen.highres_steps)
    assert guided == [0, 1]  # guidance in every step, whatever the quality
    for setting in table(RenderSettings).values():
        setting.check_offered(getattr(chosen, setting.name))
    assert panel.render_settings(panel.values_of(chosen), LOCKED) == chosen


def test_none_goes_back_to_the_numbers_of_the_model_at_the_chosen_quality(panel: SettingsPanel) -> None:
    d = panel.engine.render_defaults
    for quality in ("normal", "fast"):
        wanted = with_quality(d, quality)
        shown = {field: panel.few.numbers(quality, "")[panel.render_fields[field]] for field in panel.few.fields}
        assert shown == {field: getattr(wanted, field) for field in shown}
        assert panel.scaled(quality, "") == {panel.render_fields[n]: getattr(wanted, n) for n in QUALITY_FIELDS}


def test_a_kept_preset_comes_back_with_its_session(panel: SettingsPanel) -> None:
    values = with_preset(panel.engine.render_defaults, "lightning-4")
    kept = dict(zip(panel.render_fields, panel.values_of(values), strict=True))
    shown = dict(zip(panel.kept, panel.view({**kept, "sdxl": image_model(panel.engine)})[1:], strict=True))
    assert (shown["few_steps"], shown["steps"], shown["guidance"]) == ("lightning-4", 4, 0.0)
    shown = dict(
        zip(panel.kept, panel.view({**kept, "few_steps": "turbo", "sdxl": image_model(panel.engine)})[1:], strict=True)
    )
    assert shown["few_steps"] == ""


def test_settings_that_were_kept_for_the_size_of_older_weights_give_way(panel: SettingsPanel) -> None:
    d = panel.engine.render_defaults
    assert image_model(panel.engine) == f"default {d.width}x{d.height}"
    for model in ("default", "default 64x64"):
        shown = dict(zip(panel.kept, panel.view({"width": 64, "height": 64, "sdxl": model})[1:], strict=True))
        assert (shown["width"], shown["height"]) == (d.width, d.height)


def test_the_line_says_which_lora_is_wanted_and_whether_it_is_here_or_at_work(
    panel: SettingsPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MODELS_DIR", tmp_path)
    few = panel.few
    assert "sdxl\\_lightning\\_4step\\_lora**, which is not here" in few.text("lightning-4")
    (tmp_path / "loras").mkdir()
    (tmp_path / "loras" / "sdxl_lightning_4step_lora.safetensors").write_bytes(b"")
    assert "choose it under LoRAs" in few.text("lightning-4") and "not here" not in few.text("lightning-4")
    panel.engine.use_sdxl("default", {"sdxl_lightning_4step_lora": 1.0})
    assert "is at work" in few.text("lightning-4")
    assert few.text("") == few.text("turbo") == ""


def test_a_picture_tells_other_programs_the_sampler_that_made_it(panel: SettingsPanel, canvas: Canvas) -> None:
    settings = panel.engine.render_defaults
    lines = [parameters_line(canvas, replace(settings, few_steps=name), (128, 128)) for name in ("", *PRESETS)]
    found = [line.split("Sampler: ")[1].split(",")[0] for line in lines]
    assert found == ["DPM++ 2M Karras", "Euler", "Euler", "DDIM", "DDIM", "LCM"]
