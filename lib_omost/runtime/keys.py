"""Which server gets which key: one from the environment only where it was set for, one that a person typed only where
it was typed for.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from lib_omost.composer import checked_key
from lib_omost.errors import SettingsError

OPENAI = "https://api.openai.com/v1"  # whose key OPENAI_API_KEY is where OPENAI_BASE_URL names no other
PORTS = {"http": 80, "https": 443}


def origin(url: str) -> str:
    """Scheme, name and port of a server's URL; "" for what is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
    except (KeyError, ValueError):
        return ""
    return f"{parts.scheme}://{parts.hostname}:{port}" if parts.hostname else ""


def key_of_environment(url: str, start: str | None) -> str:
    """OPENAI_API_KEY, if `url` is of the origin that it was set for: OPENAI_BASE_URL's, or that of `start`, the server
    that the program was started with; else "". A server that a page named is neither. Raises SettingsError.
    """
    theirs = {origin(os.environ.get("OPENAI_BASE_URL") or OPENAI), origin(start or "")} - {""}
    if origin(url) not in theirs:
        return ""
    return checked_key(os.environ.get("OPENAI_API_KEY"), "What OPENAI_API_KEY holds")


def typed_key(key: str | None, typed_for: str, url: str) -> str:
    """A key that was typed while the page named `typed_for`, to be used at `url`. Raises SettingsError where these are
    two servers.
    """
    key = checked_key(key)
    if key and origin(typed_for) != origin(url):
        first = origin(typed_for) or "another address"
        raise SettingsError(f"The key was typed for {first} and does not go to {origin(url)}. Type the one for that.")
    return key
