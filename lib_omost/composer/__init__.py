"""Messages in, a stream of text out. Local models need torch, which is imported only when one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lib_omost.composer.examples import EXAMPLES
from lib_omost.composer.prompt import SYSTEM_PROMPT
from lib_omost.composer.settings import ComposeSettings, ComposeStats, Message, Profile

if TYPE_CHECKING:
    from lib_omost.composer.local import LocalComposer, load_local

__all__ = [
    "EXAMPLES",
    "SYSTEM_PROMPT",
    "ComposeSettings",
    "ComposeStats",
    "LocalComposer",
    "Message",
    "Profile",
    "load_local",
]


def __getattr__(name: str) -> Any:
    if name in ("LocalComposer", "load_local"):
        from lib_omost.composer import local

        return getattr(local, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
