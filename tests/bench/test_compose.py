"""The measurement of large models, run as it is on a tiny one."""

from __future__ import annotations

import pytest
import torch

from bench.compose import PASS_SIZES, main
from lib_omost.errors import SettingsError


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
def test_a_device_that_is_not_here_is_a_sentence() -> None:
    with pytest.raises(SettingsError, match="finds no such device"):
        main(["--device", "cuda", "--random-weights", "8b"])


def test_random_weights_give_passes_and_the_pace_of_the_recorded_replies(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = main(["--random-weights", "tiny"])
    assert "tokens in a pass" in capsys.readouterr().out
    assert all(float(numbers[f"pass_{size}_ms"]) > 0 for size in PASS_SIZES)
    for name in ("new", "edit"):
        per_s, plain = float(numbers[f"{name}_tokens_per_s"]), float(numbers["generate_tokens_per_s"])
        assert float(numbers[f"{name}_speedup"]) == pytest.approx(per_s / plain, rel=0.05)
