"""The diagnostics that a bug report needs: versions, device, memory, models, last error. No user names, no paths."""

from __future__ import annotations

import importlib.metadata
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lib_omost.runtime import catalog, fetch

if TYPE_CHECKING:
    from lib_omost.runtime.engine import Engine

PACKAGES = (
    "torch",
    "transformers",
    "diffusers",
    "accelerate",
    "peft",
    "bitsandbytes",
    "gguf",
    "llguidance",
    "gradio",
    "safetensors",
)


def report(engine: Engine | None = None) -> str:
    """Lines of `name: value`; with an engine also its models and its last error."""
    return "\n".join(f"{name}: {value}" for name, value in _facts(engine))


def _facts(engine: Engine | None) -> Iterator[tuple[str, str]]:
    import torch

    from lib_omost.runtime import device as devices

    yield "system", f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    yield "packages", ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    device = devices.choose_device()
    yield "device", devices.describe(device)
    yield "threads", str(torch.get_num_threads())
    free, total = devices.free_bytes(device), devices.total_bytes(device)
    if free is not None and total is not None:
        yield "device memory", f"{free / devices.GIB:.1f} GiB free of {total / devices.GIB:.1f}"
    yield "models here", ", ".join(f"{e.name} ({e.kind})" for e in catalog.entries() if catalog.is_here(e)) or "none"
    yield "default language model", "fetched" if fetch.language_folder().is_dir() else "not fetched yet"
    if engine is not None:
        yield "chosen models", f"{_short(engine.llm_entry.name)}, {_short(engine.sdxl_entry.name)}"
        yield "doing", engine.status or "nothing"
        yield "last error", without_paths(engine.last_error or "none")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _short(name: str) -> str:
    """A hub id or catalog name as it is, of a path or URL the last part only."""
    return Path(name).name if name.startswith(("/", "~", ".", "http")) or "\\" in name else name


def without_paths(text: str) -> str:
    """The text with each absolute path cut down to its last part, and the user's name gone with it."""
    return re.sub(r"(?:[A-Za-z]:)?(?:[/\\][\w.@ +-]*[\w.@+-])+[/\\]([\w.@+-]+)", r"…/\1", text)
