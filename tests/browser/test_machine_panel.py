"""The machine part of the settings in a browser: memory while they are open, diagnostics in the clipboard."""

from __future__ import annotations

import re

import pytest

from lib_omost.runtime import Engine
from tests.browser.acts import Page, expect, toggle

pytestmark = pytest.mark.ui


def test_memory_is_shown_while_the_settings_are_open_and_the_diagnostics_are_copied(page: Page, engine: Engine) -> None:
    engine.last_error = None
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    toggle(page, "settings-bar")
    expect(page.locator("#device-memory")).to_contain_text("memory")
    page.locator("#copy-diagnostics").click()
    expect(page.locator("#diagnostics textarea")).to_have_value(re.compile("chosen models: a server, default"))
    page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('last error: none'))")
    page.context.clear_permissions()
