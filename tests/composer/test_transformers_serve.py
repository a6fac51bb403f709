"""The remote composer against `transformers serve` on loopback, with the default language model behind it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lib_omost.composer import ComposeSettings, Message
from lib_omost.errors import ComposerError
from lib_omost.runtime import Engine, catalog
from lib_omost.runtime.load_llm import load_composer, merged_folder

pytestmark = [pytest.mark.model, pytest.mark.serve]

ASK: list[Message] = [{"role": "user", "content": "a red apple on the left"}]
SHORT = ComposeSettings(temperature=0, max_new_tokens=40)


@pytest.fixture(scope="module")
def model() -> Path:
    """The folder of the default model with its adapter merged in."""
    entry = catalog.llm("default")
    assert isinstance(entry, catalog.LlmEntry) and entry.adapter is not None
    folder = merged_folder(entry.adapter, torch.bfloat16)
    if not folder.is_dir():
        load_composer(entry, torch.device("cpu"), None)
    return folder


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The process, and the start of its URL."""
    log = tmp_path_factory.mktemp("serve") / "log.txt"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", "--host", "127.0.0.1", "--device", "cpu"]
    # without asking a hub for what is not here, and with a cache of its own, whatever this machine has in its usual one
    alone = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path_factory.mktemp("hub"))}
    with log.open("wb") as out:
        process = subprocess.Popen([*command, "--port", str(port)], stdout=out, stderr=out, env=alone)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process, log)
        yield process, f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)  # nobody tells when another process listens
    raise AssertionError(f"transformers serve did not start: {log.read_text()[-3000:]}")


def test_the_default_model_answers_through_it_and_a_dropped_stream_is_a_sentence(
    server: tuple[subprocess.Popen[bytes], str], model: Path
) -> None:
    process, url = server
    engine = Engine(f"{url}#{model}", "default", device="cpu")
    text = "".join(engine.compose(ASK, SHORT, threading.Event()))
    assert text.startswith("```python\n# Initialize the canvas\ncanvas = Canvas()")
    stats = engine.compose_stats
    assert stats is not None and 0 < stats.first_token_s < stats.seconds and stats.new_tokens <= 42
    assert engine.test_server(f"{url}#{model}")[0].startswith(f"{url} answers")

    with pytest.raises(ComposerError, match=r"failed with \d+|does not know|broke off"):
        list(Engine(f"{url}#no/such-model", "default", device="cpu").compose(ASK, SHORT, threading.Event()))

    stop = threading.Event()
    pieces = engine.compose(ASK, SHORT, stop)
    next(pieces)
    stop.set()
    assert list(pieces) == []

    pieces = engine.compose(ASK, ComposeSettings(temperature=0, max_new_tokens=400), threading.Event())
    next(pieces)
    process.kill()
    with pytest.raises(ComposerError, match=r"broke off in the middle of its answer|cannot be reached"):
        list(pieces)
    with pytest.raises(ComposerError, match="cannot be reached"):
        engine.test_server(f"{url}#{model}")
