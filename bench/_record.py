"""Where a result came from, and a table for people. Knows no measurement."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

Number = float | int | str
RESULTS = Path(__file__).parent / "results"


def record(name: str, argv: Sequence[str], numbers: Mapping[str, Number], packages: Sequence[str]) -> None:
    """Writes bench/results/NAME.json: the numbers, the command, the machine and the versions of `packages`."""
    RESULTS.mkdir(exist_ok=True)
    source = {
        "command": " ".join(["python -m bench", name.partition("-")[0], *argv]),
        "machine": f"{os.cpu_count()} cores, {processor()}",
        "python": platform.python_version(),
        **{package: importlib.metadata.version(package) for package in packages},
    }
    text = json.dumps({"numbers": dict(numbers), "source": source}, indent=2)
    (RESULTS / f"{name}.json").write_text(text + "\n")


def processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def table(head: Sequence[str], rows: Sequence[Sequence[Number]]) -> str:
    """Columns as wide as their widest cell; numbers to three digits."""
    cells = [list(head), *([f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
