from __future__ import annotations

import pytest
import torch
from diffusers import AutoencoderKL

from training.image import draw
from training.image.catalogue import Catalogue
from training.image.scenes import make_scene
from training.image.train_vae import crops
from training.image.vae import new_vae, psnr, reconstruct, warm_start, whiten


@pytest.fixture(scope="module")
def pictures(shape_catalogue: Catalogue) -> torch.Tensor:
    return draw.Painter(shape_catalogue.images, 64, "cpu")(
        draw.pack([make_scene(shape_catalogue, n) for n in range(8)])
    )


@pytest.fixture(scope="module")
def vae() -> AutoencoderKL:
    torch.manual_seed(0)
    return warm_start(new_vae(64)).eval()


@torch.no_grad()
def round_trip(vae: AutoencoderKL, pictures: torch.Tensor) -> torch.Tensor:
    return vae.decode(vae.encode(pictures).latent_dist.mean).sample


def test_the_closed_form_start_is_already_a_thumbnail(vae: AutoencoderKL, pictures: torch.Tensor) -> None:
    torch.manual_seed(0)
    untrained = psnr(((round_trip(new_vae(64).eval(), pictures) - pictures) ** 2).mean())
    assert psnr(((round_trip(vae, pictures) - pictures) ** 2).mean()) > untrained + 6


def test_whitening_changes_the_latents_and_not_the_pictures(vae: AutoencoderKL, pictures: torch.Tensor) -> None:
    before = round_trip(vae, pictures)
    whiten(vae, pictures)
    latents = vae.encode(pictures).latent_dist.mean
    assert torch.allclose(latents.mean((0, 2, 3)), torch.zeros(4), atol=1e-3)
    assert torch.allclose(latents.std((0, 2, 3)), torch.ones(4), atol=1e-3)
    assert torch.allclose(round_trip(vae, pictures), before, atol=1e-3)


def test_the_second_half_of_the_training_leaves_the_encoder_alone(pictures: torch.Tensor) -> None:
    vae = warm_start(new_vae(64))
    reconstruct(vae, pictures[:2], decoder_only=True).loss.backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is None for weight in vae.encoder.parameters())
    assert all(weight.grad is not None for weight in vae.decoder.parameters())


def test_two_crops_of_every_picture(pictures: torch.Tensor) -> None:
    assert crops(pictures, 32).shape == (16, 3, 32, 32)
    assert torch.equal(crops(pictures, 64)[:8], pictures)
