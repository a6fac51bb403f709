"""Region-masked cross-attention for a diffusers UNet: the processor and its interchangeable back ends. Knows no canvas.

One pixel's output, at a layer that sees H*W pixels, in one softmax over the tokens of all texts:

    softmax(q.k * head_scale * HW / n_r, masked) v

q is the pixel's query, k and v are the key and value of a token, head_scale is 1 / sqrt(channels of a head), and r is
the region whose text holds the token. n_r counts the pixels of r at this layer, so that HW / n_r, at least 1, sharpens
the attention to a small region. Masked: a token's score is minus infinity where its region does not cover the pixel.
The global text is the first region: it covers every pixel, HW / n_r = 1. A strength s of a region adds log s to the
scores of its tokens; strength 1, the default, adds nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import AttnProcessor2_0
from torch import Tensor

from lib_omost.renderer.regions import Attend, MaskLevel, RegionPlan

# Where gathering pixels by the regions they see beats merging boxes on a CPU (`python -m bench attention --layouts`).
FEWEST_GROUPS = 3
GROUP_PIXELS = 800  # on average


def merge_boxes(q: Tensor, k: Tensor, v: Tensor, level: MaskLevel, scale: float) -> Tensor:
    """Dense attention of each box on its own text, the results merged by log-sum-exp; no masked score is computed.

    Needs rectangles. With `lse` the log of a softmax's denominator, two partial results a and b over disjoint tokens
    are one softmax over both: lerp(a, b, sigmoid(lse_b - lse_a)), with lse = logaddexp(lse_a, lse_b).
    """
    batch, heads, _, d = q.shape
    k, v = k.expand(batch, -1, -1, -1), v.expand(batch, -1, -1, -1)
    # The kernels work head by head: q is contiguous for them when each head's pixels lie side by side.
    grid = q.contiguous().view(batch, heads, level.height, level.width, d)
    merged: Tensor | None = None
    total: Tensor | None = None
    regions = zip(level.tokens.spans, level.tokens.padding, level.boxes, level.strengths, strict=True)
    for number, ((first, last), padding, box, strength) in enumerate(regions, 1):
        assert box is not None, "merge_boxes works on rectangles; choose() takes group_pixels for other masks"
        left, top, right, bottom = box
        rows = grid[:, :, top:bottom, left:right].reshape(batch, heads, -1, d)
        out, lse = dense_attention(rows, k[:, :, first:last], v[:, :, first:last], scale, padding)
        shape = (batch, bottom - top, right - left, heads)
        out, lse = out.transpose(1, 2).reshape(*shape, d), lse.transpose(1, 2).reshape(shape)
        lse = lse if strength == 1 else lse + math.log(strength)
        if merged is None or total is None:
            assert shape[1:3] == (level.height, level.width), "merge_boxes starts from a first box that fills the grid"
            merged, total = out, lse
            continue
        before = total[:, top:bottom, left:right]
        weight = torch.sigmoid(lse - before).to(out.dtype).unsqueeze(-1)
        merged[:, top:bottom, left:right].lerp_(out, weight)
        if number < len(level.boxes):
            before.copy_(torch.logaddexp(before, lse))
    assert merged is not None
    return merged.view(batch, level.pixels, heads, d).transpose(1, 2)


def dense_attention(
    q: Tensor, k: Tensor, v: Tensor, scale: float, padding: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Attention `(B, h, N, d)` and the log-sum-exp of its scores `(B, h, N)` float32, by the fastest kernel that
    returns it. `padding` `(T,)` float32: minus infinity masks a token, 0 does not; only levels on a CPU have it."""
    ops = torch.ops.aten
    mask = None if padding is None else padding[None, None, None]
    if q.device.type == "cpu":
        out, lse = ops._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, False, attn_mask=mask, scale=scale)
        return out, lse
    if q.device.type == "cuda" and has_flash(q):
        out, lse = ops._scaled_dot_product_flash_attention(q, k, v, 0.0, False, False, scale=scale)[:2]
        return out, lse
    if q.device.type == "cuda":
        out, lse = ops._scaled_dot_product_efficient_attention(q, k, v, None, True, 0.0, False, scale=scale)[:2]
        return out, lse[..., : q.shape[2]]  # this kernel pads the queries
    scores = (q @ k.mT).float() * scale
    return scores.softmax(-1).to(v.dtype) @ v, scores.logsumexp(-1)


