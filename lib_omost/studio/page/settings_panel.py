"""The settings panel: a widget for each field of the settings, the pickers that fill several of them, and the settings
made of their values. Every widget explains itself in a line.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import gradio as gr

from lib_omost.composer import ComposeSettings
from lib_omost.renderer import RenderSettings, with_preset
from lib_omost.runtime import Engine
from lib_omost.settings import Setting, table
from lib_omost.studio.limits import checked, kept_name, usable
from lib_omost.studio.page.events import QUIET
from lib_omost.studio.page.few_steps import FewSteps
from lib_omost.studio.presets import (
    CHOICES,
    NEGATIVES,
    QUALITY_FIELDS,
    SDXL_SIZES,
    RenderRequest,
    size_name,
    sizes_for,
    with_quality,
)
from lib_omost.studio.presets import LOCKED as LOCKED
from lib_omost.studio.presets import RANDOM as RANDOM
from lib_omost.studio.reply_stats import context_line
from lib_omost.studio.store.sessions import Sessions

FOLDED = ("Second pass and regions",)  # groups that are closed at first
SIDES = ("width", "height")  # which stand side by side
IN_BAR = ("style", "images", "seed")  # elements in the bar below the canvas, with shape, seed mode and quality
ANY_MODEL = {"style"}  # settings of a picture that suit every image model


class SettingsPanel:
    """`render_fields` and `compose_fields` are the widgets of the settings by the fields' names; what one press paints
    several pictures of, `images`, stands beside them. `kept` is what a session keeps; `outputs` are filled by `view`.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        above = {
            "width": self._add_shape,
            "few_steps": self._add_quality,
            "steps": self._add_few_steps_line,
            "seed": self._add_seed_mode,
            "negative_prompt": self._add_negative_preset,
        }
        self.render_fields: dict[str, Any] = {}
        add_widgets(RenderSettings, engine.render_defaults, self.render_fields, above)
        self.images, self.seed = self.render_fields.pop("images"), self.render_fields["seed"]
        style = self.render_fields["style"]
        self.bar: list[Any] = [style, self.shape, self.images, self.seed, self.seed_mode, self.quality]
        self.compose_fields: dict[str, Any] = {}
        add_widgets(ComposeSettings, ComposeSettings(), self.compose_fields, {})
        self.context = gr.Markdown("", elem_id="context")
        self.size: list[Any] = [self.render_fields[side] for side in SIDES]
        self.render: list[Any] = list(self.render_fields.values())
        self.compose: list[Any] = list(self.compose_fields.values())
        pickers = (self.quality, self.seed_mode, self.negative_preset)
        self.kept: dict[str, Any] = {
            **self.render_fields,
            "images": self.images,
            **dict(zip(CHOICES, pickers, strict=True)),
            **{kept_name(ComposeSettings, name): widget for name, widget in self.compose_fields.items()},
        }
        self._untouched = {name: widget.value for name, widget in self.kept.items()}
        self.outputs: list[Any] = [self.shape, *self.kept.values()]
        self._wire_pickers()

    def _add_shape(self) -> None:
        d = self.engine.render_defaults
        sizes, value = _sizes(d), f"{d.width}x{d.height}"
        info = "Sizes that this image model was trained on."
        self.shape = gr.Dropdown(sizes, value=value, label="Size", info=info, elem_id="shape", render=False)

    def _add_quality(self) -> None:
        quality = table(RenderRequest)["quality"]
        self.quality = gr.Radio(
            CHOICES["quality"],
            value=quality.default,
            label=quality.label,
            info=quality.help,
            elem_id="quality",
            render=False,
        )

    def _add_few_steps_line(self) -> None:
        self.few = FewSteps(self.engine, self.render_fields["few_steps"])

    def _add_seed_mode(self) -> None:
        info = "A kept seed is the next picture's too; else each has another one, which is shown."
        self.seed_mode = gr.Radio(
            CHOICES["seed_mode"], value=RANDOM, label="Next seed", info=info, elem_id="seed-mode", render=False
        )

    def _add_negative_preset(self) -> None:
        names, words = CHOICES["negative_preset"], {"label": "Negative preset", "info": "Fills the box below."}
        self.negative_preset = gr.Dropdown(names, value=names[0], elem_id="negative-preset", **words)

    def _wire_pickers(self) -> None:
        """What a picker fills in."""
        fields = self.render_fields
        self.shape.input(self.sides, self.shape, self.size, **QUIET)
        scaled = [fields[name] for name in QUALITY_FIELDS]
        self.quality.input(self.scaled, [self.quality, self.few.picker], scaled, **QUIET)
        brought = ("steps", "guidance", "highres_steps", "guidance_start", "guidance_steps")
        self.few.wire(self.quality, {name: fields[name] for name in brought})
        self.seed.input(lambda: LOCKED, None, self.seed_mode, **QUIET)
        self.negative_preset.input(NEGATIVES.get, self.negative_preset, fields["negative_prompt"], **QUIET)

    def wire(self, sessions: Sessions, session: gr.Textbox, bar: gr.Sidebar) -> None:
        self.sessions = sessions
        changes = [widget.change for widget in self.kept.values()]
        gr.on(changes, self.keep, [session, *self.kept.values()], None, trigger_mode="always_last", **QUIET)
        bar.expand(self.context_text, session, self.context, **QUIET)
        bar.expand(self.few.text, self.few.picker, self.few.line, **QUIET)

    def sides(self, shape: str) -> dict[Any, Any]:
        return dict(zip(self.size, map(int, shape.split("x")), strict=True))

    def scaled(self, quality: str, few_steps: str) -> dict[Any, Any]:
        """A few-step preset keeps its steps, since its LoRA was made for them."""
        settings = with_preset(with_quality(self.engine.render_defaults, quality), few_steps)
        return {self.render_fields[name]: getattr(settings, name) for name in QUALITY_FIELDS}

    def keep(self, session: str, *values: Any) -> None:
        """Writes the settings to the session, with the image model that they are for; those that the page could not
        show again, a text beyond its bounds too, are left out.
        """
        settings = usable(dict(zip(self.kept, values, strict=True)))
        self.sessions.set_settings(session, {**settings, "sdxl": image_model(self.engine)})

    def view(self, settings: Mapping[str, Any]) -> list[Any]:
        """What `outputs` show of a session's settings; what is missing, is not for the image model at work, or will not
        do (a file may say anything) goes to what suits.
        """
        d, found = self.engine.render_defaults, usable(settings)
        suits = {**self._untouched, **{name: getattr(d, name) for name in self.render_fields}}
        of_another_model = found.get("sdxl") != image_model(self.engine)
        unsuitable = self.render_fields.keys() - ANY_MODEL if of_another_model else set()
        values = {**suits, **{name: value for name, value in found.items() if name not in unsuitable}}
        sizes, size = _sizes(d), f"{values['width']}x{values['height']}"
        shape = gr.update(choices=sizes, value=size if size in dict(sizes).values() else None)
        return [shape, *(values[name] for name in self.kept)]

    def context_text(self, session: str) -> str:
        return context_line(self.sessions.turns(session), self.engine.llm_entry)

    def compose_settings(self, values: Sequence[Any]) -> ComposeSettings:
        """From the values of `compose`. Raises SettingsError."""
        return ComposeSettings(**dict(zip(self.compose_fields, values, strict=True)))

    def render_settings(self, values: Sequence[Any], seed_mode: str) -> RenderSettings:
        """From the values of `render`, with this image model's own start. Raises SettingsError."""
        named = dict(zip(self.render_fields, values, strict=True))
        if seed_mode == RANDOM or named["seed"] is None:
            named["seed"] = secrets.randbelow(2**32)
        return checked(replace(self.engine.render_defaults, images=1, **named))

    def values_of(self, settings: RenderSettings) -> list[Any]:
        """The other way round: what `render` shows of some settings."""
        return [getattr(settings, name) for name in self.render_fields]


