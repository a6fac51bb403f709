"""JSON of our own, ComfyUI_omost's JSON and the FLUX 3 layout prompt."""

from __future__ import annotations

import contextlib
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lib_omost.canvas import (
    AREAS,
    LOCATIONS,
    OFFSETS,
    Box,
    Canvas,
    Region,
    from_comfy,
    from_fibo,
    from_flux,
    from_ideogram,
    read_canvas,
    read_program,
    set_keyword,
    snap,
    to_comfy,
    to_fibo,
    to_flux,
    to_ideogram,
)
from lib_omost.canvas.colors import COLORS, rgb_of
from lib_omost.canvas.reader.layouts import split_flux
from lib_omost.errors import CanvasError


def test_our_json_reads_back_as_the_same_canvas(canvas: Canvas) -> None:
    assert Canvas.from_json(canvas.to_json()) == canvas


def test_our_json_says_its_format_and_version(canvas: Canvas) -> None:
    data = json.loads(canvas.to_json())
    assert (data["format"], data["version"]) == ("omost-canvas", 1)
    assert data["regions"][1]["bbox"] == [50, 2, 88, 60] and "bbox" not in data["regions"][0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('"omost-canvas"', '"other"'), "no canvas of ours"),
        (('"version": 1', '"version": 2'), "we read version 1"),
        (('"in', "in"), "no canvas of ours|no JSON"),
        (('"on the left"', '"in the middle"'), "read as 'in the center'"),
        (('"red"', '"blurple"'), "is no colour"),
        (("2.0", '"near"'), "distance_to_viewer"),
        (('"apple, fruit"', '{"a": 1}'), "tags was left out"),
        (('"location"', '"place_of_it"'), "no argument"),
    ],
)
def test_json_that_is_not_exactly_ours_is_refused(canvas: Canvas, change: tuple[str, str], says: str) -> None:
    with pytest.raises(CanvasError, match=says):
        Canvas.from_json("in" + canvas.to_json() if change[0] == '"in' else canvas.to_json().replace(*change))


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "[" * 100_000, "{" * 1000, '"x"', "1e999"])
def test_any_other_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(CanvasError):
        Canvas.from_json(text)
    with pytest.raises(CanvasError):
        from_comfy(text)


def test_comfy_json_has_its_rect_as_top_bottom_left_right(canvas: Canvas) -> None:
    whole, far, near = json.loads(to_comfy(canvas))
    assert whole["rect"] == [0, 90, 0, 90] and whole["color"] == [245, 222, 179]
    assert far["rect"] == [2, 60, 50, 88] and near["rect"] == [20, 70, 0, 40]
    assert far["prefixes"] == ["A quiet kitchen.", "The cat's window."]
    assert near["suffixes"][-1] == "sharp."


def test_comfy_json_reads_back_as_the_same_conditions(canvas: Canvas) -> None:
    again = from_comfy(to_comfy(canvas))
    for (mask, *texts), (mask_again, *texts_again) in zip(canvas.conditions(), again.conditions(), strict=True):
        assert (mask == mask_again).all() and texts == texts_again
    assert (np.asarray(canvas.color_image()) == again.color_image()).all()


def test_a_comfy_region_without_area_is_left_out_with_a_note(canvas: Canvas) -> None:
    data = json.loads(to_comfy(canvas))
    data[1]["rect"] = [5, 5, 0, 90]
    reading = read_canvas(json.dumps(data))
    assert reading.canvas is not None and len(reading.canvas.regions) == 1
    assert any("covers nothing" in note.message for note in reading.notes)


def test_a_flux_prompt_is_a_caption_that_cites_the_ids_of_its_array(canvas: Canvas) -> None:
    prompt = to_flux(canvas)
    caption, rows = split_flux(prompt) or ("", [])
    assert "\n" not in prompt and prompt == f"{caption} {json.dumps(rows)}"
    assert [row["id"] for row in rows] == ["window_1", "red_apple_1"]
    assert all(f"<{row['id']}>" in caption for row in rows) and caption.startswith("A quiet kitchen. Morning light.")
    assert rows[0]["bbox"] == [22, 556, 667, 978]  # top, left, bottom, right in 0..1000
    assert rows[1]["desc"] == "A red apple. Its skin shines. A short stem. calm. photo."


