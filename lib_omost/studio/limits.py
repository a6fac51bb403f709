"""How much a visitor of the page or of its endpoints may ask for, beyond what a render can do at all; and what is taken
of settings that a file brings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib_omost.composer import ComposeSettings
from lib_omost.errors import SettingsError
from lib_omost.renderer import RenderSettings
from lib_omost.settings import Setting, table
from lib_omost.studio.presets import CHOICES

MAX_PIXELS = 2 * 2**20
#: What costs time and room: of these a visitor gets no more than the page offers, wherever it is asked for.
COSTLY = ("steps", "highres_steps", "images", "negative_prompt")


def checked(settings: RenderSettings) -> RenderSettings:
    """The settings, if they keep the bounds. Raises SettingsError."""
    scale = settings.highres_scale
    if settings.width * settings.height * scale * scale > MAX_PIXELS * 2:
        raise SettingsError(
            f"{settings.width} x {settings.height} enlarged by {scale:g} is too large; stay under 4 megapixels."
        )
    if settings.width * settings.height > MAX_PIXELS:
        raise SettingsError(f"{settings.width} x {settings.height} is too large; stay under 2 megapixels.")
    for name in COSTLY:
        table(type(settings))[name].check_offered(getattr(settings, name))
    return settings


def bounds(setting: Setting) -> str:
    """What a visitor may ask for, in words."""
    return setting.offered if setting.name in COSTLY else setting.wanted


def kept_name(settings: type[Any], name: str) -> str:
    """Under which name a session keeps a setting; both tables have a seed."""
    return "compose_seed" if name == "seed" and issubclass(settings, ComposeSettings) else name


def usable(found: Any) -> dict[str, Any]:
    """What the page can show of a session's settings, by name. A file may say anything: what is unknown or will not do
    is left out.
    """
    if not isinstance(found, Mapping):
        return {}
    known = {
        kept_name(settings, name): setting
        for settings in (RenderSettings, ComposeSettings)
        for name, setting in table(settings).items()
        if setting.shown.group
    }
    good = {name: found[name] for name, setting in known.items() if name in found and fits(setting, found[name])}
    chosen = {name: found[name] for name, choices in CHOICES.items() if found.get(name) in choices}
    model = {"sdxl": found["sdxl"]} if isinstance(found.get("sdxl"), str) else {}
    return {**good, **chosen, **model}


def fits(setting: Setting, value: Any) -> bool:
    """Whether the page can show this value of a setting."""
    try:
        setting.check_offered(value)
    except SettingsError:
        return False
    return True
