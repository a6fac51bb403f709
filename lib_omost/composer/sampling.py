"""Samples the next token from a model's logits. Numpy only: knows no model and no grammar."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from lib_omost.errors import ComposerError

Mask = npt.NDArray[np.bool_]
Logits = npt.NDArray[np.float32]


class Sampler:
    """Picks a token: the likeliest at temperature 0, else from the top_p nucleus of what is allowed.

    One uniform number a choice, none where only one token is allowed: a seed gives the same text with and without
    drafts. A draft is accepted where it is the token picked, which is the speculative sampling rule (Leviathan et al.
    2023) for drafts that are certain: the text keeps the model's distribution.
    """

    def __init__(self, temperature: float, top_p: float, seed: int | None) -> None:
        self._temperature, self._top_p = temperature, top_p
        self._uniform = np.random.default_rng(seed).random

    def __call__(self, logits: Logits, allowed: Mask | None) -> int:
        """logits `(vocabulary,)`, allowed `(vocabulary,)` or None for all."""
        choices = np.flatnonzero(allowed) if allowed is not None else np.arange(logits.size)
        scores = logits[choices]
        if not np.isfinite(scores.max()):
            raise ComposerError(
                "The language model computed no numbers. Start again with --precision llm=fp32, or llm=bf16 on a card "
                "of compute capability 8.0 and up."
            )
        if choices.size == 1 or self._temperature == 0:
            return int(choices[np.argmax(scores)])
        weights = np.exp((scores - scores.max()).astype(np.float64) / self._temperature)
        order, cumulative = _nucleus(weights, self._top_p)
        return int(choices[order[np.searchsorted(cumulative, self._uniform() * cumulative[-1], side="right")]])


Pick = Callable[[Logits, Mask | None], int]
#: where the grammar allows this many tokens, a text is being written; keywords and places leave a few hundred at most
FREE_CHOICE = 5000


def favoring(pick: Pick, tokens: Sequence[int], bonus: float) -> Pick:
    """`pick` with `bonus` on the logits of `tokens` inside texts: what the person said, a small model should say."""
    wanted = np.array(sorted(set(tokens)), dtype=np.intp)

    def picked(logits: Logits, allowed: Mask | None) -> int:
        if allowed is None or np.count_nonzero(allowed) < FREE_CHOICE:
            return pick(logits, allowed)
        logits = logits.copy()
        logits[wanted] += bonus
        return pick(logits, allowed)

    return picked


def _nucleus(weights: npt.NDArray[np.float64], top_p: float) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """The fewest choices that hold `top_p` of all weight, heaviest first, with running sums (Holtzman et al. 2020).

    weights: the heaviest is 1. Sorts no more of them than it has to: a vocabulary has 128,000 tokens, a nucleus few.
    """
    enough = top_p * weights.sum()
    for least in (1e-2, 1e-4, 0.0):
        heavy = np.flatnonzero(weights >= least)
        order = heavy[np.argsort(-weights[heavy], kind="stable")]
        cumulative = np.cumsum(weights[order])
        if cumulative[-1] >= enough:
            break
    size = min(int(np.searchsorted(cumulative, enough)) + 1, order.size)
    return order[:size], cumulative[:size]