def test_flux_ids_are_unique_and_angle_brackets_are_theirs_alone(canvas: Canvas) -> None:
    twice = replace(canvas.regions[0], description="A <red> apple")
    caption = to_flux(Canvas(regions=(twice, twice))).split(" [{")[0]
    assert caption == "The picture shows a red apple <red_apple_1> and a red apple <red_apple_2>."


def test_a_full_canvas_box_and_a_small_one_survive_every_format(canvas: Canvas) -> None:
    regions = tuple(replace(canvas.regions[0], bbox=box) for box in (Box(0, 0, 90, 90), Box(40, 40, 45, 45)))
    small = replace(canvas, regions=regions)
    found = read_canvas(small.to_code()).canvas
    assert found is not None
    for again in (found, Canvas.from_json(small.to_json()), from_comfy(to_comfy(small))):
        assert {tuple(r.box) for r in again.regions} == {(0, 0, 90, 90), (40, 40, 45, 45)}


def test_the_examples_of_the_documentation_are_read_without_a_note() -> None:
    page = (Path(__file__).parents[2] / "docs" / "canvas.md").read_text(encoding="utf-8")
    program = page.split("```python\n")[1].split("```")[0]
    data = page.split("```json\n")[1].split("```")[0]
    reading = read_canvas(program, strict=True)
    assert reading.status == "accept" and reading.canvas is not None
    assert reading.canvas.regions[0].bbox == Canvas.from_json(data).regions[0].bbox == Box(0, 20, 40, 70)


# ---------------------------------------------------------------------------- layouts of other models

_PIECES = [
    "A red apple", "an old ship", "the quiet harbour at dawn", "calm", "photo", "oil on canvas", "Dr. Who", "3 dogs",
    "It shines.", "What?", "Really!", "...", ". ,", ", ", "  ", "<b>", "<apple_1>", "<<x>>", "a < b > c", "[1, 2]", "[",
    ']}', '[{"id": "x"', '"OPEN"', 'The text "x".', "\\", "\\n", "'", "{", "苹果。红色", "🦊", "…",
    "is at 5:30", "```", "\u200d", "é", "x_1", "-", "#",
    "The picture shows a cat",
]  # fmt: skip


def random_text(rng: random.Random, most: int = 4) -> str:
    return "".join(rng.choice(_PIECES) + rng.choice([" ", "", ". "]) for _ in range(rng.randint(0, most)))


def random_box(rng: random.Random) -> Box:
    left, right = sorted(rng.sample(range(91), 2))
    top, bottom = sorted(rng.sample(range(91), 2))
    return Box(left, top, right, bottom)


def random_color(rng: random.Random) -> str:
    return rng.choice([*COLORS, "#123456", "#fedcba"])


def random_region(rng: random.Random) -> Region:
    details = tuple(random_text(rng) for _ in range(rng.randint(0, 3)))
    texts = [random_text(rng) for _ in range(5)]
    return Region(
        rng.choice(LOCATIONS), rng.choice(OFFSETS), rng.choice(AREAS), rng.choice([1.0, 2.0, 0.5, 10.0]), texts[0],
        details, texts[1], texts[2], texts[3], texts[4], random_color(rng), rng.choice([None, random_box(rng)]),
        rng.choice(["", "Granny", "red apple", "3", "奶奶", random_text(rng)]), random_text(rng), rng.random() < 0.1,
        rng.choice(["", "", "OPEN", 'say "hi" \\ now. ', "two\nlines", "開店", random_text(rng)]),
    )  # fmt: skip


def random_canvases(count: int = 500) -> list[Canvas]:
    rng = random.Random(20)
    canvases = []
    for _ in range(count):
        canvas = Canvas(regions=tuple(random_region(rng) for _ in range(rng.randint(0, 5))))
        details = [random_text(rng) for _ in range(rng.randint(0, 3))]
        canvas.set_global_description(random_text(rng, 6), details, random_text(rng), random_color(rng))
        canvases.append(canvas)
    return canvases


