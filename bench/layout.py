"""Does the language model plan what a person asked for? Four classic layout tasks, captions, held-out nouns and edits.

    python -m bench layout --n 100
    python -m bench layout --set written --out answers.jsonl       what people type (bench/requests)
    python -m bench layout --set geneval --file metadata.jsonl     another project's questions

Negation, numeracy, attribute binding and spatial relations follow LLM-grounded Diffusion (arXiv 2305.13655); natural
captions hold two things and a relation. All are judged from boxes and words alone: _layout_judge.py states what counts
as right. `heldout` asks all five about nouns that no training saw. `edits` asks nine kinds of change of canvases that
the model itself wrote. `valid` is the share of replies that read as a canvas without a repair. Answers are greedy.
"""

from __future__ import annotations

import argparse
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench._layout_edits import KINDS, EditQuestion, Opening, edit, opening
from bench._layout_judge import is_right
from bench._layout_questions import TASKS, askable, questions
from bench._public_sets import READERS, public_rows
from bench._record import Number, record, table
from bench._written import Ask as Asks
from bench._written import answered, in_turns, timed
from bench._written_score import scored, summary, task_numbers, tell, written_numbers
from bench._written_set import KINDS as WRITTEN
from bench._written_set import Row, plans, rows
from lib_omost.canvas import Canvas, read_canvas
from lib_omost.composer import ComposeSettings, Message
from lib_omost.errors import SettingsError
from training import nouns

Ask = Callable[[Sequence[Message]], str]
GREEDY = ComposeSettings(temperature=0.0, max_new_tokens=1800)
PACKAGES = ("torch", "transformers", "peft", "llguidance")


class Report:
    """Right or wrong, per task, and every answer for those who want to read them."""

    def __init__(self, answers: Path | None) -> None:
        self.shares: dict[str, list[bool]] = defaultdict(list)
        self._answers = answers
        if answers:
            answers.write_text("", encoding="utf-8")

    def add(self, task: str, is_right: bool, asked: str, answer: str) -> None:
        self.shares[task].append(is_right)
        if self._answers:
            with open(self._answers, "a", encoding="utf-8") as file:
                file.write(f"### {task} {'right' if is_right else 'WRONG'}: {asked}\n{answer}\n\n")
        print(f"{task:12} {'right' if is_right else 'wrong'}  {asked}", flush=True)

    def share(self, task: str) -> float:
        found = self.shares[task]
        return round(sum(found) / len(found), 3) if found else 0.0


def main(argv: list[str]) -> dict[str, Number]:
    args = parser().parse_args(argv)
    if args.set != "own":
        return another_set(args, argv)
    n = 100 if args.n is None else args.n
    ask, name, _ = asker(args.llm, args.adapter, args.brief)
    report = Report(args.answers)
    begin = time.monotonic()
    ask_questions(ask, report, n, args.seed)
    ask_edits(ask, report, n, args.seed)
    seconds = round(time.monotonic() - begin)
    print(table(("task", "right", "of", "standard error"), _rows(report)))
    result: dict[str, Number] = {task: report.share(task) for task in (*TASKS, "heldout", "edits", "valid")}
    result |= {task: report.share(task) for task in sorted(report.shares)}
    result |= {"n": n, "seed": args.seed, "llm": name, "seconds": seconds}
    if args.save:
        record("layout", argv, result, PACKAGES)
    return result


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m bench layout", description=__doc__)
    p.add_argument("--set", choices=("own", "written", *READERS), default="own", help="whose questions; own: ours")
    p.add_argument("--file", type=Path, help="the file of a public set (bench/_public_sets.py says which)")
    p.add_argument("--out", type=Path, help="keeps every answer of such a set; what it holds is not asked again")
    p.add_argument("--asked", action="store_true", help="scores what --out holds and asks nothing")
    p.add_argument(
        "--n", type=int, help="questions of each task or kind (own: 100, edits: of all nine kinds together; else all)"
    )
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--llm", default="default", help="a name of the catalog, a folder, or a server's address")
    p.add_argument("--adapter", type=Path, help="another adapter on the default language model")
    p.add_argument("--brief", action="store_true", help="that adapter writes the brief layout")
    p.add_argument("--answers", type=Path, help="file to write all answers to")
    p.add_argument("--save", action="store_true", help="write bench/results/layout.json, or layout-SET.json")
    return p


