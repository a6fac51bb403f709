from __future__ import annotations

import copy
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, StableDiffusionXLPipeline
from transformers import CLIPTokenizer

from training.image.catalogue import Catalogue
from training.image.match_decoder import distance, match, match_with, parser, wanted
from training.image.model import Shape, new_parts, save_pipeline
from training.image.tiny import PREPARED
from training.image.train_decoder import Examples
from training.image.vae import grown, new_vae, warm_start


def plain_and_crisp() -> tuple[AutoencoderKL, AutoencoderKL]:
    """A VAE of 64 pixels, and one of 128 over the same latents whose whites are a little off."""
    torch.manual_seed(0)
    plain = warm_start(new_vae(64)).eval().requires_grad_(False)
    crisp = grown(plain).eval().requires_grad_(False)
    crisp.decoder.conv_out.bias += 0.1
    return plain, crisp


def test_what_is_wanted_is_the_crisp_picture_with_the_colours_of_the_plain_one() -> None:
    plain, crisp = plain_and_crisp()
    latents = torch.randn(2, 4, 8, 8)
    target, before = wanted(latents, plain, crisp, 8), crisp.decode(latents).sample
    shown = F.avg_pool2d(plain.decode(latents).sample, 4)
    assert target.shape == (2, 3, 128, 128)
    off = (F.avg_pool2d(before, 8) - shown).abs().mean()
    assert (F.avg_pool2d(target, 8) - shown).abs().mean() < 0.3 * off


def test_matching_brings_the_decoder_nearer_to_it_and_leaves_the_encoder_alone() -> None:
    plain, crisp = plain_and_crisp()
    latents = torch.randn(4, 4, 8, 8)
    examples = Examples(torch.zeros(4, 3, 128, 128), latents, latents, torch.arange(4))
    vae = copy.deepcopy(crisp)
    match(vae, plain, examples, [1e-5] * 8, 8)
    target = wanted(latents, plain, crisp, 8)
    before, after = (distance(each.decode(latents).sample, target, 8) for each in (crisp, vae))
    assert after < 0.97 * before
    assert torch.equal(vae.encoder.conv_in.weight, crisp.encoder.conv_in.weight)


def test_the_command_writes_a_pipeline_of_twice_the_side(
    shape_catalogue: Catalogue, clip_tokenizer: CLIPTokenizer, tmp_path: Path
) -> None:
    plain, crisp = plain_and_crisp()
    parts = new_parts(clip_tokenizer, Shape(latent=8, channels=(32, 32, 32), width=32, layers=2))
    save_pipeline(parts, plain, clip_tokenizer, tmp_path / "old", PREPARED / "LICENCES", 64)
    (tmp_path / "old" / "README.md").write_text("64 x 64 pixels")
    crisp.save_pretrained(tmp_path / "vae")
    command = f"{tmp_path / 'old'} --vae {tmp_path / 'vae'} --run {tmp_path} --scenes 12 --minutes 0.01"
    match_with(parser().parse_args([*command.split(), "--prepared", str(PREPARED)]), shape_catalogue)
    assert (tmp_path / "pipeline" / "README.md").read_text() == "128 x 128 pixels"
    pipe = StableDiffusionXLPipeline.from_pretrained(tmp_path / "pipeline", dtype=torch.float32, add_watermarker=False)
    assert pipe.vae_scale_factor == 16
