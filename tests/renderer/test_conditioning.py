from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from lib_omost.canvas import Canvas
from lib_omost.renderer import RegionGuidance, StableDiffusionXLOmostPipeline
from lib_omost.renderer.conditioning import build_guide, encode_conditions, strengths_by_layer

Pipe = StableDiffusionXLOmostPipeline
LIKE = torch.empty(0)


def two_depths(build_canvas: Callable[..., Canvas]) -> Canvas:
    """Written near to far: an apple in front of a fish."""
    canvas = build_canvas(("on the left", "an apple", "red"), ("on the right", "a fish", "blue"))
    near, far = canvas.regions
    return replace(canvas, regions=(replace(near, distance_to_viewer=1.0), replace(far, distance_to_viewer=9.0)))


def test_strengths_are_given_as_written_and_used_far_to_near(build_canvas: Callable[..., Canvas]) -> None:
    canvas = two_depths(build_canvas)
    assert strengths_by_layer(canvas, RegionGuidance(global_strength=0.5, region_strengths=(2.0, 3.0))) == [
        0.5,
        3.0,
        2.0,
    ]
    assert strengths_by_layer(canvas, RegionGuidance(region_strengths=(2.0,))) == [1.0, 1.0, 2.0]


@torch.no_grad()
def test_conditions_come_global_first_then_far_to_near(pipe: Pipe, build_canvas: Callable[..., Canvas]) -> None:
    canvas = two_depths(build_canvas)
    conditions = encode_conditions(canvas, "lowres", True, pipe.bag_encoder, no_note)
    masks = [torch.ones(90, 90), *(torch.from_numpy(region.mask) for region in reversed(canvas.regions))]
    assert [torch.equal(condition.mask, mask) for condition, mask in zip(conditions.positive, masks, strict=True)] == [
        True
    ] * 3
    assert all(x.hidden.shape[0] % 77 == 0 and x.pooled.shape[0] == 1 for x in conditions.positive)
    assert len(conditions.negative) == 1 and len(conditions.negative[0].hidden) == 77


@torch.no_grad()
def test_every_note_of_the_partition_is_passed_on(pipe: Pipe, build_canvas: Callable[..., Canvas]) -> None:
    notes: list[str] = []
    canvas = replace(build_canvas(("on the left", "an apple", "red")), detailed_descriptions=("fur " * 90,))
    encode_conditions(canvas, None, False, pipe.bag_encoder, notes.append)
    assert len(notes) == 1 and "tokens too long for a bag" in notes[0]


@torch.no_grad()
def test_regions_without_strength_leave_the_plan_and_after_the_regions_only_the_global_text_is_left(
    pipe: Pipe, build_canvas: Callable[..., Canvas]
) -> None:
    conditions = encode_conditions(two_depths(build_canvas), "lowres", True, pipe.bag_encoder, no_note)
    guide = build_guide(conditions, [1.0, 0.0, 2.0], (8, 8), 4.0, RegionGuidance(region_steps=0.5), None, LIKE)
    assert guide.positive.regions.strengths == (1.0, 2.0)
    assert len(guide.global_only.regions.masks) == 1
    assert torch.equal(guide.global_only.pooled, guide.positive.pooled)
    assert len(guide.plans()) == 3


def no_note(note: str) -> None:
    raise AssertionError(f"no note was due, but: {note}")
