"""A quick look at an adapter while it trains: which values of a right program would it have written, left to right?

    python -m training.language.judge --adapter .kitwork/language/adapter --n 60

One forward pass a program and no generation, so it costs seconds where `python -m bench layout` costs minutes; it says
which words are not learned yet, not how well the model plans alone. Conversations are new, half of them about nouns
that nobody trains on; every kind of edit has its share.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training import nouns
from training.language.edits import EDITS, random_edit
from training.language.free import free_request
from training.language.pairs import SYSTEM, Message
from training.language.refer import random_change
from training.language.requests import random_request
from training.language.scenes import program

#: what the values are grouped by
_VALUES = re.compile(
    r"^    (location|offset|area|distance_to_viewer|description|HTML_web_color_name)='?(.*?)'?,$", re.M
)
#: how one thing stands to another
_RELATION = re.compile(r"^        'The .* (?:is|are) (.*\bthe .*)\.',$", re.M)
_STOP = re.compile(r"^\)(\ncanvas|\n```)", re.M)
FIRST_SEED = 10**6
WIDE = 3


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation whose last answer is right by construction, and the group that it counts in."""

    group: str
    messages: tuple[Message, ...]


def cases(n: int, seed: int = FIRST_SEED) -> list[Case]:
    """In turn first requests about known nouns, about held-out ones, edits of each kind, and wide requests."""
    kinds = list(EDITS)
    return [_case(random.Random(seed + i), i % 4, kinds[i // 4 % len(kinds)]) for i in range(n)]


def _case(r: random.Random, group: int, kind: str) -> Case:
    pool = nouns.HELD_OUT if group == 1 else nouns.DRAWN
    if group == WIDE:
        return _wide_case(r)
    text, scene = random_request(r, pool, things=r.choice([2, 2, 3]) if group == 2 else r.choice([1, 2, 2, 3]))
    said: list[Message] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
    said.append({"role": "assistant", "content": program(scene)})
    if group < 2:
        return Case(("known nouns", "held-out nouns")[group], tuple(said))
    more, after, _ = random_edit(r, scene, pool, kind)
    said += [{"role": "user", "content": more}, {"role": "assistant", "content": program(after)}]
    return Case(f"edit: {kind}", tuple(said))


def _wide_case(r: random.Random) -> Case:
    text, scene = free_request(r, nouns.DRAWN)
    said: list[Message] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
    said.append({"role": "assistant", "content": program(scene)})
    if r.random() < 0.5:
        return Case("wide requests", tuple(said))
    more, after = random_change(r, scene)
    said += [{"role": "user", "content": more}, {"role": "assistant", "content": program(after)}]
    return Case("wide edits", tuple(said))


def values(answer: str) -> list[tuple[str, int, int]]:
    """(name, first and last character) of every value that decides something, and of every choice to go on or stop."""
    found = [(match[1], *match.span(2)) for match in _VALUES.finditer(answer)]
    found += [("said relation", *match.span(1)) for match in _RELATION.finditer(answer)]
    return found + [("another region", *match.span(1)) for match in _STOP.finditer(answer)]


@torch.inference_mode()
def right_values(case: Case, model: Any, tokenizer: Any) -> list[tuple[str, bool]]:
    """Per value of the last answer: its name, and whether each of its tokens is the likeliest one."""
    *before, last = case.messages
    head = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in before) + "<|im_start|>assistant\n"
    prompt = tokenizer(head, add_special_tokens=False).input_ids
    body = tokenizer(last["content"], add_special_tokens=False, return_offsets_mapping=True)
    ids = torch.tensor([prompt + body.input_ids], device=model.device)
    hidden = model.model(input_ids=ids).last_hidden_state[0, len(prompt) - 1 : -1]
    hits = (model.lm_head(hidden).argmax(-1) == ids[0, len(prompt) :]).tolist()
    return [
        (name, all(hit for hit, (a, b) in zip(hits, body.offset_mapping, strict=True) if a < end and b > start))
        for name, start, end in values(last["content"])
    ]


def judge(model: Any, tokenizer: Any, n: int) -> dict[str, dict[str, float]]:
    """Group -> value -> share that is right; the group "all" holds every case."""
    found: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for case in cases(n):
        for name, right in right_values(case, model, tokenizer):
            for group in (case.group, "all"):
                found[group][name].append(right)
    return {
        group: {name: round(sum(hits) / len(hits), 3) for name, hits in by_name.items()}
        for group, by_name in sorted(found.items())
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--base", type=Path, help="folder of the base model (default: the cache folder's)")
    parser.add_argument("--n", type=int, default=60, help="conversations")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    args = parser.parse_args()
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from lib_omost.runtime.default_model import default_language_model
    from training.language.train import number_type

    base = args.base or default_language_model()
    model = AutoModelForCausalLM.from_pretrained(base, dtype=number_type(args.device))
    model = PeftModel.from_pretrained(model, args.adapter).merge_and_unload().to(args.device).eval()
    report = judge(model, AutoTokenizer.from_pretrained(base), args.n)
    for group, shares in report.items():
        print(f"{group:18}", " ".join(f"{name} {share:.2f}" for name, share in shares.items()))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
