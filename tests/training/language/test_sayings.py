from __future__ import annotations

import random

import pytest

from bench._layout_questions import CAPTIONS
from training.language import sayings
from training.language.scenes import Thing
from training.language.words import RELATIONS

CAT, HOUSE = Thing("cat"), Thing("house")


@pytest.mark.parametrize("relation", sayings.SAYINGS)
def test_a_caption_names_both_things_and_says_which_comes_first(relation: str) -> None:
    for seed in range(80):
        text, first = sayings.caption(random.Random(seed), relation, CAT, HOUSE)
        assert first is (text.index("a cat") < text.index("a house"))


def test_every_relation_that_is_said_is_one_that_can_be_laid_out() -> None:
    assert set(sayings.SAYINGS) <= set(RELATIONS)


def test_no_caption_is_one_of_the_bench() -> None:
    asked = {template.format(a="a cat", b="a house").lower() for _, template in CAPTIONS}
    said = {
        sayings.caption(random.Random(seed), relation, CAT, HOUSE)[0].lower()
        for relation in sayings.SAYINGS
        for seed in range(400)
    }
    assert not asked & said
