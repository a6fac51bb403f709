"""The key of a language-model server: refused where it cannot be one, and kept out of what a server says back."""

from __future__ import annotations

import json
from urllib.parse import quote

from lib_omost.errors import SettingsError

MAX_KEY = 1000  # characters


def checked_key(key: str | None, what: str = "This") -> str:
    """The key without the spaces around it. Raises SettingsError, which says what it was and does not repeat it."""
    key = (key or "").strip()
    if len(key) > MAX_KEY or not all("!" <= character <= "~" for character in key):
        raise SettingsError(
            f"{what} is not a key: one has only plain letters, digits and signs, with no space in it. Copy it again."
        )
    return key


def without_key(text: str, key: str) -> str:
    """`text`, which came from a server that may have echoed the key, as it is or as Python, JSON and URLs write it."""
    forms = {key, repr(key)[1:-1], json.dumps(key)[1:-1], quote(key, safe="")} - {""}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "(the key)")
    return text
