"""What reading a reply costs while it streams, against one ast.parse of the whole, and how soon a box can be drawn.

    python -m bench reader

The reply holds 35 regions (about 6,000 tokens of four characters). `stream_s` is the processor time of feeding it token
by token; `watched_s` adds a look at `.canvas` and `.pending` after every token, as the page has at full speed.
`first_box_share` and `first_region_share` are the shares of a reply of five regions after which its first box and its
first region are known. `doubling` is the time for twice the text over that for once, `worst_text_s` the longest time
that any of a few hostile texts of 256 KB takes.
"""

from __future__ import annotations

import argparse
import ast
import gc
import time
from collections.abc import Callable

from bench._record import Number, record, table
from lib_omost.canvas import AREAS, LOCATIONS, OFFSETS, Canvas, CanvasReader, read_canvas

TOKEN = 4  # characters
REGIONS = 35
HOSTILE = (
    "canvas.add_local_description(" + "[" * 2**18,
    "canvas.add_local_description(description='" + "'" * 2**18,
    "```python\ncanvas.add_local_description(\n" + "\n" * 2**18,
    ("canvas.add_local_description(tags={" + "1:1," * 7900 + "})\n") * 9,
    ("canvas.add_local_description(" + "loc=1," * 300 + ")\n") * 150,
    "```python\n" + "x\n" * 2**17,
)


def main(argv: list[str]) -> dict[str, Number]:
    parser().parse_args(argv)
    text, twice = reply(REGIONS), reply(2 * REGIONS)
    parse, streamed = seconds(lambda: ast.parse(program(REGIONS))), seconds(lambda: stream(text))
    watched = seconds(lambda: stream(text, watch=True))
    box_share, region_share = first_shares(reply(5))
    numbers: dict[str, Number] = {
        "characters": len(text),
        "tokens": len(text) // TOKEN,
        "parse_s": round(parse, 5),
        "stream_s": round(streamed, 5),
        "watched_s": round(watched, 5),
        "whole_s": round(seconds(lambda: read_canvas(text)), 5),
        "stream_over_parse": round(streamed / parse, 2),
        "watched_over_parse": round(watched / parse, 2),
        "doubling": round(seconds(lambda: stream(twice)) / streamed * len(text) / len(twice) * 2, 2),
        "first_box_share": box_share,
        "first_region_share": region_share,
        "worst_text_s": round(max(seconds(lambda t=t: read_canvas(t), 1) for t in HOSTILE), 3),  # type: ignore[misc]
    }
    print(table(("what", "value"), list(numbers.items())))
    record("reader", argv, numbers, ("numpy", "pillow"))
    return numbers


def parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog="python -m bench reader", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def program(regions: int) -> str:
    """A canvas program of about 680 characters a region."""
    canvas = Canvas()
    canvas.set_global_description("A market at noon.", ["Warm light.", "Many stalls."], "market, noon, crowd", "wheat")
    for i in range(regions):
        canvas.add_local_description(
            LOCATIONS[i % 9],
            OFFSETS[i % 7],
            AREAS[i % 5],
            float(regions - i),
            f"The trader's stall number {i}, with a striped awning.",
            ["Crates of fruit stand in front.", "A scale hangs from a hook.", "The awning moves in the wind."],
            "stall, trader, fruit, awning",
            "Busy and bright.",
            "Photographic.",
            "Sharp and detailed.",
            "orange",
        )
    return canvas.to_code()


def reply(regions: int) -> str:
    return f"Here is the canvas.\n\n```python\n{program(regions)}```\n"


def stream(text: str, watch: bool = False) -> CanvasReader:
    reader = CanvasReader()
    for start in range(0, len(text), TOKEN):
        reader.feed(text[start : start + TOKEN])
        if watch:
            _ = reader.canvas, reader.pending
    reader.close()
    return reader


def first_shares(text: str) -> tuple[float, float]:
    """The shares of `text` after which the first box and the first region are known."""
    reader, box = CanvasReader(), 0
    for at in range(0, len(text), TOKEN):
        reader.feed(text[at : at + TOKEN])
        box = box or (at + TOKEN if reader.pending else 0)
        if reader.canvas and reader.canvas.regions:
            return round(box / len(text), 3), round((at + TOKEN) / len(text), 3)
    raise AssertionError("the reply has regions")


def seconds(work: Callable[[], object], repeats: int = 15) -> float:
    """The least processor time of several runs, without the garbage collector."""
    times = []
    gc.disable()
    try:
        for _ in range(repeats):
            began = time.process_time()
            work()
            times.append(time.process_time() - began)
    finally:
        gc.enable()
    return min(times)
