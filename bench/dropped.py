"""What a request names and its plan lacks: is it said, and is anything said that is there? Written questions, no model.

named: share of the dropped phrases that are named. false_alarms: share of the requests of which something is named that
the plan holds or nobody asked for. ms: milliseconds a request, on average.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from bench._record import Number, record, table
from lib_omost.canvas import Canvas
from lib_omost.canvas.requests import missing
from lib_omost.canvas.words.word_forms import bases

QUESTIONS = Path(__file__).parent / "requests" / "dropped.jsonl"


def canvas_of(texts: list[str]) -> Canvas:
    """A plan that says these texts, the first of the whole picture, in the default model's manner."""
    canvas = Canvas()
    canvas.set_global_description(texts[0], ["The scene feels calm."], "calm, flat illustration", "darkseagreen")
    for text in texts[1:]:
        place = ("in the center", "no offset", "a medium-sized square area", 2.0)
        canvas.add_local_description(
            *place,
            text,
            [],
            f"{text.strip('.').lower()}, calm",
            "Calm mood.",
            "Flat illustration.",
            "Sharp.",
            "darkseagreen",
        )
    return canvas


def is_named(dropped: str, phrases: list[str]) -> bool:
    """Whether one phrase holds all words of one of the alternatives."""
    return any(_holds(phrase, words) for words in dropped.split("|") for phrase in phrases)


def _holds(phrase: str, words: str) -> bool:
    said = frozenset().union(*(bases(word) for word in phrase.split()))
    return all(bases(word) & said for word in words.split())


Answer = tuple[list[str], list[str], list[str], float]


def asked(row: dict[str, Any]) -> Answer:
    """What is named, what of the dropped is not, what is named besides, and the seconds that it took."""
    before = canvas_of(row["before"]) if "before" in row else None
    canvas, started = canvas_of(row["plan"]), time.perf_counter()
    phrases = [found.phrase for found in missing(row["text"], canvas, before)]
    seconds = time.perf_counter() - started
    lost = [dropped for dropped in row["dropped"] if not is_named(dropped, phrases)]
    false = [phrase for phrase in phrases if not any(is_named(dropped, [phrase]) for dropped in row["dropped"])]
    return phrases, lost, false, seconds


def _shares(rows: list[dict[str, Any]], answers: list[Answer], only: int = 0) -> tuple[int, int, float, float, float]:
    """How many requests and dropped phrases; the share named, the share with a false alarm, milliseconds a request."""
    found = [(row, answer) for row, answer in zip(rows, answers, strict=True) if only in (0, row["set"])]
    dropped = sum(len(row["dropped"]) for row, _ in found)
    lost = sum(len(answer[1]) for _, answer in found)
    alarms, seconds = sum(bool(answer[2]) for _, answer in found), sum(answer[3] for _, answer in found)
    return len(found), dropped, 1 - lost / dropped, alarms / len(found), 1000 * seconds / len(found)


def main(argv: list[str]) -> dict[str, Number]:
    parser = argparse.ArgumentParser(prog="python -m bench dropped", description=__doc__)
    parser.add_argument("--show", action="store_true", help="the requests that went wrong")
    parser.add_argument("--save", action="store_true", help="write bench/results/dropped.json")
    parser.add_argument("--questions", type=Path, default=QUESTIONS, help="another file of the same form")
    options = parser.parse_args(argv)
    rows = [json.loads(line) for line in options.questions.read_text(encoding="utf-8").splitlines()]
    answers = [asked(row) for row in rows]
    for row, (phrases, lost, false, _) in zip(rows, answers, strict=True):
        if options.show and (lost or false):
            print(f"{row['id']} {row['text']}\n  named: {phrases}\n  not named: {lost}  false: {false}")
    lines = [[f"set {n}", *_shares(rows, answers, n)] for n in sorted({row["set"] for row in rows})]
    count, dropped, named, alarms, ms = _shares(rows, answers)
    print(table(["", "requests", "dropped", "named", "false alarms", "ms"], [*lines, ["all", *_shares(rows, answers)]]))
    numbers: dict[str, Number] = {
        "requests": count,
        "dropped": dropped,
        "named": round(named, 3),
        "false_alarms": round(alarms, 3),
        "ms": round(ms, 2),
    }
    if options.save:
        record("dropped", argv, numbers, [])
    return numbers
