"""Where each text is visible, level by level, and the keys and values of its tokens. Knows no sampler and no text
encoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lib_omost.errors import RenderError

Box = tuple[int, int, int, int]  # top, bottom, left, right in pixels of a level, half-open

# The CPU's attention kernel works through a row of scores in vectors and does what is left over one by one: 77 tokens
# take twice as long as 80, measured. So each text is filled up to whole vectors with slots that nobody can see.
CPU_VECTOR = 16


@dataclass(frozen=True, slots=True)
class Group:
    """The pixels that see one set of regions, and the slots of that set's tokens; both `(n,)` int64."""

    pixels: Tensor
    slots: Tensor


@dataclass(frozen=True, slots=True)
class Packed:
    """All groups one after the other, for attention over sequences of different lengths."""

    pixels: Tensor  # (H*W,) int64, every pixel once
    slots: Tensor  # (sum of T,) int64, a token once for each group that sees it; no filling
    query_ends: Tensor  # (G + 1,) int32, running sums of the groups' pixels from 0
    key_ends: Tensor  # (G + 1,) int32, running sums of the groups' tokens from 0
    most_pixels: int
    most_tokens: int

    def to(self, device: torch.device) -> Packed:
        pixels, slots, query_ends, key_ends = (
            x.to(device) for x in (self.pixels, self.slots, self.query_ends, self.key_ends)
        )
        return Packed(pixels, slots, query_ends, key_ends, self.most_pixels, self.most_tokens)


@dataclass(frozen=True, slots=True)
class Level:
    """R regions on a grid of `height x width` latent pixels. Their T tokens lie in S slots of the keys and values."""

    height: int
    width: int
    masks: Tensor  # (R, H*W) bool
    gains: Tensor  # (R,) float32, H*W / pixels of the region
    spans: tuple[tuple[int, int], ...]  # the first and one past the last slot of each region
    strengths: tuple[float, ...]
    filling: tuple[Tensor | None, ...]  # of each region (slots,) float32, minus infinity at a filling, else 0; or None
    boxes: tuple[Box | None, ...]  # None where a mask is no rectangle
    groups: tuple[Group, ...]
    packed: Packed
    region_of_token: Tensor  # (T,) int64
    slot_of_token: Tensor  # (T,) int64
    region_of_slot: Tensor  # (S,) int64, R at a filling

    @property
    def pixels(self) -> int:
        return self.height * self.width

    @property
    def one_for_all(self) -> bool:
        """A single text, visible everywhere: ordinary cross-attention."""
        return len(self.spans) == 1 and self.boxes == ((0, self.height, 0, self.width),)

    @property
    def plain_strengths(self) -> bool:
        return all(strength == 1 for strength in self.strengths)

    def place(self, x: Tensor) -> Tensor:
        """`(1, heads, T, d)` to `(1, heads, S, d)`, contiguous; zeros at the fillings."""
        if len(self.slot_of_token) == len(self.region_of_slot):
            return x.contiguous()
        slots = x.new_zeros(1, x.shape[1], len(self.region_of_slot), x.shape[3])
        return slots.index_copy_(2, self.slot_of_token, x)


# (q, k, v, level, scale) -> out; q and out (B, heads, H*W, d), k and v (1, heads, S, d) with the gain folded into k
Attend = Callable[[Tensor, Tensor, Tensor, Level, float], Tensor]


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


def rectangle(mask: Tensor) -> Box | None:
    """The box of a `(H, W)` bool mask, or None if the mask does not fill its bounding box."""
    rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    return (top, bottom, left, right) if bool(mask[top:bottom, left:right].all()) else None


