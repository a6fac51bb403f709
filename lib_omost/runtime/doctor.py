"""The diagnostics that a bug report needs: versions, device, memory, models, last error. No user names, no paths."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lib_omost._version import __version__
from lib_omost.runtime import catalog, default_model
from lib_omost.runtime.card import no_cuda_reason
from lib_omost.runtime.last_error import kept_error, one_line

if TYPE_CHECKING:
    from lib_omost.runtime.catalog import LlmEntry, SdxlEntry
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


def report(engine: Engine | None = None, outputs: Path | None = None) -> str:
    """Lines of `name: value`. With an engine also its models and its last error, else the error kept in `outputs`."""
    return "\n".join(f"{name}: {value}" for name, value in _facts(engine, outputs))


def _facts(engine: Engine | None, outputs: Path | None) -> Iterator[tuple[str, str]]:
    import torch

    from lib_omost.runtime import device as devices

    yield "system", f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    yield "omost", __version__
    yield "packages", ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    device = torch.device(engine.device) if engine and engine.device else devices.choose_device()
    yield "device", devices.describe(device)
    yield "card", no_cuda_reason() or ("in use" if device.type == "cuda" else "no NVIDIA card was found")
    yield "threads", str(torch.get_num_threads())
    free, total = devices.free_bytes(device), devices.total_bytes(device)
    if free is not None and total is not None:
        yield "device memory", f"{free / devices.GIB:.1f} GiB free of {total / devices.GIB:.1f}"
    free, total = devices.machine_bytes()
    yield "machine memory", f"{free / devices.GIB:.1f} GiB free of {total / devices.GIB:.1f}"
    yield "models here", ", ".join(f"{e.name} ({e.kind})" for e in catalog.entries() if catalog.is_here(e)) or "none"
    yield "default language model", "fetched" if default_model.language_folder().is_dir() else "not fetched yet"
    if engine is not None:
        loras = "".join(f" with {name} x {weight:g}" for name, weight in engine.loras.items())
        yield "chosen models", f"{_short(engine.llm_entry)}, {_short(engine.sdxl_entry)}{loras}"
        yield "doing", engine.status or "nothing"
    last = (engine.last_error if engine else None) or (kept_error(outputs) if outputs else "")
    yield "last error", one_line(last or "none")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _short(entry: LlmEntry | SdxlEntry) -> str:
    """A hub id or catalog name as it is; of a path the last part, of a server's URL that it is one."""
    if entry.place == "server":
        return "a server"
    return Path(entry.source).name if entry.place in ("folder", "file") else entry.name
