"""The written questions are none that the training grammar writes."""

from __future__ import annotations

import pytest

from bench.requests.overlap import MOST, grammar, overlap, written


def test_a_text_and_a_run_are_found_whatever_their_case_and_punctuation() -> None:
    found = overlap(
        ["A cat, on a mat.", "one two three four five six seven"], ["a cat on a mat", "One two, three four five six!"]
    )
    assert found.texts == ("A cat, on a mat.",)
    assert (found.runs, found.of) == (("one two three four five six",), 2)


@pytest.mark.slow
def test_the_training_grammar_writes_none_of_the_set_and_few_of_its_runs() -> None:
    found = overlap(written(), grammar(3000, 7))
    assert found.texts == ()
    assert found.share <= MOST
