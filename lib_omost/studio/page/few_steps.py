"""The picker of few-step presets and the line below it: which LoRA the chosen one wants, and whether it is here."""

from __future__ import annotations

import gradio as gr

from lib_omost.renderer import PRESETS, with_preset
from lib_omost.runtime import Engine, loras
from lib_omost.studio.page.events import QUIET
from lib_omost.studio.presets import few_step_choices, with_quality
from lib_omost.studio.sentences import plain


class FewSteps:
    """`picker` is a setting of the render; `line` tells of its LoRA."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.picker = gr.Dropdown(
            few_step_choices(),
            value="",
            label="Few steps",
            info="Sets scheduler, steps and guidance together, whatever the quality. Each wants its LoRA, chosen under "
            "LoRAs below.",
            elem_id="few-steps",
        )
        self.line = gr.Markdown("", elem_id="few-steps-line")

    def wire(self, quality: gr.Radio, steps: gr.Slider, guidance: gr.Slider, highres_steps: gr.Slider) -> None:
        numbers = [steps, guidance, highres_steps]
        self.picker.input(self.numbers, [quality, self.picker], numbers, **QUIET)
        self.picker.change(self.text, self.picker, self.line, **QUIET)

    def numbers(self, quality: str, name: str) -> tuple[int, float, int]:
        """Steps, guidance and the second pass's steps of a preset; with none the image model's own, at this quality."""
        settings = with_preset(with_quality(self.engine.render_defaults, quality), name)
        return settings.steps, settings.guidance, settings.highres_steps

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
