"""Diagnostics hold what helps and nothing that tells who or where."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest

from lib_omost.composer import ComposeSettings
from lib_omost.errors import BrokenWeightsError
from lib_omost.runtime import Engine, report
from lib_omost.runtime.last_error import without_paths


def test_the_report_of_an_engine_names_its_models_and_its_last_error(engine: Engine) -> None:
    engine.use_llm("http://127.0.0.1:9/v1#nothing-listens-here")
    with pytest.raises(Exception, match=r".+"):
        list(engine.compose([{"role": "user", "content": "hi"}], ComposeSettings(), threading.Event()))
    lines = dict(line.split(": ", 1) for line in report(engine).splitlines())
    assert lines["chosen models"].endswith(", default")
    assert lines["last error"] != "none" and lines["doing"] == "nothing"
    assert lines["chosen models"].startswith("a server") and "127.0.0.1" not in lines["last error"]


def test_a_model_given_by_its_path_is_named_by_its_last_part_only(tiny_llm: Path) -> None:
    engine = Engine(os.path.relpath(tiny_llm), "default", device="cpu")
    text = report(engine)
    assert tiny_llm.name in text and str(tiny_llm.parent) not in text
    assert os.path.relpath(tiny_llm.parent) not in text


def test_an_error_of_the_page_is_known_to_a_doctor_that_is_started_later(tmp_path: Path) -> None:
    broken = tmp_path / "jane"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    (broken / "model.safetensors").write_bytes(b"<html>not found</html>")
    engine = Engine(str(broken), "default", device="cpu", remember=tmp_path / "outputs" / "models.json")
    with pytest.raises(BrokenWeightsError):
        list(engine.compose([{"role": "user", "content": "hi"}], ComposeSettings(), threading.Event()))
    lines = dict(line.split(": ", 1) for line in report(outputs=tmp_path / "outputs").splitlines())
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d BrokenWeightsError: .*is a web page", lines["last error"])
    assert dict(line.split(": ", 1) for line in report(outputs=tmp_path).splitlines())["last error"] == "none"


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
        ("http://jane:secret@host:80/v1 refused", "(an address) refused"),
        ("/home/jane/x/model.safetensors", "…/model.safetensors"),
        ("'/srv/a b/c.gguf'", "'…/c.gguf'"),
    ],
)
def test_paths_are_cut_to_their_last_part(text: str, clean: str) -> None:
    assert without_paths(text) == clean
