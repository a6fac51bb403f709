"""Writes a file whole or not at all: a reader sees the old content or the new one, whatever stops the program between.

What to write is its callers' business, and so is a failure: OSError passes as it is.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

BESIDE = re.compile(r"\.(.+)-[0-9a-f]{16}")  # a file that is being written, beside the one that it becomes


def write_bytes(
    path: Path,
    content: bytes,
    *,
    durable: bool = False,
    mode: int = 0o666,
    ready: Callable[[], object] | None = None,
) -> None:
    """Writes `content` to `path`, with its folder if need be. `durable`: it survives a power cut once this returns;
    `mode` is that of `os.open`, less the umask. `ready` is called when all of it is on the disk and has only to be
    renamed: what it notes elsewhere can be held against what `unfinished` finds after a crash.

    Raises OSError, and what `ready` raises, and leaves what was there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # beside it, since a rename stays on one disk; not by tempfile, whose files only their owner may read
    beside = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        with open(beside, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            _claim(file)
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
            if ready is not None:
                ready()
            if os.name != "nt":  # where no open file can be renamed
                os.replace(beside, path)
        if os.name == "nt":
            os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_text(path: Path, content: str) -> None:
    """Writes `content` in UTF-8, as `write_bytes` does."""
    write_bytes(path, content.encode("utf-8"))


def unfinished(folder: Path) -> Iterator[tuple[Path, Path]]:
    """(file, the name that it was to get) of each file in `folder` that a writer left behind when it died. Raises
    OSError.
    """
    for path in folder.glob(".*-*"):
        found = BESIDE.fullmatch(path.name)
        if found and path.is_file() and not _claimed(path):
            yield path, path.with_name(found[1])


def _claim(file: IO[bytes]) -> None:
    """The system lets go of this claim however the process ends."""
    if fcntl is not None:
        with suppress(OSError):  # some network disks know no locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _claimed(path: Path) -> bool:
    """Whether a living process writes this file. Windows tells whoever deletes or renames it."""
    if fcntl is None:
        return False
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # claimed, or gone meanwhile
        return True
    return False


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill, which becomes `path` at the end of the block; of an error nothing is left.

    Where `path` is there by then, made by another process, that one stays. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as name:
        made = Path(name) / "made"
        made.mkdir()
        yield made
        try:
            made.rename(path)
        except OSError:
            if not path.is_dir():
                raise


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Waits until no other process is in such a block of the same `path`, a file that is made for it. Where files
    cannot be locked it does not wait. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        if fcntl is not None:
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
