"""The measurement of large models, run as it is on a tiny one."""

from __future__ import annotations

import pytest

from bench.compose import PASS_SIZES, main


def test_random_weights_give_passes_and_the_pace_of_the_recorded_replies(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = main(["--random-weights", "tiny"])
    assert "tokens in a pass" in capsys.readouterr().out
    assert all(float(numbers[f"pass_{size}_ms"]) > 0 for size in PASS_SIZES)
    for name in ("new", "edit"):
        per_s, plain = float(numbers[f"{name}_tokens_per_s"]), float(numbers["generate_tokens_per_s"])
        assert float(numbers[f"{name}_speedup"]) == pytest.approx(per_s / plain, rel=0.05)
