"""Conversations without end: a request, its program, and often an edit or two. `--show 3` prints some to look at."""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from typing import TypedDict

from training import nouns
from training.language.edits import random_edit
from training.language.requests import random_request
from training.language.scenes import program

#: the system prompt of the default model's profile
SYSTEM = "You compose images by writing Python code for the Canvas class."
#: share of requests whose nouns can all be drawn
DRAWN_SHARE = 0.66
EDIT_SHARE = 0.7


class Message(TypedDict):
    role: str
    content: str


def conversation(r: random.Random, level: float = 1.0, pool: Sequence[str] = ()) -> list[Message]:
    """One training sample. `level` 0 to 1 goes from one or two things and few edits to the full mix."""
    pool = pool or (nouns.DRAWN if r.random() < DRAWN_SHARE else nouns.DRAWN + nouns.NAMED)
    text, scene = random_request(r, pool, level=level)
    messages = [_system(), _user(text), _assistant(program(scene))]
    if r.random() < EDIT_SHARE * (0.3 + 0.7 * level):
        for _ in range(r.choice([1, 1, 2])):
            said, scene, _ = random_edit(r, scene, pool)
            messages += [_user(said), _assistant(program(scene))]
    return messages


def _system() -> Message:
    return {"role": "system", "content": SYSTEM}


def _user(text: str) -> Message:
    return {"role": "user", "content": text}


def _assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", type=int, default=3, help="how many conversations to print")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    r = random.Random(args.seed)
    for _ in range(args.show):
        for message in conversation(r):
            print(f"## {message['role']}\n{message['content']}")


if __name__ == "__main__":
    main()
