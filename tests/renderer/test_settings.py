from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from lib_omost.errors import SettingsError
from lib_omost.renderer import PRESETS, RegionGuidance, RenderSettings, missing_lora, with_preset


def test_the_defaults_are_those_of_the_page_and_leave_the_formula_exact() -> None:
    settings = RenderSettings()
    assert (settings.width, settings.height, settings.steps, settings.guidance, settings.seed) == (
        896,
        1152,
        25,
        5.0,
        12345,
    )
    assert (settings.highres_scale, settings.highres_steps, settings.highres_denoise) == (1.0, 20, 0.4)
    assert RegionGuidance() == RegionGuidance(
        global_strength=1.0,
        region_strengths=(),
        region_steps=1.0,
        guidance_steps=1.0,
        guidance_start=0.0,
        canvas_start=0.0,
        centred_noise=False,
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": 250}, "width is 250; it wants a multiple of 64 pixels, for example 256"),
        ({"height": 0}, "height is 0; it wants a number from 1"),
        ({"height": 20}, "height is 20; it wants a multiple of 64 pixels, for example 64"),
        ({"steps": 0}, "steps is 0; it wants a number from 1 to 1000"),
        ({"images": 1.5}, "images is 1.5; it wants a whole number"),
        ({"guidance": float("nan")}, "guidance is nan"),
        ({"seed": "lucky"}, "seed is 'lucky'"),
        ({"highres_denoise": 0}, "highres_denoise is 0"),
        ({"region_strengths": (1, -2)}, "region_strengths is -2"),
        ({"global_strength": 0}, "global_strength is 0; it wants a number from 0.01"),
        ({"canvas_start": None}, "canvas_start is None"),
    ],
)
def test_an_unusable_value_is_refused_with_what_would_do(change: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        RenderSettings(**change)  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_settings_can_be_replaced_but_not_changed() -> None:
    settings = dataclasses.replace(RenderSettings(), steps=8)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.steps = 9  # type: ignore[misc]


def test_a_preset_sets_the_numbers_together_and_none_leaves_them() -> None:
    chosen = with_preset(RenderSettings(seed=3, guidance_start=0.2, guidance_steps=0.7), "hyper-8-cfg")
    assert (chosen.few_steps, chosen.steps, chosen.guidance, chosen.highres_steps) == ("hyper-8-cfg", 8, 5.0, 8)
    assert with_preset(chosen, "") == RenderSettings(seed=3, steps=8, guidance=5.0, highres_steps=8)
    assert PRESETS["hyper-8-cfg"].lora_name == "Hyper-SDXL-8steps-CFG-lora"


def test_an_unknown_preset_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(SettingsError, match="few_steps is 'turbo'; it wants one of: lightning-4"):
        with_preset(RenderSettings(), "turbo")
    with pytest.raises(SettingsError, match="few_steps is 'turbo'"):
        RenderSettings(few_steps="turbo")


def test_a_preset_whose_lora_is_not_loaded_names_it_and_where_it_comes_from() -> None:
    sentence = missing_lora("hyper-8-cfg", ["ink"])
    assert "wants the LoRA Hyper-SDXL-8steps-CFG-lora, and none of that name is loaded" in sentence
    assert "ByteDance/Hyper-SD" in sentence
    assert missing_lora("hyper-8-cfg", ["Hyper-SDXL-8steps-CFG-lora"]) == missing_lora("", []) == ""


def test_importing_the_room_for_its_settings_costs_no_torch() -> None:
    program = (
        "import sys, lib_omost.renderer as r; r.RenderSettings(); assert not {'torch', 'diffusers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_exported_name_exists() -> None:
    import lib_omost.renderer as room

    assert all(getattr(room, name) is not None for name in room.__all__)
