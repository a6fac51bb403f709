from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bench._planned import is_doubled, is_long, long_boxes, measure_planned, one_noun, overlapping, planned, shared
from bench._region_judge import Judge
from lib_omost.canvas import Box
from training.nouns import SMALL

NOUNS = sorted(SMALL)


class Reddish(nn.Module):
    """Calls a crop whose middle is red a ball, any other nothing."""

    def forward(self, crops: Tensor) -> Tensor:
        red = crops[:, 0, 12:20, 12:20].mean((1, 2))
        return torch.stack([red, -red], 1)


@pytest.fixture(scope="module")
def judge() -> Judge:
    found = Judge()
    found.nouns, found.network = ["ball", "nothing"], Reddish()  # type: ignore[assignment]
    return found


def with_balls(*middles: int) -> Tensor:
    """A black picture of 90 x 90 with red squares of 24 at these places across, 45 down."""
    picture = -torch.ones(3, 90, 90)
    for x in middles:
        picture[0, 33:57, x - 12 : x + 12] = 1.0
    return picture


@pytest.mark.parametrize(
    ("said", "noun"),
    [
        ("A red car.", "car"),
        ("A tall pine tree.", "pine tree"),
        ("A lion wearing a crown.", "lion"),
        ("An owl", "owl"),
        ("Three apples.", ""),
        ("A wooden table.", ""),
        ("A carpet.", ""),
    ],
)
def test_a_region_is_judged_by_the_one_known_thing_that_it_names_first(said: str, noun: str) -> None:
    assert one_noun(said, NOUNS) == noun


def test_a_thing_that_is_painted_twice_in_a_wide_box_is_told_from_one_in_its_middle(judge: Judge) -> None:
    box = Box(5, 25, 85, 65)
    assert is_doubled(judge, with_balls(25, 65), box, "ball")
    assert not is_doubled(judge, with_balls(45), box, "ball")


def test_the_kept_plans_are_read_and_most_of_them_hold_boxes_that_cross(judge: Judge) -> None:
    plans = planned(NOUNS)
    assert len(plans) == 40 and all(plan.judged() for plan in plans)
    assert sum(any(plan.crossed(index) for index in plan.judged()) for plan in plans) > 15


def test_overlapping_layouts_share_a_part_of_their_boxes_and_the_first_is_in_front() -> None:
    for plan in overlapping(20, NOUNS):
        near, far = plan.canvas.regions
        assert 0.2 <= shared(near.box, far.box) <= 0.6
        assert plan.in_front(0) and not plan.in_front(1)


def test_long_layouts_have_long_boxes() -> None:
    assert all(is_long(region.box) for plan in long_boxes(20, NOUNS) for region in plan.canvas.regions)


def test_shares_count_each_thing_where_it_belongs(judge: Judge) -> None:
    (plan,) = long_boxes(1, ["ball"])
    box = plan.canvas.regions[0].box
    everywhere = torch.ones(3, 90, 90)
    assert measure_planned(judge, [plan], [everywhere]) == {"in_box": 1.0, "doubled": 1.0}
    only_middle = -torch.ones(3, 90, 90)
    x, y = (box.left + box.right) // 2, (box.top + box.bottom) // 2
    only_middle[0, y - 10 : y + 10, x - 10 : x + 10] = 1.0
    assert measure_planned(judge, [plan], [only_middle]) == {"in_box": 1.0, "doubled": 0.0}
