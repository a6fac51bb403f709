"""From a catalog entry to a loaded language model, honestly: what cannot run here is refused by name."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from lib_omost import atomic
from lib_omost.composer import LocalComposer, load_local
from lib_omost.errors import BrokenWeightsError, DeviceMemoryError, MissingWeightsError, ModelError
from lib_omost.runtime import catalog, checks, default_model, hub, manifest
from lib_omost.runtime import device as devices
from lib_omost.runtime.catalog import LlmEntry

if TYPE_CHECKING:
    from lib_omost.composer import RemoteComposer

log = logging.getLogger(__name__)

MERGED = "default-language-"
UNUSED_S = 7 * 24 * 3600.0  # after so long a merged model belongs to no version that anyone still runs


def connect(entry: LlmEntry, api_key: str = "") -> RemoteComposer:
    """A server's model; "#name" at the end of its URL picks one. Raises SettingsError for what cannot be a key."""
    from lib_omost.composer import RemoteComposer

    base_url, _, model = entry.source.partition("#")
    return RemoteComposer(base_url, model, api_key, entry.profile)


def load_composer(
    entry: LlmEntry,
    device: torch.device,
    total_bytes: int | None,
    *,
    compiled: bool = False,
    dtype: torch.dtype | None = None,
    resting: bool = False,
) -> LocalComposer:
    """The model on the device, quantised as its entry recommends if 16 bits do not fit `total_bytes` (None: they do).

    compiled: its short passes are compiled, on CUDA. dtype: what it computes in, None = what suits the device.
    resting: it is left on the CPU, mapped from its files, if it can be moved from there to the device and back.
    Raises ModelError's kinds: not there, broken, too old a library, or not for this device.
    """
    checks.need("transformers", "5.0", entry.name)
    refuse_unusable_quantisation(entry, device)
    path = catalog.locate(entry)
    if path.is_dir():
        refuse_parts_missing(path)
    stored = checks.quantisation(path) if path.is_dir() else None
    if stored:
        refuse_method(entry, stored, device)
    quantization = None if stored else quantise_to(entry, path, device, total_bytes)
    if not stored and not quantization:
        refuse_too_large(entry, path, device, total_bytes)
    dtype, adapter = dtype or llm_dtype(device), entry.adapter
    merged = merged_folder(adapter, dtype) if adapter else None
    if merged and default_model.usable(merged):
        path, adapter = merged, None
    log.info("Loading %s …", entry.name)
    try:
        composer = load_local(
            path if path.is_dir() else path.parent,
            profile=entry.profile,
            adapter=adapter,
            gguf_file=None if path.is_dir() else path.name,
            dtype=dtype,
            device=device,
            quantization=quantization,
            compiled=compiled,
            resting=resting and not quantization and may_rest(path),
        )
    except BrokenWeightsError as error:
        raise BrokenWeightsError(checks.reason(error, path)) from error
    if merged and adapter:
        keep_merged(composer.model, path, merged)
    return composer


def may_rest(path: Path) -> bool:
    """Whether a model can wait on the CPU: a folder of 16-bit or 4-bit weights. 8-bit layers are packed where they
    are, a GGUF file is unpacked."""
    if not path.is_dir():
        return False
    settings = checks.read_json(path / "config.json").get("quantization_config")
    return not isinstance(settings, dict) or bool(settings.get("load_in_4bit"))


def refuse_parts_missing(folder: Path) -> None:
    """Raises MissingWeightsError or BrokenWeightsError for what transformers would complain of at length."""
    if "model_type" not in checks.read_json(folder / "config.json"):
        raise BrokenWeightsError(f"The config.json of {folder.name}/ names no model_type. Fetch the model again.")
    if not hub.has_tokenizers(folder, "llm"):
        raise MissingWeightsError(
            f"{folder.name}/ holds no tokenizer (tokenizer.json or tokenizer.model). Fetch the model again."
        )


def merged_folder(adapter: Path, dtype: torch.dtype) -> Path:
    """Where the base model with this adapter merged in is kept: merging takes 6 CPU seconds, reading it 0.2."""
    digest = checks.sha256(adapter / "adapter_model.safetensors")[:12]
    return default_model.cache_folder() / f"{MERGED}{digest}-{str(dtype).removeprefix('torch.')}"


