from __future__ import annotations

import itertools
import random

import pytest
import torch

from lib_omost.canvas import GRID, Box
from training.image.attention import level_masks
from training.image.captions import caption
from training.image.catalogue import Catalogue
from training.image.scenes import FILL, MASK_SIDE, Place, Scene, make_scene, masked_cells, places


def scenes(catalogue: Catalogue, count: int = 150) -> list[Scene]:
    return [make_scene(catalogue, number) for number in range(count)]


def test_a_scene_number_always_makes_the_same_scene(shape_catalogue: Catalogue) -> None:
    assert make_scene(shape_catalogue, 12) == make_scene(shape_catalogue, 12)


def test_things_stay_in_their_boxes(shape_catalogue: Catalogue) -> None:
    for scene in scenes(shape_catalogue):
        for thing in scene.things:
            for left, top, right, bottom in thing.places:
                assert left >= thing.box.left - 8 and right <= thing.box.right + 8
                assert top >= thing.box.top - 8 and bottom <= thing.box.bottom + 8


@pytest.mark.parametrize("box", [Box(0, 0, 90, 90), Box(20, 20, 70, 70), Box(3, 41, 47, 88), Box(31, 5, 57, 66)])
def test_a_thing_is_in_the_middle_of_the_cells_that_its_mask_shows(box: Box) -> None:
    mask = level_masks(torch.tensor([[tuple(box)]]), 1, 2 * MASK_SIDE, 2)[MASK_SIDE**2].visible
    rows, columns = mask.view(MASK_SIDE, MASK_SIDE).nonzero().unbind(1)
    cell = GRID / MASK_SIDE
    edges = (columns.min() * cell, rows.min() * cell, (columns.max() + 1) * cell, (rows.max() + 1) * cell)
    assert masked_cells(box) == tuple(float(edge) for edge in edges)
    ((left, top, right, bottom),) = places(box, 1)
    assert left + right == pytest.approx(float(edges[0] + edges[2])) and top + bottom == pytest.approx(
        float(edges[1] + edges[3])
    )
    assert right - left == bottom - top == pytest.approx(FILL * min(edges[2] - edges[0], edges[3] - edges[1]))


def test_boxes_that_the_mask_cannot_tell_apart_hold_the_same_picture() -> None:
    assert places(Box(20, 20, 70, 70), 2) == places(Box(22, 19, 70, 72), 2) != places(Box(30, 20, 80, 70), 2)


def side(place: Place) -> float:
    return place[2] - place[0]


def hidden(scene: Scene) -> list[float]:
    """Of each pair of sprites of two things: which part of the larger one's square the other one covers."""
    return [
        max(min(p[2], q[2]) - max(p[0], q[0]), 0.0)
        * max(min(p[3], q[3]) - max(p[1], q[1]), 0.0)
        / max(side(p), side(q)) ** 2
        for one, other in itertools.combinations(scene.things, 2)
        for p in one.places
        for q in other.places
    ]


def test_no_thing_hides_more_than_half_of_another_or_so(shape_catalogue: Catalogue) -> None:
    assert max(share for scene in scenes(shape_catalogue) for share in hidden(scene)) <= 0.55


def test_things_overlap_in_a_fifth_of_the_scenes_as_planned_ones_do(shape_catalogue: Catalogue) -> None:
    found = scenes(shape_catalogue, 600)
    assert 0.15 < sum(max(hidden(scene), default=0.0) > 0.15 for scene in found) / len(found) < 0.35


def test_a_smaller_thing_is_in_front_of_a_larger_one_and_a_lower_in_front_of_a_higher(
    shape_catalogue: Catalogue,
) -> None:
    for scene in scenes(shape_catalogue):
        for back, front in itertools.pairwise(thing.places[0] for thing in scene.things):
            assert (side(back), -back[1]) >= (side(front), -front[1])


def test_a_caption_names_every_thing_in_its_region(shape_catalogue: Catalogue) -> None:
    for number, scene in enumerate(scenes(shape_catalogue)):
        told = caption(scene, random.Random(number))
        assert [box for box, _ in told.regions] == [thing.box for thing in scene.things]
        for thing, (_, text) in zip(scene.things, told.regions, strict=True):
            assert thing.noun in text.prefixes[-1]


def test_a_recolored_thing_always_says_its_color(shape_catalogue: Catalogue) -> None:
    seen = 0
    for number, scene in enumerate(scenes(shape_catalogue)):
        told = caption(scene, random.Random(number))
        for thing, (_, text) in zip(scene.things, told.regions, strict=True):
            if thing.sprite.is_copy:
                seen += 1
                assert thing.sprite.color in text.prefixes[-1]
    assert seen > 20
