"""Which revision of a hub repository runs on this machine: the first one that was seen to be whole stays.

So a repository that changes later changes nothing here. Asks no network; fetching is hub.py's.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from lib_omost import atomic

log = logging.getLogger(__name__)

FILE = "revisions.json"


def pinned(repository: str, cache: Path) -> str | None:
    """The commit hash that is used for `repository`, None for one that was never used here."""
    return next(iter(checked(repository, cache)), None)


def checked(repository: str, cache: Path) -> list[str]:
    """The revisions of `repository` that were seen to be whole here, the first one first."""
    revisions = _read(cache / FILE).get(repository)
    return [str(revision) for revision in revisions] if isinstance(revisions, list) else []


def pin(repository: str, revision: str, cache: Path) -> None:
    """Records a revision that is whole. A cache folder that cannot be written costs only the memory of it."""
    known = _read(cache / FILE) | {repository: [*checked(repository, cache), revision]}
    try:
        atomic.write_text(cache / FILE, json.dumps(known, indent=2, sort_keys=True))
    except OSError as error:
        log.warning("The revision of %s could not be recorded (%s).", repository, error.strerror)


def _read(path: Path) -> dict[str, object]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read (%s); the models' revisions are recorded anew.", path.name, error)
        return {}
    return known if isinstance(known, dict) else {}
