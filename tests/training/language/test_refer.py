from __future__ import annotations

import random

import pytest

from training.language.refer import CHANGES
from training.language.scenes import Scene, Thing, program
from training.language.words import Spot

SCENE = Scene(
    (Thing("cat", color="red", spot=Spot("on the left")), Thing("dog", spot=Spot("on the right"))), place="park"
)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_changes_the_program_and_has_words(name: str) -> None:
    found = [change for seed in range(30) if (change := CHANGES[name](random.Random(seed), SCENE))]
    assert len(found) > 3
    for said, after in found:
        assert said.strip() and program(after) != program(SCENE)


def test_a_swap_exchanges_places_and_nothing_else() -> None:
    found = CHANGES["swap"](random.Random(0), SCENE)
    assert found is not None
    assert [(t.noun, t.spot.location) for t in found[1].things] == [("cat", "on the right"), ("dog", "on the left")]


@pytest.mark.parametrize("name", ["color", "whole", "mood", "place"])
def test_what_is_about_looks_moves_nothing(name: str) -> None:
    for seed in range(30):
        found = CHANGES[name](random.Random(seed), SCENE)
        assert found is None or [t.spot for t in found[1].things] == [t.spot for t in SCENE.things]
