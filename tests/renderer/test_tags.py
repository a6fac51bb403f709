from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lib_omost.canvas import Canvas
from lib_omost.renderer import StableDiffusionXLOmostPipeline
from lib_omost.renderer.tags import without_tags


@pytest.mark.parametrize(
    ("text", "left", "option"),
    [
        ("a cat <lora:ink:0.8>", "a cat ", "--lora ink=0.8"),
        ("<LoRA:Ink Wash v2> a cat", " a cat", "--lora Ink Wash v2"),
        ("a <lyco:ink:1>cat", "a cat", "--lora ink"),
    ],
)
def test_a_tag_is_left_out_with_what_to_do_instead(text: str, left: str, option: str) -> None:
    notes: list[str] = []
    assert without_tags([text], notes.append) == [left]
    assert notes[0].endswith(f"with {option}.") and "models_dir/loras" in notes[0]


@pytest.mark.parametrize("text", ["a < b", "<cat>", "2 < 3 > 1", "<lora:>", "lora:ink:1"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert without_tags([text], pytest.fail) == [text]


def test_a_tag_in_a_canvas_is_one_note_and_the_picture_of_the_text_without_it(
    fresh_pipe: StableDiffusionXLOmostPipeline, canvas: Canvas
) -> None:
    notes: list[str] = []
    fresh_pipe.notify = notes.append
    tagged = replace(canvas, global_description=f"{canvas.global_description} <lora:ink:0.8>")
    plain, with_tag = fresh_pipe.encode_canvas(canvas, "blurry"), fresh_pipe.encode_canvas(tagged, "blurry <lora:x>")
    assert [note.partition(" ")[0] for note in notes] == ["<lora:ink…>", "<lora:x…>"]
    for ours, theirs in zip(plain.positive, with_tag.positive, strict=True):
        assert torch.equal(ours.hidden, theirs.hidden)
