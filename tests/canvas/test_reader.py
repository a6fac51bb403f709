"""Reading whole and streaming: statuses, places of notes and calls, strict mode, bounds, time."""

from __future__ import annotations

import ast
import gc
import time
import tracemalloc
from collections.abc import Callable

import pytest

from lib_omost.canvas import Box, Canvas, CanvasReader, GlobalDescription, Region, Started, read_canvas, report
from lib_omost.canvas.reader import read_program
from lib_omost.canvas.reader.notes import MAX_CHARACTERS, MAX_ITEMS, MAX_NOTES, MAX_REGIONS, MAX_STATEMENTS, MAX_TEXT

CALL = "canvas.add_local_description(description='An apple.')\n"


def stream(text: str, size: int) -> CanvasReader:
    reader = CanvasReader()
    for start in range(0, len(text), size):
        reader.feed(text[start : start + size])
    return reader


def test_a_correct_reply_is_accepted_without_a_note(reply: str, canvas: Canvas, code: str) -> None:
    reading = read_canvas(reply)
    assert (reading.status, reading.notes, reading.canvas) == ("accept", (), canvas)
    assert reading.code == code.rstrip()
    assert reading.summary == "2 regions"


def test_spans_are_the_calls_of_the_regions_in_the_code(reply: str) -> None:
    reading = read_canvas(reply)
    for (start, end), name in zip(reading.spans, ("A red apple.", "window"), strict=True):
        call = reading.code[start:end]
        assert call.startswith("canvas.add_local_description(") and call.endswith(")") and name in call
    assert reading.global_span is not None
    assert reading.code[slice(*reading.global_span)].startswith("canvas.set_global_description(")


def test_the_report_is_plain_data_with_status_canvas_and_notes(reply: str, canvas: Canvas) -> None:
    text = reply.replace("'red'", "'reddish'")
    data = report(read_canvas(text))
    assert data["status"] == "repair"
    assert data["canvas"]["regions"][1]["bbox"] == (50, 2, 88, 60)
    assert data["notes"][0]["code"] == "color"
    assert data["notes"][0]["line"] == text[: text.index("'reddish'")].count("\n") + 1
    assert report(read_canvas("Hello."))["canvas"] is None


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("canvas.add_local_description(location='in the middle', description='x')", 1, 30),
        ("canvas.add_local_description(\n    description='é', location='in the middle')", 2, 22),
        ("Sure:\n```python\ncanvas.add_local_description(\n  description='x',\n  location='middle')\n```", 5, 3),
        ("> ```\n> canvas.add_local_description(\n>   location='middle', description='x')\n> ```", 3, 5),
        ("    canvas.add_local_description(location='middle', description='x')", 1, 34),
        ("x = 1; canvas.add_local_description(location='middle', description='x')", 1, 37),
    ],
)
def test_a_note_points_at_its_argument_in_the_text_that_was_read(text: str, line: int, column: int) -> None:
    notes = read_canvas(text, strict=text.startswith("x")).notes
    assert [(n.line, n.column) for n in notes if n.code == "location"] == [(line, column)]


# ---------------------------------------------------------------------------- streaming


def test_feed_returns_what_each_chunk_finished(reply: str, canvas: Canvas) -> None:
    reader, events = CanvasReader(), []
    for c in reply:
        events += reader.feed(c)
    assert [type(event) for event in events] == [Started, GlobalDescription, Region, Region]
    assert tuple(event for event in events if isinstance(event, Region)) == canvas.regions
    assert reader.close().canvas == canvas and reader.text == reply


@pytest.mark.parametrize("size", [1, 2, 3, 17, 100])
@pytest.mark.parametrize("change", [("'", "’"), ("\n", "\r\n"), (",\n", "\n"), (")", "")])
def test_any_chunking_gives_the_same_result(reply: str, size: int, change: tuple[str, str]) -> None:
    text = reply.replace(*change)
    assert stream(text, size).close() == read_canvas(text)


def test_the_canvas_so_far_grows_region_by_region(reply: str) -> None:
    reader, seen = CanvasReader(), []
    assert reader.canvas is None
    for line in reply.splitlines(keepends=True):
        reader.feed(line)
        count = -1 if reader.canvas is None else len(reader.canvas.regions)
        if count not in seen:
            seen.append(count)
    assert seen == [-1, 0, 1, 2]


