"""One server, one page and one browser for all tests of the page; each test is a visitor of its own."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from bench._server import TextServer, text_server
from lib_omost.composer import ComposeSettings
from lib_omost.runtime import Engine
from lib_omost.studio.conversation import fenced

if TYPE_CHECKING:  # this file is also loaded where there is no playwright
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = "/usr/bin/chromium"
# The popup of the address bar is a page of its own, which would be loaded for every page of ours. The list takes the
# place of playwright's, so its entries that concern pages of this machine stand here too.
WITHOUT = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "OmniboxPopupWebUI", "AimEnabled", "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable", "PaintHolding", "ThirdPartyStoragePartitioning", "PreconnectToSearch",
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "OptimizationHints", "MediaRouter",
)  # fmt: skip
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    f"--disable-features={','.join(WITHOUT)}",
]  # fmt: skip


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server() -> Iterator[TextServer]:
    """A language model that always writes the same plan; `page` sets it back."""
    from tests.browser.acts import plan

    with text_server(fenced(plan()), rate=4000) as server:
        yield server


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="package")
def engine(server: TextServer) -> Engine:
    engine = Engine(server.name, "default")
    *_, _ = engine.compose([{"role": "user", "content": "ready?"}], ComposeSettings(), Event())  # libraries load here
    return engine


@pytest.fixture(scope="package")
def script(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """README's script without a browser, after its run: what it leaves in Python (its engine has the default models),
    and its folder.
    """
    from tests.browser.acts import samples

    folder = tmp_path_factory.mktemp("script")
    (folder / "script.py").write_text(samples("A script without a browser", "python")[0])
    with chdir(folder):
        return runpy.run_path("script.py"), folder


@pytest.fixture(scope="package")
def url(engine: Engine, folder: Path) -> Iterator[str]:
    from tests.browser.acts import served

    with served(engine, folder) as url:
        yield url


@pytest.fixture(scope="package")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A tab that keeps the page's files from one test to the next; each test is a new visitor there."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        yield context


@pytest.fixture(scope="package")
def neighbour(browser: Browser) -> Iterator[BrowserContext]:
    """Somebody else's browser."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext, url: str, server: TextServer) -> Iterator[Page]:
    from tests.browser.acts import arrive, plan

    server.text, server.rate = fenced(plan()), 4000
    with arrive(context, url) as page:
        yield page
