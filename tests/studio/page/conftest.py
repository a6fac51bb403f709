"""The models' part of the settings, on a page that has nothing else."""

from __future__ import annotations

import gradio as gr

from lib_omost.runtime import Engine
from lib_omost.studio.page import html_widgets
from lib_omost.studio.page.models_panel import ModelsPanel
from lib_omost.studio.page.settings_panel import SettingsPanel


def models_panel(engine: Engine, *, local: bool = True) -> ModelsPanel:
    with gr.Blocks(), gr.Sidebar() as bar:
        return ModelsPanel(engine, SettingsPanel(engine), bar, gr.Markdown(), html_widgets.words(), local)
