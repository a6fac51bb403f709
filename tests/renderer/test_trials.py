from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from lib_omost.errors import RenderError, SettingsError
from lib_omost.renderer.attention import (
    BACK_ENDS,
    choose,
    group_pixels,
    has_flash,
    masked_sdpa,
    merge_boxes,
    varlen_groups,
)
from lib_omost.renderer.regions import MaskLevel, RegionPlan, build_level
from lib_omost.renderer.settings import ATTENTIONS
from lib_omost.renderer.trials import Trials, differs, named_back_end, suits
from tests.renderer.test_attention import LENGTHS, boxes, folded, ring, tensors


def refuses(q: Tensor, k: Tensor, v: Tensor, level: MaskLevel, scale: float) -> Tensor:
    raise RuntimeError("USE_FLASH_ATTENTION was not enabled for build.\nException raised from somewhere")


def is_wrong(q: Tensor, k: Tensor, v: Tensor, level: MaskLevel, scale: float) -> Tensor:
    return 2 * masked_sdpa(q, k, v, level, scale)


def fills_the_device(q: Tensor, k: Tensor, v: Tensor, level: MaskLevel, scale: float) -> Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory.")


@pytest.fixture
def work() -> tuple[Tensor, Tensor, Tensor, MaskLevel, float]:
    level = build_level(boxes(), LENGTHS, [1, 1, 1], 6, 8, "cpu")
    q, k, v = tensors(level)
    return q, level.tokens.pad(folded(k, level)), level.tokens.pad(v), level, 8**-0.5


def test_every_name_of_the_option_is_a_back_end() -> None:
    assert ("auto", *BACK_ENDS) == ATTENTIONS
    assert named_back_end("auto") is None and named_back_end("groups") is group_pixels
    with pytest.raises(SettingsError, match="Give one of auto, lse"):
        named_back_end("flash")


def test_the_chosen_back_end_is_the_one_that_computes(work: tuple[Tensor, Tensor, Tensor, MaskLevel, float]) -> None:
    notes: list[str] = []
    for wanted in (None, *BACK_ENDS.values()):
        torch.testing.assert_close(Trials(notes.append).attend(wanted, *work), masked_sdpa(*work))
    assert notes == []
    assert choose(work[3], work[0]) is merge_boxes


def test_a_back_end_that_raises_gives_way_to_the_masked_form_with_one_note(
    work: tuple[Tensor, Tensor, Tensor, MaskLevel, float],
) -> None:
    notes: list[str] = []
    trials = Trials(notes.append)
    for _ in range(3):
        assert torch.equal(trials.attend(refuses, *work), masked_sdpa(*work))
    (note,) = notes
    assert "RuntimeError: USE_FLASH_ATTENTION was not enabled for build)" in note and "masked form" in note
    assert trials.failed == {refuses}


def test_a_back_end_that_computes_something_else_gives_way_too(
    work: tuple[Tensor, Tensor, Tensor, MaskLevel, float],
) -> None:
    notes: list[str] = []
    assert torch.equal(Trials(notes.append).attend(is_wrong, *work), masked_sdpa(*work))
    assert "100% away from the formula" in notes[0]


def test_a_full_device_is_no_fault_of_the_back_end(work: tuple[Tensor, Tensor, Tensor, MaskLevel, float]) -> None:
    trials = Trials(pytest.fail)
    with pytest.raises(torch.OutOfMemoryError):
        trials.attend(fills_the_device, *work)
    assert trials.failed == set()


def test_a_result_is_compared_once_for_each_shape(work: tuple[Tensor, Tensor, Tensor, MaskLevel, float]) -> None:
    calls: list[int] = []

    def right_at_first(*args: object) -> Tensor:
        calls.append(1)
        return masked_sdpa(*args) * (1 if len(calls) == 1 else 2)  # type: ignore[arg-type]

    trials = Trials(pytest.fail)
    first, second = (trials.attend(right_at_first, *work) for _ in range(2))
    assert torch.equal(second, 2 * first)


def test_what_a_named_back_end_cannot_compute_is_chosen_by_the_rule() -> None:
    plain, odd = (build_level(masks, LENGTHS, [1, 1, 1], 9, 9, "cpu") for masks in (boxes(), ring()))
    q = tensors(plain)[0]
    assert suits(merge_boxes, plain, q) and not suits(merge_boxes, odd, q)
    assert suits(group_pixels, odd, q) and not suits(varlen_groups, plain, q)  # on a CPU


def test_flash_attention_is_not_assumed_of_a_tensor_on_a_cpu() -> None:
    assert not has_flash(torch.zeros(1, 2, 8, 64, dtype=torch.float16))


def test_numbers_that_are_none_in_both_forms_are_left_to_the_pipeline() -> None:
    nan = torch.full((2, 2), torch.nan)
    assert differs(nan, nan) == "" and differs(torch.ones(2), torch.ones(2)) == ""


def test_a_unet_with_trials_is_traced_without_a_graph_break() -> None:
    plan = RegionPlan(boxes(), [torch.randn(n, 16) for n in LENGTHS], (6, 8))
    level = plan.level(48)
    attend = partial(Trials(pytest.fail).attend, merge_boxes)
    q, k, v = tensors(level)
    k, v = level.tokens.pad(folded(k, level)), level.tokens.pad(v)
    wanted = attend(q, k, v, level, 8**-0.5)
    torch._dynamo.reset()
    compiled = torch.compile(attend, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(q, k, v, level, 8**-0.5), wanted)


def test_no_numbers_name_the_option_that_asks_for_another_precision() -> None:
    from tests.runtime.original_layout import tiny_pipeline

    pipe = tiny_pipeline()
    pipe.unet.half()
    with pytest.raises(RenderError, match=r"no numbers in torch\.float16\. Start again with --precision sdxl=fp32"):
        pipe.output(torch.full((1, 4, 8, 8), torch.nan), "latent")
