"""What of a canvas is painted, and what of an earlier one a picture still shows: regions that are left out, bind
otherwise or are to be painted anew. Which pixels that concerns is the renderer's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lib_omost.canvas import Canvas, Region

Strengths = tuple[float, ...]


def shown(canvas: Canvas, strengths: Sequence[float]) -> tuple[Canvas, Strengths]:
    """The canvas without the regions of strength 0, and the strengths of the others; both as they are where there is
    none.
    """
    bound = _bound(canvas, strengths)
    if all(strength for _, strength in bound):
        return canvas, tuple(strengths)
    kept = [(region, strength) for region, strength in bound if strength]
    return replace(canvas, regions=tuple(region for region, _ in kept)), tuple(strength for _, strength in kept)


def unchanged(
    before: Canvas, was: Sequence[float], after: Canvas, strengths: Sequence[float], anew: Region | None = None
) -> Canvas:
    """The canvas that a picture was painted from, less the regions that it shows otherwise than `after` wants them:
    those left out then, those that bind otherwise now, and the one to be painted `anew`.
    """
    before, was = shown(before, was)
    now = {_look(region): strength for region, strength in _bound(after, strengths)}
    gone = None if anew is None else _look(anew)
    kept = (region for region, strength in _bound(before, was) if now.get(_look(region), strength) == strength)
    return replace(before, regions=tuple(region for region in kept if _look(region) != gone))


def _look(region: Region) -> Region:
    """All of a region that a picture shows."""
    return replace(region, name="", locked=False)


def _bound(canvas: Canvas, strengths: Sequence[float]) -> list[tuple[Region, float]]:
    """Each region with its strength, which is 1 where none is given."""
    given = [*strengths, *[1.0] * len(canvas.regions)]
    return list(zip(canvas.regions, given, strict=False))
