"""Greedy partition of sub-prompts into bags that fit a text encoder. Knows no tokenizer: takes a length function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

BAG_TOKENS = 75  # CLIP reads 77 tokens; two of them mark the start and the end

Length = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Partition:
    """The bags of one condition, each a tuple of texts to be joined, and what had to be changed to make them fit."""

    bags: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def partition(prefixes: Sequence[str], suffixes: Sequence[str], length: Length) -> Partition:
    """Bags that each hold all prefixes, and the suffixes in order while they fit; never fewer than one bag.

    `length` counts the tokens of one text. A bag that is still too long is cut at 75 tokens by the encoder; a note
    names the text. Prefixes that leave no room at all would make every bag the same, so then the last one, the
    condition's own description, stands alone.
    """
    prefixes = [text for text in prefixes if length(text)]
    suffixes = [text for text in suffixes if length(text)]
    prefix_tokens = sum(map(length, prefixes))
    if prefix_tokens > BAG_TOKENS:
        return partition_without_prefixes(prefixes, suffixes, length)
    budget = BAG_TOKENS - prefix_tokens
    notes = tuple(cut_note(text, length(text) - budget) for text in suffixes if length(text) > budget)
    bags = tuple((*prefixes, *bag) for bag in greedy_partition(suffixes, budget, length))
    return Partition(bags or (tuple(prefixes),), notes)


def partition_without_prefixes(prefixes: Sequence[str], suffixes: Sequence[str], length: Length) -> Partition:
    """For prefixes longer than a bag: the own description, alone, becomes the prefix; if even it is too long, it is
    split between words."""
    description, tokens = prefixes[-1], sum(map(length, prefixes))
    note = (
        f"The descriptions before the details take {tokens} of {BAG_TOKENS} tokens: {shown(description)} is kept "
        f"alone. Write them shorter."
    )
    if length(description) < BAG_TOKENS:
        found = partition([description], suffixes, length)
    else:
        found = partition([], [*split_words(description, BAG_TOKENS, length), *suffixes], length)
    return Partition(found.bags, (note, *found.notes))


def greedy_partition(texts: Sequence[str], budget: int, length: Length) -> list[list[str]]:
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


def split_words(text: str, budget: int, length: Length) -> list[str]:
    """Parts of `text`, cut between words, each at most `budget` tokens (a single longer word is not cut)."""
    parts: list[str] = []
    for word in text.split():
        if parts and length(f"{parts[-1]} {word}") <= budget:
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    return parts


def cut_note(text: str, surplus: int) -> str:
    return f"{shown(text)} is {surplus} tokens too long for a bag; its end is not heard. Write it as two shorter texts."


def shown(text: str) -> str:
    """`text` in quotes, short enough for a note."""
    return repr(text if len(text) <= 40 else text[:39] + "…")
