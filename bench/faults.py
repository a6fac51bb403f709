"""What people, programs and disks do to a server that it has to bear, each against a real server process.

python -m bench faults [--short] [--only WORD] [--json FILE]

Prints a row for each fault: its name, "good" (with a figure where the row has one) or what went wrong, the seconds. A
row that says "FAILED" is one. The result of all rows is kept in bench/results.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from bench._bad_server import bad_server
from bench._client import Failed
from bench._fault_disks import DISKS
from bench._fault_rows import Place, Row
from bench._fault_texts import TEXTS
from bench._fault_wires import WIRES
from bench._record import record
from bench._site import free_port, site
from lib_omost.errors import OmostError

ROWS: tuple[Row, ...] = (*TEXTS, *WIRES, *DISKS)
PACKAGES = ("gradio", "torch", "diffusers", "transformers")
SHORT = 2  # rows of a kind


def main(argv: list[str]) -> dict[str, float | int | str]:
    parser = argparse.ArgumentParser(prog="python -m bench faults")
    parser.add_argument("--short", action="store_true", help="the quick ones only")
    parser.add_argument("--only", default="", help="rows with this word in their name")
    parser.add_argument("--json", type=Path, help="write the result here as well")
    chosen = parser.parse_args(argv)
    whole = not (chosen.short or chosen.only)
    rows = [row for row in (short_form() if chosen.short else ROWS) if chosen.only in row.name]
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as name, bad_server() as llm:
        folder = Path(name)
        with site(llm.name, folder / "outputs", free_port(), "--allow-host", "pictures.example") as running:
            place = Place(running.url, folder, llm, running.process, chosen.short)
            failed = [row.name for row in rows if not tried(row, place)]
    result: dict[str, float | int | str] = {
        "rows": len(rows),
        "failed": len(failed),
        "seconds": round(time.monotonic() - begin, 1),
        "load_1min": round(os.getloadavg()[0], 1),
    }
    for row in failed:
        print(f"failed: {row}")
    if whole:
        record("faults", [], result, PACKAGES)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps({**result, "failed_rows": failed}, indent=1) + "\n")
    return result


def short_form() -> list[Row]:
    """The first quick rows of each kind."""
    kinds: dict[str, list[Row]] = {}
    for row in ROWS:
        if row.short:
            kinds.setdefault(row.name.partition(":")[0], []).append(row)
    return [row for rows in kinds.values() for row in rows[:SHORT]]


def tried(row: Row, place: Place) -> bool:
    """Whether the row holds; prints it."""
    start, wrong, figure = time.monotonic(), "", ""
    try:
        figure = row.act(place) or ""
    except (AssertionError, Failed, OmostError, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        wrong = f"{type(error).__name__}: {error}".splitlines()[0][:140] or type(error).__name__
    except Exception as error:  # a row that is itself broken fails, and says how
        wrong = f"{type(error).__name__}: {error}"[:140]
    told = f"FAILED {wrong}" if wrong else f"good: {figure}" if figure else "good"
    print(f"{row.name:66} {told}  {time.monotonic() - start:.1f} s", flush=True)
    return not wrong
