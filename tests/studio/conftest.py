"""A canvas and its program for the studio's tests."""

from __future__ import annotations

import pytest

from lib_omost.canvas import Canvas


@pytest.fixture
def canvas() -> Canvas:
    canvas = Canvas()
    canvas.set_global_description("a meadow", ["The grass is green."], "meadow", "skyblue")
    words = ("flat", "calm", "clean", "sharp")
    canvas.add_local_description(
        "on the left", "no offset", "a small square area", 2.0, "a red apple", ["It is ripe."], *words, "red"
    )
    canvas.add_local_description(
        "on the right", "no offset", "a medium-sized vertical area", 8.0, "a tree", ["It is old."], *words, "green"
    )
    return canvas


@pytest.fixture
def code(canvas: Canvas) -> str:
    return canvas.to_code()
