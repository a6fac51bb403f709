"""`omost doctor --card`: runs every stage on this machine's device, whatever one fails with, into one report."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from lib_omost.runtime import card_stages as stages
from lib_omost.runtime import device as devices
from lib_omost.runtime.doctor import report
from lib_omost.runtime.last_error import without_paths
from lib_omost.runtime.logs import quiet_diffusers, quiet_transformers
from lib_omost.runtime.machine import Machine

VRAM_GIB = 7.0  # what a card of 8 GB has beside a desktop
CardReport = dict[str, Any]


def check_card(device: str | None, vram_gib: float | None, say: Callable[[str], None]) -> CardReport:
    """A report to be written as JSON: what `omost doctor` says, then each stage's numbers, seconds and error.

    device: None = the best there is; on a CPU all shapes are small. vram_gib: what the models may take, None = 7 GiB.
    `say(sentence)` is called as it goes on. Raises SettingsError for a device that is not here.
    """
    quiet_transformers()
    quiet_diffusers()
    machine = Machine(device, vram_gib or VRAM_GIB)
    on_cpu = machine.device.type == "cpu"
    scale = stages.SMALL if on_cpu else stages.REAL
    told = dict(line.split(": ", 1) for line in report().splitlines())
    found: CardReport = {"doctor": told, "device": devices.describe(machine.device), "vram_gib": vram_gib or VRAM_GIB}
    found["size"] = "small shapes: nothing here tells of a card" if on_cpu else "real"
    work: dict[str, Callable[[], stages.Measured | None]] = {
        "attention": lambda: stages.attention(machine.device, scale),
        "moves": lambda: stages.moves(machine.device, scale),
        "same_picture": lambda: stages.same_picture(machine.device, scale),
        "models": lambda: stages.models(machine, scale),
        "passes": lambda: passes(machine, scale),
        "cycle": lambda: stages.cycle(machine, scale),
    }
    for name, stage in work.items():
        found[name] = run(name, stage, say)
        devices.empty_cache(machine.device)
    found["failed"] = [name for name in work if "failed" in found[name]]
    return found


def run(name: str, stage: Callable[[], stages.Measured | None], say: Callable[[str], None]) -> stages.Measured:
    """A stage's numbers, with its seconds; what it failed with is one of them."""
    say(f"{name} …")
    began = time.perf_counter()
    try:
        found = stage() or {}
    except Exception as error:  # a report of what goes wrong is what this is for
        found = {"failed": without_paths(stages.said(error))}
        say(f"{name}: {found['failed']}")
    return found | {"seconds": round(time.perf_counter() - began, 1)}


def passes(machine: Machine, scale: stages.Scale) -> stages.Measured:
    """With the language model on the device, and no other there."""
    from lib_omost.composer import LocalComposer

    assert isinstance(machine.composer, LocalComposer)
    machine.offloader.load(["llm"], machine._llm_work_bytes)
    try:
        with torch.inference_mode():
            return stages.passes(machine.composer, scale)
    finally:
        machine.offloader.evict()
