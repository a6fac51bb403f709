"""Look at weight files before they are loaded: are they whole, are they what their name says, is a library too old?

Reads headers only and needs no torch. Loading is load_llm.py's and load_sdxl.py's.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import math
import re
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from packaging.version import Version
from safetensors import SafetensorError, safe_open

from lib_omost.errors import BrokenWeightsError, MissingWeightsError, VersionError

PICKLES = {".ckpt", ".pt", ".pth", ".bin", ".pkl"}
# Left in a checkpoint by bitsandbytes: codes, scales and states that are noise to a plain linear layer.
QUANTISED = re.compile(r"\.(absmax|quant_map|nested_absmax|quant_state\.\S+|SCB|weight_format)$")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_hash(path: Path, expected: str, advice: str = "Delete it and start again to fetch a new copy.") -> None:
    """Raises BrokenWeightsError, ending with `advice`, when the file's sha256 is not `expected` (hexadecimal)."""
    found = sha256(path)
    if found != expected:
        raise BrokenWeightsError(
            f"{path.name} is not the file it should be: sha256 {expected[:12]}… expected, {found[:12]}… found. {advice}"
        )


def check_file(path: Path) -> None:
    """Raises MissingWeightsError, or BrokenWeightsError naming what is expected and what was found."""
    if not path.is_file():
        raise MissingWeightsError(
            f"{path.name} is not in {path.parent.name}/. Check the name, or fetch the model again."
        )
    if path.suffix in PICKLES:
        raise BrokenWeightsError(
            f"{path.name} is a pickle, which can run code. Get a .safetensors or .gguf file of this model."
        )
    with path.open("rb") as file:
        _refuse_what_is_no_weights(path, file.read(512))
    if path.suffix == ".safetensors":
        tensor_shapes(path)
    elif path.suffix == ".gguf":
        check_gguf(path)
    else:
        raise BrokenWeightsError(
            f"{path.name} is neither .safetensors nor .gguf, the two kinds of weights that are loaded."
        )


def check_folder(folder: Path) -> None:
    """Checks every weight file below `folder`, and that the files an index names are there."""
    for index in sorted(folder.rglob("*.safetensors.index.json")):
        for name in indexed_files(index):
            check_file(index.parent / name)
    files = sorted(folder.rglob("*.safetensors"))
    for path in files or [path for path in sorted(folder.rglob("*")) if path.suffix in PICKLES]:
        check_file(path)  # refuses the pickles by name
    if not files:
        raise MissingWeightsError(f"{folder.name}/ holds no .safetensors file. Fetch the model again.")


def reason(error: BaseException, path: Path) -> str:
    """The first sentence of another library's error, with the name of `path` in place of its place."""
    line = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return line.replace(str(path), path.name).split(". If you")[0].strip().rstrip(":.") + "."


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; raises BrokenWeightsError for a file that holds none, MissingWeightsError where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingWeightsError(f"{path.name} is not in {path.parent.name}/. Fetch the model again.") from None
    except (OSError, ValueError) as error:
        raise BrokenWeightsError(f"{path.name} is not readable as JSON ({error}). Fetch it again.") from error
    if not isinstance(found, dict):
        raise BrokenWeightsError(f"{path.name} holds a {type(found).__name__}, not an object. Fetch it again.")
    return found


def indexed_files(index: Path) -> list[str]:
    """The files that an index of shards names. Raises BrokenWeightsError."""
    names = read_json(index).get("weight_map")
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise BrokenWeightsError(f"{index.name} names no files. Fetch it again.")
    return sorted(set(names.values()))


