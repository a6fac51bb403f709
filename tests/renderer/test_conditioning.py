from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from lib_omost.canvas import Canvas
from lib_omost.renderer import StableDiffusionXLOmostPipeline, Steering
from lib_omost.renderer.conditioning import build_guide, read_canvas_texts, strengths_by_layer

Pipe = StableDiffusionXLOmostPipeline
LIKE = torch.empty(0)


def two_depths(build_canvas: Callable[..., Canvas]) -> Canvas:
    """Written near to far: an apple in front of a fish."""
    canvas = build_canvas(("on the left", "an apple", "red"), ("on the right", "a fish", "blue"))
    near, far = canvas.regions
    return replace(canvas, regions=(replace(near, distance_to_viewer=1.0), replace(far, distance_to_viewer=9.0)))


def test_strengths_are_given_as_written_and_used_far_to_near(build_canvas: Callable[..., Canvas]) -> None:
    canvas = two_depths(build_canvas)
    assert strengths_by_layer(canvas, Steering(global_strength=0.5, region_strengths=(2.0, 3.0))) == [0.5, 3.0, 2.0]
    assert strengths_by_layer(canvas, Steering(region_strengths=(2.0,))) == [1.0, 1.0, 2.0]


@torch.no_grad()
def test_texts_come_whole_canvas_first_then_far_to_near(pipe: Pipe, build_canvas: Callable[..., Canvas]) -> None:
    canvas = two_depths(build_canvas)
    texts = read_canvas_texts(canvas, "lowres", True, pipe.reader, say_nothing)
    masks = [torch.ones(90, 90), *(torch.from_numpy(region.mask) for region in reversed(canvas.regions))]
    assert [torch.equal(text.mask, mask) for text, mask in zip(texts.positive, masks, strict=True)] == [True] * 3
    assert all(text.hidden.shape[0] % 77 == 0 and text.pooled.shape[0] == 1 for text in texts.positive)
    assert len(texts.negative) == 1 and len(texts.negative[0].hidden) == 77


@torch.no_grad()
def test_every_note_of_the_packing_is_said(pipe: Pipe, build_canvas: Callable[..., Canvas]) -> None:
    said: list[str] = []
    canvas = replace(build_canvas(("on the left", "an apple", "red")), detailed_descriptions=("fur " * 90,))
    read_canvas_texts(canvas, None, False, pipe.reader, said.append)
    assert len(said) == 1 and "tokens too long for a bag" in said[0]


@torch.no_grad()
def test_regions_without_strength_leave_the_plan_and_ended_regions_leave_the_whole(
    pipe: Pipe, build_canvas: Callable[..., Canvas]
) -> None:
    texts = read_canvas_texts(two_depths(build_canvas), "lowres", True, pipe.reader, say_nothing)
    guide = build_guide(texts, [1.0, 0.0, 2.0], (8, 8), 4.0, Steering(region_steps=0.5), None, LIKE)
    assert guide.positive.regions.strengths == (1.0, 2.0)
    assert len(guide.whole.regions.masks) == 1
    assert torch.equal(guide.whole.pooled, guide.positive.pooled)
    assert len(guide.plans()) == 3


def say_nothing(note: str) -> None:
    raise AssertionError(f"nothing was to be said, but: {note}")
