from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from lib_omost.renderer.attention import (
    BACK_ENDS,
    RegionAttention,
    attend_regions,
    choose,
    dense_attention,
    group_pixels,
    install,
    level_pixels,
    merge_boxes,
    pack_groups,
    project_texts,
    unpack_groups,
)
from lib_omost.renderer.regions import MaskLevel, RegionPlan, build_level, fold_gain

CPU_BACK_ENDS = ["lse", "groups", "sdpa"]
LENGTHS = [6, 3, 9]


def boxes(size: int = 90) -> list[Tensor]:
    masks = torch.zeros(3, size, size)
    masks[0] = 1
    masks[1, :50, 10:60] = 1
    masks[2, 30:, 40:] = 1
    return list(masks)


def ring(size: int = 90) -> list[Tensor]:
    masks = boxes(size)
    masks[1][20:30, 20:40] = 0
    return masks


def tensors(
    level: MaskLevel, batch: int = 2, dtype: torch.dtype = torch.float32, logits: float = 3.0
) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    q = torch.randn(batch, 2, level.pixels, 8, generator=random) * logits
    k, v = torch.randn(2, 1, 2, sum(LENGTHS), 8, generator=random)
    return q.to(dtype), k.to(dtype), v.to(dtype)


def folded(k: Tensor, level: MaskLevel) -> Tensor:
    return (
        fold_gain(k.transpose(1, 2).flatten(2), level.gains[level.tokens.region_of_token])
        .unflatten(2, (2, 8))
        .transpose(1, 2)
    )


def run(name: str, level: MaskLevel, q: Tensor, k: Tensor, v: Tensor, scale: float = 8**-0.5) -> Tensor:
    return attend_regions(q, level.tokens.pad(folded(k, level)), level.tokens.pad(v), level, scale, BACK_ENDS[name])


@pytest.mark.parametrize("name", CPU_BACK_ENDS)
def test_a_back_end_equals_the_formula_in_float64(name: str, reference: Callable[..., Tensor]) -> None:
    level = build_level(boxes(), LENGTHS, [1, 1, 1], 6, 8, "cpu")
    q, k, v = tensors(level)
    wanted = reference(q, k, v, list(level.masks), LENGTHS, 8**-0.5)
    assert (run(name, level, q, k, v) - wanted).abs().max() < 1e-5


@pytest.mark.parametrize("name", ["groups", "sdpa"])
def test_masks_of_any_shape_equal_the_formula_in_float64(name: str, reference: Callable[..., Tensor]) -> None:
    level = build_level(ring(), LENGTHS, [1, 1, 1], 9, 9, "cpu")
    assert level.boxes[1] is None
    q, k, v = tensors(level, batch=1)
    wanted = reference(q, k, v, list(level.masks), LENGTHS, 8**-0.5)
    assert (run(name, level, q, k, v) - wanted).abs().max() < 1e-5


def naive(q: Tensor, k: Tensor, v: Tensor, level: MaskLevel, scale: float) -> Tensor:
    """The formula with every score written out, in the dtype of its arguments."""
    scores = q @ k.mT * scale * level.gains[level.tokens.region_of_token].to(q)
    return scores.masked_fill(~level.masks[level.tokens.region_of_token].T, -torch.inf).softmax(-1) @ v


