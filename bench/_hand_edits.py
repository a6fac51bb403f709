"""Hand edits that are laid into a given plan before a message is sent, and whether each is still there afterwards.

What a person does in the editor and in the code: a box drawn anew, a colour, words, a name, what is not to be there,
words in the picture, a comment, a lock. Things that the message is about get only what no message is about.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench._written_set import Given, Row
from lib_omost.canvas import Box, Canvas, Region, read_program, set_box, set_keyword

#: Colours that no written question asks for by name.
_COLORS = ("orchid", "darkcyan", "darkseagreen", "rosybrown", "slateblue", "thistle")
_NAMES = ("Hero", "Bruno", "Number seven", "my favourite")
_NEGATIVES = ("leaf", "hat, glasses", "text", "shadow")
#: By hand, on things that the message is not about, and on any that stays.
_FREE_KINDS = ("box", "color", "words", "locked")
_QUIET_KINDS = ("name", "negative", "text", "comment")


@dataclass(frozen=True)
class HandEdit:
    """One edit by hand of the region with that title in the plan; `value` is what it set."""

    kind: str
    title: str
    value: Any


def hand_edits(row: Row, given: Given, earlier: Sequence[Given] = ()) -> list[HandEdit]:
    """Three or four edits of the plan that the row's message is about, the same in every run.

    `earlier`: the plans before in its chat; a region that changed in it is not touched, since "undo that" is about it.
    """
    r = random.Random(f"by hand {row['id']}")
    still = [title for title in given.titles if all(_same_in(title, given, plan) for plan in earlier)]
    about = row.get("about", []) if not row.get("free") else list(given.titles)
    aside = [title for title in still if title not in about]
    stays = [title for title in still if title in aside or not _may_go(row)]
    edits = []
    for kind in r.sample(_FREE_KINDS, 2) if aside else []:
        edits.append(_edit(kind, r.choice(aside), given, r))
    for kind in r.sample(_QUIET_KINDS, 2) if stays else []:
        edits.append(_edit(kind, r.choice(stays), given, r))
    return edits


def laid(given: Given, edits: Sequence[HandEdit]) -> Given:
    """The plan with the edits in its program and in its canvas."""
    code = given.code
    for edit in edits:
        if edit.title in given.titles:
            code = _set(code, given.titles.index(edit.title), edit)
    canvas = read_program(code).canvas
    assert canvas is not None
    return replace(given, canvas=canvas, code=code)


def lost(edits: Sequence[HandEdit], code: str, follow: Mapping[str, Region | None]) -> list[HandEdit]:
    """The edits that are not in `code` any more. `follow`: what became of each region, by its title."""
    canvas = read_program(code).canvas or Canvas()
    return [edit for edit in edits if not _is_there(edit, code, canvas, follow.get(edit.title))]


def _same_in(title: str, given: Given, other: Given) -> bool:
    if title not in other.titles:
        return False
    return given.canvas.regions[given.titles.index(title)] == other.canvas.regions[other.titles.index(title)]


def _may_go(row: Row) -> bool:
    """Whether the message takes a thing out or puts another in its place."""
    return any(row.get(key) for key in ("gone", "gone_region", "free"))


def _edit(kind: str, title: str, given: Given, r: random.Random) -> HandEdit:
    region = given.canvas.regions[given.titles.index(title)]
    values = {
        "box": lambda: _nudged(region.box, r),
        "color": lambda: r.choice(_COLORS),
        "words": lambda: region.description.rstrip(".") + ", drawn with care.",
        "locked": lambda: True,
        "name": lambda: r.choice(_NAMES),
        "negative": lambda: r.choice(_NEGATIVES),
        "text": lambda: "OPEN",
        "comment": lambda: f"# mine: the {title} as my daughter likes it",
    }
    return HandEdit(kind, title, values[kind]())


def _nudged(box: Box, r: random.Random) -> Box:
    """About where it was, in no box of the vocabulary."""
    left, top = min(box.left + r.randint(1, 3), 60), min(box.top + r.randint(1, 3), 60)
    return Box(left, top, min(left + box.width - 5, 90), min(top + box.height - 4, 90))


def _set(code: str, index: int, edit: HandEdit) -> str:
    if edit.kind == "box":
        return set_box(code, index, edit.value)
    if edit.kind == "comment":
        start = read_program(code).spans[index][0]
        return f"{code[:start]}{edit.value}\n{code[start:]}"
    fields = {"color": "HTML_web_color_name", "words": "description"}
    return set_keyword(code, index, fields.get(edit.kind, edit.kind), edit.value)


def _is_there(edit: HandEdit, code: str, canvas: Canvas, region: Region | None) -> bool:
    if edit.kind == "comment":
        return edit.value in code
    if edit.kind in ("name", "negative", "text"):
        return any(getattr(one, edit.kind) == edit.value for one in canvas.regions)
    if region is None:
        return False
    field = {"box": "bbox", "color": "HTML_web_color_name", "words": "description"}.get(edit.kind, edit.kind)
    return bool(getattr(region, field) == edit.value)
