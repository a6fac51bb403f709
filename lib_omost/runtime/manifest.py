"""What a folder that we made holds: sizes and sha256 of its files, so that a damaged or cut one is known for it. What
becomes of such a folder is its maker's business.
"""

from __future__ import annotations

import json
import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from lib_omost import atomic
from lib_omost.runtime import checks

log = logging.getLogger(__name__)

FILE = "sha256.json"
HASHED_AGAIN_S = 24 * 3600.0  # a disk's own errors change neither size nor time of a file


def write(folder: Path) -> None:
    """Notes every file below `folder`, as the last act of making it. Raises OSError."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != FILE)
    found = {path.relative_to(folder).as_posix(): {**_outside(path), "sha256": checks.sha256(path)} for path in files}
    atomic.write_text(folder / FILE, json.dumps(found, indent=1) + "\n")


def is_there(folder: Path) -> bool:
    return (folder / FILE).is_file()


def used_at(folder: Path) -> float:
    """When `intact` was asked last, to a day. Raises OSError."""
    return (folder / FILE if is_there(folder) else folder).stat().st_mtime


def intact(folder: Path) -> bool:
    """Whether all files are as they were noted. They are hashed where size or time say otherwise, and once a day."""
    try:
        noted: dict[str, dict[str, Any]] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        hashed_s = time.time() - (folder / FILE).stat().st_mtime
        doubted = not 0 <= hashed_s < HASHED_AGAIN_S
        for name, about in noted.items():
            path = folder / name
            outside = _outside(path)
            if outside["bytes"] != about["bytes"]:
                return _damaged(path, f"{outside['bytes']} bytes instead of {about['bytes']}")
            if (doubted or outside != {key: about[key] for key in outside}) and checks.sha256(path) != about["sha256"]:
                return _damaged(path, "another sha256 than when it was made")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return _damaged(folder / FILE, str(error))
    if doubted:
        with suppress(OSError):  # another's folder
            (folder / FILE).touch()
    return True


def _outside(path: Path) -> dict[str, int]:
    """What can be seen of a file without reading it."""
    stat = path.stat()
    return {"bytes": stat.st_size, "changed_ns": stat.st_mtime_ns}


def _damaged(path: Path, why: str) -> bool:
    log.warning("%s in %s is damaged: %s.", path.name, path.parent.name, why)
    return False
