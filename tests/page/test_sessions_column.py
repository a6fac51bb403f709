"""Sessions in a browser: whose they are."""

from __future__ import annotations

import pytest

from bench._server import TextServer
from lib_omost.studio.turns import fenced
from tests.page.acts import Browser, composed, expect, plan, visit

pytestmark = pytest.mark.ui


def test_two_visitors_never_see_each_other(browser: Browser, url: str, server: TextServer) -> None:
    server.text = fenced(plan())
    with visit(browser, url) as ann, visit(browser, url) as bob:
        composed(ann, "the secret garden")
        bob.reload()
        expect(bob.locator("#message textarea")).to_be_enabled()
        expect(bob.locator(".re-box")).to_have_count(0)
        assert "secret" not in bob.locator("body").inner_text()
