"""Conversations without end: a request, its program, and often an edit or two. `--show 3` prints some to look at."""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Sequence
from typing import TypedDict

from training import nouns
from training.language.edits import random_edit
from training.language.free import free_request
from training.language.refer import UNDO, random_change
from training.language.requests import random_request
from training.language.scenes import Scene, program
from training.language.talk import random_talk

#: the system prompt of the default model's profile
SYSTEM = "You compose images by writing Python code for the Canvas class."
#: share of requests whose nouns can all be drawn
DRAWN_SHARE = 0.66
EDIT_SHARE = 0.45


class Message(TypedDict):
    role: str
    content: str


#: share of requests in the wide sentences of free.py; the rest is the older grammar, cousins of the layout bench's
FREE_SHARE = 0.7
TALK_SHARE = 0.08


def conversation(r: random.Random, level: float = 1.0, pool: Sequence[str] = ()) -> list[Message]:
    """One training sample. `level` 0 to 1 goes from one or two things and few edits to the full mix."""
    if r.random() < TALK_SHARE:
        text, answer = random_talk(r)
        return [_system(), _user(text), _assistant(answer)]
    pool = pool or (nouns.DRAWN if r.random() < DRAWN_SHARE else nouns.DRAWN + nouns.NAMED)
    is_free = r.random() < FREE_SHARE
    text, scene = free_request(r, pool, level) if is_free else random_request(r, pool, level=level)
    if r.random() < (0.08 if is_free else 0.2):
        text = re.sub(r"\ban? (?=[a-z])", "the ", text)
    messages = [_system(), _user(text), _assistant(program(scene))]
    if r.random() < EDIT_SHARE * (0.5 + 0.5 * level):
        messages += _edits(r, scene, pool, is_free)
    return messages


def _edits(r: random.Random, scene: Scene, pool: Sequence[str], is_free: bool) -> list[Message]:
    said_so_far, before = [], scene
    for number in range(r.choice([1, 1, 1, 2])):
        u = r.random()
        if number and u < 0.25:
            text, after = r.choice(UNDO), before
        elif u < 0.05:
            text, answer = random_talk(r)
            said_so_far += [_user(text), _assistant(answer)]
            continue
        elif is_free or u < 0.6:
            text, after = random_change(r, scene)
        else:
            text, after, _ = random_edit(r, scene, pool)
        before, scene = scene, after
        said_so_far += [_user(text), _assistant(program(scene))]
    return said_so_far


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
