from __future__ import annotations

import pytest
import torch
from PIL import Image

from lib_omost.renderer import StableDiffusionXLOmostPipeline
from lib_omost.renderer.tiling import in_tiles
from lib_omost.renderer.vae import decode_latents, encode_images, scale_factor

Pipe = StableDiffusionXLOmostPipeline


def patches() -> Image.Image:
    image = Image.new("RGB", (128, 128), "skyblue")
    image.paste("green", (0, 64, 128, 128))
    image.paste("red", (16, 16, 80, 80))
    return image


@pytest.mark.parametrize(("length", "tiles"), [(40, 1), (64, 1), (72, 2), (112, 2), (144, 3), (216, 5)])
def test_tiles_have_one_size_cover_all_and_fade_into_what_one_pass_gives(length: int, tiles: int) -> None:
    sizes = []

    def twice_as_large(part: torch.Tensor) -> torch.Tensor:
        sizes.append(tuple(part.shape[2:]))
        return part.repeat_interleave(2, 2).repeat_interleave(2, 3)

    x = torch.rand(1, 3, 40, length)
    torch.testing.assert_close(in_tiles(twice_as_large, x, 64, 16, 1, 2), twice_as_large(x))
    assert sizes[:-1] == [(40, min(length, 64))] * tiles


@torch.no_grad()
def test_tiles_of_a_vae_of_five_levels_are_counted_in_its_latents(deep_pipe: Pipe) -> None:
    vae, picture = deep_pipe.vae, patches().resize((256, 128))
    latents = encode_images(vae, [picture], "cpu")
    before = vae.use_tiling, vae.tile_latent_min_size
    vae.use_tiling, vae.tile_latent_min_size = True, 8
    try:
        assert latents.shape == encode_images(vae, [picture], "cpu").shape == (1, 4, 8, 16)
        assert decode_latents(vae, latents).shape == (1, 3, 128, 256)
    finally:
        vae.use_tiling, vae.tile_latent_min_size = before


@torch.no_grad()
def test_tiled_pictures_and_latents_are_those_of_one_pass_but_for_what_nobody_sees(pipe: Pipe) -> None:
    vae, picture, factor = pipe.vae, patches().resize((384, 256)), scale_factor(pipe.vae)
    tile = 256 // factor
    latents = encode_images(vae, [picture], "cpu")
    whole = decode_latents(vae, latents)
    before = vae.use_tiling, vae.tile_sample_min_size, vae.tile_latent_min_size
    vae.use_tiling, vae.tile_sample_min_size, vae.tile_latent_min_size = True, 256, tile
    try:
        found = (decode_latents(vae, latents) - whole).square().mean()
        normed_alone = in_tiles(lambda z: vae.decode(z).sample, latents, tile, tile // 4, 1, factor).clamp(-1, 1)
        alone = (normed_alone - whole).square().mean()
        assert found < 4e-4 and found < alone / 2  # tiles that are normed by what is in them differ in tone
        assert (encode_images(vae, [picture], "cpu") - latents).abs().mean() < 0.1
    finally:
        vae.use_tiling, vae.tile_sample_min_size, vae.tile_latent_min_size = before
    assert torch.equal(decode_latents(vae, latents), whole)  # the norms are as they were