def has_flash(q: Tensor) -> bool:
    """Flash attention on CUDA wants half precision, Ampere or newer, heads of a multiple of 8 channels, and a torch
    that was built with it: those for Windows are not, and their kernels raise."""
    fits = q.is_cuda and q.dtype in (torch.float16, torch.bfloat16) and q.shape[-1] % 8 == 0
    built = torch.backends.cuda.is_flash_attention_available()
    return fits and built and torch.cuda.get_device_capability(q.device) >= (8, 0)


def group_pixels(q: Tensor, k: Tensor, v: Tensor, level: MaskLevel, scale: float) -> Tensor:
    """Pixels gathered by the set of regions they see, each group in one dense attention. Works for masks of any
    shape."""
    batch = q.shape[0]
    rows = q.transpose(1, 2)
    out = torch.empty_like(rows)
    bias = position_bias(level, q)
    for group in level.groups:
        keys = k[:, :, group.positions].expand(batch, -1, -1, -1)
        values = v[:, :, group.positions].expand(batch, -1, -1, -1)
        mask = None if bias is None else bias[group.positions].expand(batch, 1, 1, -1)
        queries = rows[:, group.pixels].transpose(1, 2)
        found = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, scale=scale)
        out[:, group.pixels] = found.transpose(1, 2)
    return out.transpose(1, 2)


def masked_sdpa(q: Tensor, k: Tensor, v: Tensor, level: MaskLevel, scale: float) -> Tensor:
    """One attention over all padded positions with a mask `(H*W, S)`: the plain form, and the one whose graph does not
    depend on the layout."""
    nowhere = torch.zeros_like(level.masks[:1])
    visible = torch.cat([level.masks, nowhere])[level.tokens.region_of_position].T  # (H*W, S)
    bias = None if level.unit_strengths else position_bias(level, q)
    if bias is not None:
        visible = torch.where(visible, bias, -math.inf)
    k, v = k.expand(q.shape[0], -1, -1, -1), v.expand(q.shape[0], -1, -1, -1)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=visible[None, None], scale=scale)


def position_bias(level: MaskLevel, q: Tensor) -> Tensor | None:
    """`(S,)`: what is added to the scores of a position, the logarithm of its region's strength, or minus infinity at
    padding; None where all is 0."""
    if level.unit_strengths and not any(padding is not None for padding in level.tokens.padding):
        return None
    logarithms = [*(math.log(s) for s in level.strengths), -math.inf]
    return torch.tensor(logarithms, dtype=q.dtype, device=q.device)[level.tokens.region_of_position]


def varlen_groups(q: Tensor, k: Tensor, v: Tensor, level: MaskLevel, scale: float) -> Tensor:
    """`group_pixels` as a single variable-length flash attention: CUDA, half precision, Ampere or newer; no
    strengths."""
    from torch.nn.attention.varlen import varlen_attn

    queries, keys, values = pack_groups(q, k, v, level)
    packed = level.sequences
    cu_seqlens_q, max_seqlen_q = packed.cu_seqlens_q * q.shape[0], packed.max_seqlen_q * q.shape[0]
    lengths = (cu_seqlens_q, packed.cu_seqlens_k, max_seqlen_q, packed.max_seqlen_k)
    found = varlen_attn(queries, keys, values, *lengths, scale=scale)
    assert isinstance(found, Tensor)  # a pair only when the log-sum-exp is asked for
    return unpack_groups(found, level, q.shape[0])


def pack_groups(q: Tensor, k: Tensor, v: Tensor, level: MaskLevel) -> tuple[Tensor, Tensor, Tensor]:
    """Queries `(H*W * B, heads, d)`, keys and values `(sum of T, heads, d)`, one group of pixels after the other.

    All images of a batch see the same text, so a group's queries are its pixels of all images.
    """
    queries = q.permute(2, 0, 1, 3)[level.sequences.pixels].flatten(0, 1)
    keys, values = (x[0].transpose(0, 1)[level.sequences.positions] for x in (k, v))
    return queries, keys, values


def unpack_groups(found: Tensor, level: MaskLevel, batch: int) -> Tensor:
    """`(H*W * B, heads, d)` in the order of the groups back to `(B, heads, H*W, d)`."""
    rows = found.view(level.pixels, batch, *found.shape[1:])
    out = torch.empty_like(rows)
    out[level.sequences.pixels] = rows
    return out.permute(1, 2, 0, 3)


