"""What a render paints of a canvas, and what it keeps of an earlier one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lib_omost.canvas import Canvas
from lib_omost.renderer.inpaint import changed_mask
from lib_omost.studio import keeping


@pytest.fixture
def canvas() -> Canvas:
    canvas = Canvas()
    canvas.set_global_description("an apple and a tree", ["The grass is green."], "meadow", "skyblue")
    for place, thing in (("on the left", "an apple"), ("on the right", "a tree")):
        words = (thing, ["It is there."], "tag", "calm", "flat", "clean", "red")
        canvas.add_local_description(place, "no offset", "a small square area", 1.0, *words)
    return canvas


def painted_anew(before: Canvas, after: Canvas) -> list[bool]:
    """Whether the left and the right third of a picture change."""
    mask = changed_mask(before, after)
    return [bool(np.max(mask[:, :30])), bool(np.max(mask[:, 60:]))]


def test_a_region_of_strength_nothing_is_not_painted_and_the_others_keep_theirs(canvas: Canvas) -> None:
    shown, strengths = keeping.shown(canvas, (0.0, 2.0))
    assert [region.description for region in shown.regions] == ["a tree"]
    assert strengths == (2.0,)
    assert keeping.shown(canvas, ()) == (canvas, ())


@pytest.mark.parametrize(
    ("was", "now", "changes"),
    [
        ((), (), [False, False]),
        ((), (2.0, 1.0), [True, False]),
        ((2.0, 1.0), (), [True, False]),
        ((1.0, 0.0), (), [False, True]),
        ((), (1.0, 0.0), [False, True]),
    ],
)
def test_only_where_strengths_differ_a_picture_is_painted_anew(
    canvas: Canvas, was: tuple[float, ...], now: tuple[float, ...], changes: list[bool]
) -> None:
    shown, strengths = keeping.shown(canvas, now)
    assert painted_anew(keeping.unchanged(canvas, was, shown, strengths), shown) == changes


def test_a_region_to_be_painted_anew_is_and_the_rest_is_not_whatever_it_is_called(canvas: Canvas) -> None:
    apple, tree = canvas.regions
    after = replace(canvas, regions=(replace(apple, name="the fruit", locked=True), tree))
    assert painted_anew(keeping.unchanged(canvas, (), after, ()), after) == [False, False]
    assert painted_anew(keeping.unchanged(canvas, (), after, (), after.regions[0]), after) == [True, False]
