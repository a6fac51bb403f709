"""The endpoints as other programs meet them: README's samples, curl, MCP, and the page's own description of them."""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import shutil
import subprocess
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from bench._server import TextServer
from lib_omost.runtime import Engine
from lib_omost.studio.conversation import fenced
from lib_omost.studio.store.images import read_png
from tests.browser.acts import BrowserContext, expect, plan, samples, served

pytestmark = pytest.mark.ui
ENDPOINTS = {"chat", "read", "render", "compose_and_render"}


def elsewhere(work: Coroutine[Any, Any, Any]) -> Any:
    """Runs it in a thread of its own: the browser's driver has this one's event loop."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(work)))
    thread.start()
    thread.join()
    return found[0]


@pytest.fixture
def written(server: TextServer) -> str:
    server.text, server.rate = fenced(plan()), 2000
    return server.text


def test_readmes_client_gets_a_picture(url: str, written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = samples("A client of a running page", "python")[0]
    assert len(sample.strip().splitlines()) <= 10
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    (tmp_path / "client.py").write_text(sample.replace("http://127.0.0.1:7860", url))
    names = runpy.run_path(str(tmp_path / "client.py"))
    assert names["reply"] == written
    assert len(read_png(names["files"][0]).canvas.regions) == 2


@pytest.mark.model
@pytest.mark.slow
def test_readmes_browserless_script_writes_a_picture(script: tuple[dict[str, Any], Path]) -> None:
    _, folder = script
    assert len((folder / "script.py").read_text().strip().splitlines()) <= 10
    assert (folder / "picture.png").stat().st_size > 1000


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_curl_lines_of_the_docs_work(url: str, written: str, tmp_path: Path) -> None:
    script = samples("## curl", "bash", "docs/api.md")[0]
    (tmp_path / "plan.py").write_text(plan())
    done = subprocess.run(
        ["bash", "-ec", script.replace("http://127.0.0.1:7860/", url)],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True,
        env={**os.environ, "no_proxy": "127.0.0.1"},
    )  # fmt: skip
    assert '"status": "accept"' in done.stdout
    assert read_png(tmp_path / "picture.png").settings.seed == 7


def test_the_page_lists_exactly_these_endpoints(context: BrowserContext, url: str) -> None:
    with context.new_page() as page:  # gradio's list asks for addresses that are not there, hence no `page`
        page.goto(url)
        page.get_by_role("button", name="API").click()
        for name in ENDPOINTS:
            expect(page.get_by_text(f"/{name}", exact=True).first).to_be_visible()
        info = page.evaluate("fetch('gradio_api/info').then(answer => answer.json())")
    assert set(info["named_endpoints"]) == {f"/{name}" for name in ENDPOINTS}
    assert info["unnamed_endpoints"] == {}
    for endpoint in info["named_endpoints"].values():
        assert endpoint["description"]
        assert all(parameter["python_type"]["type"] for parameter in endpoint["parameters"])


def test_mcp_offers_the_endpoints_as_tools_and_answers(engine: Engine, written: str, tmp_path: Path) -> None:
    mcp = pytest.importorskip("mcp", reason="requirements-mcp.txt is not installed")
    from mcp.client.streamable_http import streamablehttp_client

    async def talk(url: str) -> tuple[set[str], str]:
        async with (
            streamablehttp_client(f"{url}gradio_api/mcp/") as (reading, writing, _),
            mcp.ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            tools = await session.list_tools()
            answer = await session.call_tool("read", {"text": written})
            assert all(tool.description for tool in tools.tools)
            return {tool.name for tool in tools.tools}, answer.content[0].text

    with served(engine, tmp_path, mcp_server=True) as url:
        names, text = elsewhere(talk(url))
    assert names == ENDPOINTS
    assert json.loads(text.replace("'", '"') if text.startswith("{'") else text)["status"] == "accept"
