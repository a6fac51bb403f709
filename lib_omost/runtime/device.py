"""What this machine computes on: the device, its number formats and memory. Decides nothing about models."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import torch

from lib_omost.errors import SettingsError
from lib_omost.runtime.card import no_cuda_reason

GIB = 1 << 30
CONTEXT_BYTES = GIB // 2  # what a CUDA context and its libraries take beside the tensors


def choose_device() -> torch.device:
    """CUDA (which is also what ROCm builds of torch call themselves), else Apple's MPS, else the CPU.

    A card that this torch has no kernels for is none: no_cuda_reason says so.
    """
    if torch.cuda.is_available() and not no_cuda_reason():
        return torch.device("cuda", torch.cuda.current_device())
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def named_device(name: str) -> torch.device:
    """The device of that name, with its number where a machine can have several. Raises SettingsError."""
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SettingsError(f"There is no device {name!r}. Give cuda, mps or cpu, or leave --device out.") from None
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True, "meta": True}
    if not there.get(device.type, False):
        raise SettingsError(
            f"Device {name!r} is not to be had: torch {torch.__version__} finds no such device on this machine. "
            f"Leave --device out, or give {' or '.join(kind for kind in ('cuda', 'mps', 'cpu') if there[kind])}."
        )
    if device.type != "cuda":
        return device
    if device.index is not None and device.index >= torch.cuda.device_count():
        raise SettingsError(f"There is no {name}; this machine has {torch.cuda.device_count()} CUDA device(s), from 0.")
    # torch.cuda.set_per_process_memory_fraction refuses a device without a number
    return torch.device("cuda", torch.cuda.current_device() if device.index is None else device.index)


def limit_bytes(vram_gib: float | None) -> int | None:
    """A cap in GiB as bytes. Raises SettingsError for one that holds no model."""
    if vram_gib is None:
        return None
    if not 1 <= vram_gib < 10_000:
        raise SettingsError(f"--vram {vram_gib:g}: give the GiB that may be taken of the device, at least 1.")
    return int(vram_gib * GIB)


def cap_process(device: torch.device, limit: int) -> None:
    """Has CUDA's allocator refuse what goes beyond `limit` bytes, the context's own memory included."""
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, (limit - CONTEXT_BYTES) / total), device)


def describe(device: torch.device) -> str:
    if device.type == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        platform = f"ROCm {torch.version.hip}, untested" if torch.version.hip else f"compute capability {major}.{minor}"
        return f"{torch.cuda.get_device_name(device)} ({platform})"
    return "Apple GPU (MPS, untested)" if device.type == "mps" else "CPU"


def network_dtype(device: torch.device, parameters: int) -> torch.dtype:
    """The format of UNet, text encoders and unquantised language models.

    fp16 on any GPU. On a CPU fp32, which is fastest for small models; bf16 above 500 M parameters, where memory counts.
    """
    if device.type != "cpu":
        return torch.float16
    return torch.float32 if parameters < 500_000_000 else torch.bfloat16


def named_dtype(name: str) -> torch.dtype | None:
    """A format of precision.py's names; None for "auto"."""
    return {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}.get(name)


LLM_ACTIVATION_BYTES = GIB // 2
LLM_WORK_BYTES = GIB + LLM_ACTIVATION_BYTES  # with the keys and values of 8k tokens of Llama-3-8B


def llm_work_bytes(config: Mapping[str, Any], context_tokens: int) -> int:
    """What a language model takes beside its weights: keys and values of so many tokens, by its config.json, and
    activations.

    Llama-3-8B shares its keys between four heads each, 1 GiB at 8k; Phi-3-mini does not, 3 GiB.
    """
    try:
        heads = config["num_attention_heads"]
        width = config.get("head_dim") or config["hidden_size"] // heads
        token = 2 * 2 * config["num_hidden_layers"] * (config.get("num_key_value_heads") or heads) * width
    except (KeyError, TypeError):  # of a kind that names its sizes otherwise
        return LLM_WORK_BYTES
    return int(token * context_tokens + LLM_ACTIVATION_BYTES)


SMALL_MODEL_BYTES = GIB
_ALL_THREADS = torch.get_num_threads()


def use_threads(device: torch.device, model_bytes: int) -> None:
    """Sets how many threads the calling thread computes with: one for a small model on a CPU, else all.

    Small operations are over before a second thread wakes: a default render took 4.7 s against 21 s on two busy cores.
    torch keeps the number per calling thread, so this is called before each piece of work.
    """
    if device.type == "cpu":
        torch.set_num_threads(1 if model_bytes < SMALL_MODEL_BYTES else _ALL_THREADS)


def total_bytes(device: torch.device, limit_bytes: int | None = None) -> int | None:
    """What models and their work may take on this device; None on a CPU, where the system decides."""
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
    elif device.type == "mps":
        total = torch.mps.recommended_max_memory()
    elif device.type == "cpu" or limit_bytes is None:
        return None
    else:
        total = limit_bytes
    return min(total, limit_bytes or total) - CONTEXT_BYTES


def used_bytes(device: torch.device) -> int:
    """What tensors take on this device; 0 on a CPU."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    return torch.mps.current_allocated_memory() if device.type == "mps" else 0


def free_bytes(device: torch.device, limit_bytes: int | None = None) -> int | None:
    """What new tensors may take now: under the limit, and of what other programs have left. None on a CPU."""
    total = total_bytes(device, limit_bytes)
    if total is None:
        return None
    free = total - used_bytes(device)
    if device.type == "cuda":
        unused_cache = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        free = min(free, torch.cuda.mem_get_info(device)[0] + unused_cache)
    return free


def machine_bytes() -> tuple[int, int]:
    """Available and total memory of the machine itself, or of the container (cgroup) where it has less."""
    memory, group = psutil.virtual_memory(), group_bytes()
    if group is None:
        return memory.available, memory.total
    return min(memory.available, group[0]), min(memory.total, group[1])


def group_bytes(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> tuple[int, int] | None:
    """What the control group of this process may still take and may take in all; None where it has no limit.

    Of what it takes, the cache of files does not count: the system takes it back. Linux, both versions (cgroups(7)).
    """
    with contextlib.suppress(OSError, ValueError, KeyError):
        groups = dict(line.split(":", 2)[1:] for line in own.read_text().splitlines())
        old = "memory" in groups
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if old else ("memory.max", "memory.current")
        base = root / "memory" if old else root
        named = base / groups["memory" if old else ""].lstrip("/")
        folder = named if (named / names[0]).is_file() else base  # in a container its own group is the root
        limit, used = (int((folder / name).read_text()) for name in names)  # "max" is no number
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        files = int(stat["active_file"]) + int(stat["inactive_file"])
        return max(0, limit - used + files), limit
    return None


def empty_cache(device: torch.device) -> None:
    """Hands memory that no tensor uses back to the system."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def empty_host_cache(device: torch.device) -> None:
    """Hands page-locked memory that no copy uses any more back to the system; torch would keep it for itself."""
    if device.type == "cuda":
        torch.accelerator.empty_host_cache()


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
