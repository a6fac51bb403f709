"""Every way in which a card is there and torch cannot use it ends in a sentence with the next command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gradio_app import options, startup_line
from lib_omost.runtime import Engine, report
from lib_omost.runtime.card import Build, Card, _listed_by_linux, explain, find_card, no_cuda_reason
from lib_omost.studio.page.models_panel import models_text

RTX_3060 = Card("NVIDIA GeForce RTX 3060", "580.65.06", (8, 6))
GTX_1080 = Card("NVIDIA GeForce GTX 1080", "580.65.06", (6, 1))
RTX_5090 = Card("NVIDIA GeForce RTX 5090", "570.10", (12, 0))
CPU_BUILD = Build("2.13.0+cpu", None, (), False)
CUDA_13 = Build("2.13.0+cu130", "13.0", ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"), True)
BLIND = replace(CUDA_13, sees_cuda=False, arches=())

SMI = """#!{python}
import sys
if {problem!r}:
    print({problem!r}); raise SystemExit(9)
if "compute_cap" in " ".join(sys.argv) and {old}:
    print('Field "compute_cap" is not a valid field to query.'); raise SystemExit(2)
print("NVIDIA GeForce RTX 3060, 580.65.06, 12288 MiB" + ("" if {old} else ", 8.6"))
print("NVIDIA GeForce GT 710, 470.1, 2048 MiB, 3.5")
"""


def nvidia_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, *, problem: str = "", old: bool = False) -> None:
    tool = folder / "nvidia-smi"
    tool.write_text(SMI.format(python=sys.executable, problem=problem, old=old))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.fixture
def a_card_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    nvidia_smi(tmp_path, monkeypatch)
    no_cuda_reason.cache_clear()
    yield
    no_cuda_reason.cache_clear()


@pytest.mark.parametrize(
    ("card", "build", "reason", "step"),
    [
        (RTX_3060, CPU_BUILD, "is the CPU build", "pip install torch==2.13.0+cu130 --index-url"),
        (replace(RTX_3060, driver="550.9"), CPU_BUILD, "is the CPU build", "torch==2.13.0+cu126 --index-url"),
        (replace(RTX_3060, driver="470.1"), CPU_BUILD, "is the CPU build", "Update NVIDIA's driver to 525 or newer"),
        (replace(RTX_3060, driver="550.9"), BLIND, "550.9, is too old for this torch", "torch==2.13.0+cu126"),
        (RTX_5090, BLIND, "which wants 580 or newer", "Update NVIDIA's driver to 580 or newer"),
        (GTX_1080, CUDA_13, "has no kernels for it (compute capability 6.1)", "torch==2.13.0+cu126"),
        (GTX_1080, replace(CUDA_13, cuda="12.6"), "has no kernels", "give --device cpu, and a server's URL"),
        (replace(RTX_3060, driver="", problem="NVML: version mismatch"), BLIND, "(NVML: version mismatch)", "restart"),
        (Card("An NVIDIA card"), CPU_BUILD, "its driver does not answer.", "Install NVIDIA's driver"),
        (RTX_3060, BLIND, "torch finds no device", "torch.cuda.init()"),
    ],
)
def test_the_reason_and_the_next_step_are_said(
    card: Card, build: Build, reason: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    said = explain(card, build)
    assert said.startswith(f"{card.name} is not used:") and reason in said and step in said


def test_a_card_that_is_hidden_by_the_environment_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "CUDA_VISIBLE_DEVICES is '', which hides it. Unset it" in explain(RTX_3060, BLIND)


@pytest.mark.parametrize(
    "card", [RTX_3060, replace(RTX_3060, capability=(8, 9)), replace(RTX_3060, capability=(13, 0)), Card("x", "600.1")]
)
def test_a_card_that_this_torch_has_kernels_for_needs_no_word(card: Card) -> None:
    assert explain(card, CUDA_13) == ""


def test_torch_for_rocm_is_not_asked_for_an_nvidia_card() -> None:
    assert explain(RTX_3060, replace(CPU_BUILD, hip=True)) == ""


@pytest.mark.parametrize("old", [False, True])
def test_the_first_card_is_what_the_driver_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool) -> None:
    nvidia_smi(tmp_path, monkeypatch, old=old)
    assert find_card() == replace(RTX_3060, capability=None if old else (8, 6), memory_bytes=12 << 30)


def test_a_driver_that_fails_is_a_card_with_its_complaint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi(tmp_path, monkeypatch, problem="Failed to initialize NVML: Driver/library version mismatch.")
    found = find_card()
    assert found and "version mismatch" in found.problem and not found.driver
    nvidia_smi(tmp_path, monkeypatch, problem="No devices were found")
    assert find_card() is None


def test_a_card_without_a_driver_is_what_linux_lists(tmp_path: Path) -> None:
    assert not _listed_by_linux(tmp_path)
    for name, vendor, kind in (("a", "0x8086", "0x030000"), ("b", "0x10de", "0x040300")):  # another's, and its sound
        (tmp_path / name).mkdir()
        (tmp_path / name / "vendor").write_text(vendor + "\n")
        (tmp_path / name / "class").write_text(kind + "\n")
    assert not _listed_by_linux(tmp_path)
    (tmp_path / "b" / "class").write_text("0x030000\n")
    assert _listed_by_linux(tmp_path)


@pytest.mark.usefixtures("a_card_here")
def test_terminal_page_and_doctor_say_it() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a card that works")
    engine = Engine()
    note = engine.device_note
    assert note.startswith("NVIDIA GeForce RTX 3060 is not used:")
    assert "the card of this machine is not used, so the small models" in startup_line(engine, options([]))
    assert "NVIDIA GeForce RTX 3060 is not used" in models_text(engine)
    assert f"card: {note}" in report(engine).splitlines()


@pytest.mark.usefixtures("a_card_here")
def test_who_asks_for_the_cpu_is_told_nothing() -> None:
    assert Engine(device="cpu").device_note == ""
