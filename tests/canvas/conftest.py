"""A small canvas and the reply that holds it, for all tests of the canvas language."""

from __future__ import annotations

import pytest

from lib_omost.canvas import Canvas


def make_canvas() -> Canvas:
    canvas = Canvas()
    canvas.set_global_description("A quiet kitchen.", ["Morning light.", "Old tiles."], "kitchen, morning", "wheat")
    canvas.add_local_description(
        "on the left", "no offset", "a small square area", 2.0, "A red apple.", ["Its skin shines.", "A short stem."],
        "apple, fruit", "calm", "photo", "sharp", "red",
    )  # fmt: skip
    canvas.add_local_description(
        "on the top-right", "slightly to the lower", "a medium-sized vertical area", 5.0, "The cat's window.", [],
        "window", "bright", "photo", "detailed", "skyblue", bbox=(50, 2, 88, 60), name="window", negative="curtains",
    )  # fmt: skip
    return canvas


@pytest.fixture
def canvas() -> Canvas:
    return make_canvas()


@pytest.fixture
def code(canvas: Canvas) -> str:
    return canvas.to_code()


@pytest.fixture
def reply(code: str) -> str:
    return f"Here is your canvas.\n\n```python\n{code}```\n\nI hope you like it."
