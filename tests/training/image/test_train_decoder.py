from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, StableDiffusionXLPipeline
from transformers import CLIPTokenizer

from lib_omost.runtime.known_words import read_words
from training.image import draw
from training.image.adversary import Adversary, crispness_loss, telling_loss
from training.image.card import write_words
from training.image.catalogue import Catalogue
from training.image.model import Shape, new_parts, save_pipeline
from training.image.scenes import make_scene
from training.image.tiny import PREPARED
from training.image.train_decoder import DecoderRun, decode_with, means, parser
from training.image.vae import grown, new_vae, psnr, scale_factor, warm_start


@pytest.fixture(scope="module")
def small() -> AutoencoderKL:
    torch.manual_seed(0)
    return warm_start(new_vae(64)).eval()


@torch.no_grad()
def test_a_grown_vae_reads_and_paints_twice_the_side_nearly_as_before(
    small: AutoencoderKL, shape_catalogue: Catalogue
) -> None:
    large = grown(small).eval()
    assert (scale_factor(small), scale_factor(large)) == (8, 16)
    pictures = draw.Painter(shape_catalogue.images, 128, "cpu")(
        draw.pack([make_scene(shape_catalogue, n) for n in range(4)])
    )
    latents = means(small, pictures)
    assert latents.shape == (4, 4, 8, 8)
    before = F.interpolate(small.decode(latents).sample, size=128, mode="bilinear")
    assert psnr((large.decode(latents).sample - before).square().mean()) > 25
    assert (means(large, pictures) - latents).square().mean() < 0.1 * latents.square().mean()


def test_the_decoder_alone_learns(small: AutoencoderKL) -> None:
    run = DecoderRun(grown(small))
    learning = {name.split(".")[0] for name, weight in run.vae.named_parameters() if weight.requires_grad}
    assert learning == {"decoder", "post_quant_conv"}


def test_the_adversary_learns_from_one_loss_and_the_decoder_from_the_other() -> None:
    torch.manual_seed(0)
    adversary, drawn = Adversary(width=4), torch.rand(2, 3, 32, 32)
    decoded = torch.rand(2, 3, 32, 32, requires_grad=True)
    crispness_loss(adversary, drawn, decoded).backward()  # type: ignore[no-untyped-call]
    assert decoded.grad is not None and all(weight.grad is None for weight in adversary.parameters())
    decoded.grad = None
    telling_loss(adversary, drawn, decoded).backward()  # type: ignore[no-untyped-call]
    assert decoded.grad is None and all(weight.grad is not None for weight in adversary.parameters())


def test_a_short_command_goes_on_and_writes_a_pipeline_of_twice_the_side(
    small: AutoencoderKL, shape_catalogue: Catalogue, clip_tokenizer: CLIPTokenizer, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    parts = new_parts(clip_tokenizer, Shape(latent=8, channels=(32, 32, 32), width=32, layers=2))
    save_pipeline(parts, small, clip_tokenizer, tmp_path / "old", PREPARED / "LICENCES", 64)
    (tmp_path / "old" / "README.md").write_text("64 x 64 pixels")
    write_words(tmp_path / "old", ["apple"])
    for minutes in ("0.03", "0.06"):
        command = f"{tmp_path / 'old'} --run {tmp_path} --scenes 12 --minutes {minutes} --encoder-minutes 0.01"
        decode_with(parser().parse_args(command.split()), shape_catalogue)
    assert (tmp_path / "pipeline" / "README.md").read_text() == "128 x 128 pixels"
    assert read_words(tmp_path / "pipeline").nouns == ("apple",)
    pipe = StableDiffusionXLPipeline.from_pretrained(tmp_path / "pipeline", dtype=torch.float32, add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    assert pipe.vae_scale_factor == 16
    assert pipe("a cat", width=128, height=128, num_inference_steps=2, output_type="pt").images.shape == (
        1,
        3,
        128,
        128,
    )
