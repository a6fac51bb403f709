"""Settings made of the panel's values, on the default models (which are not loaded)."""

from __future__ import annotations

from dataclasses import replace

import gradio as gr
import pytest

from lib_omost.errors import SettingsError
from lib_omost.renderer import RenderSettings
from lib_omost.runtime import Engine
from lib_omost.studio.limits import checked
from lib_omost.studio.page.settings_panel import LOCKED, RANDOM, SettingsPanel
from tests.studio.page.conftest import models_panel


@pytest.fixture(scope="module")
def panel() -> SettingsPanel:
    with gr.Blocks():
        return SettingsPanel(Engine("default", "default"))


def test_an_untouched_panel_gives_the_settings_that_suit_the_image_model(panel: SettingsPanel) -> None:
    values = [widget.value for widget in panel.render]
    assert panel.render_settings(values, LOCKED) == panel.engine.render_defaults


def test_settings_of_a_picture_go_into_the_panel_and_come_back(panel: SettingsPanel) -> None:
    settings = replace(
        panel.engine.render_defaults, steps=9, guidance=2.5, seed=77, negative_prompt="fog", style="film still"
    )
    assert panel.render_settings(panel.values_of(settings), LOCKED) == settings


def test_a_new_seed_every_time_is_a_new_seed_every_time(panel: SettingsPanel) -> None:
    values = panel.values_of(panel.engine.render_defaults)
    assert panel.render_settings(values, RANDOM).seed != panel.render_settings(values, RANDOM).seed


def test_compose_settings_take_an_empty_seed_as_chance(panel: SettingsPanel) -> None:
    assert panel.compose_settings((0.5, 0.8, 256, None, True)).seed is None


def test_the_grammar_has_a_switch_that_is_kept(panel: SettingsPanel) -> None:
    assert panel.compose_settings([widget.value for widget in panel.compose]).grammar is True
    assert panel.compose_settings((0.5, 0.8, 256, 1, False)).grammar is False
    shown = dict(zip(panel.kept, panel.view({"grammar": False})[1:], strict=True))
    assert shown["grammar"] is False
    shown = dict(zip(panel.kept, panel.view({"grammar": "no"})[1:], strict=True))
    assert shown["grammar"] is True


@pytest.mark.parametrize(
    "settings",
    [
        RenderSettings(width=2048, height=2048),
        RenderSettings(highres_scale=3.0),
        RenderSettings(steps=101),
        RenderSettings(highres_steps=101),
        RenderSettings(images=9),
        RenderSettings(negative_prompt="x" * 501),
    ],
)
def test_more_than_a_visitor_may_ask_for_is_refused(settings: RenderSettings) -> None:
    with pytest.raises(SettingsError):
        checked(settings)


def test_a_style_is_kept_with_a_session_also_for_another_image_model_and_an_old_name_of_none_is_none(
    panel: SettingsPanel,
) -> None:
    for kept, shown in (("watercolour", "watercolour"), ("as described", ""), ("sparkling", "")):
        view = dict(zip(panel.kept, panel.view({"style": kept, "steps": 9, "sdxl": "another"})[1:], strict=True))
        assert (view["style"], view["steps"]) == (shown, panel.engine.render_defaults.steps)


def test_a_visitor_from_elsewhere_cannot_name_files_of_this_machine_as_models() -> None:
    panel = models_panel(Engine("default", "default"), local=False)
    for widget in (panel.llm, panel.sdxl):
        with pytest.raises(gr.Error):
            widget.preprocess("/etc/passwd")