def texts_of(regions: list[Region]) -> list[str]:
    return [region.text if region.text.strip() else "" for region in regions]


Write, Read = Callable[[Canvas], str], Callable[[str], Canvas]
BOTH_WAYS = [(to_flux, from_flux), (to_ideogram, from_ideogram), (to_fibo, from_fibo), (to_comfy, from_comfy)]


@pytest.mark.parametrize(("write", "read"), BOTH_WAYS)
def test_what_a_format_says_of_500_random_canvases_survives_the_way_back(write: Write, read: Read) -> None:
    for canvas in random_canvases():
        prompt = write(canvas)
        again = read(prompt)
        assert write(again) == prompt
        if write is not to_comfy:
            assert texts_of(again.layers()) == texts_of(canvas.layers())


@pytest.mark.parametrize(("write", "read"), BOTH_WAYS)
def test_boxes_and_colours_survive_where_the_format_has_a_place_for_them(write: Write, read: Read) -> None:
    for canvas in random_canvases():
        for region, found in zip(canvas.layers(), read(write(canvas)).layers(), strict=True):
            if write is to_fibo:
                words = snap(region.bbox) if region.bbox else (region.location, region.offset, region.area)
                assert (found.location, found.offset, found.area) == words
            else:
                assert found.box == region.box
            if write is not to_flux:
                assert rgb_of(found.HTML_web_color_name) == rgb_of(region.HTML_web_color_name)


@pytest.mark.parametrize(("write", "read"), BOTH_WAYS)
def test_a_pasted_prompt_is_a_plan_in_the_chat_and_in_the_code_box(write: Write, read: Read) -> None:
    for canvas in random_canvases(30):
        if not canvas.regions:
            continue
        prompt = write(canvas)
        wanted = read(prompt)
        for text in (prompt, f"Here it is:\n\n{prompt}\n\nEnjoy.", f"Sure.\n```json\n{prompt}\n```\n"):
            for reading in (read_canvas(text), read_program(text)):
                assert reading.canvas == wanted and reading.status == "repair"
                assert read_canvas(reading.code, strict=True).canvas == wanted


@pytest.mark.parametrize("read", [from_flux, from_ideogram, from_fibo])
@pytest.mark.parametrize(
    "text", ["", "null", "[]x", "{}", "[" * 50_000, "A cat.", '{"elements": []}', '[{"id": 1}]', '{"caption": 3}']
)
def test_a_text_in_another_format_is_refused_in_words(read: Read, text: str) -> None:
    with pytest.raises(CanvasError):
        read(text)


def test_a_prompt_of_flux_as_its_own_planner_writes_it_is_a_plan() -> None:
    prompt = (
        "Studio photograph, a wicker table <table_1> under a sign <En_Text_1>. Soft light. "
        '[{"id": "table_1", "bbox": [500, 100, 990, 900], "desc": "A wicker table. Four thin legs."}, '
        '{"id": "En_Text_1", "bbox": [40.0, 300, 200, 700], "desc": "Red serif letters reading \\"TEA TIME\\"."}, '
        '{"id": "cup_1", "from": "ref_image_0", "src_bbox": [0, 0, 10, 10], "tgt_bbox": null, "desc": "A cup."}]'
    )
    canvas = from_flux(prompt)
    assert canvas.global_description == "Studio photograph, a wicker table under a sign."
    assert canvas.detailed_descriptions == ("Soft light.",)
    table, sign = canvas.regions
    assert table.description == "A wicker table." and table.detailed_descriptions == ("Four thin legs.",)
    assert table.bbox == Box(9, 45, 81, 89) and table.name == "table"
    assert sign.text == "TEA TIME" and sign.bbox == Box(27, 4, 63, 18)


