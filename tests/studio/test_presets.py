"""Sizes, qualities and what an empty chat offers."""

from __future__ import annotations

import pytest

from lib_omost.renderer import RenderSettings
from lib_omost.runtime import entry
from lib_omost.studio.page.examples import EXAMPLES, cards, known_words, words_line
from lib_omost.studio.presets import QUALITIES, SDXL_SIZES, sizes_for, with_quality

SMALL = RenderSettings(width=128, height=128, steps=20)


@pytest.mark.parametrize("size", SDXL_SIZES)
def test_every_size_is_one_that_a_render_takes(size: tuple[int, int]) -> None:
    RenderSettings(width=size[0], height=size[1])


def test_a_small_model_is_offered_its_own_size_only() -> None:
    assert sizes_for(SMALL) == [(128, 128)]
    assert sizes_for(RenderSettings()) == list(SDXL_SIZES)


@pytest.mark.parametrize("name", QUALITIES)
def test_a_small_model_never_gets_a_second_pass(name: str) -> None:
    assert with_quality(SMALL, name).highres_scale == 1.0


def test_quality_scales_the_steps() -> None:
    assert [with_quality(SMALL, name).steps for name in ("fast", "normal", "fine")] == [10, 20, 28]


def test_every_example_has_its_thumbnail_and_names_things_that_the_default_model_draws() -> None:
    words = known_words(entry("default", "sdxl"))
    assert len(cards()) == len(EXAMPLES)
    for (_, message), card in zip(EXAMPLES, cards(), strict=True):
        assert any(word in message for word in words)
        with open(card["icon"], "rb") as file:
            assert file.read(2) == b"\xff\xd8"


def test_a_large_model_has_no_list_of_words() -> None:
    assert words_line(entry("SG161222/RealVisXL_V4.0", "sdxl")) == ""
