"""A canvas to encoded texts, and these to what the UNet is told at each step. Knows no sampler and no pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lib_omost.canvas import Canvas
from lib_omost.renderer.bags import Packed
from lib_omost.renderer.regions import Attend, RegionPlan
from lib_omost.renderer.sampling import Guide, Prompt
from lib_omost.renderer.settings import Steering
from lib_omost.renderer.text import Encoded, TextEncoder

Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Text:
    """One condition: its mask `(90, 90)`, its bags' embeddings `(77 * bags, D)`, and the pooled vector `(1, P)` of its
    first bag."""

    mask: Tensor
    hidden: Tensor
    pooled: Tensor

    def zeros(self) -> Text:
        return Text(self.mask, torch.zeros_like(self.hidden[:77]), torch.zeros_like(self.pooled))


@dataclass(frozen=True, slots=True)
class Texts:
    """All that is said about a canvas, the whole canvas first, then its regions far to near; `negative` is empty
    without guidance."""

    positive: tuple[Text, ...]
    negative: tuple[Text, ...]


def read_canvas_texts(
    canvas: Canvas, negative_prompt: str | None, guided: bool, encoder: TextEncoder, notify: Notify
) -> Texts:
    """Packs and encodes every text in one run of the encoders. `negative_prompt` None: zeros. Says aloud what had to be
    changed."""
    positive = [(torch.from_numpy(mask), encoder.pack(before, after)) for mask, before, after in canvas.conditions()]
    negative = negative_conditions(canvas, positive[0][0], negative_prompt or "", encoder) if guided else []
    for _, packed in (*positive, *negative):
        for note in packed.notes:
            notify(note)
    encoded = iter(encoder.encode([bag for _, packed in (*positive, *negative) for bag in packed.bags]))
    texts = [join(mask, [next(encoded) for _ in packed.bags]) for mask, packed in (*positive, *negative)]
    first, rest = texts[: len(positive)], texts[len(positive) :]
    if rest and negative_prompt is None:
        rest[0] = rest[0].zeros()
    return Texts(tuple(first), tuple(rest))


def negative_conditions(
    canvas: Canvas, whole: Tensor, negative_prompt: str, encoder: TextEncoder
) -> list[tuple[Tensor, Packed]]:
    """The negative prompt as one ordinary prompt over the whole canvas, then the regions that name things of their own
    to avoid."""
    conditions = [(whole, encoder.pack([], [negative_prompt]))]
    for region in canvas.layers():
        if region.negative:
            conditions.append((torch.from_numpy(region.mask), encoder.pack([negative_prompt], [region.negative])))
    return conditions


def join(mask: Tensor, bags: Sequence[Encoded]) -> Text:
    return Text(mask, torch.cat([bag.hidden for bag in bags]), bags[0].pooled[None])


def strengths_by_layer(canvas: Canvas, steering: Steering) -> list[float]:
    """The strength of each condition: the global one, then the regions' far to near (the settings give them as
    written)."""
    written = range(len(canvas.regions))
    given = dict(enumerate(steering.region_strengths))
    far_to_near = sorted(written, key=lambda index: -canvas.regions[index].distance_to_viewer)
    return [steering.global_strength, *(given.get(index, 1.0) for index in far_to_near)]


def build_guide(
    texts: Texts,
    strengths: Sequence[float],
    latent_size: tuple[int, int],
    scale: float,
    steering: Steering,
    attend: Attend | None,
    like: Tensor,
) -> Guide:
    """The prompts of one pass, on the device and in the dtype of `like`. `latent_size`: (height, width)."""

    def prompt(parts: Sequence[Text], weights: Sequence[float]) -> Prompt:
        seen = [(part, weight) for part, weight in zip(parts, weights, strict=True) if weight > 0 and part.mask.any()]
        plan = RegionPlan(
            [p.mask for p, _ in seen], [p.hidden.to(like) for p, _ in seen], latent_size, [w for _, w in seen], attend
        )
        return Prompt(plan, parts[0].pooled.to(like))

    positive = prompt(texts.positive, strengths)
    whole = positive if steering.region_steps == 1 else prompt(texts.positive[:1], strengths[:1])
    negative = prompt(texts.negative, [1.0] * len(texts.negative)) if texts.negative else None
    return Guide(positive, whole, negative, scale, steering.region_steps, steering.guidance_steps)