def pixel_groups(masks: Tensor, spans: Sequence[tuple[int, int]]) -> tuple[Group, ...]:
    """Pixels sorted by the set of regions that cover them. `masks`: `(R, N)` bool; every pixel must be covered."""
    sets, set_of_pixel = torch.unique(masks.T, dim=0, return_inverse=True)
    groups = []
    for index, members in enumerate(sets.tolist()):
        pixels = (set_of_pixel == index).nonzero()[:, 0]
        slots = torch.cat([torch.arange(*span) for span, inside in zip(spans, members, strict=True) if inside])
        groups.append(Group(pixels, slots))
    return tuple(groups)


def pack_sequences(groups: Sequence[Group], filled: Tensor) -> Packed:
    """`filled`: `(S,)` bool, True at the fillings, which no sequence takes along."""
    slots = [group.slots[~filled[group.slots]] for group in groups]
    few, many = [len(group.pixels) for group in groups], [len(taken) for taken in slots]
    pixels = torch.cat([group.pixels for group in groups])
    return Packed(pixels, torch.cat(slots), running_sums(few), running_sums(many), max(few), max(many))


def slot_counts(lengths: Sequence[int], device: torch.device, *, alone: bool) -> list[int]:
    """How many slots each text gets. `alone`: one text over the whole picture, which plain attention takes as it is."""
    vector = CPU_VECTOR if device.type == "cpu" and not alone else 1
    return [math.ceil(length / vector) * vector for length in lengths]


def build_level(
    masks: Sequence[Tensor],
    lengths: Sequence[int],
    strengths: Sequence[float],
    height: int,
    width: int,
    device: torch.device | str,
) -> Level:
    """The level of R masks, each `(h, w)` with 1 where its text is visible, on `height x width` pixels.

    `lengths` are the texts' token counts. Raises RenderError if some pixel would see no text at all.
    """
    device = torch.device(device)
    grids = torch.stack([resize_mask(mask.cpu(), height, width) for mask in masks])  # (R, H, W)
    flat = grids.flatten(1)
    if not flat.any(0).all():
        raise RenderError("Part of the picture is covered by no text. Let the first condition cover the whole canvas.")
    counts = slot_counts(lengths, device, alone=len(lengths) == 1)
    ends = torch.tensor(counts).cumsum(0).tolist()
    spans = tuple((end - count, end) for end, count in zip(ends, counts, strict=True))
    region_of_slot = torch.full((ends[-1],), len(lengths))
    for region, ((first, _), length) in enumerate(zip(spans, lengths, strict=True)):
        region_of_slot[first : first + length] = region
    filled = region_of_slot == len(lengths)
    hidden = torch.zeros(ends[-1]).masked_fill(filled, -math.inf).to(device)
    groups = pixel_groups(flat, spans)
    return Level(
        height,
        width,
        masks=flat.to(device),
        gains=(height * width / flat.sum(1)).to(device),
        spans=spans,
        strengths=tuple(strengths),
        filling=tuple(
            hidden[first:last] if last - first > length else None
            for (first, last), length in zip(spans, lengths, strict=True)
        ),
        boxes=tuple(rectangle(grid) for grid in grids),
        groups=tuple(Group(g.pixels.to(device), g.slots.to(device)) for g in groups),
        packed=pack_sequences(groups, filled).to(device),
        region_of_token=region_of_slot[~filled].to(device),
        slot_of_token=(~filled).nonzero()[:, 0].to(device),
        region_of_slot=region_of_slot.to(device),
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
        self.levels: dict[int, Level] = {}
        self.layers: dict[str, tuple[Tensor, Tensor]] = {}

    def level(self, pixels: int) -> Level:
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
            keys = fold_gain(attn.to_k(self.text), level.gains[level.region_of_token])
            values = attn.to_v(self.text)
            self.layers[layer] = (
                level.place(split_heads(keys, attn.heads)),
                level.place(split_heads(values, attn.heads)),
            )
        return self.layers[layer]


def split_heads(x: Tensor, heads: int) -> Tensor:
    """`(B, N, heads * d)` -> `(B, heads, N, d)`, contiguous."""
    return x.view(*x.shape[:2], heads, x.shape[2] // heads).transpose(1, 2).contiguous()
