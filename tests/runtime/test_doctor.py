"""Diagnostics hold what helps and nothing that tells who or where."""

from __future__ import annotations

import threading

import pytest

from lib_omost.composer import ComposeSettings
from lib_omost.runtime import Engine, report
from lib_omost.runtime.doctor import without_paths


def test_the_report_of_an_engine_names_its_models_and_its_last_error(engine: Engine) -> None:
    engine.use_llm("http://127.0.0.1:9/v1#nothing-listens-here")
    with pytest.raises(Exception, match=r".+"):
        list(engine.compose([{"role": "user", "content": "hi"}], ComposeSettings(), threading.Event()))
    lines = dict(line.split(": ", 1) for line in report(engine).splitlines())
    assert lines["chosen models"].endswith(", default")
    assert lines["last error"] != "none" and lines["doing"] == "nothing"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("/home/jane doe/models/llama.gguf is empty", "…/llama.gguf is empty"),
        (r"C:\Users\jane\x\y.safetensors broke", "…/y.safetensors broke"),
        (
            "stabilityai/stable-diffusion-xl-base-1.0 is not here",
            "stabilityai/stable-diffusion-xl-base-1.0 is not here",
        ),
        ("12 of 13 read/write", "12 of 13 read/write"),
    ],
)
def test_paths_are_cut_to_their_last_part(text: str, clean: str) -> None:
    assert without_paths(text) == clean
