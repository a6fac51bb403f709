"""Asks the written questions and keeps every answer, so that a long run goes on where it stopped and is scored again.

Knows nothing of models (`Ask` does) nor of right and wrong (_written_judge.py and _written_edits.py do).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench._written_set import Given, Row, conversation
from lib_omost.composer import Message


@dataclass(frozen=True)
class Reply:
    """One reply of a planner: its text, its tokens (0 where a server does not tell), how long it took on the clock, and
    on the processor: on a busy machine the second is nearer to what a free one takes. A server's time shows in the
    first only.
    """

    text: str
    tokens: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0


Ask = Callable[[Sequence[Message]], Reply]


def answered(ask: Ask | None, asked: Sequence[Row], among: dict[str, Given], out: Path | None) -> dict[str, Reply]:
    """Row id -> reply. What `out` already holds is not asked again; without `ask` there is nothing else."""
    known = kept(out)
    for row in asked:
        name = row["id"]
        if name not in known and ask is not None:
            known[name] = ask(conversation(row, among))
            keep(out, name, known[name])
            print(f"{name}  {known[name].seconds:5.1f} s  {row['text']!r}", flush=True)
    return {row["id"]: known[row["id"]] for row in asked if row["id"] in known}


def timed(write: Callable[[Sequence[Message]], str], tokens: Callable[[], int]) -> Ask:
    """An `Ask` of a function that writes the reply and one that says how many tokens the last reply had."""

    def ask(messages: Sequence[Message]) -> Reply:
        begin, busy = time.monotonic(), time.process_time()
        text = write(messages)
        return Reply(text, tokens(), round(time.monotonic() - begin, 2), round(time.process_time() - busy, 2))

    return ask


def in_turns(kinds: Sequence[Sequence[Row]]) -> list[Row]:
    """The rows of all kinds, each spread evenly: what a run that was cut short has is a sample of all of them."""
    spread = [(place / len(kind), row) for kind in kinds for place, row in enumerate(kind)]
    return [row for _, row in sorted(spread, key=lambda pair: pair[0])]


def kept(out: Path | None) -> dict[str, Reply]:
    if out is None or not out.exists():
        return {}
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {line.pop("id"): Reply(**line) for line in lines}


def keep(out: Path | None, name: str, reply: Reply) -> None:
    if out is not None:
        with open(out, "a", encoding="utf-8") as file:
            file.write(json.dumps({"id": name, **asdict(reply)}, ensure_ascii=False) + "\n")
