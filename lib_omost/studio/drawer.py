"""The settings drawer: its widgets, and the settings made of their values. Every widget explains itself in a line."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from lib_omost.canvas import Canvas
from lib_omost.composer import ComposeSettings
from lib_omost.errors import OmostError, SettingsError
from lib_omost.renderer import RenderSettings
from lib_omost.runtime import Engine, loras, names
from lib_omost.studio.examples import words_line
from lib_omost.studio.presets import NEGATIVES, QUALITIES, STYLES, size_name, sizes_for, with_quality

QUIET: dict[str, Any] = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
MAX_PIXELS = 2 * 2**20
MAX_STEPS = 100
MAX_IMAGES = 8
MAX_NEGATIVE = 500
LOCKED, RANDOM = "Keep this seed", "A new seed every time"


class Drawer:
    """The widgets of the drawer. `size`, `compose` and `render` are inputs of the events that need their values."""

    def __init__(self, engine: Engine, local: bool) -> None:
        """`local`: only then may a person name files of this machine as models."""
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
            self.width = gr.Number(d.width, label="Width", precision=0, step=64, minimum=64, maximum=2048, min_width=80)
            self.height = gr.Number(
                d.height, label="Height", precision=0, step=64, minimum=64, maximum=2048, min_width=80
            )
        self.quality = gr.Radio(
            list(QUALITIES),
            value="normal",
            label="Quality",
            info="Fast halves the steps; fine takes more, and a second pass with large models.",
        )
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
            1, 15, d.guidance, step=0.5, label="Guidance (CFG)", info="How strictly the picture follows the words."
        )
        self.images = gr.Slider(
            1, MAX_IMAGES, 1, step=1, label="Pictures", info="Made one after another, each with its own seed."
        )
        self.seed_mode = gr.Radio(
            [LOCKED, RANDOM], value=LOCKED, label="Seed", info="The same seed, plan and settings give the same picture."
        )
        self.seed = gr.Number(d.seed, label="Seed number", precision=0, minimum=0, elem_id="seed")
        self.style = gr.Dropdown(
            list(STYLES), value="as described", label="Style", info="Added to the description of the whole picture."
        )
        self.negative_preset = gr.Dropdown(
            list(NEGATIVES), value="usual", label="Negative preset", info="Fills the box below."
        )
        self.negative = gr.Textbox(
            d.negative_prompt, label="Negative prompt", lines=2, info="What should not be in the picture."
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
            self.highres_steps = gr.Slider(1, MAX_STEPS, d.highres_steps, step=1, label="Its steps")
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
            self.region_steps = gr.Slider(0, 1, d.region_steps, step=0.05, label="Share of steps with regions")
            self.canvas_start = gr.Slider(
                0,
                2,
                d.canvas_start,
                step=0.1,
                label="Start from the plan's colours",
                info="How much of the coloured boxes is in the first noise.",
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
        self.max_new_tokens = gr.Slider(128, 4096, c.max_new_tokens, step=64, label="Longest reply, in tokens")
        self.compose_seed = gr.Number(
            c.seed, label="Seed of the reply", precision=0, minimum=0, info="Retry always draws another one."
        )
        gr.Markdown("### Models")
        self.llm = gr.Dropdown(
            _with(names("llm"), engine.llm_entry.name),
            value=engine.llm_entry.name,
            label="Language model",
            allow_custom_value=local,
            info="A name, a folder, a .gguf file, or a server's URL.",
        )
        self.sdxl = gr.Dropdown(
            _with(names("sdxl"), engine.sdxl_entry.name),
            value=engine.sdxl_entry.name,
            label="Image model",
            allow_custom_value=local,
            info="A name, a folder, or an SDXL file.",
        )
        self.loras = gr.Dropdown(
            list(loras()), value=[], multiselect=True, label="LoRAs", info="Files in models_dir/loras."
        )
        self.keep_llm = gr.Checkbox(
            engine.keep_llm,
            label="Keep the language model loaded",
            info="Faster next reply, less room for the picture.",
        )
        self.use = gr.Button("Use these models", size="sm", elem_id="use-models")
        self.size: list[Any] = [self.width, self.height]
        self.compose: list[Any] = [self.temperature, self.top_p, self.max_new_tokens, self.compose_seed]
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
        }
        self.render: list[Any] = list(self.render_fields.values())

    def wire(self, models_line: gr.Markdown, words: gr.Markdown) -> None:
        self.shape.input(_sides, self.shape, self.size, **QUIET)
        self.quality.input(self._quality, self.quality, [self.steps, self.highres_scale], **QUIET)
        self.negative_preset.input(NEGATIVES.get, self.negative_preset, self.negative, **QUIET)
        changed = [self.shape, *self.render, models_line, words]
        chosen = [self.llm, self.sdxl, self.loras, self.keep_llm]
        self.use.click(
            self.use_models, chosen, changed, api_visibility="private", concurrency_id="device", concurrency_limit=1
        )

    def compose_settings(self, values: Sequence[Any]) -> ComposeSettings:
        """From the values of `compose`. Raises SettingsError."""
        temperature, top_p, max_new_tokens, seed = values
        return ComposeSettings(
            float(temperature), float(top_p), int(max_new_tokens), None if seed is None else int(seed)
        )

    def render_settings(self, values: Sequence[Any], seed_mode: str) -> RenderSettings:
        """From the values of `render`, with this image model's own start. Raises SettingsError."""
        named = dict(zip(self.render_fields, values, strict=True))
        if seed_mode == RANDOM or named["seed"] is None:
            named["seed"] = secrets.randbelow(2**32)
        return checked(replace(self.engine.render_defaults, images=1, **named))

    def values_of(self, settings: RenderSettings) -> list[Any]:
        """The other way round: what `render` shows of some settings."""
        return [getattr(settings, name) for name in self.render_fields]

    def use_models(self, llm: str, sdxl: str, chosen: list[str], keep_llm: bool) -> tuple[Any, ...]:
        """Switches models; the settings go to what suits the image model."""
        self.engine.keep_llm = bool(keep_llm)
        wanted = {name: 1.0 for name in chosen or []}
        try:
            if llm != self.engine.llm_entry.name:
                self.engine.use_llm(llm)
            if sdxl != self.engine.sdxl_entry.name or wanted != self.engine.loras:
                self.engine.use_sdxl(sdxl, wanted)
        except OmostError as error:
            gr.Warning(str(error))
        d = self.engine.render_defaults
        choices = [(size_name(size), f"{size[0]}x{size[1]}") for size in sizes_for(d)]
        shape = gr.update(choices=choices, value=f"{d.width}x{d.height}")
        return shape, *self.values_of(d), models_text(self.engine), words_line(self.engine.sdxl_entry)

    def _quality(self, name: str) -> tuple[int, float]:
        settings = with_quality(self.engine.render_defaults, name)
        return settings.steps, settings.highres_scale