def test_the_pending_box_is_known_as_soon_as_the_place_is_read(reply: str) -> None:
    reader, known = CanvasReader(), {}
    for at, c in enumerate(reply):
        reader.feed(c)
        if reader.pending is not None:
            known.setdefault(reader.pending, reply[: at + 1])
    assert list(known) == [Box(0, 20, 40, 70), Box(50, 0, 90, 65), Box(50, 2, 88, 60)]
    assert known[Box(0, 20, 40, 70)].endswith("area='a small square area'")
    assert known[Box(50, 2, 88, 60)].endswith("bbox=(50, 2, 88, 60)")
    assert reader.pending is None


def test_the_pending_box_of_a_call_on_one_line_needs_no_line_end() -> None:
    reader = CanvasReader()
    reader.feed("canvas.add_local_description('on the left', 'no offset', 'a small square area'")
    assert reader.pending == Box(0, 20, 40, 70)


def test_closing_twice_gives_the_same_reading(reply: str) -> None:
    reader = stream(reply, 50)
    assert reader.close() is reader.close()


def test_every_cut_of_a_reply_keeps_the_finished_regions_and_no_half_one(reply: str, canvas: Canvas) -> None:
    ends = [reply.index("\n)\n", reply.index(name)) + 3 for name in ("Add A red apple", "Add window")]
    last_arguments = [reply.index("    HTML_web", reply.index(name)) for name in ("Add A red apple", "Add window")]
    for cut in range(0, len(reply), 5):
        reading = read_canvas(reply[:cut])
        regions = reading.canvas.regions if reading.canvas else ()
        finished = sum(cut >= end for end in ends)
        only_the_bracket_missing = sum(last < cut < end for last, end in zip(last_arguments, ends, strict=True))
        assert finished <= len(regions) <= finished + only_the_bracket_missing
        assert [(r.box, r.tags) for r in regions] == [(r.box, r.tags) for r in canvas.regions[: len(regions)]]


# ---------------------------------------------------------------------------- strict


def test_strict_accepts_a_correct_program(code: str, canvas: Canvas) -> None:
    reading = read_canvas(code, strict=True)
    assert (reading.status, reading.canvas, reading.code) == ("accept", canvas, code)


@pytest.mark.parametrize(
    "change",
    [("'red'", "'bright red'"), ("'apple, fruit'", "'the cook's apple'"), (")\n", "\n"), ("'calm',", "'calm', x=1,")],
)
def test_strict_refuses_what_a_tolerant_reading_repairs_with_the_same_notes(code: str, change: tuple[str, str]) -> None:
    broken = code.replace(*change)
    strict, tolerant = read_canvas(broken, strict=True), read_program(broken)
    assert (strict.status, strict.canvas, tolerant.status) == ("reject", None, "repair")
    assert strict.notes == tolerant.notes


def test_strict_takes_prose_for_an_error(code: str) -> None:
    reading = read_canvas("Here it is:\n" + code, strict=True)
    assert reading.status == "reject"
    assert reading.notes[0].line == 1 and "not part of the canvas language" in reading.notes[0].message


def test_strict_lets_a_harmless_import_pass(code: str) -> None:
    assert read_canvas("from lib_omost.canvas import Canvas\n" + code, strict=True).status == "accept"


# ---------------------------------------------------------------------------- bounds


def test_a_text_beyond_the_bound_is_cut_with_a_note(code: str) -> None:
    reading = read_canvas(code + "# x\n" * MAX_TEXT)
    assert reading.canvas is not None and len(reading.canvas.regions) == 2
    assert any("longer than" in note.message for note in reading.notes)


def test_regions_beyond_the_bound_are_left_out_with_a_note() -> None:
    reading = read_canvas(CALL * (MAX_REGIONS + 1))
    assert reading.canvas is not None and len(reading.canvas.regions) == MAX_REGIONS
    assert any("More than 64 regions" in note.message for note in reading.notes)


def test_statements_beyond_the_bound_are_not_read() -> None:
    reading = read_canvas("```python\n" + "pass\n" * MAX_STATEMENTS + CALL + "```")
    assert reading.status == "reject" and "More than 400 statements" in reading.summary


