"""Messages in, a stream of text out. What needs torch or a network client is imported only when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib_omost._lazy import lazy_names
from lib_omost.composer.prompt import EXAMPLES, SYSTEM_PROMPT, in_words
from lib_omost.composer.remote import MAX_KEY, checked_key
from lib_omost.composer.settings import ComposeSettings, ComposeStats, Message, Profile

if TYPE_CHECKING:
    from lib_omost.composer.local import LocalComposer, load_local
    from lib_omost.composer.remote.server import RemoteComposer

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
    "in_words",
    "load_local",
]

__getattr__ = lazy_names(__name__, {"LocalComposer": "local", "load_local": "local", "RemoteComposer": "remote"})
