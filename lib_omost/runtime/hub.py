"""Bring published models here from the model hub: the files that are used, at one revision, seen to be whole.

A folder that is returned is complete. Which revision it is, catalog.py names or pins.py keeps.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from lib_omost.errors import BrokenWeightsError, MissingWeightsError
from lib_omost.runtime import checks, pins
from lib_omost.runtime.default_model import cache_folder

log = logging.getLogger(__name__)

SDXL_PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")
WHOLE_HASH = 40  # hexadecimal digits of a commit hash; fewer are the beginning of one
# Where no more than the beginning of a revision is known, one of its weight files is known by its sha256.
SUMS = {
    "6412af9": {"model-00002-of-00002.safetensors": "674610adfedb7f19d21475a7280d6b34774894e654f1d50f4c24444ba7bd0d04"}
}


def wanted_files(kind: str, files: Iterable[str]) -> list[str]:
    """Of a hub repository's files, those to fetch: safetensors (in fp16 where it has them), configs, tokenizers."""
    files = sorted(files)
    weights = [f for f in files if f.endswith((".safetensors", ".safetensors.index.json"))]
    if kind == "sdxl":
        weights = [f for f in weights if f.split("/")[0] in SDXL_PARTS]
        half = {(f.split("/")[0]) for f in weights if ".fp16." in f}
        weights = [f for f in weights if ".non_ema." not in f and ((".fp16." in f) == (f.split("/")[0] in half))]
    side = [f for f in files if f.endswith((".json", ".txt", ".model", ".jinja")) and f not in weights]
    side = [f for f in side if not f.endswith(".index.json")]
    return [*side, *weights] if any(f.endswith(".safetensors") for f in weights) else []


def hub_folder(repository: str, kind: str, revision: str | None) -> Path:
    """The local folder of a hub repository; nothing is asked of the network when its files are here.

    `revision`: a commit hash or its beginning; None = the one that was used here first, else the newest. Its weights
    are compared with their hashes when it is used for the first time. Downloads resume and show their progress
    (huggingface_hub does both).
    Raises MissingWeightsError, BrokenWeightsError.
    """
    folder, sums = local_hub_folder(repository, kind, revision), dict[str, str]()
    if folder is None:
        folder, sums = _download(repository, kind, revision or pins.pinned(repository, cache_folder()))
    if folder.name not in pins.checked(repository, cache_folder()):
        check_hashes(folder, sums | SUMS.get(revision or "", {}))
        pins.pin(repository, folder.name, cache_folder())
        log.info("%s is used at revision %s from now on.", repository, folder.name[:12])
    return folder


def _download(repository: str, kind: str, revision: str | None) -> tuple[Path, dict[str, str]]:
    """The folder, named by its commit hash, and the sha256 that the hub announces for each large file."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        if revision and len(revision) < WHOLE_HASH:
            revision = _whole_hash(repository, revision)
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


def _whole_hash(repository: str, beginning: str) -> str:
    """The commit of a repository whose hash begins so. Raises MissingWeightsError unless there is one."""
    from huggingface_hub import HfApi

    # asked first, for it fails at once without a network
    newest = HfApi().model_info(repository, timeout=10).sha or ""
    if newest.startswith(beginning):
        return newest
    found = [commit.commit_id for commit in HfApi().list_repo_commits(repository)]
    fitting = [commit for commit in found if commit.startswith(beginning)]
    if len(fitting) != 1:
        what = f"{len(fitting)} revisions that begin" if fitting else "no revision any more that begins"
        raise MissingWeightsError(
            f"{repository} has {what} with {beginning}, the one that is expected. If you trust what the hub has "
            f"now, name it: {repository}@{newest}"
        )
    return fitting[0]


def _another_revision(repository: str, kind: str) -> str:
    for revision in (*pins.checked(repository, cache_folder()), None):
        folder = _snapshot(repository, revision)
        if folder and is_complete(folder, kind):
            return f"Only its revision {folder.name} is here; {repository}@{folder.name} names it. "
    return ""


def check_hashes(folder: Path, sums: Mapping[str, str]) -> None:
    """Compares each weight file of a hub folder with its sha256: announced by the hub, else its name in the cache.

    Raises BrokenWeightsError, and removes the file, so that the next start fetches it again.
    """
    for path in sorted(folder.rglob("*.safetensors")):
        stored = path.resolve()
        expected = sums.get(path.relative_to(folder).as_posix(), stored.name)
        if not re.fullmatch(r"[0-9a-f]{64}", expected):
            continue  # neither is known: copied into the cache by hand, or a file system without links
        try:
            checks.check_hash(path, expected, "It has been removed; start again to fetch a new copy.")
        except BrokenWeightsError:
            path.unlink()
            stored.unlink(missing_ok=True)
            raise


def local_hub_folder(repository: str, kind: str, revision: str | None) -> Path | None:
    """The folder of a repository in the hub's cache when it is complete, else None. Asks no network."""
    if revision and len(revision) < WHOLE_HASH:
        revision = _begins_here(repository, revision)
        if revision is None:
            return None
    folder = _snapshot(repository, revision or pins.pinned(repository, cache_folder()))
    return folder if folder and is_complete(folder, kind) else None


def _begins_here(repository: str, beginning: str) -> str | None:
    """The only revision in the hub's cache whose hash begins so, None when there is none or more than one."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    snapshots = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type="model") / "snapshots"
    found = [folder.name for folder in snapshots.glob(f"{beginning}*") if len(folder.name) == WHOLE_HASH]
    return found[0] if len(found) == 1 else None


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
