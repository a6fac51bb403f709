"""What went wrong last, kept in a small file for the diagnostics of a later process; without paths and addresses."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime
from pathlib import Path

from lib_omost import atomic

LAST_ERROR = "last-error.txt"  # in the outputs folder


def keep_error(outputs: Path, error: str) -> None:
    """For `doctor` in another process. A folder that cannot be written costs only that."""
    with contextlib.suppress(OSError):
        now = datetime.now().isoformat(" ", "minutes")
        atomic.write_bytes(outputs / LAST_ERROR, f"{now} {one_line(error)}\n".encode(), mode=0o600)


def kept_error(outputs: Path) -> str:
    """What keep_error kept in `outputs`; empty where there is none."""
    try:
        return (outputs / LAST_ERROR).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def one_line(text: str) -> str:
    return without_paths(" ".join(text.split()))


def without_paths(text: str) -> str:
    """The text with each absolute path cut down to its last part, and the user's name gone with it; no addresses."""
    text = re.sub(r"https?://\S+", "(an address)", text)
    return re.sub(r"(?:[A-Za-z]:)?(?:[/\\][\w.@ +-]*[\w.@+-])+[/\\]([\w.@+-]+)", r"…/\1", text)
