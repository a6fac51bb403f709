"""The machine part of the settings in a browser: memory while they are open, diagnostics in the clipboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lib_omost.runtime import Engine
from tests.page.acts import Browser, expect, served, visit

pytestmark = pytest.mark.ui


def test_memory_is_shown_while_the_settings_are_open_and_the_diagnostics_are_copied(
    browser: Browser, tmp_path: Path
) -> None:
    engine = Engine("default", "default", device="cpu")
    with served(engine, tmp_path) as url, visit(browser, url) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.locator("#settings-bar .toggle-button").click()
        expect(page.locator("#device-memory")).to_contain_text("memory")
        page.locator("#copy-diagnostics").click()
        expect(page.locator("#diagnostics textarea")).to_have_value(re.compile("chosen models: default, default"))
        page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('last error: none'))")
