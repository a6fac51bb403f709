"""A canvas to encoded conditions, and these to the conditioning of the UNet at each step. Knows no sampler and no
pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lib_omost.canvas import Canvas
from lib_omost.renderer.bags import Partition
from lib_omost.renderer.regions import Attend, RegionPlan
from lib_omost.renderer.sampling import Guide, Prompt
from lib_omost.renderer.settings import RegionGuidance
from lib_omost.renderer.tags import without_tags
from lib_omost.renderer.text import EncodedBag, TextEncoder

Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EncodedCondition:
    """One condition: its mask `(90, 90)`, its bags' embeddings `(77 * bags, D)`, and the pooled vector `(1, P)` of its
    first bag."""

    mask: Tensor
    hidden: Tensor
    pooled: Tensor

    def zeros(self) -> EncodedCondition:
        return EncodedCondition(self.mask, torch.zeros_like(self.hidden[:77]), torch.zeros_like(self.pooled))


@dataclass(frozen=True, slots=True)
class EncodedConditions:
    """The conditions of a canvas, the global one first, then its regions far to near; `negative` is empty without
    guidance."""

    positive: tuple[EncodedCondition, ...]
    negative: tuple[EncodedCondition, ...]


def encode_conditions(
    canvas: Canvas, negative_prompt: str | None, guided: bool, encoder: TextEncoder, notify: Notify
) -> EncodedConditions:
    """Partitions every text into bags and encodes these in one run of the encoders. `negative_prompt` None: zeros.
    `notify` gets a sentence for each text that had to be changed."""
    told: list[str] = []  # the global prefix is in each region's, so its notes come more than once
    positive = [
        (torch.from_numpy(mask), encoder.partition(*(without_tags(part, told.append) for part in texts)))
        for mask, *texts in canvas.conditions()
    ]
    (plain_negative,) = without_tags([negative_prompt or ""], told.append)
    negative = negative_conditions(canvas, positive[0][0], plain_negative, encoder) if guided else []
    for note in dict.fromkeys(told):
        notify(note)
    for _, partition in (*positive, *negative):
        for note in partition.notes:
            notify(note)
    encoded = iter(encoder.encode([bag for _, partition in (*positive, *negative) for bag in partition.bags]))
    found = [join(mask, [next(encoded) for _ in partition.bags]) for mask, partition in (*positive, *negative)]
    first, rest = found[: len(positive)], found[len(positive) :]
    if rest and negative_prompt is None:
        rest[0] = rest[0].zeros()
    return EncodedConditions(tuple(first), tuple(rest))


def negative_conditions(
    canvas: Canvas, full_mask: Tensor, negative_prompt: str, encoder: TextEncoder
) -> list[tuple[Tensor, Partition]]:
    """The negative prompt as one ordinary prompt over the whole canvas, then the regions with one of their own."""
    conditions = [(full_mask, encoder.partition([], [negative_prompt]))]
    for region in canvas.layers():
        if region.negative:
            conditions.append((torch.from_numpy(region.mask), encoder.partition([negative_prompt], [region.negative])))
    return conditions


def join(mask: Tensor, bags: Sequence[EncodedBag]) -> EncodedCondition:
    return EncodedCondition(mask, torch.cat([bag.hidden for bag in bags]), bags[0].pooled[None])


def strengths_by_layer(canvas: Canvas, guidance: RegionGuidance) -> list[float]:
    """The strength of each condition: the global one, then the regions' far to near (the settings give them as
    written)."""
    written = range(len(canvas.regions))
    given = dict(enumerate(guidance.region_strengths))
    far_to_near = sorted(written, key=lambda index: -canvas.regions[index].distance_to_viewer)
    return [guidance.global_strength, *(given.get(index, 1.0) for index in far_to_near)]


def build_guide(
    conditions: EncodedConditions,
    strengths: Sequence[float],
    latent_size: tuple[int, int],
    scale: float,
    guidance: RegionGuidance,
    attend: Attend | None,
    like: Tensor,
) -> Guide:
    """The prompts of one pass, on the device and in the dtype of `like`. `latent_size`: (height, width)."""

    def prompt(parts: Sequence[EncodedCondition], weights: Sequence[float]) -> Prompt:
        used = [(part, weight) for part, weight in zip(parts, weights, strict=True) if weight > 0 and part.mask.any()]
        plan = RegionPlan(
            [p.mask for p, _ in used], [p.hidden.to(like) for p, _ in used], latent_size, [w for _, w in used], attend
        )
        return Prompt(plan, parts[0].pooled.to(like))

    positive = prompt(conditions.positive, strengths)
    global_only = positive if guidance.region_steps == 1 else prompt(conditions.positive[:1], strengths[:1])
    negative = prompt(conditions.negative, [1.0] * len(conditions.negative)) if conditions.negative else None
    shares = guidance.region_steps, guidance.guidance_steps, guidance.guidance_start
    return Guide(positive, global_only, negative, scale, *shares)
