"""A server's key, test and models, against a server on loopback that wants a key."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bench._server import TextServer, text_server
from lib_omost.composer import ComposeSettings
from lib_omost.errors import RemoteError, SettingsError
from lib_omost.runtime import Engine, report
from lib_omost.studio.page.models_panel import ModelsPanel
from lib_omost.studio.page.server_panel import checked_url
from tests.studio.page.conftest import models_panel

KEY = "sk-very-secret-1"


@pytest.fixture
def server() -> Iterator[TextServer]:
    with text_server("hello") as server:
        server.key, server.models = KEY, ["scripted", "an<other>"]
        yield server


@pytest.fixture
def panel(tmp_path: Path) -> ModelsPanel:
    engine = Engine("default", "default", remember=tmp_path / "models.json")
    return models_panel(engine)


def told(panel: ModelsPanel, name: str, key: str) -> tuple[str, dict[str, Any]]:
    *_, shown = panel.server.tested(name, key, name)
    return shown[panel.server.line], shown[panel.server.offered]


def test_the_right_key_lists_the_models_and_marks_the_one_in_the_url(panel: ModelsPanel, server: TextServer) -> None:
    base = server.name.partition("#")[0]
    line, models = told(panel, server.name, f" {KEY} ")
    assert "server-good" in line and "answers; it offers: scripted, an&lt;other&gt;." in line
    assert models["choices"] == [("scripted", server.name), ("an<other>", f"{base}#an<other>")]
    assert models["value"] == server.name
    assert told(panel, base, KEY)[1]["value"] is None


def test_a_wrong_key_is_told_in_a_sentence_without_the_key(panel: ModelsPanel, server: TextServer) -> None:
    line, models = told(panel, server.name, "sk-wrong")
    assert "server-bad" in line and "refused the key (401)" in line and "sk-wrong" not in line
    assert models["visible"] is False


def test_a_model_that_is_not_there_is_told_and_those_that_are_can_be_picked(
    panel: ModelsPanel, server: TextServer
) -> None:
    line, models = told(panel, server.name.replace("scripted", "gone"), KEY)
    assert "has no model &#x27;gone&#x27;" in line
    assert [label for label, _ in models["choices"]] == ["scripted", "an<other>"] and models["visible"] is True


@pytest.mark.parametrize("name", ["default", "http://host:port/v1#m", "http:///v1#m", "http://[x/v1", "", None])
def test_what_is_no_address_is_refused_before_anything_is_asked(panel: ModelsPanel, name: str | None) -> None:
    with pytest.raises(SettingsError, match="is not a server's address"):
        checked_url(name)
    assert "is not a server&#x27;s address" in told(panel, name or "", "")[0]


def test_a_used_key_reaches_the_server_and_no_file_log_or_diagnostics(
    panel: ModelsPanel, server: TextServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    panel.use_models(server.name, "default", [], {}, KEY, server.name)
    stream = panel.engine.compose([{"role": "user", "content": "hi"}], ComposeSettings(), Event())
    assert next(stream)  # the server wants this key, so it has it
    server.key = "another"
    with pytest.raises(RemoteError, match="refused the key"):
        list(panel.engine.compose([{"role": "user", "content": "hi"}], ComposeSettings(), Event()))
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert written and not any(KEY.encode() in content for content in written)
    assert KEY not in caplog.text and KEY not in report(panel.engine) and KEY not in repr(panel.show())


def test_the_same_server_takes_a_new_key_and_an_empty_field_keeps_the_old_one(
    panel: ModelsPanel, server: TextServer
) -> None:
    for key in ("sk-wrong", KEY, ""):
        panel.use_models(server.name, "default", [], {}, key, server.name)
    assert list(panel.engine.compose([{"role": "user", "content": "hi"}], ComposeSettings(), Event()))


def test_a_key_that_was_typed_for_one_server_does_not_go_to_another(panel: ModelsPanel, server: TextServer) -> None:
    with text_server("hello") as other:
        *_, shown = panel.server.tested(other.name, KEY, server.name)
        assert "The key was typed for http://127.0.0.1:" in shown[panel.server.line]
        panel.use_models(other.name, "default", [], {}, KEY, server.name)
        assert panel.engine.llm_entry.name == "default"
        assert other.asked == []


def test_a_server_that_does_not_answer_is_not_taken(panel: ModelsPanel, server: TextServer) -> None:
    for name, key in ((server.name, "sk-wrong"), ("http://127.0.0.1:9/v1#m", ""), (server.name + "gone", KEY)):
        panel.use_models(name, "default", [], {}, key, name)
        assert panel.engine.llm_entry.name == "default"


def test_what_came_of_testing_one_address_is_not_said_of_another(panel: ModelsPanel, server: TextServer) -> None:
    line, _ = told(panel, server.name, KEY)
    assert panel.server.line not in panel.server.changed(server.name.replace("scripted", "other"), line)
    assert panel.server.changed("http://127.0.0.1:9/v1", line)[panel.server.line] == ""
    assert panel.server.changed("default", line)[panel.server.line] == ""