def test_items_and_texts_beyond_their_bounds_are_cut_with_a_note() -> None:
    items = ", ".join(["'x'"] * (MAX_ITEMS + 9))
    reading = read_canvas(f"canvas.add_local_description(description='{'y' * 5000}', detailed_descriptions=[{items}])")
    assert reading.canvas is not None
    region = reading.canvas.regions[0]
    assert len(region.description) == MAX_CHARACTERS and len(region.detailed_descriptions) == MAX_ITEMS
    assert {"bound"} <= {note.code for note in reading.notes}


def test_there_are_never_more_than_200_notes() -> None:
    assert len(read_canvas("```python\n" + "import os\n" * 390 + "```").notes) == MAX_NOTES


def test_a_sum_of_texts_is_read_up_to_64_terms() -> None:
    def program(terms: int) -> str:
        return "canvas.add_local_description(tags='t', description=" + "+".join(["'a'"] * terms) + ")"

    fine, over = read_canvas(program(64)).canvas, read_canvas(program(80))
    assert fine is not None and fine.regions[0].description == "a" * 64
    assert any("at most 64" in note.message for note in over.notes)


HEAVY = {
    "brackets": "canvas.add_local_description(detailed_descriptions=" + "[" * MAX_TEXT,
    "dictionaries": ("canvas.add_local_description(tags={" + "1:1," * 7900 + "})\n") * 9,
    "quotes": "```python\ncanvas.add_local_description(description='" + "'" * MAX_TEXT,
    "stray quotes": "```python\ncanvas.add_local_description(description='" + "a' b, " * (MAX_TEXT // 6),
    "blank lines": "```python\ncanvas.add_local_description(\n" + "\n" * MAX_TEXT,
    "short statements": "```python\n" + "x\n" * (MAX_TEXT // 2),
    "unknown arguments": ("canvas.add_local_description(" + "loc=1," * 300 + ")\n") * 150,
    "strange words": "canvas.add_local_description(description='x', location='" + "loewr " * 5000 + "')\n" + CALL * 60,
    "JSON objects": '[{"regions": [' + '{"a": ' * (MAX_TEXT // 6),
    "fences": "```python\n```\n" * (MAX_TEXT // 14),
    "canvases": "canvas = Canvas()\n" + ("canvas = Canvas()\n" + CALL) * (MAX_TEXT // 70),
    "one line of prose": "a " * (MAX_TEXT // 2),
    "digits": "canvas.add_local_description(distance_to_viewer=" + "9" * MAX_TEXT,
}


@pytest.mark.parametrize("name", HEAVY)
def test_no_text_of_256_kb_takes_a_second(name: str) -> None:
    began = time.process_time()
    read_canvas(HEAVY[name][:MAX_TEXT])
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("name", ["dictionaries", "short statements", "JSON objects", "blank lines"])
def test_no_text_of_256_kb_takes_200_mb(name: str) -> None:
    tracemalloc.start()
    try:
        read_canvas(HEAVY[name][:MAX_TEXT])
        assert tracemalloc.get_traced_memory()[1] < 200 * 2**20
    finally:
        tracemalloc.stop()


def seconds(*works: Callable[[], object], repeats: int = 20) -> list[float]:
    """The least processor time of several runs of each, taken in turns, without the garbage collector."""
    least = [float("inf")] * len(works)
    gc.disable()
    try:
        for _ in range(repeats):
            for number, work in enumerate(works):
                began = time.process_time()
                work()
                least[number] = min(least[number], time.process_time() - began)
    finally:
        gc.enable()
    return least


def long_program(canvas: Canvas, regions: int) -> str:
    return Canvas("A kitchen.", ("Light.",) * 5, "kitchen", "wheat", (canvas.regions[0],) * regions).to_code()


def test_twice_the_text_takes_twice_the_time(canvas: Canvas) -> None:
    one, two = long_program(canvas, 30), long_program(canvas, 60)
    once, twice = seconds(lambda: stream(one, 4).close(), lambda: stream(two, 4).close())
    assert twice / once < 1.3 * len(two) / len(one)


def test_streaming_costs_at_most_ten_times_parsing_it_whole(canvas: Canvas) -> None:
    text = long_program(canvas, 58)
    streamed, parsed = seconds(lambda: stream(text, 4).close(), lambda: ast.parse(text))
    assert streamed < 10 * parsed
