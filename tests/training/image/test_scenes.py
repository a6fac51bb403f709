from __future__ import annotations

import random

from training.image.captions import caption
from training.image.catalogue import Catalogue
from training.image.scenes import Scene, make_scene


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


def test_no_thing_hides_another(shape_catalogue: Catalogue) -> None:
    for scene in scenes(shape_catalogue):
        places = [(i, place) for i, thing in enumerate(scene.things) for place in thing.places]
        for i, p in places:
            for j, q in places:
                width, height = min(p[2], q[2]) - max(p[0], q[0]), min(p[3], q[3]) - max(p[1], q[1])
                smaller = min((p[2] - p[0]) ** 2, (q[2] - q[0]) ** 2)
                assert i == j or width <= 0 or height <= 0 or width * height <= 0.15 * smaller


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
