from __future__ import annotations

import random

import pytest

from training import nouns
from training.language.edits import EDITS, random_edit
from training.language.requests import random_request
from training.language.scenes import Scene, Thing, program


def calls(scene: Scene) -> list[str]:
    """The text of each region's call."""
    return program(scene).split("\ncanvas.add_local")[1:]


def edited(kind: str, seed: int) -> tuple[str, Scene, Scene]:
    r = random.Random(seed)
    scene = random_request(r, nouns.DRAWN, things=3)[1]
    said, after, _ = random_edit(r, scene, nouns.DRAWN, kind)
    return said, scene, after


@pytest.mark.parametrize("kind", EDITS)
def test_an_edit_changes_the_program(kind: str) -> None:
    for seed in range(20):
        _, before, after = edited(kind, seed)
        assert program(before) != program(after)


@pytest.mark.parametrize("kind", ["replace", "recolor", "move", "resize", "add", "remove"])
def test_regions_that_nobody_asked_about_stay_the_same_to_the_letter(kind: str) -> None:
    for seed in range(20):
        _, before, after = edited(kind, seed)
        kept = [call for call in calls(before) if call.rstrip("`\n") in program(after)]
        assert len(kept) >= len(calls(before)) - 1


def test_a_move_keeps_what_is_moved_at_its_depth() -> None:
    for seed in range(20):
        _, before, after = edited("move", seed)
        for old, new in zip(before.things, after.things, strict=True):
            assert (old.noun, old.spot.distance) == (new.noun, new.spot.distance)


def test_what_is_said_names_the_new_color() -> None:
    for seed in range(20):
        said, before, after = edited("recolor", seed)
        (new,) = [b for a, b in zip(before.things, after.things, strict=True) if a != b]
        assert new.color in said


def test_no_scene_grows_beyond_five_things() -> None:
    r = random.Random(0)
    scene = random_request(r, nouns.DRAWN, things=4)[1]
    for _ in range(60):
        _, scene, _ = random_edit(r, scene, nouns.DRAWN)
        assert 1 <= len(scene.things) <= 5


def related(words: str) -> Scene:
    return Scene((Thing("house"), Thing("fox", stands=(words, "house"))))


def test_what_is_moved_or_removed_stands_to_nothing_any_more() -> None:
    for seed in range(10):
        for kind in ("move", "remove"):
            _, after, _ = random_edit(random.Random(seed), related("behind"), nouns.DRAWN, kind)
            assert "behind" not in program(after)


def test_what_takes_a_place_stands_as_what_stood_there_before() -> None:
    for seed in range(10):
        _, after, _ = random_edit(random.Random(seed), related("behind"), nouns.DRAWN, "replace")
        assert "behind the house." in program(after) or "The fox is behind the" in program(after)
        assert len(set(after.nouns)) == 2
