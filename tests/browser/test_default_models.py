"""The whole way in a browser, on the default models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lib_omost.studio.store.images import read_png
from tests.browser.acts import BrowserContext, arrive, expect, pane, rendered, send, served

pytestmark = pytest.mark.ui


@pytest.mark.model
@pytest.mark.slow
def test_a_message_becomes_code_is_edited_and_becomes_a_picture_on_the_default_models(
    context: BrowserContext, script: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    names, _ = script
    with served(names["engine"], tmp_path) as url, arrive(context, url) as page:
        send(page, "a red apple")
        expect(page.locator(".re-box").first).to_be_visible(timeout=120_000)
        expect(page.locator("#state .sl-text")).to_have_text(re.compile(r"^\d+ regions?"), timeout=120_000)
        page.locator(".re-list button").first.click()
        page.locator(".re-form [data-key=description]").fill("a red apple with a leaf")
        page.locator(".re-form summary").focus()
        expect(pane(page, "code").locator("#code .cm-content")).to_contain_text("a red apple with a leaf")
        page.locator("#render").click()
        rendered(page)
        expect(page.locator(".re-stage img")).to_be_visible()
    (file,) = (tmp_path / "pictures").iterdir()
    saved = read_png(file)
    assert any(region.description == "a red apple with a leaf" for region in saved.canvas.regions)
    with Image.open(file) as image:
        assert len(image.convert("RGB").resize((8, 8)).getcolors() or []) > 8
