"""Where drafts are copied from."""

from __future__ import annotations

from lib_omost.composer.drafts import Lookup


def test_a_draft_continues_the_longest_match() -> None:
    lookup = Lookup([1, 2, 3, 4, 9, 2, 3, 5, 1, 2, 3])
    assert lookup.guess([], 2) == [4, 9]


def test_of_equal_matches_the_latest_counts_before_anything_was_copied() -> None:
    assert Lookup([7, 1, 2, 8, 1, 3, 5, 1]).guess([], 1) == [3]


def test_after_a_changed_word_the_draft_goes_on_where_it_was() -> None:
    # two regions "= value ; name"; the reply copies the first one, and changes its value
    lookup = Lookup([50, 10, 11, 60, 12, 13, 51, 10, 11, 61, 12, 14, 99])
    lookup.add([50])
    assert lookup.guess([], 3) == [10, 11, 60]
    lookup.add([10, 11, 77, 12])
    assert lookup.guess([], 2) == [13, 51]


def test_nothing_is_guessed_where_nothing_matches() -> None:
    assert Lookup([1, 2, 3]).guess([], 4) == []


def test_a_guess_can_look_past_tokens_that_are_only_planned() -> None:
    assert Lookup([1, 2, 3, 4, 5]).guess([2, 3], 2) == [4, 5]