def another_set(args: argparse.Namespace, argv: list[str]) -> dict[str, Number]:
    """The written set or a public one: asks, names what failed, and gives the numbers."""
    rows_of = _rows_of(args)
    among = plans()
    asks: Asks | None = None
    name = args.adapter.name if args.adapter else args.llm
    if not args.asked:
        write, name, tokens = asker(args.llm, args.adapter, args.brief)
        write([{"role": "user", "content": "a dot"}])  # loads, so that the first question is timed like the others
        asks = timed(write, tokens)
    replies = answered(asks, in_turns(list(rows_of.values())), among, args.out)
    scores = [
        scored(kind, row, replies[row["id"]], among)
        for kind, found in rows_of.items()
        for row in found
        if row["id"] in replies
    ]
    tell(scores)
    print(summary(scores))
    result = written_numbers(scores) if args.set == "written" else task_numbers(scores)
    result |= {"llm": name, "seed": args.seed}
    if args.save:
        record(f"layout-{args.set}", argv, result, PACKAGES)
    return result


def _rows_of(args: argparse.Namespace) -> dict[str, list[Row]]:
    """Kind or task -> its rows."""
    if args.set == "written":
        return {kind: rows(kind, args.n or 0, args.seed) for kind in WRITTEN}
    if args.file is None:
        raise SettingsError(f"--set {args.set} needs --file PATH, that project's own file; docs/judging.md says which")
    found: dict[str, list[Row]] = {}
    for row in public_rows(args.set, args.file, args.n or 0, args.seed):
        found.setdefault(row["task"], []).append(row)
    return found


def asker(llm: str, adapter: Path | None, is_brief: bool = False) -> tuple[Ask, str, Callable[[], int]]:
    """(a function from a conversation to the reply, the name of what answers, the tokens of its last reply)."""
    never = threading.Event()
    if adapter is None:
        from lib_omost.runtime import Engine

        engine = Engine(llm)

        def counted() -> int:
            return engine.compose_stats.new_tokens if engine.compose_stats else 0

        return lambda messages: "".join(engine.compose(messages, GREEDY, never)), llm, counted
    import torch

    from lib_omost.composer import load_local
    from lib_omost.runtime import catalog
    from lib_omost.runtime.device import use_threads

    entry = catalog.llm("default")
    use_threads(torch.device("cpu"), 0)  # two threads of so small a model wait for each other on a busy machine
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    profile = replace(entry.profile, brief=is_brief, prose=entry.profile.prose or is_brief)
    composer = load_local(catalog.locate(entry), profile=profile, adapter=adapter, dtype=dtype, device=device)
    write = lambda messages: "".join(composer.stream(messages, GREEDY, never))  # noqa: E731
    return write, adapter.name, lambda: composer.stats.new_tokens


def ask_questions(ask: Ask, report: Report, n: int, seed: int) -> None:
    for question in questions(n, seed):
        answer = ask([{"role": "user", "content": question.text}])
        canvas = _read(answer, report)
        report.add(question.task, canvas is not None and is_right(question, canvas), question.text, answer)


def ask_edits(ask: Ask, report: Report, n: int, seed: int) -> None:
    """All kinds in turn, each of the same opening, so that a composer that keeps its cache reads it once.

    An opening whose answer does not hold its two things once each is passed over, at most as often as it is used.
    """
    among, done, number = askable(nouns.DRAWN), 0, 0
    while done < n and number < 2 * -(-n // len(KINDS)):
        r = random.Random(f"{seed} opening {number}")
        number += 1
        first = opening(r, among)
        answer = ask([{"role": "user", "content": first.text}])
        before = _read(answer, report)
        if before is None or not first.is_usable(before):
            print(f"passed over  the answer does not hold its things once each  {first.text}", flush=True)
            continue
        for kind in list(KINDS)[: n - done]:
            _ask_edit(ask, report, edit(kind, r, first, among), first, answer, before)
            done += 1


def _ask_edit(ask: Ask, report: Report, question: EditQuestion, first: Opening, answer: str, before: Canvas) -> None:
    said: list[Message] = [
        {"role": "user", "content": first.text},
        {"role": "assistant", "content": answer},
        {"role": "user", "content": question.text},
    ]
    edited = ask(said)
    after = _read(edited, report)
    right = after is not None and question.is_right(before, after)
    report.shares["edits"].append(right)
    report.add(f"edits_{question.kind}", right, f"{first.text} | {question.text}", edited)


def _read(answer: str, report: Report) -> Canvas | None:
    reading = read_canvas(answer)
    report.shares["valid"].append(reading.status == "accept")
    return reading.canvas


def _rows(report: Report) -> list[list[Number]]:
    """Per task: share, number of questions, and the standard error of the share."""
    rows: list[list[Number]] = []
    for task, found in sorted(report.shares.items()):
        share = sum(found) / len(found)
        rows.append([task, share, len(found), (share * (1 - share) / len(found)) ** 0.5])
    return rows
