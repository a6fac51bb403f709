"""The pickers say what a person must know to choose."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
from safetensors.numpy import save_file

from lib_omost.runtime import Engine, catalog
from lib_omost.studio.page import html_widgets
from lib_omost.studio.page.models_panel import ModelsPanel, about_text
from lib_omost.studio.page.settings_panel import SettingsPanel
from tests.studio.page.conftest import models_panel


@pytest.fixture
def panel() -> ModelsPanel:
    return models_panel(Engine("default", "default"))


def test_each_choice_tells_size_licence_and_whether_it_is_here(panel: ModelsPanel) -> None:
    labels = {name: label for label, name in panel.llm.choices}
    dolphin = labels["lllyasviel/omost-dolphin-2.9-llama3-8b-4bits"]
    assert "5.7 GB · not here · Meta Llama 3 Community License" in dolphin
    assert "24 MB · here · MIT" in {name: label for label, name in panel.sdxl.choices}["default"]


def test_what_is_dropped_into_models_dir_is_there_when_the_settings_are_opened(
    panel: ModelsPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    monkeypatch.setattr(catalog, "MODELS_DIR", tmp_path)
    (tmp_path / "checkpoints").mkdir()
    save_file({"a": np.ones(3, np.float32)}, tmp_path / "checkpoints" / "mine.safetensors")
    choices = panel.show()[panel.sdxl]["choices"]
    assert ("mine.safetensors · under 1 MB · here · licence not known here", "mine.safetensors") in choices


def test_a_model_that_has_to_be_fetched_or_has_a_warning_is_told_before_it_is_used() -> None:
    text = about_text("lllyasviel/omost-dolphin-2.9-llama3-8b-4bits", "SG161222/RealVisXL_V4.0")
    assert "safety layer" in text and text.count("It is fetched when it is first used") == 2
    assert "no language model named 'nonsense'" in about_text("nonsense", None)


def test_when_served_only_an_operator_chooses_models(tmp_path: Path) -> None:
    engine = Engine("default", "default", remember=tmp_path / "models.json")
    with gr.Blocks(), gr.Sidebar() as bar:
        lines = gr.Markdown(), html_widgets.words()
        panel = ModelsPanel(engine, SettingsPanel(engine), bar, *lines, False, lambda user: user == "ann")
    ann, bob, nobody = gr.Request(username="ann"), gr.Request(username="bob"), gr.Request()
    for who in (bob, nobody, None):
        panel.use_models("omost-phi-3-mini-128k", "default", [], {}, "", "", who)
        assert engine.llm_entry.name == "default"
        assert panel.keep(True, who) is False
        *_, told = panel.server.tested("http://127.0.0.1:9/v1", "", "", who)
        assert "operator" in told[panel.server.line] and "cannot be reached" not in told[panel.server.line]
        assert panel.show(who)[panel.use]["visible"] is False and panel.show(who)[panel.not_yours]["visible"] is True
        assert panel.show(who)[panel.llm]["interactive"] is False
    assert panel.show(ann)[panel.use]["visible"] is True and panel.show(ann)[panel.not_yours]["visible"] is False
    assert panel.keep(True, ann) is True
    panel.use_models("omost-phi-3-mini-128k", "default", [], {}, "", "", ann)
    assert "phi-3" in engine.llm_entry.name


def test_a_place_narrows_the_pickers_and_each_model_says_what_it_takes(panel: ModelsPanel) -> None:
    here = [name for _, name in panel.from_("This machine", "default")[panel.llm]["choices"]]
    assert here[0] == "default" and "lllyasviel/omost-llama-3-8b-4bits" not in here
    hub = panel.from_("Hub", "default")
    labels = {name: label for label, name in hub[panel.llm]["choices"]}
    assert "5.7 GB · not here" in labels["lllyasviel/omost-llama-3-8b-4bits"]
    assert labels["lllyasviel/omost-llama-3-8b-4bits"].endswith("takes 6.3 GiB of a card")
    assert hub[panel.server.box]["visible"] is False
    server = panel.from_("Server", "default")
    assert server[panel.server.box]["visible"] is True and server[panel.llm]["value"] is None


def test_the_demo_models_say_so_and_lead_to_a_real_one(panel: ModelsPanel) -> None:
    shown = panel.show()
    assert shown[panel.models_line] == "**Demo models**: 64 things, small pictures."
    assert shown[panel.way_in]["visible"] is True