def _refuse_what_is_no_weights(path: Path, start: bytes) -> None:
    if not start:
        raise BrokenWeightsError(f"{path.name} is empty. Fetch it again.")
    if start.startswith(b"version https://git-lfs"):
        size = re.search(rb"size (\d+)", start)
        wanted = f"{int(size[1]):,} bytes" if size else "the weights"
        raise BrokenWeightsError(
            f"{path.name} is a Git LFS pointer of {path.stat().st_size} bytes; {wanted} expected. Run `git lfs pull`."
        )
    if start.lstrip()[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise BrokenWeightsError(
            f"{path.name} is a web page, not weights: the download was answered by a page. Fetch it again."
        )


def _whole(path: Path, expected: int) -> None:
    found = path.stat().st_size
    if found < expected:
        raise BrokenWeightsError(
            f"{path.name} is truncated: {expected:,} bytes expected, {found:,} found. Fetch it again."
        )


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor in a safetensors file, from its header alone; raises BrokenWeightsError."""
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118, no mapping
    except SafetensorError as error:
        raise BrokenWeightsError(f"{path.name} {_what_is_wrong(path, error)}. Fetch it again.") from error


def _what_is_wrong(path: Path, error: SafetensorError) -> str:
    """safetensors says that a file is cut, and not by how much: its header does."""
    found = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= 100_000_000:  # the format's own limit
            return f"is not a safetensors file: its header length reads {length:,}"
        with contextlib.suppress(ValueError, AttributeError, KeyError, TypeError):
            tensors = [t for name, t in json.loads(file.read(length)).items() if name != "__metadata__"]
            expected = 8 + length + max((t["data_offsets"][1] for t in tensors), default=0)
            if found < expected:
                return f"is truncated: {expected:,} bytes expected, {found:,} found"
    if found < 8 + length:
        return f"is truncated: {8 + length:,} bytes expected, {found:,} found"
    return f"has an unreadable safetensors header ({error})"


# --- GGUF: magic, version, counts, key-values, tensor table, padding, data (ggml docs/gguf.md) ---

_SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # value type -> bytes
_STRING, _ARRAY, _UINT32 = 8, 9, 4


def check_gguf(path: Path) -> None:
    """Raises BrokenWeightsError when the file is not GGUF or shorter than its tensor table says."""
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise BrokenWeightsError(
                    f"{path.name} does not start with GGUF: it is not a GGUF file. Fetch it again."
                )
            expected = _gguf_table(file)[0]
    except (struct.error, KeyError, UnicodeDecodeError) as error:
        found = path.stat().st_size
        raise BrokenWeightsError(
            f"{path.name} is damaged: its table ends or breaks within {found:,} bytes. Fetch it again."
        ) from error
    _whole(path, expected)


def _number(file: BinaryIO, form: str) -> int:
    return int(struct.unpack("<" + form, file.read(struct.calcsize("<" + form)))[0])


def _string(file: BinaryIO) -> str:
    length = _number(file, "Q")
    text = file.read(length)
    if len(text) < length:
        raise struct.error("string past the end")
    return text.decode("utf-8")


def _skip_value(file: BinaryIO, kind: int) -> None:
    if kind == _STRING:
        file.seek(_number(file, "Q"), 1)
    elif kind == _ARRAY:
        item, count = _number(file, "I"), _number(file, "Q")
        if item in _SCALARS:
            file.seek(_SCALARS[item] * count, 1)
        else:
            for _ in range(count):
                _skip_value(file, item)
    else:
        file.seek(_SCALARS[kind], 1)


def elements(path: Path) -> int:
    """How many numbers the weights of a model folder or GGUF file are, from the headers; what is packed counts whole.

    Raises BrokenWeightsError.
    """
    if path.suffix != ".gguf":
        files = path.glob("*.safetensors")
        return sum(math.prod(shape) for file in files for shape in tensor_shapes(file).values())
    check_gguf(path)
    with path.open("rb") as file:
        file.seek(4)
        return _gguf_table(file)[1]


def _gguf_table(file: BinaryIO) -> tuple[int, int]:
    """Bytes that the file must have, and its numbers, with the reading position just behind the magic."""
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    version, tensors, values = _number(file, "I"), _number(file, "Q"), _number(file, "Q")
    if version not in (2, 3):
        raise struct.error(f"version {version}")
    alignment = 32
    for _ in range(values):
        key, kind = _string(file), _number(file, "I")
        if key == "general.alignment" and kind == _UINT32:
            alignment = _number(file, "I")
        else:
            _skip_value(file, kind)
    end = count = 0
    for _ in range(tensors):
        _string(file)
        numbers = math.prod(_number(file, "Q") for _ in range(_number(file, "I")))
        count += numbers
        try:
            block, block_bytes = GGML_QUANT_SIZES[GGMLQuantizationType(_number(file, "I"))]
        except ValueError as error:
            raise struct.error(str(error)) from error
        end = max(end, _number(file, "Q") + numbers // block * block_bytes)
    return -(-file.tell() // alignment) * alignment + end, count


# --- does it fit, and can it run here? ---


def fit(model: str, expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]) -> None:
    """Raises BrokenWeightsError when `found` lacks tensors of `expected`, has others, or has them in another shape."""
    missing, left_over = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    shapes = [
        f"{n} {found[n]} for {expected[n]}" for n in sorted(expected.keys() & found.keys()) if expected[n] != found[n]
    ]
    refuse_misfit(model, missing, left_over, shapes)


def refuse_misfit(model: str, missing: Iterable[str], left_over: Iterable[str], shapes: Iterable[str] = ()) -> None:
    """Raises BrokenWeightsError naming the tensors, unless all three are empty."""
    faults = [
        f"{len(names)} {what} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
        for what, names in (
            ("missing", list(missing)),
            ("left over", list(left_over)),
            ("of another shape", list(shapes)),
        )
        if names
    ]
    if faults:
        raise BrokenWeightsError(
            f"{model}: the file does not fit this model; tensors {'; '.join(faults)}. It is not loaded."
        )


def quantisation(folder: Path) -> str | None:
    """How the language model in `folder` is quantised by its config.json ("bitsandbytes", "gptq", ...), else None.

    Raises BrokenWeightsError for quantised tensors that the config does not mention: they would load as noise.
    """
    settings = read_json(folder / "config.json").get("quantization_config")
    method = settings.get("quant_method") if isinstance(settings, dict) else None
    if method is None:
        for path in sorted(folder.glob("*.safetensors")):
            odd = [name for name in tensor_shapes(path) if QUANTISED.search(name)]
            if odd:
                raise BrokenWeightsError(
                    f"{path.name} holds quantised tensors ({odd[0]}, …) but config.json names no quantisation: "
                    f"it would load as noise. Get the config.json that belongs to it."
                )
    return str(method) if method else None


def need(package: str, minimum: str, why: str) -> None:
    """Raises VersionError, in one line, when `package` is absent or older than `minimum`."""
    try:
        found = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise VersionError(
            f"{why} needs {package} {minimum} or newer, which is not installed: pip install '{package}>={minimum}'"
        ) from None
    if Version(found) < Version(minimum):
        raise VersionError(
            f"{why} needs {package} {minimum} or newer, {found} is installed: pip install -U '{package}>={minimum}'"
        )
