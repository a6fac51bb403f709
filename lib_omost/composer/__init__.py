"""Messages in, a stream of text out. What needs torch or a network client is imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lib_omost.composer.examples import EXAMPLES
from lib_omost.composer.prompt import SYSTEM_PROMPT
from lib_omost.composer.server_key import MAX_KEY, checked_key
from lib_omost.composer.settings import ComposeSettings, ComposeStats, Message, Profile

if TYPE_CHECKING:
    from lib_omost.composer.local import LocalComposer, load_local
    from lib_omost.composer.remote import RemoteComposer

__all__ = [
    "EXAMPLES",
    "MAX_KEY",
    "SYSTEM_PROMPT",
    "ComposeSettings",
    "ComposeStats",
    "LocalComposer",
    "Message",
    "Profile",
    "RemoteComposer",
    "checked_key",
    "load_local",
]


_HOMES = {"LocalComposer": "local", "load_local": "local", "RemoteComposer": "remote"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
