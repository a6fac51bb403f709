"""Colours by value: names, numbers in CSS notation, everyday words and adjectives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_omost.canvas.colors import (
    COLORS,
    color_in,
    is_canonical,
    nearest_name,
    read_color,
    read_triple,
    rgb_of,
    to_hex,
)


def test_there_are_the_148_css_names_and_navyblue() -> None:
    assert len(COLORS) == 149
    assert COLORS["navyblue"] == COLORS["navy"] == (0, 0, 128)
    assert COLORS["rebeccapurple"] == (102, 51, 153)


def test_every_name_reads_as_itself() -> None:
    assert all(read_color(name) == name for name in COLORS)


@pytest.mark.parametrize(
    ("text", "rgb"),
    [
        ("#ff0000", (255, 0, 0)),
        ("#F00", (255, 0, 0)),
        ("1f77b4", (31, 119, 180)),
        ("#1f77b4cc", (31, 119, 180)),
        ("0x1f77b4", (31, 119, 180)),
        ("rgb(10, 20, 30)", (10, 20, 30)),
        ("rgba(10,20,30,0.5)", (10, 20, 30)),
        ("rgb(100%, 0%, 50%)", (255, 0, 127)),
        ("rgb(300, -5, 0)", (255, 0, 0)),
        ("hsl(120, 100%, 50%)", (0, 255, 0)),
        ("hsv(240, 100%, 100%)", (0, 0, 255)),
    ],
)
def test_a_number_keeps_its_value(text: str, rgb: tuple[int, int, int]) -> None:
    found = read_color(text)
    assert found is not None
    assert max(abs(a - b) for a, b in zip(rgb_of(found), rgb, strict=True)) <= 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("bright red", "red"),
        ("Dark Red", "darkred"),
        ("light-blue", "lightblue"),
        ("burgundy", "maroon"),
        ("sky blue", "skyblue"),
        ("golden", "gold"),
        ("off-white", "whitesmoke"),
        ("forest green", "forestgreen"),
        ("#000080", "navy"),
    ],
)
def test_words_become_the_name_that_looks_alike(text: str, name: str) -> None:
    assert read_color(text) == name


@pytest.mark.parametrize(
    ("text", "channel"), [("crimson red", 0), ("a deep emerald", 1), ("vivid cobalt blue", 2), ("pale rose", 0)]
)
def test_the_strongest_channel_survives_an_adjective(text: str, channel: int) -> None:
    found = read_color(text)
    assert found is not None
    assert max(rgb_of(found)) == rgb_of(found)[channel]


@pytest.mark.parametrize("text", ["light", "dark"])
def test_an_adjective_changes_the_lightness(text: str) -> None:
    plain, changed = read_color("brown"), read_color(f"{text} brown")
    assert plain is not None and changed is not None
    brighter = sum(rgb_of(changed)) > sum(rgb_of(plain))
    assert brighter == (text == "light")


@pytest.mark.parametrize("text", ["none", "transparent", "multicolored", "", "zorple", "rgb(1,2)", "#12345"])
def test_what_is_no_colour_is_none(text: str) -> None:
    assert read_color(text) is None


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_any_value_reads_back_exactly_and_canonically(rgb: tuple[int, int, int]) -> None:
    found = read_color(to_hex(rgb))
    assert found is not None and is_canonical(found) and rgb_of(found) == rgb
    assert read_triple(rgb) == found


def test_fractions_are_read_as_shares_of_255() -> None:
    assert read_triple((1.0, 0.5, 0.0)) == to_hex((255, 128, 0))
    assert read_triple((1, 0)) is None and read_triple((256, 0, 0)) is None


def test_the_nearest_name_of_a_named_value_is_that_value() -> None:
    assert all(COLORS[nearest_name(rgb)] == rgb for rgb in COLORS.values())


def test_a_colour_word_in_a_sentence_is_found() -> None:
    assert color_in("A Red apple on snow.") == "red"
    assert color_in("A plum on snow.") is None