def test_a_caption_of_ideogram_is_a_plan_with_its_style_palette_and_text() -> None:
    caption = {
        "high_level_description": "A jazz poster.",
        "style_description": {
            "aesthetics": "flat", "lighting": "even", "medium": "graphic design", "art_style": "minimal",
            "color_palette": ["#008080", "#FFFFFF"],
        },
        "compositional_deconstruction": {
            "background": "Solid teal.",
            "elements": [
                {"type": "obj", "desc": "A saxophone."},
                {"type": "text", "bbox": [0, 100, 200, 900], "text": "JAZZ\nFESTIVAL", "desc": "Bold letters.",
                 "color_palette": ["#FF0000"]},
            ],
        },
    }  # fmt: skip
    canvas = from_ideogram(json.dumps(caption))
    assert (canvas.HTML_web_color_name, canvas.tags) == ("teal", "flat")
    saxophone, title = canvas.regions
    assert saxophone.box == Box(0, 0, 90, 90) and saxophone.style == "minimal, graphic design"
    assert title.text == "JAZZ\nFESTIVAL" and title.HTML_web_color_name == "red" and title.atmosphere == "even"


def test_a_prompt_of_fibo_is_placed_by_its_words() -> None:
    prompt = {
        "short_description": "A red bicycle.",
        "objects": [{"description": "a city bicycle", "location": "bottom-right foreground", "relative_size": "large"}],
        "background_setting": "a white wall",
        "text_render": [{"text": "CAFE", "location": "top", "size": "small", "color": "blue", "font": "serif"}],
    }
    bicycle, sign = from_fibo(json.dumps(prompt)).regions
    assert (bicycle.location, bicycle.area) == ("on the bottom-right", "a large square area")
    assert (sign.text, sign.location, sign.HTML_web_color_name) == ("CAFE", "on the top", "blue")


def test_a_broken_box_is_said_and_stands_for_the_whole_canvas() -> None:
    rows = [
        {"id": f"cat_{n}", "bbox": box, "desc": "A cat."}
        for n, box in enumerate([[1, 2], ["a"] * 4, None, [1e999] * 4])
    ]
    reading = read_canvas(f"Cats. {json.dumps(rows)}")
    assert reading.canvas is not None and len(reading.canvas.regions) == 4
    assert sum(note.code == "layout" for note in reading.notes) == 3


@pytest.mark.parametrize(
    "piece", [" ", "<", '[{"', "[]", "<a", '[{"id": "', '"', "\\", 'The text "', "\n", "\n ", "```\n"]
)
@pytest.mark.parametrize("head", ["", "A cat <cat_1> "])
def test_a_hostile_prompt_is_read_in_a_moment(piece: str, head: str) -> None:
    rows = json.dumps([{"id": "cat_1", "bbox": [0, 0, 9, 9], "desc": piece * 20_000}])
    started = time.process_time()
    for text in (head + piece * 50_000, head + piece * 20_000 + rows, f"{head}{rows}{piece * 20_000}"):
        read_canvas(text)
        with contextlib.suppress(CanvasError):
            from_flux(text)
    assert time.process_time() - started < 6


def test_a_prompt_of_flux_that_is_cut_keeps_its_whole_rows(canvas: Canvas) -> None:
    reading = read_canvas(to_flux(canvas)[:-40])
    assert reading.canvas is not None and len(reading.canvas.regions) == 1
    assert reading.canvas.regions[0].box == canvas.layers()[0].box


# ---------------------------------------------------------------------------- the readers of diffusers


@pytest.mark.slow
def test_diffusers_reads_every_row_of_500_flux_prompts_as_it_was_written() -> None:
    theirs = pytest.importorskip("diffusers.modular_pipelines.flux3.prompt_upsampler")
    for canvas in random_canvases():
        prompt = to_flux(canvas)
        caption, rows = theirs.split_caption(prompt)
        kept = [theirs.valid_added_row(row, caption) for row in rows]
        assert kept == rows and len(rows) == len(canvas.regions)
        assert len({row["id"] for row in rows}) == len(rows)
        assert theirs.reconcile_boxes(prompt, []).strip() == prompt
        boxes = [{**row, "bbox": [edge / 1000 for edge in row["bbox"]]} for row in rows]
        assert theirs.boxes_to_canvas(boxes) == rows
        assert to_flux(from_flux(theirs.reconcile_boxes(prompt, []))) == prompt


