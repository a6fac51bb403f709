from __future__ import annotations

import pytest
import torch

from lib_omost.errors import SettingsError
from lib_omost.runtime.device import named_dtype
from lib_omost.runtime.load_sdxl import vae_dtype
from lib_omost.runtime.precision import PRECISIONS, asked_precisions


@pytest.mark.parametrize(
    ("texts", "asked"),
    [
        ([], {}),
        (["fp32"], {"llm": "fp32", "sdxl": "fp32"}),
        (["sdxl=bf16"], {"sdxl": "bf16"}),
        (["fp16", "llm=auto"], {"llm": "auto", "sdxl": "fp16"}),
    ],
)
def test_a_precision_is_asked_for_both_models_or_for_one(texts: list[str], asked: dict[str, str]) -> None:
    assert asked_precisions(texts) == asked


@pytest.mark.parametrize("text", ["fp8", "vae=fp32", "=fp32", "llm=", "", "fp32=llm"])
def test_another_word_is_an_error_that_lists_those_there_are(text: str) -> None:
    with pytest.raises(SettingsError, match="give auto, fp16, bf16, fp32, or one of them for one model"):
        asked_precisions([text])


def test_every_name_but_auto_is_a_format_of_torch() -> None:
    assert [named_dtype(name) for name in PRECISIONS] == [None, torch.float16, torch.bfloat16, torch.float32]


def test_the_vae_is_never_asked_to_compute_in_fp16() -> None:
    cpu = torch.device("cpu")
    assert vae_dtype(cpu, torch.float16) == vae_dtype(cpu, None) != torch.float16
    assert vae_dtype(cpu, torch.float32) == torch.float32
