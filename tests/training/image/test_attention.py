from __future__ import annotations

import pytest
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0

from lib_omost.canvas import Box, Region
from lib_omost.renderer.attention import masked_sdpa
from lib_omost.renderer.regions import build_level, fold_gain, split_heads
from training.image.attention import TrainingAttention, level_masks

BOXES = (Box(0, 0, 90, 90), Box(0, 0, 45, 60), Box(37, 21, 90, 88))
TOKENS, SIDE = 5, 8


@pytest.fixture(scope="module")
def layer() -> Attention:
    torch.manual_seed(0)
    return Attention(query_dim=32, cross_attention_dim=24, heads=2, dim_head=16)


def region(box: Box) -> Region:
    texts = ["a cat", (), "", "", "", ""]
    return Region("in the center", "no offset", "a large square area", 1.0, *texts, "red", bbox=box)  # type: ignore[arg-type]


@pytest.mark.parametrize("grad", [True, False])
def test_a_batch_attends_as_the_renderer_does_picture_by_picture(layer: Attention, grad: bool) -> None:
    pixels, text = torch.randn(2, SIDE * SIDE, 32), torch.randn(2, 3 * TOKENS, 24)
    layouts = [BOXES, (BOXES[0], BOXES[2], BOXES[1])]
    boxes = torch.tensor([[tuple(box) for box in layout] for layout in layouts])
    with torch.set_grad_enabled(grad):
        got = TrainingAttention()(layer, pixels, text, regions=level_masks(boxes, TOKENS, 2 * SIDE, levels=2))
    for i, layout in enumerate(layouts):
        masks = [torch.from_numpy(region(box).mask) for box in layout]
        level = build_level(masks, [TOKENS] * 3, [1.0] * 3, SIDE, SIDE, "cpu")
        k = fold_gain(layer.to_k(text[i : i + 1]), level.gains[level.tokens.region_of_token])
        q, k, v = (split_heads(x, 2) for x in (layer.to_q(pixels[i : i + 1]), k, layer.to_v(text[i : i + 1])))
        out = masked_sdpa(q, level.tokens.pad(k), level.tokens.pad(v), level, layer.scale)
        assert torch.allclose(got[i], layer.to_out[0](out.transpose(1, 2).flatten(2))[0], atol=1e-5)


def test_without_regions_it_is_ordinary_attention(layer: Attention) -> None:
    pixels, text = torch.randn(2, 16, 32), torch.randn(2, 7, 24)
    expected = AttnProcessor2_0()(layer, pixels, text)
    assert torch.allclose(TrainingAttention()(layer, pixels, text), expected, atol=1e-5)


def test_an_unused_bag_is_seen_nowhere_and_is_no_nan() -> None:
    boxes = torch.tensor([[[0, 0, 90, 90], [0, 0, 0, 0]]])
    (mask,) = level_masks(boxes, TOKENS, 2 * SIDE, levels=2).values()
    assert mask.visible[0, 0, :, :TOKENS].all()
    assert not mask.visible[0, 0, :, TOKENS:].any()
    assert mask.gain.isfinite().all()