def ideogram_schema(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The schema that diffusers holds its prompt enhancer to, without the package that would enforce it."""
    theirs = pytest.importorskip("diffusers.pipelines.ideogram4.prompt_enhancer")
    generator = SimpleNamespace(
        from_transformers=lambda model, tokenizer: None,
        Generator=lambda model, schema: SimpleNamespace(logits_processor=schema),
    )
    monkeypatch.setitem(sys.modules, "outlines", generator)
    return theirs.build_caption_logits_processor(None, None)


@pytest.mark.slow
def test_the_schema_of_diffusers_holds_all_texts_of_500_ideogram_captions(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = ideogram_schema(monkeypatch)
    for canvas in random_canvases():
        caption = json.loads(to_ideogram(canvas))
        seen = schema.model_validate(caption, strict=True).model_dump()
        assert seen["high_level_description"] == caption["high_level_description"]
        for element, found in zip(
            caption["compositional_deconstruction"]["elements"],
            seen["compositional_deconstruction"]["elements"],
            strict=True,
        ):
            assert found == {key: element[key] for key in ("type", "text", "desc") if key in element}


@pytest.mark.slow
def test_diffusers_parses_500_fibo_prompts_and_what_is_left_reads_back_as_the_same_canvas() -> None:
    theirs = pytest.importorskip("diffusers.pipelines.bria_fibo2.pipeline_bria_fibo2")
    for canvas in random_canvases():
        prompt = to_fibo(canvas)
        caption, instruction = theirs.BriaFibo2Pipeline._parse_prompt(prompt)
        assert instruction is None and isinstance(caption, dict)
        drawn = [entry["text"] for entry in caption.get("text_render", [])]
        assert drawn == [text for text in reversed(texts_of(canvas.layers())) if text]
        cleaned = {"short_description": "", **caption}
        assert from_fibo(json.dumps(cleaned)) == from_fibo(prompt)


def test_ideogram_keys_stand_in_the_order_in_which_the_model_was_trained() -> None:
    photo = ["aesthetics", "lighting", "photo", "medium", "color_palette"]
    art = ["aesthetics", "lighting", "medium", "art_style", "color_palette"]
    for canvas in random_canvases():
        caption = json.loads(to_ideogram(canvas))
        style, parts = caption.get("style_description"), caption["compositional_deconstruction"]
        assert [key for key in caption if key != "style_description"] == [
            "high_level_description",
            "compositional_deconstruction",
        ]
        assert style is None or list(style) in (photo, art)
        assert list(parts) == ["background", "elements"]
        for element in parts["elements"]:
            order = ["type", "bbox", "text", "desc", "color_palette"]
            assert list(element) == [key for key in order if key in element]
            assert "desc" in element and all(0 <= edge <= 1000 for edge in element.get("bbox", []))
            assert element["type"] == ("text" if "text" in element else "obj")
            assert all(color == color.upper() and len(color) == 7 for color in element.get("color_palette", []))


# ---------------------------------------------------------------------------- words in the picture


def test_the_words_of_a_region_survive_code_and_json_and_can_be_set_and_cleared(canvas: Canvas) -> None:
    code = set_keyword(canvas.to_code(), 0, "text", 'JAZZ "now"\nFESTIVAL')
    reading = read_canvas(code, strict=True)
    assert reading.status == "accept" and reading.canvas is not None
    assert reading.canvas.regions[0].text == 'JAZZ "now"\nFESTIVAL'
    assert Canvas.from_json(reading.canvas.to_json()) == reading.canvas == read_canvas(reading.canvas.to_code()).canvas
    assert set_keyword(code, 0, "text", None) == canvas.to_code()


def test_the_words_are_the_first_suffix_in_quotes_and_no_tag(canvas: Canvas) -> None:
    sign = replace(canvas.regions[0], text="OPEN\n24 h.")
    [_, _, suffixes] = replace(canvas, regions=(sign,)).conditions()[1]
    assert suffixes[0] == 'the text "OPEN 24 h.".' and suffixes[1:] == canvas.conditions()[2][2]
    assert sign.tags == canvas.regions[0].tags
