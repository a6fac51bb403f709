"""Does the training grammar write any of these questions? Counts whole texts and runs of six words that both have.

    python -m bench.requests.overlap --n 20000

Draws conversations from `training.language.pairs.conversation`, takes what the person says in them, and compares words
without case and punctuation. Exits 1 where a text is among them or more than 2 % of the runs are.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bench._written_set import KINDS, rows
from training.language.pairs import conversation

RUN, MOST = 6, 0.02


class Overlap(NamedTuple):
    """Texts of the set that the grammar wrote, runs of the set that it wrote, and how many runs the set has."""

    texts: tuple[str, ...]
    runs: tuple[str, ...]
    of: int

    @property
    def share(self) -> float:
        return len(self.runs) / self.of if self.of else 0.0


def main(argv: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m bench.requests.overlap", description=__doc__)
    p.add_argument("--n", type=int, default=20_000, help="how many texts of the grammar")
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args(argv)
    found = overlap(written(), grammar(args.n, args.seed))
    for text in found.texts:
        print(f"the grammar writes the text: {text!r}")
    for run in found.runs[:20]:
        print(f"the grammar writes the run: {run!r}")
    numbers = {"texts": len(found.texts), "runs": len(found.runs), "of": found.of, "share": round(found.share, 4)}
    print(json.dumps(numbers | {"n": args.n, "seed": args.seed}))
    return int(bool(found.texts) or found.share > MOST)


def written() -> list[str]:
    return [row["text"] for kind in KINDS for row in rows(kind)]


def grammar(n: int, seed: int) -> Iterator[str]:
    """What people say in conversations of the training, `n` texts."""
    r, given = random.Random(f"overlap {seed}"), 0
    while True:
        for message in conversation(r):
            if message["role"] == "user":
                yield message["content"]
                given += 1
                if given == n:
                    return


def overlap(texts: Iterable[str], others: Iterable[str]) -> Overlap:
    """What `texts` share with `others`; a text without words is equal to none."""
    plain = {" ".join(words(text)): text for text in texts}
    plain.pop("", None)
    wanted = {run for text in plain for run in runs(text.split())}
    same: set[str] = set()
    seen: set[str] = set()
    for other in others:
        tokens = words(other)
        if (whole := " ".join(tokens)) in plain:
            same.add(plain[whole])
        seen |= wanted.intersection(runs(tokens))
    return Overlap(tuple(sorted(same)), tuple(sorted(seen)), len(wanted))


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)?", text.lower())


def runs(tokens: list[str]) -> Iterator[str]:
    return (" ".join(tokens[at : at + RUN]) for at in range(len(tokens) - RUN + 1))


if __name__ == "__main__":
    raise SystemExit(main())
