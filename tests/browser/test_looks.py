"""How the page looks: no side scrolling, rings where the focus is, nothing serious by axe-core in any state."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lib_omost.studio.page import theme as looks
from tests.browser.acts import Page, composed, drop, expect, made_here, pane, rendered, toggle, watched

pytestmark = pytest.mark.ui
UNNAMED = ".image-container > button:not([aria-label]), .empty[aria-label]:not([role]), #chat pre:not([tabindex])"


def test_nothing_hangs_over_the_side_of_a_window_of_any_width(page: Page) -> None:
    composed(page)
    page.locator(".re-list button").first.click()
    usual = page.viewport_size
    for width in (390, 768, 1440, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("width => innerWidth === width", arg=width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size(usual)


def test_our_styles_and_scripts_name_no_other_host() -> None:
    ours = [looks.head(), *(file.read_text(encoding="utf-8") for file in looks.CSS_FILES)]
    assert not re.search(r"(https?:)?//[\w-]+\.\w+", re.sub(r"(?m)(^|[\s;])//.*$", "", "\n".join(ours)))
    assert looks.theme()._font_css == looks.theme()._stylesheets == []


def test_what_has_the_focus_shows_a_ring(page: Page) -> None:
    composed(page)
    page.locator(".re-stage").focus()
    bare = []
    for _ in range(12):
        page.keyboard.press("Tab")
        bare += page.evaluate(
            "() => { const n = document.activeElement, s = getComputedStyle(n);"
            " return s.outlineStyle === 'none' && s.boxShadow === 'none' ? [n.outerHTML.slice(0, 120)] : []; }"
        )
    assert not bare, bare


def test_the_switch_in_the_head_turns_the_page_dark_and_a_reload_keeps_it(page: Page) -> None:
    paper = "getComputedStyle(document.querySelector('#canvas-column')).backgroundColor"
    light = page.evaluate(paper)
    page.locator("#shade").click()
    page.wait_for_function(f"light => {paper} !== light", arg=light)
    expect(page.locator("#shade")).to_have_text("Light")
    page.reload()
    expect(page.locator("#shade")).to_have_text("Light")
    assert page.evaluate(paper) != light
    page.locator("#shade").click()
    page.wait_for_function(f"light => {paper} === light", arg=light)
    page.evaluate("localStorage.removeItem('omost-shade')")


def serious(page: Page, state: str) -> list[tuple[str, str, str]]:
    """axe-core's serious and critical findings, with the first node of each."""
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    grave = [one for one in found if one["impact"] in ("serious", "critical")]
    return [(state, one["id"], one["nodes"][0]["html"][:160]) for one in grave]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_any_state(page: Page, url: str, tmp_path: Path, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="axe-core comes with axe-playwright-python")
    page.goto(f"{url}?__theme={theme}")
    expect(page.locator("#message textarea")).to_be_enabled()
    page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    unnamed = watched(page, "body", f"document.querySelectorAll('{UNNAMED}').length")
    found = serious(page, "empty")
    composed(page)
    page.locator(".re-list button").first.click()
    found += serious(page, "a region chosen")
    page.locator(".re-form summary").click()
    page.locator(".re-form [data-key=depth]").fill("-1")
    page.locator(".re-list .eye").nth(1).click()
    expect(page.locator(".number-note")).to_be_visible()
    found += serious(page, "a number refused, a region left out")
    page.locator("[data-view=closer]").click()
    found += serious(page, "closer")
    page.locator("[data-view=whole_canvas]").click()
    page.locator("[data-view=whole]").click()
    found += serious(page, "the whole picture's texts")
    expect(pane(page, "code").locator("#code .cm-line span").first).to_be_visible()
    found += serious(page, "code")
    drop(page, "#chat", made_here(tmp_path / "one.png"))
    expect(page.locator("#gallery img")).to_have_count(1)
    page.locator("#render").click()  # with the few steps that came with the picture
    rendered(page)
    expect(page.locator("#gallery img")).to_have_count(2)
    page.locator("#compare-box button").first.click()
    expect(page.locator("#compare img").first).to_be_visible()
    found += serious(page, "two pictures compared")
    pane(page, "texts").locator(".re-list button").first.click()
    page.locator("[data-act=vary]").click()
    expect(page.locator("#choices .ch-row button")).to_have_count(4, timeout=60_000)
    found += serious(page, "variations")
    page.locator("#choices .ch-none").click()
    for bar in ("settings-bar", "sessions-bar"):
        toggle(page, bar)
        found += serious(page, bar)
        toggle(page, bar)
    assert not found, found
    assert set(unnamed()) == {0}  # not for a moment
