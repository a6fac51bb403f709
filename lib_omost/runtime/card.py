"""Why a machine with an NVIDIA card computes without it, and the next command. Asks the driver, then torch; changes
nothing."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Capability = tuple[int, int]
WHEELS = "https://download.pytorch.org/whl/"
# Of each build of torch, by CUDA's major version: the oldest driver that runs it, and the cards its wheels are for.
DRIVERS = {12: 525, 13: 580}
BUILDS = {"cu126": (12, (5, 0), (9, 0)), "cu130": (13, (7, 5), (99, 0))}
NVIDIA, DISPLAY = "0x10de", ("0x0300", "0x0302")  # in sysfs: the vendor, and the classes of what draws or computes


@dataclass(frozen=True, slots=True)
class Card:
    """What is known without torch. `driver` "": none that answers; `problem`: what the driver's own tool says."""

    name: str
    driver: str = ""
    capability: Capability | None = None
    problem: str = ""
    memory_bytes: int = 0  # 0: not told

    @property
    def driver_major(self) -> int:
        first = self.driver.partition(".")[0]
        return int(first) if first.isdigit() else 0


@dataclass(frozen=True, slots=True)
class Build:
    """This torch. `arches`: what it has kernels for, as `sm_86`; `sees_cuda`: it finds a device."""

    version: str
    cuda: str | None
    arches: tuple[str, ...]
    sees_cuda: bool
    hip: bool = False


@functools.cache
def no_cuda_reason() -> str:
    """A sentence with the next step where there is an NVIDIA card that torch cannot use; else nothing."""
    card = find_card()
    return explain(card, this_build()) if card else ""


def this_build() -> Build:
    import torch

    sees_cuda = torch.cuda.is_available()
    arches = tuple(torch.cuda.get_arch_list()) if sees_cuda else ()
    return Build(torch.__version__, torch.version.cuda, arches, sees_cuda, hip=torch.version.hip is not None)


def explain(card: Card, build: Build) -> str:
    """What keeps this build of torch from this card; nothing where nothing does."""
    if build.hip or (build.sees_cuda and _has_kernels(card, build)):
        return ""
    unused = f"{card.name} is not used:"
    if not card.driver:
        told = f" ({card.problem})" if card.problem else ""
        return f"{unused} its driver does not answer{told}. Install NVIDIA's driver, restart, and start again."
    if build.sees_cuda:
        return f"{unused} this torch ({build.version}) has no kernels for it{_capability(card)}. {_advice(card, build)}"
    if build.cuda is None:
        return f"{unused} this torch ({build.version}) is the CPU build. {_advice(card, build)}"
    wanted = DRIVERS.get(int(build.cuda.partition(".")[0]), 0)
    if card.driver_major < wanted:
        return (
            f"{unused} its driver, {card.driver}, is too old for this torch ({build.version}), which wants "
            f"{wanted} or newer. {_advice(card, build)}"
        )
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None:
        return f"{unused} CUDA_VISIBLE_DEVICES is {hidden!r}, which hides it. Unset it and start again."
    return f'{unused} torch finds no device. Run `python -c "import torch; torch.cuda.init()"`, which says why.'


def _advice(card: Card, build: Build) -> str:
    """The command for a build that runs with this driver on this card, or which driver one wants."""
    fitting = [
        tag
        for tag, (cuda, oldest, newest) in BUILDS.items()
        if card.capability is None or oldest <= card.capability <= newest
    ]
    has = f"cu{(build.cuda or '').replace('.', '')}"
    usable = [tag for tag in fitting if card.driver_major >= DRIVERS[BUILDS[tag][0]] and tag != has]
    if usable:
        version = build.version.partition("+")[0]
        return (
            f"Run `python -m pip install torch=={version}+{usable[-1]} --index-url {WHEELS}{usable[-1]}`, start again."
        )
    newer = [DRIVERS[BUILDS[tag][0]] for tag in fitting if DRIVERS[BUILDS[tag][0]] > card.driver_major]
    if newer:
        return f"Update NVIDIA's driver to {min(newer)} or newer, restart, and start again."
    return "No build of this torch runs on it: give --device cpu, and a server's URL for the language model."


def _capability(card: Card) -> str:
    return f" (compute capability {card.capability[0]}.{card.capability[1]})" if card.capability else ""


def _has_kernels(card: Card, build: Build) -> bool:
    """Whether a kernel for this card is in the build: of its generation and no newer, or one that can be translated."""
    if card.capability is None or not build.arches:
        return True
    for kind, (major, minor) in _arches(build):
        if kind == "compute" and (major, minor) <= card.capability:
            return True
        if kind == "sm" and major == card.capability[0] and minor <= card.capability[1]:
            return True
    return False


def _arches(build: Build) -> Iterator[tuple[str, Capability]]:
    for arch in build.arches:
        kind, _, digits = arch.partition("_")
        digits = digits.rstrip("af")  # sm_90a: the same generation
        if digits.isdigit():
            yield kind, (int(digits[:-1]), int(digits[-1]))


def find_card() -> Card | None:
    """The first NVIDIA card: what its driver says, else what Linux lists; None where there is none."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Card("An NVIDIA card") if _listed_by_linux() else None
    answer, problem = "", ""
    for fields in ("name,driver_version,memory.total,compute_cap", "name,driver_version,memory.total"):
        # old drivers do not know the last
        answer, problem = _ask(tool, fields)
        if answer:
            break
    if not answer:
        return Card("An NVIDIA card", problem=problem) if problem and "no devices" not in problem.lower() else None
    name, driver, *rest = (part.strip() for part in answer.splitlines()[0].split(","))
    mib = rest[0].partition(" ")[0] if rest else ""
    major, _, minor = (rest[1] if len(rest) > 1 else "").partition(".")
    capability = (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None
    return Card(name, driver, capability, memory_bytes=int(mib) << 20 if mib.isdigit() else 0)


def _ask(tool: str, fields: str) -> tuple[str, str]:
    """What nvidia-smi answers, or the first line of what it complains of."""
    command = [tool, f"--query-gpu={fields}", "--format=csv,noheader"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", type(error).__name__
    lines = [line for line in f"{found.stdout}\n{found.stderr}".splitlines() if line.strip()]
    if found.returncode == 0 and lines and "," in lines[0]:
        return found.stdout.strip(), ""
    return "", lines[0].strip().rstrip(".") if lines else f"nvidia-smi ends with {found.returncode}"


def _listed_by_linux(devices: Path = Path("/sys/bus/pci/devices")) -> bool:
    def text(file: Path) -> str:
        try:
            return file.read_text()
        except OSError:
            return ""

    return any(
        text(device / "vendor").startswith(NVIDIA) and text(device / "class").startswith(DISPLAY)
        for device in devices.glob("*")
    )
