"""The written questions of bench/requests: rows of four kinds, given plans as programs, conversations to ask with."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lib_omost.canvas import Canvas
from lib_omost.composer import Message

FOLDER = Path(__file__).parent / "requests"
KINDS = ("new", "captions", "edits", "others")
#: What a plan must say anywhere in its words.
SCENE_KEYS = ("place", "time", "weather", "season", "mood", "mood2", "style")
Row = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """One thing of a row. `words`: nouns that mean it, the row's name for it first. `count` 0: any number of them."""

    words: tuple[str, ...]
    count: int = 1
    color: str = ""
    like: tuple[str, ...] = ()
    at: str = ""
    depth: str = ""

    @property
    def name(self) -> str:
        return self.words[0]


@dataclass(frozen=True)
class Given:
    """A plan that an edit starts from, with the titles of its regions in the order of its program."""

    id: str
    asked: str
    canvas: Canvas
    titles: tuple[str, ...]
    code: str = field(repr=False)


def rows(kind: str, n: int = 0, seed: int = 1) -> list[Row]:
    """The rows of `kind` in an order that `seed` shuffles, so that the first n are a fair sample; 0 = all."""
    found = read_lines(FOLDER / f"{kind}.jsonl")
    random.Random(f"{seed} {kind}").shuffle(found)
    return found[: n or None]


def wanted(row: Row) -> list[Wanted]:
    return [_thing(thing) for thing in row.get("things", [])]


def _thing(thing: Row) -> Wanted:
    count = thing.get("n", 1)
    return Wanted(
        words=choices(thing["is"]),
        count=0 if count == "some" else int(count),
        color=thing.get("color", ""),
        like=choices(thing.get("with", "")),
        at=thing.get("at", ""),
        depth=thing.get("depth", ""),
    )


def choices(text: str) -> tuple[str, ...]:
    """`a|b c` as ("a", "b c")."""
    return tuple(word.strip() for word in text.split("|") if word.strip())


def plans() -> dict[str, Given]:
    """Every given plan by its id, those that changed another one included."""
    found: dict[str, Row] = {}
    for row in read_lines(FOLDER / "plans.jsonl"):
        found[row["id"]] = _changed(found[row["from"]], row) if "from" in row else row
    return {name: given(row) for name, row in found.items()}


def given(row: Row) -> Given:
    canvas = Canvas()
    canvas.set_global_description(row["description"], row["details"], row["tags"], row["color"])
    for region in row["regions"]:
        location, offset, area = region["place"]
        canvas.add_local_description(
            location,
            offset,
            area,
            region["distance"],
            region["description"],
            region["details"],
            region["tags"],
            row["mood"],
            row["style"],
            "High resolution.",
            region["color"],
        )
    titles = [region["title"] for region in row["regions"]]
    plain = tuple(title.removeprefix("the ") for title in titles)
    return Given(row["id"], row["asked"], canvas, plain, _titled(canvas.to_code(), titles))


def conversation(row: Row, among: dict[str, Given]) -> list[Message]:
    """What was said before and what is said now: the plan's own request and program, the changes, the row's text."""
    said: list[Message] = []
    if "plan" in row:
        first = among[row["plan"]]
        for text, plan in [(first.asked, first), *((text, among[name]) for text, name in row.get("after", []))]:
            said += [{"role": "user", "content": text}, {"role": "assistant", "content": f"```python\n{plan.code}```"}]
    return [*said, {"role": "user", "content": row["text"]}]


def before(row: Row, among: dict[str, Given]) -> Given:
    """The plan that an edit changes: the last one of its conversation."""
    changes = row.get("after", [])
    return among[changes[-1][1] if changes else row["plan"]]


def _titled(code: str, titles: list[str]) -> str:
    """The program with a comment above each region as the default planner writes them: `# Add the dog`."""
    left = iter(titles)
    return re.sub(r"^# Add .*$", lambda _: f"# Add {next(left)}", code, flags=re.MULTILINE)


def _changed(plan: Row, change: Row) -> Row:
    regions = [region | change.get("set", {}).get(region["title"], {}) for region in plan["regions"]]
    regions = [region for region in regions if region["title"] not in change.get("drop", [])]
    other = {key: value for key, value in change.items() if key not in ("from", "set", "drop", "add")}
    return plan | other | {"regions": [*regions, *change.get("add", [])]}


def read_lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
