"""Region-masked cross-attention for a batch whose samples all have regions of their own, as a training needs it.

The renderer's own processor (lib_omost.renderer.attention) is faster, but has one layout for a whole batch. Both follow
one formula, and a test holds this one to the renderer's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lib_omost.canvas import GRID


@dataclass(frozen=True, slots=True)
class LevelMask:
    """visible: `(B, 1, H*W, T)` bool, which text tokens a pixel sees. gain: `(B, T)`, H*W / pixels of the region."""

    visible: Tensor
    gain: Tensor


def level_masks(boxes: Tensor, tokens: int, side: int, levels: int) -> dict[int, LevelMask]:
    """Pixels of a level -> its mask, for the `levels` - 1 lower levels of a latent of `side` x `side` pixels.

    boxes: `(B, R, 4)` left, top, right, bottom in 90ths, of `tokens` tokens each; an empty box is seen nowhere.
    """
    masks = {}
    for _ in range(levels - 1):
        side = (side + 1) // 2
        # nearest-exact: the cell of the canvas that the centre of each latent pixel falls into
        cell = ((torch.arange(side, device=boxes.device) + 0.5) * GRID / side).floor()
        left, top, right, bottom = boxes[..., None].float().unbind(2)
        rows, columns = (cell >= top) & (cell < bottom), (cell >= left) & (cell < right)
        inside = (rows[:, :, :, None] & columns[:, :, None, :]).flatten(2)  # (B, R, H*W)
        pixels = inside.sum(-1)
        gain = torch.where(pixels > 0, side * side / pixels.clamp(min=1), 1.0)
        visible = inside.transpose(1, 2).repeat_interleave(tokens, 2)[:, None]
        masks[side * side] = LevelMask(visible, gain.repeat_interleave(tokens, 1))
    return masks


def attend(q: Tensor, k: Tensor, v: Tensor, visible: Tensor | None) -> Tensor:
    """Attention of `(B, heads, N, d)`. On a CPU the plain form trains faster than the fused kernel at these sizes."""
    if q.is_cuda or not torch.is_grad_enabled():
        return F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    if visible is not None:
        scores = scores.masked_fill(~visible, -torch.inf)
    weights: Tensor = scores.softmax(-1).to(v.dtype)
    return weights @ v


def _split(x: Tensor, heads: int) -> Tensor:
    return x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


class TrainingAttention:
    """Processor of both attentions of a block; `regions` (see level_masks) concerns those that read a text."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        regions: dict[int, LevelMask] | None = None,
    ) -> Tensor:
        text = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        q, k, v = attn.to_q(hidden_states), attn.to_k(text), attn.to_v(text)
        visible = None
        if regions is not None and encoder_hidden_states is not None:
            level = regions[hidden_states.shape[1]]
            k, visible = k * level.gain[:, :, None].to(k.dtype), level.visible
        out = attend(_split(q, attn.heads), _split(k, attn.heads), _split(v, attn.heads), visible)
        projected: Tensor = attn.to_out[0](out.transpose(1, 2).flatten(2))
        return projected
