"""gradio_app.py as a person starts it, in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
END_S = 20.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers. `log`: what it has printed, a line each."""

    url: str
    process: subprocess.Popen[str]
    log: list[str]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def site(llm: str, folder: Path, port: int, *options: str, **environment: str) -> Iterator[Running]:
    """Runs until the block is left; raises RuntimeError with its words where it does not come up."""
    command = [sys.executable, "gradio_app.py", "--llm", llm, "--sdxl", "default"]
    command += ["--port", str(port), "--outputs", str(folder), *options]
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={"GRADIO_TEMP_DIR": str(folder.parent / "temporary"), **os.environ, **environment},
    )
    log: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            log.append(line.rstrip())
            if line.startswith("Ready"):
                break
        else:
            raise RuntimeError(" ".join(log[-3:]))
        threading.Thread(target=lambda: log.extend(line.rstrip() for line in process.stdout or ()), daemon=True).start()
        yield Running(f"http://127.0.0.1:{port}", process, log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
