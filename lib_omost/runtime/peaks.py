"""The highest memory of each phase of some work. Measures; what a phase is, its caller says."""

from __future__ import annotations

from pathlib import Path

import torch

from lib_omost.runtime import device as devices


class Peaks:
    """The highest memory of each phase in MiB: tensors on a GPU, the resident set of the process on a CPU.

    `reserved`: with what the allocator holds beside the tensors; the same on a CPU.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.mib: dict[str, float] = {}
        self.reserved: dict[str, float] = {}
        self._phase = ""

    def enter(self, phase: str) -> None:
        """The phase before ends, and this one's peak begins at what is there now."""
        if phase == self._phase:
            return
        if self._phase:
            tensors, reserved = self._peaks()
            self.mib[self._phase] = max(self.mib.get(self._phase, 0), tensors)
            self.reserved[self._phase] = max(self.reserved.get(self._phase, 0), reserved)
        self._phase = phase
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        elif Path("/proc/self/clear_refs").exists():
            Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM, see proc(5)

    def _peaks(self) -> tuple[float, float]:
        if self.device.type == "cuda":
            tensors, reserved = (
                torch.cuda.max_memory_allocated(self.device),
                torch.cuda.max_memory_reserved(self.device),
            )
            return tensors / 2**20, reserved / 2**20
        return process_mib("VmHWM"), process_mib("VmHWM")

    def now_mib(self) -> int:
        return round(devices.used_bytes(self.device) / 2**20 if self.device.type != "cpu" else process_mib("VmRSS"))


def process_mib(field: str) -> float:
    """A size of /proc/self/status in MiB; 0 where there is none."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field)), 0.0)