@pytest.mark.parametrize("name", CPU_BACK_ENDS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_no_further_from_float64_than_the_naive_form(
    name: str, dtype: torch.dtype, reference: Callable[..., Tensor]
) -> None:
    level = build_level(boxes(), LENGTHS, [1, 1, 1], 6, 8, "cpu")
    q, k, v = tensors(level, dtype=dtype)
    wanted = reference(q, k, v, list(level.masks), LENGTHS, 8**-0.5)
    ours = (run(name, level, q, k, v).double() - wanted).square().mean().sqrt()
    theirs = (naive(q, k, v, level, 8**-0.5).double() - wanted).square().mean().sqrt()
    assert ours <= theirs


@pytest.mark.parametrize("name", CPU_BACK_ENDS)
def test_a_strength_multiplies_the_odds_of_a_regions_tokens(name: str) -> None:
    level = build_level(boxes(), LENGTHS, [0.5, 3, 1], 6, 8, "cpu")
    q, k, v = tensors(level)
    weights = (q @ folded(k, level).mT * 8**-0.5).exp() * level.masks[level.tokens.region_of_token].T
    weights = weights * torch.tensor([0.5, 3, 1])[level.tokens.region_of_token]
    wanted = weights / weights.sum(-1, keepdim=True) @ v
    assert (run(name, level, q, k, v) - wanted).abs().max() < 1e-5


def test_packed_groups_are_sequences_whose_attention_is_the_formula(reference: Callable[..., Tensor]) -> None:
    level = build_level(ring(), LENGTHS, [1, 1, 1], 9, 9, "cpu")
    q, k, v = tensors(level)
    queries, keys, values = pack_groups(q, level.tokens.pad(folded(k, level)), level.tokens.pad(v), level)
    parts = zip(
        queries.split((level.sequences.cu_seqlens_q.diff() * 2).tolist()),
        keys.split(level.sequences.cu_seqlens_k.diff().tolist()),
        values.split(level.sequences.cu_seqlens_k.diff().tolist()),
        strict=True,
    )
    found = torch.cat(
        [torch.einsum("qhd,khd->hqk", a, b * 8**-0.5).softmax(-1) @ c.transpose(0, 1) for a, b, c in parts], 1
    )
    wanted = reference(q, k, v, list(level.masks), LENGTHS, 8**-0.5)
    assert (unpack_groups(found.transpose(0, 1), level, 2) - wanted).abs().max() < 1e-5
    assert level.sequences.max_seqlen_k == sum(LENGTHS)


def test_the_log_sum_exp_of_dense_attention_is_that_of_its_scores() -> None:
    q, k, v = torch.randn(3, 2, 2, 10, 8, generator=torch.Generator().manual_seed(1))
    out, lse = dense_attention(q, k, v, 0.3)
    scores = q @ k.mT * 0.3
    torch.testing.assert_close(lse, scores.logsumexp(-1))
    torch.testing.assert_close(out, scores.softmax(-1) @ v)


def test_boxes_are_merged_and_other_shapes_are_grouped() -> None:
    q = torch.zeros(1)
    assert choose(build_level(boxes(), LENGTHS, [1, 1, 1], 8, 8, "cpu"), q) is merge_boxes
    assert choose(build_level(ring(), LENGTHS, [1, 1, 1], 9, 9, "cpu"), q) is group_pixels


def test_a_few_large_groups_are_gathered_even_where_boxes_could_be_merged() -> None:
    masks, q = torch.zeros(3, 90, 90), torch.zeros(1)
    masks[0] = masks[1, :, :45] = masks[2, :, 45:70] = 1
    assert choose(build_level(list(masks), LENGTHS, [1, 1, 1], 72, 56, "cpu"), q) is group_pixels
    assert choose(build_level(list(masks), LENGTHS, [1, 1, 1], 36, 28, "cpu"), q) is merge_boxes
    assert choose(build_level(list(masks[:2]), LENGTHS[:2], [1, 1], 72, 56, "cpu"), q) is merge_boxes


def test_extreme_logits_and_a_region_of_one_pixel_give_no_nan() -> None:
    masks = [torch.ones(90, 90), torch.zeros(90, 90), torch.zeros(90, 90)]
    masks[1][0, 0] = masks[2][89, 89] = 1
    level = build_level(masks, LENGTHS, [1, 1, 1], 8, 8, "cpu")
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        q, k, v = tensors(level, dtype=dtype, logits=200.0)
        assert all(run(name, level, q, k, v).isfinite().all() for name in CPU_BACK_ENDS)


def small_unet(layers: tuple[int, ...]) -> UNet2DConditionModel:
    """SDXL's shape in miniature: no attention at the first resolution, `layers` transformer layers at the others."""
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(16, 32, 32),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=layers,
        attention_head_dim=(2, 4, 4),
        cross_attention_dim=24,
        norm_num_groups=8,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=48 + 12,
    ).eval()


@pytest.fixture(scope="module")
def unet() -> UNet2DConditionModel:
    return small_unet((1, 2, 3))


def forward(unet: UNet2DConditionModel, plan: RegionPlan | None, latents: Tensor, text: Tensor | None = None) -> Tensor:
    count = len(latents)
    added = {"text_embeds": torch.ones(count, 12), "time_ids": torch.full((count, 6), 128.0)}
    kwargs = None if plan is None else {"regions": plan}
    hidden = plan.text if plan is not None else text
    with torch.no_grad():
        return unet(latents, 500, hidden, cross_attention_kwargs=kwargs, added_cond_kwargs=added).sample


def make_plan(lengths: list[int] = LENGTHS, height: int = 16, width: int = 24, **options: object) -> RegionPlan:
    random = torch.Generator().manual_seed(2)
    texts = [torch.randn(length, 24, generator=random) for length in lengths]
    return RegionPlan(boxes()[: len(lengths)], texts, (height, width), **options)  # type: ignore[arg-type]


def test_every_back_end_gives_the_same_unet_output_for_a_batch_on_an_oblong_latent(unet: UNet2DConditionModel) -> None:
    install(unet)
    latents = torch.randn(2, 4, 16, 24, generator=torch.Generator().manual_seed(3))
    outputs = [forward(unet, make_plan(attend=BACK_ENDS[name]), latents) for name in CPU_BACK_ENDS]
    assert max((out - outputs[0]).abs().max() for out in outputs) < 1e-5


def test_one_full_mask_is_plain_cross_attention(unet: UNet2DConditionModel) -> None:
    install(unet)
    latents = torch.randn(1, 4, 16, 24, generator=torch.Generator().manual_seed(3))
    plan = make_plan([6])
    assert torch.equal(forward(unet, plan, latents), forward(unet, None, latents, plan.text))


