"""Writes a file whole or not at all: a reader sees the old content or the new one, whatever stops the program between.

What to write is its callers' business, and so is a failure: OSError passes as it is.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_bytes(path: Path, content: bytes, *, durable: bool = False, mode: int = 0o666) -> None:
    """Writes `content` to `path`, with its folder if need be. `durable`: it survives a power cut once this returns;
    `mode` is that of `os.open`, less the umask.

    Raises OSError and leaves what was there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # beside it, since a rename stays on one disk; not by tempfile, whose files only their owner may read
    beside = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        with open(beside, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_text(path: Path, content: str) -> None:
    """Writes `content` in UTF-8, as `write_bytes` does."""
    write_bytes(path, content.encode("utf-8"))


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
