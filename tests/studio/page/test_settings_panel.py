"""Settings made of the drawer's values, on the default models (which are not loaded)."""

from __future__ import annotations

from dataclasses import replace

import gradio as gr
import pytest

from lib_omost.canvas import Canvas
from lib_omost.errors import SettingsError
from lib_omost.renderer import RenderSettings
from lib_omost.runtime import Engine
from lib_omost.studio.limits import checked
from lib_omost.studio.page.models_panel import ModelsPanel
from lib_omost.studio.page.settings_panel import LOCKED, RANDOM, SettingsPanel
from lib_omost.studio.presets import styled


@pytest.fixture(scope="module")
def drawer() -> SettingsPanel:
    with gr.Blocks():
        return SettingsPanel(Engine("default", "default"))


def test_an_untouched_drawer_gives_the_settings_that_suit_the_image_model(drawer: SettingsPanel) -> None:
    values = [widget.value for widget in drawer.render]
    assert drawer.render_settings(values, LOCKED) == drawer.engine.render_defaults


def test_settings_of_a_picture_go_into_the_drawer_and_come_back(drawer: SettingsPanel) -> None:
    settings = replace(drawer.engine.render_defaults, steps=9, guidance=2.5, seed=77, negative_prompt="fog")
    assert drawer.render_settings(drawer.values_of(settings), LOCKED) == settings


def test_a_new_seed_every_time_is_a_new_seed_every_time(drawer: SettingsPanel) -> None:
    values = drawer.values_of(drawer.engine.render_defaults)
    assert drawer.render_settings(values, RANDOM).seed != drawer.render_settings(values, RANDOM).seed


def test_compose_settings_take_an_empty_seed_as_chance(drawer: SettingsPanel) -> None:
    assert drawer.compose_settings((0.5, 0.8, 256, None, True)).seed is None


def test_the_grammar_has_a_switch_that_is_kept(drawer: SettingsPanel) -> None:
    assert drawer.compose_settings([widget.value for widget in drawer.compose]).grammar is True
    assert drawer.compose_settings((0.5, 0.8, 256, 1, False)).grammar is False
    shown = dict(zip(drawer.kept, drawer.view({"grammar": False})[1:], strict=True))
    assert shown["grammar"] is False
    shown = dict(zip(drawer.kept, drawer.view({"grammar": "no"})[1:], strict=True))
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


def test_a_style_adds_its_words_to_the_whole_picture_only(canvas: Canvas) -> None:
    painted = styled(canvas, "watercolour")
    assert painted.tags.startswith("meadow, watercolour")
    assert painted.regions == canvas.regions
    assert styled(canvas, "as described") is canvas


def test_a_visitor_from_elsewhere_cannot_name_files_of_this_machine_as_models() -> None:
    with gr.Blocks():
        engine = Engine("default", "default")
        panel = ModelsPanel(engine, SettingsPanel(engine), local=False)
    for widget in (panel.llm, panel.sdxl):
        with pytest.raises(gr.Error):
            widget.preprocess("/etc/passwd")
