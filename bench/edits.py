"""Edits in people's own words, of plans that carry hand edits, on the way that the page takes.

    python -m bench edits                                        the default model
    python -m bench edits --n 40 --out answers.jsonl             a part; goes on where it stopped
    python -m bench edits --merge                                the merge alone, with scripted replies; no model

done: share of edits where all that was asked holds and nothing else changed. harmful: share that lost or spoilt what
the edit was not about (docs/judging.md). kept: share of the hand edits that are still there. Answers are greedy.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench._hand_edits import HandEdit, hand_edits, laid, lost
from bench._record import Number, record, table
from bench._scripted_replies import Scripted, scripted
from bench._written import Reply, keep, kept, timed
from bench._written_edits import change_of, judged_edit
from bench._written_judge import Fault
from bench._written_set import FOLDER, Given, Row, before, plans, read_lines, rows
from bench.layout import PACKAGES, asker
from lib_omost.canvas import Canvas, read_canvas
from lib_omost.canvas.merge import Merge
from lib_omost.studio.changes import lines
from lib_omost.studio.conversation import Chats, Conversation, fenced, messages
from lib_omost.studio.store.sessions import Sessions, Turn


@dataclass(frozen=True)
class Edit:
    """One row with its plans as the person has them, and what was done to them by hand."""

    row: Row
    chain: tuple[Given, ...]
    by_hand: tuple[HandEdit, ...]

    @property
    def given(self) -> Given:
        return self.chain[-1]


@dataclass(frozen=True)
class Outcome:
    """An edit after its reply. `held`: what was held back, in words; `lost`: the hand edits that are gone."""

    edit: Edit
    faults: tuple[Fault, ...]
    harm: tuple[Fault, ...]
    lost: tuple[HandEdit, ...]
    held: tuple[str, ...]


def main(argv: list[str]) -> dict[str, Number]:
    args = parser().parse_args(argv)
    edits = all_edits(args.n, args.seed)
    numbers: dict[str, Number] = {} if args.asked else scripted_replies(edits)
    if args.merge:
        return numbers
    replies = answers(edits, args)
    found = [outcome(edit, replies[edit.row["id"]]) for edit in edits if edit.row["id"] in replies]
    tell(found)
    numbers |= summary(found) | {"llm": args.adapter.name if args.adapter else args.llm, "seed": args.seed}
    if args.save:
        record("edits", argv, numbers, PACKAGES)
    return numbers


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="python -m bench edits", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--n", type=int, default=0, help="how many edits; 0 = all")
    p.add_argument("--seed", type=int, default=1, help="which ones, and in which order")
    p.add_argument("--llm", default="default", help="a name of the catalog, a folder, or a server's address")
    p.add_argument("--adapter", type=Path, help="another adapter on the default language model")
    p.add_argument("--brief", action="store_true", help="that adapter writes the brief layout")
    p.add_argument("--out", type=Path, help="keeps every answer; what it holds is not asked again")
    p.add_argument("--asked", action="store_true", help="scores what --out holds, and nothing else")
    p.add_argument("--merge", action="store_true", help="scripted replies only")
    p.add_argument("--save", action="store_true", help="write bench/results/edits.json")
    return p


def all_edits(n: int = 0, seed: int = 1) -> list[Edit]:
    """The written edits and those of more_edits.jsonl, spread among them, each over plans with hand edits in them."""
    written, more, among = rows("edits", seed=seed), read_lines(FOLDER / "more_edits.jsonl"), plans()
    step = len(written) // len(more)
    for place, row in enumerate(more):
        written.insert(place * (step + 1) + step, row)
    return [edit_of(row, among) for row in written[: n or None]]


def edit_of(row: Row, among: dict[str, Given]) -> Edit:
    chain = [among[row["plan"]], *(among[name] for _, name in row.get("after", []))]
    by_hand = hand_edits(row, before(row, among), chain[:-1])
    return Edit(row, tuple(laid(plan, by_hand) for plan in chain), tuple(by_hand))


# --- asking ---


def answers(edits: Sequence[Edit], args: argparse.Namespace) -> dict[str, Reply]:
    """Row id -> the model's own reply, as it wrote it."""
    known = kept(args.out)
    if args.asked:
        return known
    write, _, tokens = asker(args.llm, args.adapter, args.brief)
    ask = timed(write, tokens)
    for edit in edits:
        name = edit.row["id"]
        if name not in known:
            known[name] = ask(messages(turns_of(edit)))
            keep(args.out, name, known[name])
            print(f"{name}  {known[name].seconds:5.1f} s  {edit.row['text']!r}", flush=True)
    return known


