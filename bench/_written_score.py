"""Scores replies to questions of bench/requests or of a public set, names what failed and adds it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median

from bench._record import Number, table
from bench._written import Reply
from bench._written_edits import judged_edit
from bench._written_judge import Fault, is_kind, judged, tally
from bench._written_set import Given, Row, before
from lib_omost.canvas import read_canvas


@dataclass(frozen=True)
class Score:
    """One reply, judged. `kind`: which rows it is of; `valid`: the canvas was read without a repair."""

    kind: str
    row: Row
    reply: Reply
    faults: tuple[Fault, ...]
    harm: tuple[Fault, ...] = ()
    valid: bool = True

    @property
    def right(self) -> bool:
        return not self.faults


def scored(kind: str, row: Row, reply: Reply, among: Mapping[str, Given]) -> Score:
    reading = read_canvas(reply.text)
    valid = reading.status == "accept"
    if kind == "others":
        faults = () if is_kind(reply.text, reading.canvas) else (Fault("kind", "a canvas, or no sentence"),)
        return Score(kind, row, reply, faults, valid=True)
    if kind == "edits":
        verdict = judged_edit(row, among, before(row, dict(among)), reading.canvas)
        return Score(kind, row, reply, verdict.faults, verdict.harm, valid or not verdict.faults)
    return Score(kind, row, reply, tuple(judged(row, reading.canvas)), valid=valid)


def tell(scores: Sequence[Score]) -> None:
    """Every row that failed and what, then how often each kind of fault was seen."""
    for score in scores:
        if not score.right:
            plan = f" [{score.row['plan']}]" if "plan" in score.row else ""
            print(f"{score.row['id']}{plan}  {score.row['text']!r}")
            for fault in score.faults:
                print(f"    {fault.kind}: {fault.text}{'  (harm)' if fault in score.harm else ''}")
    for kind in dict.fromkeys(score.kind for score in scores):
        rows = [score for score in scores if score.kind == kind]
        failing = [fault for score in rows for fault in {fault.kind: fault for fault in score.faults}.values()]
        told = ", ".join(f"{name} {count}" for name, count in tally(failing).items())
        print(f"{kind}: {sum(score.right for score in rows)} of {len(rows)} right; rows with a fault of: {told or '-'}")


def written_numbers(scores: Sequence[Score]) -> dict[str, Number]:
    """Shares of 1 by kind; mean tokens of a plan, median seconds of a plan of three things and of an edit."""
    of = {kind: [score for score in scores if score.kind == kind] for kind in ("new", "captions", "edits", "others")}
    three = [score.reply for score in of["new"] if len(score.row["things"]) == 3]
    edits = [score.reply for score in of["edits"]]
    planned = [score for score in scores if score.kind != "others"]
    return {
        "new": _share([score.right for score in of["new"]]),
        "captions": _share([score.right for score in of["captions"]]),
        "edits": _share([score.right for score in of["edits"]]),
        "harmful": _share([bool(score.harm) for score in of["edits"]]),
        "kind": _share([score.right for score in of["others"]]),
        "plan_tokens": round(mean([score.reply.tokens for score in of["new"]] or [0])),
        "plan_s": _middle([reply.seconds for reply in three]),
        "edit_s": _middle([reply.seconds for reply in edits]),
        "plan_cpu_s": _middle([reply.cpu_s for reply in three if reply.cpu_s]),
        "edit_cpu_s": _middle([reply.cpu_s for reply in edits if reply.cpu_s]),
        "valid": _share([score.valid for score in planned]),
        **{f"asked_{kind}": len(rows) for kind, rows in of.items()},
    }


def task_numbers(scores: Sequence[Score]) -> dict[str, Number]:
    """One share of 1 for each task of a public set, and of all."""
    tasks = list(dict.fromkeys(score.kind for score in scores))
    shares: dict[str, Number] = {
        task: _share([score.right for score in scores if score.kind == task]) for task in tasks
    }
    return shares | {"all": _share([score.right for score in scores]), "n": len(scores)}


def summary(scores: Sequence[Score]) -> str:
    """A table: share right, of how many, and the standard error of the share."""
    rows: list[list[Number]] = []
    for kind in dict.fromkeys(score.kind for score in scores):
        right = [score.right for score in scores if score.kind == kind]
        share = mean(right)
        rows.append([kind, share, len(right), (share * (1 - share) / len(right)) ** 0.5])
    return table(("kind", "right", "of", "standard error"), rows)


def _share(found: Sequence[bool]) -> float:
    return round(mean(found), 3) if found else 0.0


def _middle(values: Sequence[float]) -> float:
    return round(median(values), 1) if values else 0.0
