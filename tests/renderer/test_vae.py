from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from PIL import Image

from lib_omost.renderer import StableDiffusionXLOmostPipeline
from lib_omost.renderer.vae import (
    best_vae_dtype,
    decode_latents,
    encode_images,
    enlarged_size,
    latent_statistics,
    preview,
    preview_map,
    scale_factor,
    to_images,
)

NARROW = {"scaling_factor": 0.5, "norm_num_groups": 1, "block_out_channels": (4,)}
Pipe = StableDiffusionXLOmostPipeline


def patches() -> Image.Image:
    image = Image.new("RGB", (128, 128), "skyblue")
    image.paste("green", (0, 64, 128, 128))
    image.paste("red", (16, 16, 80, 80))
    return image


@torch.no_grad()
def test_a_picture_survives_encode_and_decode(pipe: Pipe) -> None:
    latents, side = encode_images(pipe.vae, [patches(), patches()], "cpu"), 128 // scale_factor(pipe.vae)
    assert latents.shape == (2, 4, side, side) and latents.dtype == torch.float32
    back = to_images(decode_latents(pipe.vae, latents))
    assert len(back) == 2
    assert np.abs(np.asarray(back[0], float) - np.asarray(patches(), float)).mean() < 8


@torch.no_grad()
def test_a_half_precision_vae_that_asks_for_it_runs_in_float32_and_is_left_as_it_was(pipe: Pipe) -> None:
    vae = AutoencoderKL.from_config(pipe.vae.config).to(torch.float16).eval()
    before = [p.clone() for p in vae.parameters()]
    pixels = decode_latents(vae, torch.randn(1, 4, 8, 8) * 50)
    assert pixels.isfinite().all()
    assert vae.dtype == torch.float16
    assert all(torch.equal(a, b) for a, b in zip(before, vae.parameters(), strict=True))


@torch.no_grad()
def test_a_vae_of_another_type_than_the_latents_is_fed_its_own(pipe: Pipe) -> None:
    vae = AutoencoderKL.from_config(pipe.vae.config).to(torch.bfloat16).eval()
    assert decode_latents(vae, torch.zeros(1, 4, 8, 8)).dtype == torch.float32
    assert encode_images(vae, [patches()], "cpu").dtype == torch.float32


@torch.no_grad()
def test_latent_statistics_of_the_config_are_undone_on_the_way_back() -> None:
    torch.manual_seed(0)
    vae = AutoencoderKL(latents_mean=[1.0, 2, 3, 4], latents_std=[0.5, 1, 2, 4], **NARROW).eval()
    mean, std = latent_statistics(vae, torch.zeros(1))
    plain = AutoencoderKL(**NARROW).eval()
    plain.load_state_dict(vae.state_dict())
    raw = encode_images(plain, [patches()], "cpu") / 0.5
    torch.testing.assert_close(encode_images(vae, [patches()], "cpu"), (raw - mean) / std * 0.5)
    latents = torch.randn(1, 4, 8, 8)
    torch.testing.assert_close(decode_latents(vae, latents), decode_latents(plain, (latents / 0.5 * std + mean) * 0.5))


@torch.no_grad()
def test_the_fitted_preview_shows_the_pictures_colours(pipe: Pipe) -> None:
    small = preview(encode_images(pipe.vae, [patches()], "cpu"), preview_map(pipe.vae), scale_factor(pipe.vae))
    assert small.size == (128, 128)
    assert np.abs(np.asarray(small, float) - np.asarray(patches(), float)).mean() < 20


@torch.no_grad()
def test_with_a_vae_of_five_levels_a_latent_pixel_is_16_pixels_wide(deep_pipe: Pipe) -> None:
    vae = deep_pipe.vae
    assert scale_factor(vae) == deep_pipe.vae_scale_factor == 16
    latents = encode_images(vae, [patches()], "cpu")
    assert latents.shape == (1, 4, 8, 8) and decode_latents(vae, latents).shape == (1, 3, 128, 128)
    assert deep_pipe.preview(latents).size == (128, 128)


def test_sdxls_own_vae_gets_the_published_preview_factors() -> None:
    vae = AutoencoderKL(scaling_factor=0.13025, norm_num_groups=1)
    grey = np.asarray(preview(torch.zeros(1, 4, 2, 2), preview_map(vae), 8))
    assert grey[0, 0].tolist() == [150, 140, 130]


@torch.no_grad()
def test_a_tiny_autoencoder_takes_the_preview_over() -> None:
    torch.manual_seed(0)
    tiny = AutoencoderTiny(encoder_block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8)).eval()
    latents = torch.randn(2, 4, 4, 4)
    wanted = to_images(tiny.decode(latents[:1]).sample.clamp(-1, 1))[0]
    assert preview(latents, torch.zeros(5, 3), 8, tiny).tobytes() == wanted.tobytes()


@pytest.mark.parametrize(("scale", "size"), [(1.5, (1344, 1728)), (1.04, (960, 1216)), (2.0, (1792, 2304))])
def test_an_enlarged_size_is_rounded_to_multiples_of_64(scale: float, size: tuple[int, int]) -> None:
    assert enlarged_size(896, 1152, scale) == size


def test_without_a_recent_card_the_vae_is_best_in_float32() -> None:
    assert best_vae_dtype("cpu") == torch.float32