def test_installing_twice_keeps_the_first_processors(unet: UNet2DConditionModel) -> None:
    install(unet)
    before = unet.attn_processors
    install(unet)
    assert all(unet.attn_processors[name] is processor for name, processor in before.items())
    crossed = {name for name, processor in before.items() if isinstance(processor, RegionAttention)}
    assert crossed == {name for name in before if ".attn2." in name}


def test_texts_are_projected_once_per_layer_and_pass(unet: UNet2DConditionModel) -> None:
    install(unet)
    calls: list[int] = []
    layers = [module for name, module in unet.named_modules() if name.endswith(("attn2.to_k", "attn2.to_v"))]
    hooks = [layer.register_forward_hook(lambda *_: calls.append(1)) for layer in layers]
    plan, latents = make_plan(), torch.randn(1, 4, 16, 24)
    for _ in range(3):
        forward(unet, plan, latents)
    for hook in hooks:
        hook.remove()
    assert len(calls) == len(layers)
    assert len(plan.levels) == 2


def test_projecting_ahead_finds_the_levels_that_the_unet_uses(unet: UNet2DConditionModel) -> None:
    install(unet)
    ahead, lazy, latents = make_plan(), make_plan(), torch.randn(1, 4, 16, 24)
    project_texts(unet, [ahead])
    levels = set(ahead.levels)
    assert torch.equal(forward(unet, ahead, latents), forward(unet, lazy, latents))
    assert set(lazy.levels) == levels == set(ahead.levels)


def test_a_layers_pixels_follow_from_its_name() -> None:
    names = ["down_blocks.0.x", "down_blocks.2.x", "mid_block.attentions.0", "up_blocks.0.x", "up_blocks.1.x"]
    assert [level_pixels(name, 3, (144, 112)) for name in names] == [16128, 1008, 1008, 1008, 4032]


@pytest.mark.parametrize("name", CPU_BACK_ENDS)
def test_torch_compile_traces_a_transformer_without_a_graph_break(unet: UNet2DConditionModel, name: str) -> None:
    install(unet)
    plan, block = make_plan(attend=BACK_ENDS[name]), unet.down_blocks[1].attentions[0].transformer_blocks[0]
    project_texts(unet, [plan])
    torch._dynamo.reset()
    compiled = torch.compile(block, backend="eager", fullgraph=True)
    hidden = torch.randn(1, 8 * 12, 32)
    with torch.no_grad():
        outputs = [f(hidden, None, plan.text, cross_attention_kwargs={"regions": plan}) for f in (compiled, block)]
    assert (outputs[0] - outputs[1]).abs().max() < 1e-5


@pytest.mark.slow
def test_torch_compile_traces_the_whole_unet_without_a_graph_break() -> None:
    unet = small_unet((1, 1, 1))
    install(unet)
    plan, latents = make_plan(), torch.randn(1, 4, 16, 24)
    project_texts(unet, [plan])
    torch._dynamo.reset()
    compiled = torch.compile(unet, backend="eager", fullgraph=True)
    assert (forward(compiled, plan, latents) - forward(unet, plan, latents)).abs().max() < 1e-5


@pytest.mark.compile
def test_compiled_by_inductor_a_layer_gives_the_same_numbers(unet: UNet2DConditionModel) -> None:
    if shutil.which("c++") is None:
        pytest.skip("inductor wants a C++ compiler")
    install(unet)
    layer, plan = unet.down_blocks[1].attentions[0].transformer_blocks[0].attn2, make_plan()
    project_texts(unet, [plan])
    torch._dynamo.reset()
    compiled, hidden = torch.compile(layer, fullgraph=True), torch.randn(2, 8 * 12, 32)
    with torch.no_grad():
        outputs = [f(hidden, plan.text, regions=plan) for f in (compiled, layer)]
    assert (outputs[0] - outputs[1]).abs().max() < 1e-5


@pytest.mark.cuda
@pytest.mark.parametrize("name", ["lse", "groups", "sdpa", "varlen"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_a_back_end_on_cuda_equals_the_formula_in_float64(
    name: str, dtype: torch.dtype, reference: Callable[..., Tensor]
) -> None:
    if name == "varlen" and (dtype == torch.float32 or torch.cuda.get_device_capability() < (8, 0)):
        pytest.skip("flash attention wants half precision and Ampere or newer")
    level = build_level(boxes(), LENGTHS, [1, 1, 1], 6, 8, "cuda")
    q, k, v = (x.cuda() for x in tensors(level, dtype=dtype))
    wanted = reference(q.cpu(), k.cpu(), v.cpu(), list(level.masks.cpu()), LENGTHS, 8**-0.5)
    error = (run(name, level, q, k, v).cpu().double() - wanted).abs().max()
    assert error < {torch.float32: 1e-4, torch.float16: 5e-2, torch.bfloat16: 3e-1}[dtype]