def checked(settings: RenderSettings) -> RenderSettings:
    """The bounds that a page or an API user must keep, beyond what a render can do at all. Raises SettingsError."""
    scale = settings.highres_scale
    if settings.width * settings.height * scale * scale > MAX_PIXELS * 2:
        raise SettingsError(
            f"{settings.width} x {settings.height} enlarged by {scale:g} is too large; stay under 4 megapixels."
        )
    if settings.width * settings.height > MAX_PIXELS:
        raise SettingsError(f"{settings.width} x {settings.height} is too large; stay under 2 megapixels.")
    if max(settings.steps, settings.highres_steps) > MAX_STEPS:
        raise SettingsError(f"{settings.steps} steps are too many; at most {MAX_STEPS} are run.")
    if not 1 <= settings.images <= MAX_IMAGES:
        raise SettingsError(f"{settings.images} pictures were asked for; from 1 to {MAX_IMAGES} are made.")
    if len(settings.negative_prompt) > MAX_NEGATIVE:
        raise SettingsError(
            f"The negative prompt has {len(settings.negative_prompt)} characters; at most {MAX_NEGATIVE} are taken."
        )
    return settings


def styled(canvas: Canvas, style: str) -> Canvas:
    """The canvas with a style preset's words among the tags of the whole picture."""
    words = STYLES.get(style, "")
    return replace(canvas, tags=", ".join(part for part in (canvas.tags, words) if part)) if words else canvas


def models_text(engine: Engine) -> str:
    """One calm line: which models are at work and what to expect of them."""
    return " ".join(
        part
        for part in (
            f"**{engine.llm_entry.name}** writes, **{engine.sdxl_entry.name}** paints.",
            engine.sdxl_entry.warning,
        )
        if part
    )


def _sides(shape: str) -> tuple[int, int]:
    width, height = shape.split("x")
    return int(width), int(height)


def _with(known: list[str], name: str) -> list[str]:
    return known if name in known else [name, *known]
