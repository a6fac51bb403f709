"""Packs sub-prompts into bags that fit a text encoder. Knows no tokenizer: takes a length function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

BAG_TOKENS = 75  # CLIP reads 77 tokens; two of them mark the start and the end

Length = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Packed:
    """The bags of one condition, each a tuple of texts to be joined, and what had to be changed to make them fit."""

    bags: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def pack(prefixes: Sequence[str], suffixes: Sequence[str], length: Length) -> Packed:
    """Bags that each hold all prefixes, and the suffixes in order while they fit; never fewer than one bag.

    `length` counts the tokens of one text. A bag that is still too long is cut at 75 tokens by the encoder; a note
    names the text. Prefixes that leave no room at all would make every bag the same, so then the last one, the
    condition's own description, stands alone.
    """
    prefixes = [text for text in prefixes if length(text)]
    suffixes = [text for text in suffixes if length(text)]
    taken = sum(map(length, prefixes))
    if taken > BAG_TOKENS:
        return pack_without_prefixes(prefixes, suffixes, length)
    budget = BAG_TOKENS - taken
    notes = tuple(cut_note(text, length(text) - budget) for text in suffixes if length(text) > budget)
    bags = tuple((*prefixes, *bag) for bag in fill(suffixes, budget, length))
    return Packed(bags or (tuple(prefixes),), notes)


def pack_without_prefixes(prefixes: Sequence[str], suffixes: Sequence[str], length: Length) -> Packed:
    """For prefixes longer than a bag: the own description, alone, becomes the prefix; if even it is too long, it is
    split between words."""
    own, tokens = prefixes[-1], sum(map(length, prefixes))
    note = (
        f"The descriptions before the details take {tokens} of {BAG_TOKENS} tokens: {shown(own)} is kept alone. "
        f"Write them shorter."
    )
    if length(own) < BAG_TOKENS:
        packed = pack([own], suffixes, length)
    else:
        packed = pack([], [*split(own, BAG_TOKENS, length), *suffixes], length)
    return Packed(packed.bags, (note, *packed.notes))


def fill(texts: Sequence[str], budget: int, length: Length) -> list[list[str]]:
    """Greedy: a text joins the current bag while the sum of lengths stays within `budget`, else it opens a new one."""
    bags: list[list[str]] = []
    room = 0
    for text in texts:
        if not bags or length(text) > room:
            bags.append([])
            room = budget
        bags[-1].append(text)
        room -= length(text)
    return bags


def split(text: str, budget: int, length: Length) -> list[str]:
    """Pieces of `text`, cut between words, each at most `budget` tokens (a single longer word stays whole)."""
    pieces: list[str] = []
    for word in text.split():
        if pieces and length(f"{pieces[-1]} {word}") <= budget:
            pieces[-1] += f" {word}"
        else:
            pieces.append(word)
    return pieces


def cut_note(text: str, surplus: int) -> str:
    return f"{shown(text)} is {surplus} tokens too long for a bag; its end is not heard. Write it as two shorter texts."


def shown(text: str) -> str:
    """`text` in quotes, short enough for a note."""
    return repr(text if len(text) <= 40 else text[:39] + "…")
