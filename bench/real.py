"""Random weights in the published layouts, sizes and names, loaded and used as a person's are: nothing is downloaded.

python -m bench real --part llm       Llama-3-8B in nested nf4, two files: a few tokens
python -m bench real --part sdxl      SDXL as a folder in fp16, with a Kohya LoRA in diffusers' names: a step, decoded
python -m bench real --part single    SDXL as one file of 6.9 GB, with a Kohya LoRA in Stability's names
python -m bench real --part sdxl --tiny     the same code on small shapes, in CI
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import _real_files as files
from bench._limit import run_limited
from bench._record import record
from lib_omost.runtime.hub import SDXL_BASE, SDXL_BASE_REVISION
from lib_omost.runtime.random_models import LLAMA_3_8B, TINY_LLAMA

PARTS = ("llm", "sdxl", "single")
LORA_FORMS = {"sdxl": "diffusers", "single": "sgm"}
LIMIT_GIB = 12.0
Numbers = dict[str, float | int | str]


@dataclass(frozen=True, slots=True)
class Made:
    """What was written: the job of _real_run.py, the environment that it wants, and the numbers so far."""

    job: dict[str, Any]
    env: dict[str, str]
    numbers: Numbers


def main(argv: list[str]) -> Numbers:
    args = arguments(argv)
    with tempfile.TemporaryDirectory(prefix="omost-real-", dir=args.folder) as folder:
        made = write(args.part, Path(folder), tiny=args.tiny, lora=args.lora)
        limit = int(args.limit * 1024)
        resting = run_limited("bench._real_run", made.job | {"acts": ["rest"], "loras": {}}, limit, made.env)
        numbers = made.numbers | resting | {"resting_mib": resting["peak_own_mib"]}
        if not args.load:
            print(f"loaded for a card: {resting}", flush=True)
            act = "plan" if args.part == "llm" else "picture"
            numbers |= run_limited("bench._real_run", made.job | {"acts": [act]}, limit, made.env)
    for name, value in numbers.items():
        print(f"{name:>22}  {value}")
    if not args.tiny:
        record(
            f"real-{args.part}",
            [word for word in argv if word not in ("--folder", str(args.folder))],
            numbers,
            ("torch", "transformers", "diffusers", "bitsandbytes"),
        )
    return numbers


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench real", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--load", action="store_true", help="load for a card and rest, and compute nothing")
    parser.add_argument("--no-lora", dest="lora", action="store_false")
    parser.add_argument("--limit", type=float, default=LIMIT_GIB, help="GiB of memory that it may take (12)")
    parser.add_argument("--folder", type=Path, help="where there is room for 7 GB, which are deleted at the end")
    return parser.parse_args(argv)


def write(part: str, folder: Path, *, tiny: bool, lora: bool) -> Made:
    """The files of a part below `folder`."""
    began = time.perf_counter()
    job: dict[str, Any] = {"llm": "", "sdxl": "", "loras": {}, "models_dir": str(folder / "models_dir")}
    job |= {"prompt": 0 if tiny else 8, "tokens": 3, "size": 64 if tiny else 384}
    numbers: Numbers = {}
    if part == "llm":
        weights = folder / "omost-random-4bits"
        files.write_llm(weights, TINY_LLAMA if tiny else LLAMA_3_8B, 200_000 if tiny else files.SHARD_BYTES)
        job["llm"] = str(weights)
    else:
        weights, modules = _write_image(part, folder, tiny=tiny, lora=lora)
        job |= {"sdxl": str(weights), "loras": {"kohya": 1.0} if lora else {}}
        numbers["lora_modules"] = modules
    numbers |= {"bytes": files.folder_bytes(weights), "write_s": round(time.perf_counter() - began, 1)}
    return Made(job, {"HF_HUB_CACHE": str(folder / "hub"), "HF_HUB_OFFLINE": "1"}, numbers)


def _write_image(part: str, folder: Path, *, tiny: bool, lora: bool) -> tuple[Path, int]:
    """The folder or the file, and how many modules its LoRA changes."""
    model = files.image_model(tiny=tiny)
    if part == "single":
        weights = folder / "random.safetensors"
        files.write_image_file(weights, model)
        base = folder / "hub" / f"models--{SDXL_BASE.replace('/', '--')}" / "snapshots" / SDXL_BASE_REVISION
        files.write_image_configs(base, model)
    else:
        weights = folder / "random-sdxl"
        files.write_image_folder(weights, model)
    path = folder / "models_dir" / "loras" / "kohya.safetensors"
    return weights, files.write_lora(path, model, LORA_FORMS[part]) if lora else 0
