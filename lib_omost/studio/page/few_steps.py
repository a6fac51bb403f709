"""What the picker of few-step presets brings with it: numbers, and the line below it on the LoRA that it wants."""

from __future__ import annotations

from typing import Any

import gradio as gr

from lib_omost.renderer import PRESETS, with_preset
from lib_omost.runtime import Engine, loras
from lib_omost.studio.page.events import QUIET
from lib_omost.studio.presets import with_quality
from lib_omost.studio.sentences import plain


class FewSteps:
    """`picker` is the setting of the render; `line` tells of its LoRA."""

    def __init__(self, engine: Engine, picker: gr.Dropdown) -> None:
        self.engine, self.picker = engine, picker
        self.line = gr.Markdown("", elem_id="few-steps-line")

    def wire(self, quality: gr.Radio, numbers: dict[str, Any]) -> None:
        """`numbers`: the widgets of the settings that a preset brings, by name."""
        self.fields = numbers
        self.picker.input(self.numbers, [quality, self.picker], list(numbers.values()), **QUIET)
        self.picker.change(self.text, self.picker, self.line, **QUIET)

    def numbers(self, quality: str, name: str) -> dict[Any, Any]:
        """What a preset brings; with none, the image model's own numbers at this quality."""
        settings = with_preset(with_quality(self.engine.render_defaults, quality), name)
        return {widget: getattr(settings, field) for field, widget in self.fields.items()}

    def text(self, name: str) -> str:
        """What the preset wants of the LoRAs; nothing for none and for a name that is no preset."""
        if name not in PRESETS:
            return ""
        preset = PRESETS[name]
        lora = f"**{plain(preset.lora_name)}**"
        if preset.lora_name in self.engine.loras:
            return f"Its LoRA {lora} is at work."
        if preset.lora_name in loras():
            return f"It wants the LoRA {lora}: choose it under LoRAs and press Use these models."
        return (
            f"It wants the LoRA {lora}, which is not here: put {plain(preset.lora)} of the model hub into "
            f"models\\_dir/loras, choose it under LoRAs and press Use these models. Without it pictures are poor, "
            f"unless the image model itself was made for few steps."
        )
