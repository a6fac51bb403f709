"""What whoever runs the page relies on: health, an end in time, no leftovers."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from lib_omost.studio.serving import Health, give_back_memory, sweep_temporary

ENDING = """
import os, signal, threading, time
from lib_omost.studio.serving import end_at_the_latest, told_to_end
with told_to_end() as told:
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    assert told.wait(10)
    end_at_the_latest(0.3)
    threading.Thread(target=time.sleep, args=(100,)).start()  # an ordinary end would wait for this one
"""


def test_health_is_told_beside_the_app_and_readiness_says_why_not() -> None:
    why = [""]
    client = TestClient(Health(PlainTextResponse("the page"), lambda: why[0]))
    assert [client.get(path).text for path in ("/healthz", "/readyz", "/")] == ["ok\n", "ready\n", "the page"]
    why[0] = "about to stop"
    told = client.get("/readyz")
    assert (told.status_code, told.text) == (503, "about to stop\n")
    assert client.get("/healthz").status_code == 200


def test_a_process_that_is_told_to_end_ends_in_time_whatever_holds_it() -> None:
    start = time.monotonic()
    assert subprocess.run([sys.executable, "-c", ENDING], timeout=60, check=False).returncode == 0
    assert time.monotonic() - start < 50


def test_temporary_files_that_are_old_enough_go_with_their_folders(tmp_path: Path) -> None:
    old, new = tmp_path / "a" / "old.png", tmp_path / "b" / "new.png"
    for path in (old, new):
        path.parent.mkdir()
        path.write_text("x")
    os.utime(old, (0, 0))
    assert sweep_temporary(tmp_path, 3600) == 1
    assert not old.parent.exists() and new.exists()
    assert sweep_temporary(tmp_path, 0) == 1 and sweep_temporary(tmp_path / "none", 0) == 0


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_free_memory_goes_back_to_the_system() -> None:
    """Between small pieces that stay, glibc keeps what is freed."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = (
        ctypes.c_void_p,
        [ctypes.c_size_t],
        [ctypes.c_void_p],
    )
    pieces = [libc.malloc(20_000) for _ in range(5000)]
    for piece in pieces:
        ctypes.memset(piece, 1, 20_000)
    for at, piece in enumerate(pieces):
        if at % 10:
            libc.free(piece)
    before = resident()
    assert give_back_memory()
    assert before - resident() > 30 * 2**20
    for piece in pieces[::10]:
        libc.free(piece)


def resident() -> int:
    """Bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
