"""Replies by script to a plan with hand edits: every kind of change, alone and with others that nobody asked for.

Each comes with the program that has to be there afterwards, character by character.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bench._written_edits import noun_of
from bench._written_set import Given
from lib_omost.canvas import (
    GRID,
    Box,
    Canvas,
    Region,
    add_region,
    delete_region,
    outside,
    read_canvas,
    set_box,
    set_keyword,
    snap,
)
from lib_omost.canvas import merge as merged
from lib_omost.canvas.merge import moved as goes_to
from lib_omost.composer import in_words

COLOR = "HTML_web_color_name"


@dataclass(frozen=True)
class Scripted:
    """A message, the reply to it, the program as it was and as it has to be."""

    kind: str
    message: str
    shown: Canvas
    reply: Canvas
    before: str
    after: str

    @property
    def is_exact(self) -> bool:
        done = merged(
            self.shown, self.reply, self.before, lambda canvas, changes: outside(self.message, canvas, changes)
        )
        return done.code == self.after


def scripted(given: Given) -> Iterator[Scripted]:
    """Every kind of reply about the first region whose noun no other one has."""
    code = given.code
    shown = read_canvas(in_words({"role": "assistant", "content": f"```python\n{code}\n```"})["content"]).canvas
    assert shown is not None
    nouns = [noun_of(region) for region in shown.regions]
    index = next((at for at, noun in enumerate(nouns) if nouns.count(noun) == 1), None)
    if index is None or len(nouns) < 2:
        return
    for kind, message, reply, after in _kinds(nouns[index], index, shown, given):
        yield Scripted(kind, message, shown, reply, code, after)
        if kind not in ("anew", "same"):
            yield Scripted(f"{kind}, astray", message, shown, _astray(reply, shown.regions[index]), code, after)


def _kinds(noun: str, index: int, shown: Canvas, given: Given) -> Iterator[tuple[str, str, Canvas, str]]:
    region, own, code = shown.regions[index], given.canvas.regions[index], given.code
    locked = own.locked
    yield "same", f"make the {noun} nicer", shown, code
    yield "anew", f"make the {noun} nicer", replace(shown, regions=shown.regions[::-1]), code
    color = "red" if region.HTML_web_color_name != "red" else "blue"
    after = code if locked else set_keyword(code, index, COLOR, color)
    yield "recolour", f"make the {noun} {color}", _with(shown, index, replace(region, **{COLOR: color})), after
    there = Box(0, 0, 40, 60) if region.box.left > GRID / 4 else Box(50, 30, GRID, GRID)
    location, offset, area = snap(there)
    moved = replace(region, location=location, offset=offset, area=area)
    side = "left" if there.left == 0 else "right"
    after = code if locked else set_box(code, index, goes_to(region, moved, own.box))
    yield "move", f"put the {noun} on the far {side}", _with(shown, index, moved), after
    text = "A tiny paper boat."
    after = code if locked else set_keyword(code, index, "description", text)
    yield (
        "replace",
        f"replace the {noun} with a tiny paper boat",
        _with(shown, index, replace(region, description=text)),
        after,
    )
    gone = replace(shown, regions=tuple(one for at, one in enumerate(shown.regions) if at != index))
    yield "remove", f"remove the {noun}", gone, code if locked else delete_region(code, index)
    kite = replace(
        region, description="A small kite.", location="on the top", offset="no offset", distance_to_viewer=4.0
    )
    kite = replace(kite, bbox=None, name="", negative="", text="", locked=False)
    yield "add", "add a small kite at the top", replace(shown, regions=(*shown.regions, kite)), add_region(code, kite)
    whole = f"{shown.global_description} It snows."
    after = set_keyword(code, None, "description", whole)
    yield "whole", "make it snow, deep winter", replace(shown, global_description=whole), after


def _with(shown: Canvas, index: int, region: Region) -> Canvas:
    return replace(shown, regions=(*shown.regions[:index], region, *shown.regions[index + 1 :]))


def _astray(reply: Canvas, meant: Region) -> Canvas:
    """The reply with a change of colour and depth of every thing of the plan that the message is not about."""
    spoilt = [
        replace(one, HTML_web_color_name="magenta", distance_to_viewer=one.distance_to_viewer + 3)
        if one.description not in (meant.description, "A tiny paper boat.", "A small kite.") and one.box.cells < 5200
        else one
        for one in reply.regions
    ]
    return replace(reply, regions=tuple(spoilt))
