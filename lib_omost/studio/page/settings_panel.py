"""The settings drawer: its widgets, and the settings made of their values. Every widget explains itself in a line."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from lib_omost.composer import ComposeSettings
from lib_omost.renderer import RenderSettings, with_preset
from lib_omost.runtime import Engine
from lib_omost.studio.limits import MAX_IMAGES, MAX_STEPS, checked, fits
from lib_omost.studio.page.events import QUIET
from lib_omost.studio.page.few_steps import FewSteps
from lib_omost.studio.presets import NEGATIVES, QUALITIES, STYLES, size_name, sizes_for, with_quality
from lib_omost.studio.reply_stats import context_line
from lib_omost.studio.store.sessions import Sessions

LOCKED, RANDOM = "Keep this seed", "A new seed every time"


class SettingsPanel:
    """The widgets of the drawer. `size`, `compose` and `render` are inputs of the events that need their values;
    `outputs` are filled by `view`.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        d = engine.render_defaults
        gr.Markdown("### Picture")
        self.shape = gr.Dropdown(
            [(size_name(size), f"{size[0]}x{size[1]}") for size in sizes_for(d)],
            value=f"{d.width}x{d.height}",
            label="Size",
            info="Sizes that this image model was trained on.",
            elem_id="shape",
        )
        with gr.Row():
            self.width, self.height = (
                gr.Number(
                    side,
                    label=label,
                    precision=0,
                    step=64,
                    minimum=64,
                    maximum=2048,
                    min_width=80,
                    info="In pixels.",
                    elem_id=label.lower(),
                )
                for side, label in ((d.width, "Width"), (d.height, "Height"))
            )
        self.quality = gr.Radio(
            list(QUALITIES),
            value="normal",
            label="Quality",
            info="Fast halves the steps; fine takes more, and a second pass with large models.",
            elem_id="quality",
        )
        self.few = FewSteps(engine)
        self.steps = gr.Slider(
            1,
            MAX_STEPS,
            d.steps,
            step=1,
            label="Steps",
            info="More steps, cleaner picture, more time.",
            elem_id="steps",
        )
        self.guidance = gr.Slider(
            0,
            15,
            d.guidance,
            step=0.5,
            label="Guidance (CFG)",
            info="How strictly the picture follows the words. Up to 1, no negative prompt.",
            elem_id="guidance",
        )
        self.images = gr.Slider(
            1, MAX_IMAGES, 1, step=1, label="Pictures", info="Made one after another, each with its own seed."
        )
        self.seed_mode = gr.Radio(
            [LOCKED, RANDOM], value=LOCKED, label="Seed", info="The same seed, plan and settings give the same picture."
        )
        self.seed = gr.Number(
            d.seed,
            label="Seed number",
            precision=0,
            minimum=0,
            info="Of the next picture where it is kept; of the last one where it changes.",
            elem_id="seed",
        )
        self.style = gr.Dropdown(
            list(STYLES),
            value="as described",
            label="Style",
            info="Added to the description of the whole picture.",
            elem_id="style",
        )
        self.negative_preset = gr.Dropdown(
            list(NEGATIVES),
            value="usual",
            label="Negative preset",
            info="Fills the box below.",
            elem_id="negative-preset",
        )
        self.negative = gr.Textbox(
            d.negative_prompt,
            label="Negative prompt",
            lines=2,
            info="What should not be in the picture.",
            elem_id="negative",
        )
        with gr.Accordion("Second pass and regions", open=False):
            self.highres_scale = gr.Slider(
                1,
                2,
                d.highres_scale,
                step=0.1,
                label="Enlarge",
                info="Above 1, a second pass paints the picture larger.",
            )
            self.highres_steps = gr.Slider(
                1, MAX_STEPS, d.highres_steps, step=1, label="Its steps", info="Of the second pass, if there is one."
            )
            self.highres_denoise = gr.Slider(
                0.1, 1, d.highres_denoise, step=0.05, label="Its strength", info="How much the second pass may change."
            )
            self.global_strength = gr.Slider(
                0.1,
                4,
                d.global_strength,
                step=0.1,
                label="Strength of the whole",
                info="Above 1 the description of the whole picture weighs more than the regions.",
            )
            self.region_steps = gr.Slider(
                0,
                1,
                d.region_steps,
                step=0.05,
                label="Share of steps with regions",
                info="Below 1 the last steps hear the whole picture's description only.",
            )
            self.canvas_start = gr.Slider(
                0,
                2,
                d.canvas_start,
                step=0.1,
                label="Start from the plan's colours",
                info="How much of the coloured boxes is in the first noise.",
            )
            self.canvas_blur = gr.Slider(
                0,
                30,
                d.canvas_blur,
                step=1,
                label="Softness of these colours",
                info="Blurs the boxes' edges in the first noise; 90 would be the whole canvas.",
            )
            self.guidance_steps = gr.Slider(
                0,
                1,
                d.guidance_steps,
                step=0.05,
                label="Share of steps with guidance",
                info="Below 1 the last steps run without guidance: faster, a little freer.",
            )
        gr.Markdown("### Language model")
        c = ComposeSettings()
        self.temperature = gr.Slider(
            0,
            2,
            c.temperature,
            step=0.05,
            label="Temperature",
            info="0 always writes the likeliest plan; higher is freer.",
        )
        self.top_p = gr.Slider(
            0.05, 1, c.top_p, step=0.05, label="Top-p", info="Leaves out unlikely words below this share."
        )
        self.max_new_tokens = gr.Slider(
            128,
            4096,
            c.max_new_tokens,
            step=64,
            label="Longest reply, in tokens",
            info="A reply is cut there; the chat must leave room for it.",
        )
        self.compose_seed = gr.Number(
            c.seed, label="Seed of the reply", precision=0, minimum=0, info="Retry always draws another one."
        )
        self.grammar = gr.Checkbox(
            c.grammar,
            label="Only plans that can be read",
            info="A model on this machine then writes words or a whole, valid plan. Off, it writes what it likes.",
            elem_id="grammar",
        )
        self.context = gr.Markdown("", elem_id="context")
        self.size: list[Any] = [self.width, self.height]
        self.compose: list[Any] = [self.temperature, self.top_p, self.max_new_tokens, self.compose_seed, self.grammar]
        self.render_fields: dict[str, Any] = {
            "width": self.width,
            "height": self.height,
            "steps": self.steps,
            "guidance": self.guidance,
            "seed": self.seed,
            "negative_prompt": self.negative,
            "highres_scale": self.highres_scale,
            "highres_steps": self.highres_steps,
            "highres_denoise": self.highres_denoise,
            "global_strength": self.global_strength,
            "region_steps": self.region_steps,
            "canvas_start": self.canvas_start,
            "canvas_blur": self.canvas_blur,
            "guidance_steps": self.guidance_steps,
            "few_steps": self.few.picker,
        }
        self.render: list[Any] = list(self.render_fields.values())
        #: What is kept with a session, by name.
        self.kept: dict[str, Any] = {
            **self.render_fields,
            "quality": self.quality,
            "images": self.images,
            "seed_mode": self.seed_mode,
            "style": self.style,
            "negative_preset": self.negative_preset,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_new_tokens": self.max_new_tokens,
            "compose_seed": self.compose_seed,
            "grammar": self.grammar,
        }
        self._untouched = {name: widget.value for name, widget in self.kept.items()}
        self.outputs: list[Any] = [self.shape, *self.kept.values()]

    def wire(self, sessions: Sessions, session: gr.State, bar: gr.Sidebar) -> None:
        self.sessions = sessions
        self.shape.input(_sides, self.shape, self.size, **QUIET)
        self.quality.input(self._quality, [self.quality, self.few.picker], [self.steps, self.highres_scale], **QUIET)
        self.few.wire(self.quality, self.steps, self.guidance, self.highres_steps)
        self.negative_preset.input(NEGATIVES.get, self.negative_preset, self.negative, **QUIET)
        changes = [widget.change for widget in self.kept.values()]
        gr.on(changes, self.keep, [session, *self.kept.values()], None, trigger_mode="always_last", **QUIET)
        bar.expand(self.context_text, session, self.context, **QUIET)
        bar.expand(self.few.text, self.few.picker, self.few.line, **QUIET)

    def keep(self, session: str, *values: Any) -> None:
        """Writes the settings to the session, with the image model that they are for."""
        settings = dict(zip(self.kept, values, strict=True))
        self.sessions.set_settings(session, {**settings, "sdxl": self.engine.sdxl_entry.name})

    def view(self, settings: Mapping[str, Any]) -> list[Any]:
        """What `outputs` show of a session's settings; what is missing, is not for the image model at work, or does not
        fit its widget (a file may say anything) goes to what suits.
        """
        d = self.engine.render_defaults
        suits = {**self._untouched, **{name: getattr(d, name) for name in self.render_fields}}
        of_this_model = settings.get("sdxl") == self.engine.sdxl_entry.name
        taken = {
            name: settings[name]
            for name, widget in self.kept.items()
            if name in settings and fits(widget, settings[name]) and (of_this_model or name not in self.render_fields)
        }
        values = {**suits, **taken}
        return [self._shapes(values["width"], values["height"]), *values.values()]

    def _shapes(self, width: int, height: int) -> Any:
        sizes = sizes_for(self.engine.render_defaults)
        choices = [(size_name(size), f"{size[0]}x{size[1]}") for size in sizes]
        return gr.update(choices=choices, value=f"{width}x{height}" if (width, height) in sizes else None)

    def context_text(self, session: str) -> str:
        return context_line(self.sessions.turns(session), self.engine.llm_entry)

    def compose_settings(self, values: Sequence[Any]) -> ComposeSettings:
        """From the values of `compose`. Raises SettingsError."""
        temperature, top_p, max_new_tokens, seed, grammar = values
        seed = None if seed is None else int(seed)
        return ComposeSettings(float(temperature), float(top_p), int(max_new_tokens), seed, bool(grammar))

    def render_settings(self, values: Sequence[Any], seed_mode: str) -> RenderSettings:
        """From the values of `render`, with this image model's own start. Raises SettingsError."""
        named = dict(zip(self.render_fields, values, strict=True))
        if seed_mode == RANDOM or named["seed"] is None:
            named["seed"] = secrets.randbelow(2**32)
        return checked(replace(self.engine.render_defaults, images=1, **named))

    def values_of(self, settings: RenderSettings) -> list[Any]:
        """The other way round: what `render` shows of some settings."""
        return [getattr(settings, name) for name in self.render_fields]

    def _quality(self, name: str, few_steps: str) -> tuple[int, float]:
        """A few-step preset keeps its steps, since its LoRA was made for them."""
        settings = with_preset(with_quality(self.engine.render_defaults, name), few_steps)
        return settings.steps, settings.highres_scale


def _sides(shape: str) -> tuple[int, int]:
    width, height = shape.split("x")
    return int(width), int(height)
