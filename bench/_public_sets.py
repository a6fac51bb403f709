"""Other projects' questions, read from those projects' own files into the rows that our judge knows.

lmd     LLM-grounded Diffusion (arXiv 2305.13655): its cache file (JSON, prompts as keys), a JSON list or plain lines
nsr     NSR-1K of LayoutGPT (arXiv 2305.15393): a JSON list, spatial (obj1, obj2, relation) or counting (num_object)
geneval GenEval (arXiv 2310.11513): evaluation_metadata.jsonl, lines with tag, include and prompt

None of these files is here: fetch them from the projects. The rules of right and wrong are ours (docs/judging.md).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench._written_set import Row
from bench._written_words import COUNTS, singular
from lib_omost.errors import SettingsError

#: What captions call the classes of COCO besides their names.
_ALSO = {
    "person": "man|woman|boy|girl|people|child|lady|guy|player|rider",
    "couch": "sofa",
    "tv": "television|monitor|screen",
    "cell phone": "phone|cellphone|smartphone",
    "tv remote": "remote|remote control",
    "remote": "remote control",
    "potted plant": "plant",
    "dining table": "table",
    "airplane": "plane|jet|aeroplane",
    "motorcycle": "motorbike|bike",
    "bicycle": "bike",
    "sports ball": "ball|football|soccer ball",
    "hair drier": "hair dryer|hairdryer|dryer",
    "wine glass": "glass|wine",
    "computer mouse": "mouse",
    "computer keyboard": "keyboard",
    "donut": "doughnut",
    "refrigerator": "fridge",
    "teddy bear": "bear|teddy",
    "baseball bat": "bat",
    "baseball glove": "glove",
    "tennis racket": "racket|racquet",
}
_NSR_RELATIONS = {
    "left": "left of",
    "right": "right of",
    "top": "on|above",
    "bottom": "under|below",
    "next to": "near|left of|right of",
    "above": "on|above",
    "below": "under|below",
}


def public_rows(name: str, path: Path, n: int, seed: int = 1) -> list[Row]:
    """The rows of the file, `n` of each task (0 = all) in an order that `seed` shuffles.

    Raises SettingsError where the file is not of that set.
    """
    text = path.read_text(encoding="utf-8")
    try:
        found = READERS[name](text)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise SettingsError(
            f"{path} is no file of {name} ({error!r}); bench/_public_sets.py says which it is."
        ) from None
    random.Random(seed).shuffle(found)
    taken: dict[str, int] = {}
    kept = []
    for row in found:
        taken[row["task"]] = taken.get(row["task"], 0) + 1
        if not n or taken[row["task"]] <= n:
            kept.append(row)
    return kept


def _class(name: str, count: int | str = 1, color: str = "") -> Row:
    words = "|".join(filter(None, [name, _ALSO.get(name, "")]))
    return {"is": words, "n": count} | ({"color": color} if color else {})


# --- LLM-grounded Diffusion ---


def _lmd(text: str) -> list[Row]:
    prompts = _prompts(text)
    return [_lmd_row(f"lmd{number}", prompt) for number, prompt in enumerate(dict.fromkeys(prompts))]


def _prompts(text: str) -> list[str]:
    if text.lstrip()[:1] not in ("{", "["):
        return [line.strip() for line in text.splitlines() if line.strip()]
    return [str(prompt) for prompt in json.loads(text)]


def _lmd_row(name: str, prompt: str) -> Row:
    """One of the four forms: without NOUNS; with NUMBER NOUNS; with a COLOR NOUN and a COLOR NOUN; NOUN on the SIDE."""
    row = {"id": name, "text": prompt}
    plain = prompt.strip().rstrip(".")
    if match := re.search(r"\bwithout (.+)$", plain):
        return row | {"task": "negation", "gone": [singular(match[1])]}
    if match := re.search(r"\bwith an? (.+) on the (\w+) and an? (.+) on the (\w+)$", plain):
        sides = {"left": "left of", "right": "right of", "top": "above", "bottom": "below"}
        relation = [[match[1], sides[match[2]], match[3]]]
        return row | {"task": "spatial", "things": [_class(match[1]), _class(match[3])], "relations": relation}
    if match := re.search(r"\bwith an? (\w+) (.+) and an? (\w+) (.+)$", plain):
        things = [_class(match[2], color=match[1]), _class(match[4], color=match[3])]
        return row | {"task": "attribution", "things": things}
    counted = re.findall(
        r"\b(one|two|three|four|five|six|seven|eight|\d+) (.+?)(?: and |$)", plain.split("with ", 1)[1]
    )
    if not counted:
        raise ValueError(f"unknown form: {prompt}")
    things = [_class(singular(noun), COUNTS.get(number) or int(number)) for number, noun in counted]
    return row | {"task": "numeracy", "things": things}


# --- NSR-1K ---


def _nsr(text: str) -> list[Row]:
    return [_nsr_spatial(row) if "relation" in row else _nsr_counting(row) for row in json.loads(text)]


def _nsr_spatial(row: Row) -> Row:
    one, other = row["obj1"][0], row["obj2"][0]
    return {
        "id": f"nsr{row['id']}",
        "text": row["prompt"],
        "task": f"spatial_{row['type']}",
        "things": [_class(one, "some"), _class(other, "some")],
        "relations": [[one, _NSR_RELATIONS[row["relation"]], other]],
    }


def _nsr_counting(row: Row) -> Row:
    kind = row.get("sub-type", "")
    task = row["type"] if row["type"] != "template" else kind.replace("-", "_") or "template"
    numbers: list[tuple[str, int]] = [(name, count) for name, count in row["num_object"]]
    given: Row = {"id": f"nsr{row['id']}", "text": row["prompt"], "task": f"counting_{task}"}
    if kind == "comparison" and numbers[0][1] != numbers[1][1]:
        (one, count), (other, more) = numbers
        order = ">" if count > more else "<"
        return given | {"things": [_class(one, count), _class(other, "some")], "compare": [[one, order, other]]}
    return given | {"things": [_class(name, count) for name, count in numbers]}


# --- GenEval ---


def _geneval(text: str) -> list[Row]:
    lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    return [_geneval_row(f"geneval{number}", line) for number, line in enumerate(lines)]


def _geneval_row(name: str, line: dict[str, Any]) -> Row:
    include = line["include"]
    things = [_class(one["class"], one["count"], one.get("color", "")) for one in include]
    relations = [
        [one["class"], one["position"][0], include[one["position"][1]]["class"]] for one in include if "position" in one
    ]
    row: Row = {"id": name, "text": line["prompt"], "task": line["tag"], "things": things}
    return row | ({"relations": relations} if relations else {})


READERS: dict[str, Callable[[str], list[Row]]] = {"lmd": _lmd, "nsr": _nsr, "geneval": _geneval}
