"""Halves of surrogate pairs where text enters."""

from __future__ import annotations

import pytest

from lib_omost.characters import whole, whole_data, whole_pieces


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a meadow", "a meadow"),
        ("a 🌿 meadow", "a 🌿 meadow"),
        ("a \ud83c\udf3f meadow", "a 🌿 meadow"),
        ("a \ud83c meadow", "a \ufffd meadow"),
        ("\udf3f", "\ufffd"),
        ("x\ud83c", "x\ufffd"),
    ],
)
def test_pairs_are_joined_and_lone_halves_replaced(text: str, wanted: str) -> None:
    assert whole(text) == wanted


def test_a_pair_that_comes_in_two_pieces_is_joined() -> None:
    assert list(whole_pieces(["a ", "\ud83c", "\udf3f b", "\ud83c", "", "c", "\udf3f\ud83c"])) == [
        "a ", "🌿 b", "\ufffdc", "\ufffd", "\ufffd",
    ]  # fmt: skip


def test_texts_are_mended_wherever_they_are_in_json() -> None:
    assert whole_data({"a\ud800": ["\ud800", 3, None, {"b": "c"}]}) == {"a\ufffd": ["\ufffd", 3, None, {"b": "c"}]}
