"""Which tokens of a conversation teach, and how much: choices count, what the grammar forces hardly does.

The product decodes under a grammar that forces the layout, so a step on layout tokens is a step wasted, and so is the
output layer's time on them. Words that decide the picture (place, size, depth, what it is, colour) count in full. In an
answer to an edit most lines are copies, and a model that has seen little copies all of them: the lines that change
count double, those that stay a quarter. Of an answer without a canvas every word counts.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from training.language.pairs import Message

PLAN_WEIGHT, ECHO_WEIGHT, TALK_WEIGHT = 1.0, 0.3, 1.0
RELATION_WEIGHT = 3.0
CHANGED, UNCHANGED = 2.0, 0.25
#: a layout token counts in full this often and not at all otherwise: the layout stays known where no grammar forces it
LAYOUT_SHARE = 0.05
_PLAN = "location|offset|distance_to_viewer|description|HTML_web_color_name"
#: what is not layout: values of keywords, list items, which keyword comes next where one may be left out, and what
#: follows a closed call or item
_CHOICES = (
    (re.compile(r"^(```python)$", re.M), PLAN_WEIGHT),
    (re.compile(rf"^    (?:{_PLAN})='?(.*?)'?,$", re.M), PLAN_WEIGHT),
    (re.compile(r"^    area='a (small|medium|large)", re.M), PLAN_WEIGHT),
    (re.compile(r"^    area='.*?(\w+) area',$", re.M), PLAN_WEIGHT),
    (re.compile(r"^\)(\ncanvas|\n```)", re.M), PLAN_WEIGHT),
    (re.compile(r"^    (offset|area|distance|HTML|detailed)", re.M), ECHO_WEIGHT),
    # whether a relation is said: a planner that says it puts things right, one that does not puts them side by side
    (re.compile(r"^    description='.*',\n    (detailed|HTML)", re.M), RELATION_WEIGHT),
    (re.compile(r"^        '(.*)',$", re.M), PLAN_WEIGHT),
    (re.compile(r"^        '.*',(\n +.)", re.M), ECHO_WEIGHT),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """Token ids of a conversation and, for each, how much predicting it counts (0: not at all)."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]


def character_weights(answer: str, before: str = "") -> list[float]:
    """The weight of each character of a program; `before` is the program that it edits."""
    if not answer.startswith("```"):
        return [TALK_WEIGHT] * len(answer)
    weights = [0.0] * len(answer)
    for pattern, weight in _CHOICES:
        for match in pattern.finditer(answer):
            start, end = match.span(1)
            weights[start:end] = [weight] * (end - start)
    return _of_edit(answer, before, weights) if before else weights


def _of_edit(answer: str, before: str, weights: list[float]) -> list[float]:
    """The weights of an edit's answer: line by line, by whether the line was there before."""
    known, at = set(before.split("\n")), 0
    for line in answer.split("\n"):
        factor = UNCHANGED if line in known else CHANGED
        weights[at : at + len(line)] = [weight * factor for weight in weights[at : at + len(line)]]
        at += len(line) + 1
    return weights


def tokenize(messages: Sequence[Message], tokenizer: Any, r: random.Random) -> Sample:
    """ChatML ids of a conversation; only words of the assistant, and its end mark, have a weight."""
    ids: list[int] = []
    weights: list[float] = []
    before = ""
    for message in messages:
        head = tokenizer(f"<|im_start|>{message['role']}\n", add_special_tokens=False).input_ids
        body = tokenizer(message["content"], add_special_tokens=False, return_offsets_mapping=True)
        tail = tokenizer("<|im_end|>\n", add_special_tokens=False).input_ids
        ids += [*head, *body.input_ids, *tail]
        if message["role"] == "assistant":
            by_character = character_weights(message["content"], before)
            inner = [_token_weight(by_character[a:b], r) for a, b in body.offset_mapping]
            weights += [*[0.0] * len(head), *inner, PLAN_WEIGHT, *[0.0] * (len(tail) - 1)]
            before = message["content"] if message["content"].startswith("```") else before
        else:
            weights += [0.0] * (len(head) + len(body.input_ids) + len(tail))
    return Sample(tuple(ids), tuple(weights))


def _token_weight(characters: Sequence[float], r: random.Random) -> float:
    return max(characters, default=0.0) or float(r.random() < LAYOUT_SHARE)