def turns_of(edit: Edit) -> list[Turn]:
    """The chat: the plan's own request, the changes before, each with the plan that came of it, and the message."""
    asked = [edit.chain[0].asked, *(text for text, _ in edit.row.get("after", []))]
    pairs = [
        turn
        for text, plan in zip(asked, edit.chain, strict=True)
        for turn in (Turn("user", text), Turn("assistant", fenced(plan.code)))
    ]
    return [*pairs, Turn("user", edit.row["text"])]


def outcome(edit: Edit, reply: Reply) -> Outcome:
    """What the page makes of the reply, judged."""
    canvas = read_canvas(reply.text).canvas
    done = patched(edit, canvas) if canvas is not None else None
    code = edit.given.code if done is None else done.code
    after = read_canvas(code).canvas or Canvas()
    there = {plan.id: plan for plan in edit.chain}
    verdict = judged_edit(edit.row, there, edit.given, after if done or "back" in edit.row else None)
    gone = lost(edit.by_hand, code, change_of(edit.given, after).follow)
    held = () if done is None else tuple(line.text for line in lines(done.held))
    return Outcome(edit, verdict.faults, verdict.harm, tuple(gone), held)


def patched(edit: Edit, reply: Canvas) -> Merge | None:
    """The reply as `Chats` merges it into a kept chat."""
    with tempfile.TemporaryDirectory() as folder:
        chats = Chats(Sessions(Path(folder) / "sessions.sqlite"))
        session = chats.sessions.create("bench")
        chats.sessions.add_turns(session, *turns_of(edit))
        chat: Conversation = chats.open(session)
        return chats.patched(session, chat, reply)


# --- telling ---


def tell(found: Sequence[Outcome]) -> None:
    for one in found:
        if one.faults or one.lost:
            print(f"{one.edit.row['id']} [{one.edit.row['plan']}]  {one.edit.row['text']!r}")
            for fault in one.faults:
                print(f"    {fault.kind}: {fault.text}{'  (harm)' if fault in one.harm else ''}")
            for gone in one.lost:
                print(f"    lost by hand: {gone.kind} of {gone.title}")
            if one.held:
                print(f"    held back: {', '.join(one.held)}")


def scripted_replies(edits: Sequence[Edit]) -> dict[str, Number]:
    exact = [one for edit in edits for one in scripted(edit.given)]
    tell_scripted(exact)
    return {"merge_exact": _share([one.is_exact for one in exact]), "scripted": len(exact)}


def tell_scripted(found: Sequence[Scripted]) -> None:
    kinds = dict.fromkeys(one.kind for one in found)
    shares = [[kind, _share([one.is_exact for one in found if one.kind == kind])] for kind in kinds]
    counts = [sum(one.kind == kind for one in found) for kind in kinds]
    print(table(("scripted reply", "exact", "of"), [[*row, n] for row, n in zip(shares, counts, strict=True)]))


def summary(found: Sequence[Outcome]) -> dict[str, Number]:
    by_hand = sum(len(one.edit.by_hand) for one in found)
    gone = sum(len(one.lost) for one in found)
    return {
        "done": _share([not one.faults for one in found]),
        "harmful": _share([bool(one.harm) for one in found]),
        "kept": round(1 - gone / by_hand, 4) if by_hand else 1.0,
        "asked": len(found),
        "hand_edits": by_hand,
        "held_back": _share([bool(one.held) for one in found]),
    }


def _share(found: Sequence[bool]) -> float:
    return round(sum(found) / len(found), 3) if found else 0.0