def image_model(engine: Engine) -> str:
    """Which image model kept settings are for: its name, and of a small one the size too, which new weights change."""
    d, name = engine.render_defaults, engine.sdxl_entry.name
    return name if (d.width, d.height) in SDXL_SIZES else f"{name} {d.width}x{d.height}"


def add_widgets(
    settings: type[Any], values: Any, made: dict[str, Any], above: Mapping[str, Callable[[], None]]
) -> None:
    """A widget for each field that has a group, group by group, showing `values`; they are put into `made` by name.
    `above`: what else stands above a field.
    """
    shown = [setting for setting in table(settings).values() if setting.shown.group]
    for group, members in itertools.groupby(shown, lambda setting: setting.shown.group):
        with _under(group):
            for _, row in itertools.groupby(members, lambda setting: setting.name not in SIDES and setting.name):
                first, *more = row
                above.get(first.name, lambda: None)()
                with gr.Row() if more else nullcontext():
                    for setting in (first, *more):
                        elem_id = kept_name(settings, setting.name).replace("_", "-")
                        made[setting.name] = widget(setting, getattr(values, setting.name), elem_id)


def widget(setting: Setting, value: Any, elem_id: str) -> Any:
    """What shows a setting of its type."""
    shown = setting.shown
    words = {"label": setting.label, "info": setting.help, "elem_id": elem_id, "render": elem_id not in IN_BAR}
    if shown.choices:
        return gr.Dropdown([(label, name) for name, label in shown.choices.items()], value=value, **words)
    if setting.kind is bool:
        return gr.Checkbox(value, **words)
    if setting.kind is str:
        return gr.Textbox(value, lines=2, **words)
    ends, step = {"minimum": shown.low, "maximum": shown.high}, setting.step
    if shown.typed:
        return gr.Number(
            value, precision=0 if setting.kind is int else None, step=step or 1, min_width=80, **ends, **words
        )
    return gr.Slider(value=value, step=step, **ends, **words)


@contextmanager
def _under(group: str) -> Iterator[None]:
    """What is made inside stands under this heading."""
    with gr.Accordion(group, open=False) if group in FOLDED else nullcontext():
        if group not in FOLDED:
            gr.Markdown(f"### {group}")
        yield


def _sizes(defaults: RenderSettings) -> list[tuple[str, str]]:
    return [(size_name(size), f"{size[0]}x{size[1]}") for size in sizes_for(defaults)]