BACK_ENDS: dict[str, Attend] = {
    "lse": merge_boxes,
    "groups": group_pixels,
    "sdpa": masked_sdpa,
    "varlen": varlen_groups,
}


def has_varlen(q: Tensor) -> bool:
    if not has_flash(q):
        return False
    try:
        import torch.nn.attention.varlen  # noqa: F401  (PyTorch 2.10 and newer)
    except ImportError:
        return False
    return True


def choose(level: MaskLevel, q: Tensor) -> Attend:
    """The back end that measured fastest (`python -m bench attention --layouts`).

    Boxes merged, or groups for other shapes and, on a CPU, where few groups of many pixels come of regions that hardly
    overlap. One varlen call, which no card has measured yet, is there by name alone.
    """
    if level.boxes[0] != level.full_box or None in level.boxes:
        return group_pixels
    count = len(level.groups)
    few = count >= FEWEST_GROUPS and level.pixels >= count * GROUP_PIXELS
    return group_pixels if few and q.device.type == "cpu" else merge_boxes


def attend_regions(
    q: Tensor, k: Tensor, v: Tensor, level: MaskLevel, scale: float, attend: Attend | None = None
) -> Tensor:
    """`(B, heads, H*W, d)`: each pixel attends to the tokens of the regions that cover it, in one softmax."""
    if level.unmasked:
        k, v = k.expand(q.shape[0], -1, -1, -1), v.expand(q.shape[0], -1, -1, -1)
        return F.scaled_dot_product_attention(q, k, v, scale=scale)
    return (attend or choose(level, q))(q, k, v, level, scale)


class PlainAttention(AttnProcessor2_0):  # type: ignore[misc]
    """Ordinary attention that ignores the regions, which a diffusers block hands to both of its attentions."""

    def __call__(
        self, attn: Any, hidden_states: Tensor, *args: Any, regions: RegionPlan | None = None, **kwargs: Any
    ) -> Tensor:
        out: Tensor = super().__call__(attn, hidden_states, *args, **kwargs)
        return out


class RegionAttention(PlainAttention):
    """Cross-attention to the texts of the plan in `cross_attention_kwargs={"regions": plan}`; without one, ordinary."""

    def __init__(self, layer: str) -> None:
        super().__init__()
        self.layer = layer

    def __call__(
        self, attn: Any, hidden_states: Tensor, *args: Any, regions: RegionPlan | None = None, **kwargs: Any
    ) -> Tensor:
        if regions is None:
            return super().__call__(attn, hidden_states, *args, **kwargs)
        pixels = hidden_states.shape[1]
        k, v = regions.keys_values(self.layer, attn, pixels)
        q = attn.to_q(hidden_states)
        q = q.view(*q.shape[:2], attn.heads, -1).transpose(1, 2)
        out = attend_regions(q, k, v, regions.level(pixels), attn.scale, regions.attend)
        joined: Tensor = attn.to_out[0](out.transpose(1, 2).flatten(2))  # to_out[1] is dropout, idle outside training
        return joined


def install(unet: Any) -> None:
    """Gives each attention of `unet` its processor, through diffusers' own interface; a second call changes nothing."""
    if any(isinstance(processor, RegionAttention) for processor in unet.attn_processors.values()):
        return
    processors = {
        name: RegionAttention(name) if ".attn2." in name else PlainAttention() for name in unet.attn_processors
    }
    unet.set_attn_processor(processors)


def project_texts(unet: Any, plans: Sequence[RegionPlan]) -> None:
    """Computes the plans' keys and values of every layer before the first step: a compiled UNet sees constants."""
    depth = len(unet.config.block_out_channels)
    for path, module in unet.named_modules():
        if path.endswith(".attn2"):
            name = path.removeprefix("_orig_mod.")  # torch.compile wraps the UNet
            for plan in plans:
                plan.keys_values(f"{name}.processor", module, level_pixels(name, depth, plan.latent_size))


def level_pixels(name: str, depth: int, latent_size: tuple[int, int]) -> int:
    """How many pixels a layer of a UNet with `depth` resolutions sees, from its name ("up_blocks.0.attentions...")."""
    block, index = name.split(".")[:2]
    halvings = {
        "down_blocks": int(index) if index.isdigit() else 0,
        "up_blocks": depth - 1 - int(index) if index.isdigit() else 0,
    }
    height, width = latent_size
    for _ in range(halvings.get(block, depth - 1)):
        height, width = math.ceil(height / 2), math.ceil(width / 2)
    return height * width
