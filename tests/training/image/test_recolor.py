from __future__ import annotations

import colorsys

import numpy as np
import pytest

from training.image.recolor import TINTS, color_copies, color_word, dominant_hue, to_hsv, to_rgb


def sprite(*colors: tuple[int, int, int]) -> np.ndarray:
    """Stripes of these colours, opaque."""
    image = np.zeros((30, 30, 4), np.uint8)
    image[..., 3] = 255
    for i, stripe in enumerate(np.array_split(np.arange(30), len(colors))):
        image[stripe, :, :3] = colors[i]
    return image


def test_hsv_is_that_of_the_standard_library_and_comes_back() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 3), np.uint8)
    hsv = to_hsv(pixels)
    for i, (red, green, blue) in enumerate(pixels / 255):
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        assert hsv.hue[i] / 360 == pytest.approx(hue, abs=1e-4)
        assert (hsv.saturation[i], hsv.value[i]) == pytest.approx((saturation, value), abs=1e-4)
    assert np.abs(to_rgb(hsv).astype(int) - pixels).max() <= 1


def test_a_red_sprite_says_so_and_becomes_every_other_color() -> None:
    (word, own), *others = color_copies(sprite((220, 40, 40)))
    assert word == "red"
    assert (own == sprite((220, 40, 40))).all()
    assert {name for name, _ in others} == set(TINTS) - {"red"}


@pytest.mark.parametrize("word", ["blue", "green", "purple", "yellow"])
def test_a_recolored_sprite_is_named_by_its_new_color(word: str) -> None:
    copy = dict(color_copies(sprite((220, 40, 40))))[word]
    hsv = to_hsv(copy)
    hue = dominant_hue(copy, hsv)
    assert hue is not None
    assert color_word(copy, hsv, hue) == word


def test_a_sprite_of_many_colors_is_left_alone() -> None:
    assert color_copies(sprite((220, 40, 40), (40, 40, 220), (40, 200, 40))) == []
