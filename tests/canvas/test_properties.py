"""What holds for every canvas and for every text, however broken."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lib_omost.canvas import (
    AREAS,
    LOCATIONS,
    OFFSETS,
    Box,
    Canvas,
    CanvasReader,
    GlobalDescription,
    Region,
    Started,
    delete_region,
    move_region,
    read_canvas,
    set_box,
)
from lib_omost.canvas.colors import COLORS

texts = st.text(max_size=40)
boxes = st.tuples(st.integers(0, 89), st.integers(0, 89), st.integers(1, 90), st.integers(1, 90)).map(
    lambda b: Box(b[0], b[1], max(b[2], b[0] + 1), max(b[3], b[1] + 1))
)
colors = st.sampled_from(sorted(COLORS)) | st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")
regions = st.builds(
    Region,
    st.sampled_from(LOCATIONS),
    st.sampled_from(OFFSETS),
    st.sampled_from(AREAS),
    st.floats(1e-6, 1e6),
    texts,
    st.lists(texts, max_size=4).map(tuple),
    texts,
    texts,
    texts,
    texts,
    colors,
    st.none() | boxes,
    texts,
    texts,
)


@st.composite
def canvases(draw: st.DrawFn) -> Canvas:
    canvas = Canvas(regions=tuple(draw(st.lists(regions, max_size=4))))
    canvas.set_global_description(draw(texts), draw(st.lists(texts, max_size=4)), draw(texts), draw(colors))
    return canvas


_PIECES = [
    *"'\"()[]{},;:#\\\n\r\t =.+-*`~<>‘’“”，é🦊\ud800\x00\u200b\u2028",
    "'''",
    '"""',
    "```",
    "```python\n",
    "</think>\n",
    "<think>\n",
    "canvas = Canvas()\n",
    "canvas.add_local_description(",
    "canvas.set_global_description(description='x')\n",
    "location='in the middle', ",
    "bbox=(1, 2, 3, 4), ",
    "description='an apple', ",
    "detailed_descriptions=['a', 'b'], ",
    "f'{x}'",
    "None",
    "9" * 30,
    "    ",
    ")\n",
    "{'regions': [{'location': 'left', 'description': 'x'}]}",
]
soups = st.lists(st.sampled_from(_PIECES) | st.text(max_size=6), max_size=60).map("".join)


@st.composite
def broken_replies(draw: st.DrawFn) -> str:
    """A correct reply with a few pieces put in, cut out or cut off."""
    text = f"Sure!\n```python\n{draw(canvases()).to_code()}```\nDone."
    for _ in range(draw(st.integers(0, 6))):
        at, length = draw(st.integers(0, len(text))), draw(st.sampled_from([0, 0, 1, 2, 7, 60, 10_000]))
        text = text[:at] + draw(st.sampled_from(_PIECES) | st.just("")) + text[at + length :]
    return text


any_text = soups | broken_replies()


@settings(deadline=None)
@given(canvases())
def test_code_and_json_read_back_as_the_same_canvas_without_a_note(canvas: Canvas) -> None:
    reading = read_canvas(canvas.to_code(), strict=True)
    assert (reading.status, reading.notes, reading.canvas) == ("accept", (), canvas)
    assert Canvas.from_json(canvas.to_json()) == canvas


@settings(deadline=None, max_examples=150)
@given(any_text, st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_any_chunking_gives_the_same_reading_and_the_events_are_the_canvas(text: str, sizes: list[int]) -> None:
    reader, at, events = CanvasReader(), 0, list[Any]()
    while at < len(text):
        for size in sizes:
            events += reader.feed(text[at : at + size])
            _ = reader.pending
            at += size
    reading, before = reader.close(), _replayed(events)
    assert reading == read_canvas(text)
    if reading.status == "accept" and reading.canvas is not None:
        assert before == reading.canvas.regions[: len(before)]


def _replayed(events: list[Any]) -> tuple[Region, ...]:
    found: list[Region] = []
    for event in events:
        if isinstance(event, Started):
            found = []
        elif not isinstance(event, GlobalDescription):
            found.append(event)
    return tuple(found)


@settings(deadline=None, max_examples=150)
@given(any_text)
def test_any_text_gives_a_canvas_that_its_code_says_or_a_reason(text: str) -> None:
    reading = read_canvas(text)
    for note in reading.notes:
        note.message.encode()
        assert note.line >= 1 and note.column >= 1 and note.message
    if reading.canvas is None:
        assert reading.status == "reject" and any(note.level == "error" for note in reading.notes)
        return
    assert len(reading.spans) == len(reading.canvas.regions)
    assert read_canvas(reading.canvas.to_code()).canvas == reading.canvas
    reading.canvas.to_json().encode()
    assert len(reading.canvas.conditions()) == 1 + len(reading.canvas.regions)


@settings(deadline=None, max_examples=80)
@given(any_text, boxes, st.data())
def test_any_reply_with_regions_can_be_edited(text: str, box: Box, data: st.DataObject) -> None:
    reading = read_canvas(text)
    if reading.canvas is None or not reading.canvas.regions:
        return
    index = data.draw(st.integers(0, len(reading.canvas.regions) - 1))
    moved = read_canvas(set_box(reading.code, index, box)).canvas
    assert moved is not None
    assert [r.box for r in moved.regions] == [
        box if i == index else r.box for i, r in enumerate(reading.canvas.regions)
    ]


@settings(deadline=None, max_examples=60)
@given(canvases(), st.data())
def test_deleting_and_moving_regions_in_code_is_the_same_as_in_the_canvas(canvas: Canvas, data: st.DataObject) -> None:
    if not canvas.regions:
        return
    index = data.draw(st.integers(0, len(canvas.regions) - 1))
    to = data.draw(st.integers(0, len(canvas.regions) - 1))
    rest = [region for i, region in enumerate(canvas.regions) if i != index]
    deleted = read_canvas(delete_region(canvas.to_code(), index), strict=True).canvas
    moved = read_canvas(move_region(canvas.to_code(), index, to), strict=True).canvas
    assert deleted is not None and moved is not None
    assert list(deleted.regions) == rest
    assert list(moved.regions) == [*rest[:to], canvas.regions[index], *rest[to:]]
