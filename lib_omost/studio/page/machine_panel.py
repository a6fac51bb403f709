"""The machine part of the settings: the device's memory, live while they are open, and the diagnostics to copy."""

from __future__ import annotations

from typing import Any

import gradio as gr

from lib_omost.runtime import Engine, report
from lib_omost.studio.page.events import QUIET

EVERY_S = 2.0
# A page from another machine without https has no clipboard; the box with the text is there for that.
COPY = "text => { navigator.clipboard?.writeText(text).catch(() => {}) }"


class MachinePanel:
    """What the device holds and what a bug report needs."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        gr.Markdown("### Machine")
        self.memory = gr.Markdown("", elem_id="device-memory")
        self.timer = gr.Timer(EVERY_S, active=False)
        self.copy = gr.Button("Copy diagnostics", size="sm", elem_id="copy-diagnostics")
        self.text = gr.Textbox(
            label="Diagnostics",
            info="Copied. No user names and no paths are in it; paste it into a bug report.",
            lines=8,
            max_lines=20,
            interactive=False,
            visible=False,
            buttons=["copy"],
            elem_id="diagnostics",
        )

    def wire(self, bar: gr.Sidebar) -> None:
        """`bar`: the sidebar around the panel; what nobody sees is not asked."""
        shown = bar.expand(lambda: gr.Timer(active=True), None, self.timer, **QUIET)
        shown.then(self.memory_text, None, self.memory, **QUIET)
        bar.collapse(lambda: gr.Timer(active=False), None, self.timer, **QUIET)
        self.timer.tick(self.memory_text, None, self.memory, **QUIET)
        written = self.copy.click(self.diagnostics, None, self.text, api_visibility="private")
        written.then(None, self.text, None, js=COPY, api_visibility="private")

    def memory_text(self) -> str:
        where, used = "Device memory", self.engine.device_memory()
        if used is None:  # on a CPU
            where, used = "The models are in the machine's own memory", self.engine.machine_memory()
        if used is None:
            return f"{where}."
        return f"{where}: **{used[0] / 1024:.1f}** of {used[1] / 1024:.1f} GiB in use, other programs included."

    def diagnostics(self) -> Any:
        return gr.update(value=report(self.engine), visible=True)
