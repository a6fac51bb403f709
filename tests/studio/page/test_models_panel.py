"""The pickers say what a person must know to choose."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
from safetensors.numpy import save_file

from lib_omost.runtime import Engine, catalog
from lib_omost.studio.page.models_panel import ModelsPanel, about_text
from lib_omost.studio.page.settings_panel import SettingsPanel


@pytest.fixture
def panel() -> ModelsPanel:
    engine = Engine("default", "default")
    with gr.Blocks():
        return ModelsPanel(engine, SettingsPanel(engine), local=True)


def test_each_choice_tells_size_licence_and_whether_it_is_here(panel: ModelsPanel) -> None:
    labels = {name: label for label, name in panel.llm.choices}
    dolphin = labels["lllyasviel/omost-dolphin-2.9-llama3-8b-4bits"]
    assert "5.7 GB · not here · Meta Llama 3 Community License" in dolphin
    assert "25 MB · here · MIT" in {name: label for label, name in panel.sdxl.choices}["default"]


def test_what_is_dropped_into_models_dir_is_there_when_the_settings_are_opened(
    panel: ModelsPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    monkeypatch.setattr(catalog, "MODELS_DIR", tmp_path)
    (tmp_path / "checkpoints").mkdir()
    save_file({"a": np.ones(3, np.float32)}, tmp_path / "checkpoints" / "mine.safetensors")
    choices = panel.show()[1]["choices"]
    assert ("mine.safetensors · under 1 MB · here · licence not known here", "mine.safetensors") in choices


def test_a_model_that_has_to_be_fetched_or_has_a_warning_is_told_before_it_is_used() -> None:
    text = about_text("lllyasviel/omost-dolphin-2.9-llama3-8b-4bits", "SG161222/RealVisXL_V4.0")
    assert "safety layer" in text and text.count("It is fetched when it is first used") == 2
    assert "no language model named 'nonsense'" in about_text("nonsense", None)
