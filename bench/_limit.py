"""A command in a process of its own, under a limit of memory where the system lets us set one (control groups)."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

GROUPS = Path("/sys/fs/cgroup")
TIMEOUT_S = 3600.0


def run_limited(module: str, job: Mapping[str, Any], limit_mib: int, env: Mapping[str, str]) -> dict[str, Any]:
    """What `python -m MODULE JOB` prints as its last line, a JSON object, and "limit_mib": 0 where none could be set.

    Raises RuntimeError with the end of what it said when it fails, and names the limit when the system ended it.
    """
    with memory_group(limit_mib) as group:

        def enter() -> None:
            if group is not None:
                (group / "cgroup.procs").write_text(str(os.getpid()))

        done = subprocess.run(
            [sys.executable, "-m", module, json.dumps(job)],
            capture_output=True,
            text=True,
            env={**os.environ, **env},
            preexec_fn=enter,
            timeout=TIMEOUT_S,
        )
        if done.returncode == -9:
            raise RuntimeError(f"The system ended it: it took more than the {limit_mib} MiB that it may.")
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found | {"limit_mib": limit_mib if group else 0}


@contextlib.contextmanager
def memory_group(limit_mib: int) -> Iterator[Path | None]:
    """The folder of a new control group with this limit; None where there is none, or we may not make it."""
    old = GROUPS / "memory"
    folder = (old if old.is_dir() else GROUPS) / f"omost-bench-{os.getpid()}"
    name = "memory.limit_in_bytes" if old.is_dir() else "memory.max"
    try:
        folder.mkdir()
    except OSError:
        yield None
        return
    try:
        try:
            (folder / name).write_text(str(limit_mib << 20))
        except OSError:
            yield None
        else:
            yield folder
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()