def keep_merged(model: Any, base: Path, folder: Path) -> None:
    """Saves the merged model for the next start, in place of a damaged one, and removes those that nothing has used for
    a week. A full disk only costs that.
    """
    try:
        with atomic.alone(folder.parent / default_model.LOCK):
            if default_model.usable(folder):
                return  # another process has made it meanwhile
            default_model.discard(folder)
            with atomic.new_folder(folder) as made:
                model.save_pretrained(made)
                for file in base.iterdir():
                    if not (made / file.name).exists() and file.name != manifest.FILE:
                        shutil.copy(file, made / file.name)  # the tokenizer's
                manifest.write(made)
            for old in folder.parent.glob(f"{MERGED}*"):
                if old != folder and manifest.used_at(old) < time.time() - UNUSED_S:
                    default_model.discard(old)
    except OSError as error:
        log.warning("The merged language model could not be kept (%s): each start merges anew.", error.strerror)


def quantise_to(
    entry: LlmEntry, path: Path, device: torch.device, total_bytes: int | None
) -> Literal["nf4", "int8"] | None:
    """The format for a folder's weights that do not fit beside their work in 16 bits: the recommended one, else nf4."""
    if total_bytes is None or not path.is_dir():
        return None
    work = devices.llm_work_bytes(checks.read_json(path / "config.json"), entry.profile.context_tokens)
    if _in_16_bits(path) + work <= total_bytes:
        return None
    refuse_method(entry, "bitsandbytes", device)
    precision: Literal["nf4", "int8"] = "int8" if entry.precision == "int8" else "nf4"
    log.info("%s does not fit in 16 bits: it is quantised to %s while loading.", entry.name, precision)
    return precision


def refuse_too_large(entry: LlmEntry, path: Path, device: torch.device, total_bytes: int | None) -> None:
    """Raises DeviceMemoryError for what cannot fit in 16 bits, before minutes are spent on filling the memory."""
    if path.suffix == ".gguf" and importlib.util.find_spec("kernels"):
        return  # with that library transformers keeps a GGUF packed
    room = total_bytes if device.type != "cpu" else devices.machine_bytes()[1]
    needed = _in_16_bits(path)
    if room is None or needed <= room:
        return
    packed = "A GGUF file is unpacked to 16 bits here: serve it with llama.cpp and give" if path.is_file() else "Give"
    raise DeviceMemoryError(
        f"{entry.name} needs {needed / devices.GIB:.1f} GiB in 16 bits, and {devices.describe(device)} has "
        f"{room / devices.GIB:.1f}. {packed} the server's URL, or choose a smaller or a quantised model."
    )


def _in_16_bits(path: Path) -> int:
    return 2 * checks.elements(path)


def llm_dtype(device: torch.device) -> torch.dtype:
    """bf16, faster than fp32 even on a CPU and half the memory; fp16 on GPUs that have no bf16, on MPS and on ROCm."""
    if device.type == "mps" or (device.type == "cuda" and torch.version.hip):
        return torch.float16
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.bfloat16


def refuse_unusable_quantisation(entry: LlmEntry, device: torch.device) -> None:
    """Before any download: the recommended format of a published quantised model has to run here."""
    if entry.place == "hub" and entry.source.endswith("bits"):
        refuse_method(entry, "bitsandbytes", device)


def refuse_method(entry: LlmEntry, method: str, device: torch.device) -> None:
    """Raises VersionError without the library, ModelError where it does not run on this device."""
    if method != "bitsandbytes":
        raise ModelError(
            f"{entry.name} is quantised by {method}; only bitsandbytes and GGUF are loaded. Choose another copy."
        )
    if device.type == "mps" or (device.type == "cuda" and torch.version.hip):
        raise ModelError(
            f"{entry.name} is quantised by bitsandbytes, which is not used on {devices.describe(device)}. "
            f"Use its unquantised version, a GGUF file, a server's URL, or --llm default."
        )
    checks.need("bitsandbytes", "0.50", entry.name)
