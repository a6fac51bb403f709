"""What fits on which card, told from sizes alone; the published models are chosen by it before a download."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel

from lib_omost.__main__ import main
from lib_omost.runtime import catalog, fits
from lib_omost.runtime.card import Card
from lib_omost.runtime.fits import GIB, fit, needed_gib, published_llm, published_sdxl, sentence
from lib_omost.runtime.load_sdxl import store_in_fp8
from lib_omost.runtime.offload import module_bytes
from lib_omost.runtime.random_models import SDXL_UNET

LLAMA, PHI = "omost-llama-3-8b-4bits", "omost-phi-3-mini-128k-4bits"


def room(gib: float) -> int:
    return int((gib - fits.CONTEXT_GIB) * GIB)


@pytest.mark.parametrize(
    ("gib", "language", "image"),
    [(24, "fits", "fits"), (8, "fits", "fits"), (6, "too large", "fits with fp8"), (3, "too large", "too large")],
)
def test_a_card_holds_the_published_models_in_one_form_or_none(gib: float, language: str, image: str) -> None:
    assert fit(catalog.llm(LLAMA), room(gib)) == language
    assert fit(catalog.sdxl("RealVisXL_V4.0"), room(gib)) == image


@pytest.mark.parametrize(
    ("gib", "language", "image"), [(8, LLAMA, "RealVisXL_V4.0"), (6, PHI, "RealVisXL_V4.0"), (3, "default", "default")]
)
def test_the_published_models_are_chosen_by_the_room_that_they_have(gib: float, language: str, image: str) -> None:
    assert published_llm(room(gib)).name.endswith(language)
    assert published_sdxl(room(gib)).name.endswith(image)


def test_where_the_room_is_not_known_nothing_is_said_and_the_first_are_chosen() -> None:
    assert fit(catalog.llm(LLAMA), None) == sentence(catalog.llm(LLAMA), None) == ""
    assert (published_llm(None).name, published_sdxl(None).name) == catalog.PUBLISHED
    assert fit(catalog.llm("http://127.0.0.1:1/v1"), room(6)) == ""


def test_weights_of_16_bits_are_counted_in_the_format_that_they_are_loaded_in() -> None:
    packed, whole = needed_gib(catalog.llm(LLAMA)), needed_gib(catalog.llm("omost-llama-3-8b"))
    assert whole == pytest.approx(packed, rel=0.02)


def test_the_sizes_of_the_unet_are_those_of_sdxl_in_16_and_in_8_bits() -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(SDXL_UNET).half()
    assert module_bytes(unet) / GIB == pytest.approx(fits.UNET_GIB, abs=0.01)
    store_in_fp8(unet)
    assert module_bytes(unet) / GIB == pytest.approx(fits.UNET_FP8_GIB, abs=0.03)


def test_a_person_is_told_in_a_sentence_how_a_model_fits() -> None:
    assert sentence(catalog.llm(LLAMA), room(8)) == "It fits this machine's card."
    assert "too large for this machine's card: it takes 6.3 GiB" in sentence(catalog.llm(LLAMA), room(6))
    assert "weights in fp8" in sentence(catalog.sdxl("RealVisXL_V4.0"), room(6))


def test_the_list_of_models_says_what_fits_this_card(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fits, "find_card", lambda: replace(Card("a card", "580.1"), memory_bytes=6 * GIB))
    fits.card_room.cache_clear()
    assert main(["models"]) == 0
    fits.card_room.cache_clear()
    lines = {Path(line.split()[0]).name: line for line in capsys.readouterr().out.splitlines() if "/" in line}
    assert "fits with fp8" in lines["RealVisXL_V4.0"] and "too large" in lines[LLAMA]
