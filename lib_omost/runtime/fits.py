"""What fits on a card, from its memory and the catalog's sizes, before anything is downloaded. Knows no torch."""

from __future__ import annotations

import functools
from typing import Literal

from lib_omost.runtime.card import find_card
from lib_omost.runtime.catalog import PUBLISHED, LlmEntry, SdxlEntry, llm, sdxl

Fit = Literal["fits", "fits with fp8", "too large", ""]
GIB = 1 << 30
CONTEXT_GIB = 0.5  # of CUDA and its libraries
# SDXL's UNet in fp16, and with its linear and convolution layers in fp8; its work at 896 x 1152 with six regions.
UNET_GIB, UNET_FP8_GIB, UNET_WORK_GIB = 4.78, 2.42, 0.8
SMALL_BYTES = 1_000_000_000  # an image model under this is none of SDXL's size
# A language model's work: activations, and keys and values of 4,096 tokens (Phi-3 keeps each head's own).
LLM_WORK_GIB, PHI_WORK_GIB = 1.0, 2.0
PACKED = {"nf4": 0.355, "int8": 0.53}  # of 16 bits, with the embeddings that stay so
# In the order of preference.
PUBLISHED_LLMS = (PUBLISHED[0], "lllyasviel/omost-phi-3-mini-128k-4bits", "default")
PUBLISHED_SDXLS = (PUBLISHED[1], "default")


@functools.cache
def card_room() -> int | None:
    """Bytes that models may take of this machine's NVIDIA card; None without one whose driver tells."""
    card = find_card()
    return card.memory_bytes - int(CONTEXT_GIB * GIB) if card and card.memory_bytes else None


def fit(entry: LlmEntry | SdxlEntry, room: int | None) -> Fit:
    """Whether a model fits where its models may take `room` bytes, each phase alone; "" where that is not known."""
    if room is None or not entry.size_bytes or entry.place == "server":
        return ""
    if needed_gib(entry) * GIB <= room:
        return "fits"
    if isinstance(entry, SdxlEntry) and room >= (UNET_FP8_GIB + UNET_WORK_GIB) * GIB:
        return "fits with fp8"
    return "too large"


def needed_gib(entry: LlmEntry | SdxlEntry) -> float:
    """What an entry's largest phase takes, in the format that it is loaded in."""
    size = entry.size_bytes or 0
    if isinstance(entry, SdxlEntry):
        return UNET_GIB + UNET_WORK_GIB if size >= SMALL_BYTES else size / GIB + UNET_WORK_GIB
    packed = 1.0 if entry.source.endswith("bits") else PACKED.get(entry.precision, 1.0)
    return size * packed / GIB + (PHI_WORK_GIB if "phi-" in entry.name.lower() else LLM_WORK_GIB)


def published_llm(room: int | None) -> LlmEntry:
    """The best of the published language models that fits; the first where the room is not known."""
    return next(entry for entry in map(llm, PUBLISHED_LLMS) if fit(entry, room) != "too large")


def published_sdxl(room: int | None) -> SdxlEntry:
    """The published image model, if it fits in any form."""
    return next(entry for entry in map(sdxl, PUBLISHED_SDXLS) if fit(entry, room) != "too large")


def sentence(entry: LlmEntry | SdxlEntry, room: int | None) -> str:
    """For a person who looks at a model: how it fits this card; nothing where that is not known, and of the small
    models, which always do."""
    found = fit(entry, room)
    if not found or room is None or entry.place == "embedded":
        return ""
    has = f"this card has room for {room / GIB:.1f} GiB"
    if found == "too large":
        return f"It is too large for this machine's card: it takes {needed_gib(entry):.1f} GiB, and {has}."
    if found == "fits with fp8":
        takes = f"in 16 bits it takes {needed_gib(entry):.1f} GiB"
        return f"It fits with its weights in fp8, a little slower: {takes}, and {has}."
    return "It fits this machine's card."
