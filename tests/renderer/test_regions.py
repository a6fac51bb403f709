from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from lib_omost.errors import RenderError
from lib_omost.renderer.regions import RegionPlan, build_level, fold_gain, rectangle, resize_mask


def box(left: int, top: int, right: int, bottom: int, size: int = 90) -> Tensor:
    mask = torch.zeros(size, size)
    mask[top:bottom, left:right] = 1
    return mask


def test_a_mask_is_resized_like_nearest_exact() -> None:
    mask = box(20, 10, 70, 45)
    small = resize_mask(mask, 36, 28)
    rows = [int((y + 0.5) * 90 / 36) for y in range(36)]
    columns = [int((x + 0.5) * 90 / 28) for x in range(28)]
    assert torch.equal(small, mask[rows][:, columns] > 0)


def test_a_region_that_falls_between_all_pixels_keeps_the_one_at_its_centre() -> None:
    small = resize_mask(box(0, 88, 1, 90), 4, 4)
    assert small.nonzero().tolist() == [[3, 0]]


def test_gains_spans_boxes_and_groups_describe_two_overlapping_regions() -> None:
    level = build_level(
        [torch.ones(90, 90), box(0, 0, 90, 45), box(0, 0, 45, 90)], [77, 154, 77], [1, 1, 1], 8, 8, "cpu"
    )
    assert level.gains.tolist() == [1, 2, 2]
    assert level.tokens.spans == ((0, 80), (80, 240), (240, 320))
    assert level.boxes == ((0, 0, 8, 8), (0, 0, 8, 4), (0, 0, 4, 8))
    assert sorted((len(g.pixels), len(g.positions)) for g in level.groups) == [
        (16, 80),
        (16, 160),
        (16, 240),
        (16, 320),
    ]
    assert level.sequences.cu_seqlens_k.diff().tolist() == [len(g.positions) // 80 * 77 for g in level.groups]
    assert sorted(torch.cat([g.pixels for g in level.groups]).tolist()) == list(range(64))


def test_on_a_cpu_texts_are_padded_to_a_multiple_of_a_vector_and_the_padding_is_masked() -> None:
    level = build_level([torch.ones(90, 90), box(0, 0, 90, 45)], [77, 32], [1, 1], 8, 8, "cpu")
    padded = level.tokens.pad(torch.ones(1, 2, 109, 4))
    assert level.tokens.spans == ((0, 80), (80, 112))
    assert padded.shape == (1, 2, 112, 4) and padded[:, :, 77:80].sum() == 0 and padded.sum() == 2 * 109 * 4
    assert level.tokens.padding[0] is not None and level.tokens.padding[0].tolist() == [0.0] * 77 + [-math.inf] * 3
    assert level.tokens.padding[1] is None


def test_one_text_alone_is_taken_as_it_is() -> None:
    level = build_level([torch.ones(90, 90)], [77], [1], 8, 8, "cpu")
    assert level.unmasked and level.tokens.spans == ((0, 77),) and level.tokens.padding == (None,)


def test_a_mask_with_a_hole_is_no_rectangle() -> None:
    mask = box(0, 1, 6, 5, 8) > 0
    assert rectangle(mask) == (0, 1, 6, 5)
    mask[2, 2] = False
    assert rectangle(mask) is None


def test_pixels_without_any_text_are_a_clear_error() -> None:
    with pytest.raises(RenderError, match="covered by no text"):
        build_level([box(0, 0, 90, 45)], [77], [1], 8, 8, "cpu")


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
