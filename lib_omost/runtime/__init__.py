"""Which models, where, and under whose lock. Names are imported when first used: an Engine costs no torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lib_omost.runtime.catalog import (
        LlmEntry,
        SdxlEntry,
        about,
        choices,
        entries,
        entry,
        is_here,
        loras,
        names,
        size,
    )
    from lib_omost.runtime.doctor import report
    from lib_omost.runtime.engine import Engine
    from lib_omost.runtime.known_words import words_of

_HOMES = {
    "Engine": "engine",
    "LlmEntry": "catalog",
    "SdxlEntry": "catalog",
    "about": "catalog",
    "choices": "catalog",
    "entries": "catalog",
    "entry": "catalog",
    "is_here": "catalog",
    "loras": "catalog",
    "names": "catalog",
    "report": "doctor",
    "size": "catalog",
    "words_of": "known_words",
}
__all__ = [
    "Engine",
    "LlmEntry",
    "SdxlEntry",
    "about",
    "choices",
    "entries",
    "entry",
    "is_here",
    "loras",
    "names",
    "report",
    "size",
    "words_of",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
