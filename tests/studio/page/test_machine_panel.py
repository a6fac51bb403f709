"""The machine part of the settings."""

from __future__ import annotations

import gradio as gr
import pytest

from lib_omost.runtime import Engine
from lib_omost.studio.page.machine_panel import MachinePanel


@pytest.fixture(scope="module")
def panel() -> MachinePanel:
    with gr.Blocks():
        return MachinePanel(Engine("default", "default", device="cpu"))


def test_on_a_cpu_the_machines_own_memory_is_shown(panel: MachinePanel) -> None:
    assert panel.memory_text().startswith("The models are in the machine's own memory")


def test_the_diagnostics_name_versions_device_and_models(panel: MachinePanel) -> None:
    shown = panel.diagnostics()
    assert shown["visible"] and {line.split(": ")[0] for line in shown["value"].splitlines()} >= {
        "system",
        "packages",
        "device",
        "models here",
        "chosen models",
        "last error",
    }
