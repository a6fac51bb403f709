"""How the page looks: no side scrolling, nothing serious by axe-core."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.page.acts import Browser, Page, composed, expect, visit

pytestmark = pytest.mark.ui


@pytest.mark.parametrize("width", [390, 1440, 2560])
def test_nothing_hangs_over_the_side_of_the_window(browser: Browser, url: str, width: int) -> None:
    with visit(browser, url, width) as page:
        composed(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Page, url: str, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="axe-core comes with axe-playwright-python")
    page.goto(f"{url}?__theme={theme}")
    expect(page.locator("#message textarea")).to_be_enabled()
    composed(page)
    expect(page.locator("#chat pre")).to_have_attribute("tabindex", "0")
    page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [(one["id"], one["impact"]) for one in found if one["impact"] in ("serious", "critical")] == []
