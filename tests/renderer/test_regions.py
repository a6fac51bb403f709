from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lib_omost.errors import RenderError
from lib_omost.renderer.regions import RegionPlan, build_level, fold_gain, rectangle, resize_mask


def box(top: int, bottom: int, left: int, right: int, size: int = 90) -> Tensor:
    mask = torch.zeros(size, size)
    mask[top:bottom, left:right] = 1
    return mask


def test_a_mask_is_resized_like_nearest_exact() -> None:
    mask = box(10, 45, 20, 70)
    small = resize_mask(mask, 36, 28)
    rows = [int((y + 0.5) * 90 / 36) for y in range(36)]
    columns = [int((x + 0.5) * 90 / 28) for x in range(28)]
    assert torch.equal(small, mask[rows][:, columns] > 0)


def test_a_region_that_falls_between_all_pixels_keeps_the_one_at_its_centre() -> None:
    small = resize_mask(box(88, 90, 0, 1), 4, 4)
    assert small.nonzero().tolist() == [[3, 0]]


def test_gains_spans_boxes_and_groups_describe_two_overlapping_regions() -> None:
    level = build_level(
        [torch.ones(90, 90), box(0, 45, 0, 90), box(0, 90, 0, 45)], [77, 154, 77], [1, 1, 1], 8, 8, "cpu"
    )
    assert level.gains.tolist() == [1, 2, 2]
    assert level.spans == ((0, 77), (77, 231), (231, 308))
    assert level.boxes == ((0, 8, 0, 8), (0, 4, 0, 8), (0, 8, 0, 4))
    assert sorted((len(g.pixels), len(g.tokens)) for g in level.groups) == [(16, 77), (16, 154), (16, 231), (16, 308)]
    assert sorted(torch.cat([g.pixels for g in level.groups]).tolist()) == list(range(64))


def test_a_mask_with_a_hole_is_no_rectangle() -> None:
    mask = box(0, 6, 0, 6, 8) > 0
    assert rectangle(mask) == (0, 6, 0, 6)
    mask[2, 2] = False
    assert rectangle(mask) is None


def test_pixels_without_any_text_are_a_clear_error() -> None:
    with pytest.raises(RenderError, match="covered by no text"):
        build_level([box(0, 45, 0, 90)], [77], [1], 8, 8, "cpu")


def test_a_plan_finds_its_level_by_the_number_of_pixels() -> None:
    plan = RegionPlan([torch.ones(90, 90)], [torch.zeros(77, 8)], (144, 112))
    assert [(plan.level(n).height, plan.level(n).width) for n in (8064 * 2, 4032, 1008)] == [
        (144, 112),
        (72, 56),
        (36, 28),
    ]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_folding_a_large_gain_in_half_precision_stays_finite(dtype: torch.dtype) -> None:
    keys = torch.full((1, 1, 4), 30.0, dtype=dtype)
    assert fold_gain(keys, torch.tensor([8064.0])).isfinite().all()
