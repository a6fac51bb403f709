"""Two worked turns of our own: for models that never saw the language, and drafts for those that did."""

from __future__ import annotations

from lib_omost.canvas import Canvas
from lib_omost.composer.settings import Message


def _teapot(color: str) -> Canvas:
    canvas = Canvas()
    canvas.set_global_description(
        f"A {color} teapot and a wicker basket of bread on a kitchen table.",
        ["Morning light falls in from the left.", f"The {color} teapot stands in front of the basket.", "It is calm."],
        f"still life, kitchen, teapot, {color}, bread, morning light",
        "wheat",
    )
    canvas.add_local_description(
        "in the center",
        "slightly to the lower",
        "a large horizontal area",
        10.0,
        "A kitchen table.",
        ["The table is made of pale wood.", "A linen cloth covers one corner."],
        "table, pale wood, linen",
        "Calm mood.",
        "Realistic photo.",
        "High resolution.",
        "burlywood",
    )
    canvas.add_local_description(
        "on the right",
        "no offset",
        "a medium-sized square area",
        5.0,
        "A wicker basket of bread.",
        ["Three loaves look out of the basket.", "Their crust is golden and cracked."],
        "basket, bread, golden crust",
        "Calm mood.",
        "Realistic photo.",
        "High resolution.",
        "peru",
    )
    canvas.add_local_description(
        "on the left",
        "slightly to the lower",
        "a small square area",
        2.0,
        f"A {color} teapot.",
        [f"The {color} glaze shines.", "A thin line of steam rises from the spout."],
        f"teapot, {color}, steam",
        "Calm mood.",
        "Realistic photo.",
        "High resolution.",
        color,
    )
    return canvas


def _reply(canvas: Canvas) -> str:
    return f"```python\n{canvas.to_code()}```"


#: A request and an edit of it, each with its canvas.
EXAMPLES: tuple[Message, ...] = (
    {"role": "user", "content": "a blue teapot in front of a basket of bread on a kitchen table, photo"},
    {"role": "assistant", "content": _reply(_teapot("blue"))},
    {"role": "user", "content": "make the teapot red"},
    {"role": "assistant", "content": _reply(_teapot("red"))},
)
