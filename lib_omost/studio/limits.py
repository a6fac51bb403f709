"""How much a visitor of the page or of its endpoints may ask for, beyond what a render can do at all."""

from __future__ import annotations

import math
from typing import Any

import gradio as gr

from lib_omost.errors import SettingsError
from lib_omost.renderer import RenderSettings

MAX_PIXELS = 2 * 2**20
MAX_STEPS = 100
MAX_IMAGES = 8
MAX_NEGATIVE = 500


def checked(settings: RenderSettings) -> RenderSettings:
    """The settings, if they keep the bounds. Raises SettingsError."""
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


def fits(widget: Any, value: Any) -> bool:
    """Whether a widget can show this value."""
    match widget:
        case gr.Slider() | gr.Number():
            low = -math.inf if widget.minimum is None else widget.minimum
            high = math.inf if widget.maximum is None else widget.maximum
            return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        case gr.Checkbox():
            return isinstance(value, bool)
        case gr.Radio() | gr.Dropdown():
            return value in [choice for _, choice in widget.choices]
        case _:
            return isinstance(value, str) and len(value) <= MAX_NEGATIVE
