"""The number format that a person asks for, for each model. Knows no torch; device.py has the formats themselves."""

from __future__ import annotations

from collections.abc import Iterable

from lib_omost.errors import SettingsError

PRECISIONS = ("auto", "fp16", "bf16", "fp32")


def asked_precisions(texts: Iterable[str]) -> dict[str, str]:
    """`["fp32"]` for both models, or `["llm=bf16", "sdxl=fp32"]` for each. Raises SettingsError."""
    asked: dict[str, str] = {}
    for text in texts:
        kind, named, name = text.rpartition("=")
        if name not in PRECISIONS or kind not in ("llm", "sdxl", "") or (named and not kind):
            raise SettingsError(
                f"--precision {text}: give {', '.join(PRECISIONS)}, or one of them for one model, as llm=bf16 or "
                f"sdxl=fp32."
            )
        asked |= dict.fromkeys([kind] if kind else ["llm", "sdxl"], name)
    return asked
