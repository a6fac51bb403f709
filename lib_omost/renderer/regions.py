"""Where each text is visible, level by level, and the keys and values of its tokens. Knows no sampler and no text
encoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lib_omost.errors import RenderError

LatentBox = tuple[int, int, int, int]  # left, top, right, bottom in pixels of a level, half-open

# The CPU's attention kernel works through a row of scores in vectors and does what is left over one by one: 77 tokens
# take twice as long as 80, measured. So each text is padded to a multiple of a vector, and the padding is masked.
CPU_VECTOR = 16


@dataclass(frozen=True, slots=True)
class Group:
    """The pixels that see one set of regions, and the padded positions of that set's tokens; both `(n,)` int64."""

    pixels: Tensor
    positions: Tensor


@dataclass(frozen=True, slots=True)
class VarlenSequences:
    """All groups one after the other, for attention over sequences of different lengths. Fields as in FlashAttention's
    variable-length interface."""

    pixels: Tensor  # (H*W,) int64, every pixel once
    positions: Tensor  # (sum of T,) int64, a token once for each group that sees it; no padding
    cu_seqlens_q: Tensor  # (G + 1,) int32, running sums of the groups' pixels from 0
    cu_seqlens_k: Tensor  # (G + 1,) int32, running sums of the groups' tokens from 0
    max_seqlen_q: int
    max_seqlen_k: int

    def to(self, device: torch.device) -> VarlenSequences:
        return replace(
            self,
            pixels=self.pixels.to(device),
            positions=self.positions.to(device),
            cu_seqlens_q=self.cu_seqlens_q.to(device),
            cu_seqlens_k=self.cu_seqlens_k.to(device),
        )


@dataclass(frozen=True, slots=True)
class TokenLayout:
    """Where the T tokens of R texts lie among the S padded positions of the keys and values."""

    spans: tuple[tuple[int, int], ...]  # the first and one past the last padded position of each text
    padding: tuple[
        Tensor | None, ...
    ]  # of each text (its positions,) float32, minus infinity at padding, else 0; or None
    region_of_token: Tensor  # (T,) int64
    position_of_token: Tensor  # (T,) int64
    region_of_position: Tensor  # (S,) int64, R at padding

    def pad(self, x: Tensor) -> Tensor:
        """`(1, heads, T, d)` to `(1, heads, S, d)`, contiguous; zeros at the padding."""
        if len(self.position_of_token) == len(self.region_of_position):
            return x.contiguous()
        padded = x.new_zeros(1, x.shape[1], len(self.region_of_position), x.shape[3])
        return padded.index_copy_(2, self.position_of_token, x)


@dataclass(frozen=True, slots=True)
class MaskLevel:
    """The masks of R regions on a grid of `height x width` latent pixels, and the layout of their tokens."""

    height: int
    width: int
    masks: Tensor  # (R, H*W) bool
    gains: Tensor  # (R,) float32, H*W / pixels of the region
    strengths: tuple[float, ...]
    boxes: tuple[LatentBox | None, ...]  # None where a mask is no rectangle
    tokens: TokenLayout
    groups: tuple[Group, ...]
    sequences: VarlenSequences

    @property
    def pixels(self) -> int:
        return self.height * self.width

    @property
    def full_box(self) -> LatentBox:
        return (0, 0, self.width, self.height)

    @property
    def unmasked(self) -> bool:
        """A single text, visible everywhere: ordinary cross-attention."""
        return len(self.boxes) == 1 and self.boxes[0] == self.full_box

    @property
    def unit_strengths(self) -> bool:
        return all(strength == 1 for strength in self.strengths)


# (q, k, v, level, scale) -> out; q and out (B, heads, H*W, d), k and v (1, heads, S, d) with the gain folded into k
Attend = Callable[[Tensor, Tensor, Tensor, MaskLevel, float], Tensor]


def resize_mask(mask: Tensor, height: int, width: int) -> Tensor:
    """`(h, w)` -> `(height, width)` bool, nearest-exact. A region that falls between all pixels keeps the one at its
    centre."""
    small = F.interpolate(mask[None, None].float(), (height, width), mode="nearest-exact")[0, 0] > 0.5
    if not small.any():
        rows, columns = (mask > 0.5).nonzero(as_tuple=True)
        y = int((rows.float().mean() + 0.5) / mask.shape[0] * height)
        x = int((columns.float().mean() + 0.5) / mask.shape[1] * width)
        small[y, x] = True
    return small


def rectangle(mask: Tensor) -> LatentBox | None:
    """The box of a `(H, W)` bool mask, or None if the mask does not fill its bounding box."""
    rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
    left, top, right, bottom = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    return (left, top, right, bottom) if bool(mask[top:bottom, left:right].all()) else None


def pixel_groups(masks: Tensor, spans: Sequence[tuple[int, int]]) -> tuple[Group, ...]:
    """Pixels sorted by the set of regions that cover them. `masks`: `(R, N)` bool; every pixel must be covered."""
    sets, set_of_pixel = torch.unique(masks.T, dim=0, return_inverse=True)
    groups = []
    for index, members in enumerate(sets.tolist()):
        pixels = (set_of_pixel == index).nonzero()[:, 0]
        positions = torch.cat([torch.arange(*span) for span, inside in zip(spans, members, strict=True) if inside])
        groups.append(Group(pixels, positions))
    return tuple(groups)


def varlen_sequences(groups: Sequence[Group], is_padding: Tensor) -> VarlenSequences:
    """`is_padding`: `(S,)` bool, True at the positions that no sequence includes."""
    positions = [group.positions[~is_padding[group.positions]] for group in groups]
    queries, keys = [len(group.pixels) for group in groups], [len(tokens) for tokens in positions]
    pixels = torch.cat([group.pixels for group in groups])
    return VarlenSequences(
        pixels, torch.cat(positions), running_sums(queries), running_sums(keys), max(queries), max(keys)
    )


