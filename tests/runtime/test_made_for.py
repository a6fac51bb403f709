from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib_omost.renderer import RenderSettings
from lib_omost.runtime import catalog
from lib_omost.runtime.made_for import suiting


def folder(path: Path, latent: object, levels: int) -> Path:
    for part, config in (("unet", {"sample_size": latent}), ("vae", {"block_out_channels": [8] * levels})):
        (path / part).mkdir()
        (path / part / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return path


@pytest.mark.parametrize(("levels", "side"), [(4, 128), (5, 256)])
def test_a_small_model_says_its_side_by_its_latents_and_the_levels_of_its_vae(
    tmp_path: Path, levels: int, side: int
) -> None:
    found = suiting(folder(tmp_path, 16, levels))
    assert (found.width, found.height) == (side, side)
    assert found.centred_noise and found.canvas_start == 1 and found.guidance == 4


@pytest.mark.parametrize("latent", [128, 7, 0, -16, "16", None, [16], True, 10**30])
def test_any_other_folder_gets_the_settings_of_sdxl(tmp_path: Path, latent: object) -> None:
    assert suiting(folder(tmp_path, latent, 4)) == RenderSettings()


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 9999])
def test_a_folder_whose_configs_cannot_be_read_gets_them_too(tmp_path: Path, text: str) -> None:
    (folder(tmp_path, 16, 4) / "vae" / "config.json").write_text(text, encoding="utf-8")
    assert suiting(tmp_path) == suiting(tmp_path / "nothing") == RenderSettings()


def test_a_small_model_of_a_folder_is_used_as_the_default_one_is() -> None:
    default = catalog.sdxl("default")
    named = catalog.sdxl(default.source)
    assert named.place == "folder" and named.defaults == default.defaults
    assert f"{default.defaults.width} x {default.defaults.height}" in default.warning
