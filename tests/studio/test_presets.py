"""Sizes, qualities and what an empty chat offers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lib_omost.errors import SettingsError
from lib_omost.renderer import RenderSettings, with_preset
from lib_omost.runtime import SdxlEntry, entry, words_of
from lib_omost.studio.page.examples import EXAMPLES, cards, unknown_things, words_value
from lib_omost.studio.presets import QUALITIES, SDXL_SIZES, requested, sizes_for, with_quality

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
    assert [with_quality(SMALL, name).steps for name in QUALITIES] == [10, 20, 28]
    assert [with_quality(RenderSettings(), name).steps for name in QUALITIES] == [12, 25, 35]


def test_a_fast_picture_of_a_small_model_has_guidance_in_the_middle_alone_and_any_other_in_all_steps() -> None:
    small, large = (with_quality(defaults, "fast") for defaults in (SMALL, RenderSettings()))
    assert 0 < small.guidance_start < small.guidance_steps < 1
    assert with_quality(SMALL, "normal") == SMALL
    assert (large.guidance_start, large.guidance_steps) == (0, 1)


def test_a_call_gets_its_quality_under_its_few_step_preset_under_what_it_names_itself() -> None:
    assert requested(SMALL, {}) == SMALL
    assert requested(SMALL, {"quality": "fast", "seed": 7}) == replace(with_quality(SMALL, "fast"), seed=7)
    assert requested(SMALL, {"quality": "fast", "steps": 11}).steps == 11
    assert requested(SMALL, {"quality": "fast", "few_steps": "lcm"}) == with_preset(SMALL, "lcm")
    with pytest.raises(SettingsError, match="quality is 'quick'; it wants one of: fast, normal, fine"):
        requested(SMALL, {"quality": "quick"})


def test_every_example_has_its_thumbnail_and_names_things_that_the_default_model_draws() -> None:
    default = entry("default", "sdxl")
    assert isinstance(default, SdxlEntry)
    words = words_of(default).nouns
    assert len(cards()) == len(EXAMPLES)
    for (_, message), card in zip(EXAMPLES, cards(), strict=True):
        assert any(word in message for word in words)
        with open(card["icon"], "rb") as file:
            assert file.read(2) == b"\xff\xd8"


def test_a_large_model_has_no_list_of_words() -> None:
    large = entry("SG161222/RealVisXL_V4.0", "sdxl")
    assert isinstance(large, SdxlEntry) and words_value(large, "a unicorn") == {"words": [], "unknown": []}


@pytest.mark.parametrize(
    ("message", "unknown"),
    [
        ("a dragon next to an apple on a wooden table", {"dragon": "turtle"}),
        ("a cozy cabin in the snow with a dog in front, at night", {"cabin": "house"}),
        ("a unicorn", {"unicorn": ""}),
        ("make the tree orange", {}),
        *((message, {}) for _, message in EXAMPLES),
    ],
)
def test_the_things_of_a_message_that_the_painter_does_not_know_are_named_with_the_near_one(
    message: str, unknown: dict[str, str]
) -> None:
    default = entry("default", "sdxl")
    assert isinstance(default, SdxlEntry)
    assert {one["word"]: one["near"] for one in unknown_things(message, words_of(default))} == unknown