def padded_lengths(lengths: Sequence[int], device: torch.device) -> list[int]:
    """How many positions each text gets. A single text has no padding: plain attention takes it as it is."""
    vector = CPU_VECTOR if device.type == "cpu" and len(lengths) > 1 else 1
    return [math.ceil(length / vector) * vector for length in lengths]


def token_layout(lengths: Sequence[int], device: torch.device) -> TokenLayout:
    """The texts one after the other, each followed by its padding. `lengths`: their token counts."""
    padded = padded_lengths(lengths, device)
    ends = torch.tensor(padded).cumsum(0).tolist()
    spans = tuple((end - count, end) for end, count in zip(ends, padded, strict=True))
    region_of_position = torch.full((ends[-1],), len(lengths))
    for region, ((first, _), length) in enumerate(zip(spans, lengths, strict=True)):
        region_of_position[first : first + length] = region
    is_padding = region_of_position == len(lengths)
    bias = torch.zeros(ends[-1]).masked_fill(is_padding, -math.inf).to(device)
    return TokenLayout(
        spans,
        padding=tuple(
            bias[first:last] if last - first > length else None
            for (first, last), length in zip(spans, lengths, strict=True)
        ),
        region_of_token=region_of_position[~is_padding].to(device),
        position_of_token=(~is_padding).nonzero()[:, 0].to(device),
        region_of_position=region_of_position.to(device),
    )


def build_level(
    masks: Sequence[Tensor],
    lengths: Sequence[int],
    strengths: Sequence[float],
    height: int,
    width: int,
    device: torch.device | str,
) -> MaskLevel:
    """The level of R masks, each `(h, w)` with 1 where its text is visible, on `height x width` pixels.

    `lengths` are the texts' token counts. Raises RenderError if some pixel would see no text at all.
    """
    device = torch.device(device)
    grids = torch.stack([resize_mask(mask.cpu(), height, width) for mask in masks])  # (R, H, W)
    flat = grids.flatten(1)
    if not flat.any(0).all():
        raise RenderError("Part of the picture is covered by no text. Let the first condition cover the whole canvas.")
    tokens = token_layout(lengths, device)
    groups = pixel_groups(flat, tokens.spans)
    return MaskLevel(
        height,
        width,
        masks=flat.to(device),
        gains=(height * width / flat.sum(1)).to(device),
        strengths=tuple(strengths),
        boxes=tuple(rectangle(grid) for grid in grids),
        tokens=tokens,
        groups=tuple(Group(g.pixels.to(device), g.positions.to(device)) for g in groups),
        sequences=varlen_sequences(groups, tokens.region_of_position.cpu() == len(lengths)).to(device),
    )


def running_sums(lengths: Sequence[int]) -> Tensor:
    return torch.tensor([0, *lengths]).cumsum(0).to(torch.int32)


def fold_gain(keys: Tensor, gains: Tensor) -> Tensor:
    """`(1, T, C)` times `(T,)`, computed in float32 and held inside the range of the keys' type: an infinity would
    become a NaN."""
    limit = torch.finfo(keys.dtype).max
    wide = keys.to(torch.promote_types(keys.dtype, torch.float32))
    return (wide * gains[:, None]).clamp_(-limit, limit).to(keys.dtype)


class RegionPlan:
    """Everything about the regions of one pass that is the same at every step: levels, and folded keys and values of
    each layer."""

    def __init__(
        self,
        masks: Sequence[Tensor],
        texts: Sequence[Tensor],
        latent_size: tuple[int, int],
        strengths: Sequence[float] = (),
        attend: Attend | None = None,
    ) -> None:
        """`masks`: R of `(h, w)`; `texts`: R of `(T_r, D)`; `latent_size`: (height, width) of the latent; `attend`: a
        back end, None = choose."""
        self.masks = [mask.cpu() for mask in masks]
        self.lengths = [len(text) for text in texts]
        self.text = torch.cat(list(texts))[None]  # (1, T, D)
        self.latent_size = latent_size
        self.strengths = tuple(strengths) or (1.0,) * len(self.masks)
        self.attend = attend
        self.levels: dict[int, MaskLevel] = {}
        self.layers: dict[str, tuple[Tensor, Tensor]] = {}

    def level(self, pixels: int) -> MaskLevel:
        """The level whose grid has `pixels` pixels: the latent's size halved some number of times, rounding up."""
        if pixels not in self.levels:
            height, width = self.latent_size
            while height * width > pixels:
                height, width = math.ceil(height / 2), math.ceil(width / 2)
            self.levels[pixels] = build_level(self.masks, self.lengths, self.strengths, height, width, self.text.device)
        return self.levels[pixels]

    def keys_values(self, layer: str, attn: Any, pixels: int) -> tuple[Tensor, Tensor]:
        """Keys with the gain of their region folded in, and values, both `(1, heads, S, d)`; projected once per layer
        and pass.

        The gain multiplies q.k before the softmax, so multiplying k by it is the same sum.
        """
        if layer not in self.layers:
            level = self.level(pixels)
            keys = fold_gain(attn.to_k(self.text), level.gains[level.tokens.region_of_token])
            values = attn.to_v(self.text)
            self.layers[layer] = (
                level.tokens.pad(split_heads(keys, attn.heads)),
                level.tokens.pad(split_heads(values, attn.heads)),
            )
        return self.layers[layer]


def split_heads(x: Tensor, heads: int) -> Tensor:
    """`(B, N, heads * d)` -> `(B, heads, N, d)`, contiguous."""
    return x.view(*x.shape[:2], heads, x.shape[2] // heads).transpose(1, 2).contiguous()
