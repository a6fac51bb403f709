from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.models.attention_processor import AttnProcessor2_0
from transformers import CLIPTokenizer

from lib_omost.runtime.known_words import read_words
from training.image import train
from training.image.catalogue import Catalogue
from training.image.feed import TextBatch, TextStream, texts
from training.image.learning import Run, denoising_loss, new_run, one_step, resume, save
from training.image.model import Shape, fold_sizes, load_pipeline_parts, new_parts, signal_shares, size_ids
from training.image.tiny import PREPARED
from training.image.vae import new_vae

SHAPE = Shape(latent=8, channels=(32, 32, 32), width=32, layers=2)


@pytest.fixture
def run(clip_tokenizer: CLIPTokenizer) -> Run:
    torch.manual_seed(0)
    return new_run(new_parts(clip_tokenizer, SHAPE), "cpu")


@pytest.fixture(scope="module")
def batch(shape_catalogue: Catalogue) -> TextBatch:
    return next(texts(TextStream(shape_catalogue, PREPARED / "tokenizer", 0, 16, 8, seed=0), 0))


def test_steps_lower_the_error_and_the_average_follows(run: Run, batch: TextBatch) -> None:
    bank, shares = torch.randn(16, 4, 8, 8).half(), signal_shares("cpu")
    start = run.average.unet.conv_in.weight.clone()
    errors = [one_step(run, bank, batch, shares, 64, keep=0.9, rate=3e-3).item() for _ in range(5)]
    assert errors[-1] < errors[0]
    assert not torch.equal(run.average.unet.conv_in.weight, start)
    assert (run.step, run.samples) == (5, 40)


def test_a_silent_text_is_zeros_for_the_unet(run: Run, batch: TextBatch) -> None:
    silent = TextBatch(batch.scene, batch.ids, batch.slot, batch.boxes, torch.ones_like(batch.silent))
    other = TextBatch(batch.scene, batch.ids.roll(1, 0), batch.slot, batch.boxes, silent.silent)
    losses = []
    for told in (silent, other):
        torch.manual_seed(1)
        losses.append(denoising_loss(run, torch.zeros(8, 4, 8, 8), told, signal_shares("cpu"), 64)[0].item())
    assert losses[0] == losses[1]


def test_a_saved_run_goes_on_and_its_pipeline_loads_anywhere(
    run: Run, clip_tokenizer: CLIPTokenizer, tmp_path: Path
) -> None:
    run.step, run.samples, run.spent_s = 5, 40, 12.0
    save(run, new_vae(64), clip_tokenizer, ["apple", "palm tree"], tmp_path, tmp_path / "no licences")
    torch.manual_seed(9)
    again = new_run(new_parts(clip_tokenizer, SHAPE), "cpu")
    resume(again, tmp_path, "cpu")
    assert (again.step, again.samples, again.spent_s) == (5, 40, 12.0)
    assert torch.equal(again.parts.unet.conv_in.weight, run.parts.unet.conv_in.weight)
    card = (tmp_path / "pipeline" / "README.md").read_text()
    assert "## The words it knows\napple, palm tree." in card and "64 x 64 pixels" in card
    words = read_words(tmp_path / "pipeline")
    assert words.nouns == ("apple", "palm tree") and "turquoise" in words.colours and "cave" in words.backgrounds
    pipe = StableDiffusionXLPipeline.from_pretrained(tmp_path / "pipeline", dtype=torch.float32, add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    picture = pipe("a cat", width=64, height=64, num_inference_steps=2, output_type="pt").images
    assert picture.shape == (1, 3, 64, 64)
    parts, _ = load_pipeline_parts(tmp_path / "pipeline")
    assert torch.allclose(parts.unet.conv_in.weight, run.average.unet.conv_in.weight, atol=1e-3)


@torch.no_grad()
def test_a_saved_unet_no_longer_reads_its_size_numbers(run: Run) -> None:
    def painted(unet: Any, size: int) -> torch.Tensor:
        torch.manual_seed(0)
        added = {"text_embeds": torch.randn(1, 32), "time_ids": torch.tensor([size_ids(size)]).float()}
        words = torch.randn(1, 77, 64)
        out: torch.Tensor = unet(
            torch.randn(1, 4, 8, 8), 500, encoder_hidden_states=words, added_cond_kwargs=added
        ).sample
        return out

    unet = copy.deepcopy(run.parts.unet)
    unet.set_attn_processor(AttnProcessor2_0())
    folded = fold_sizes(copy.deepcopy(unet), 64)
    assert torch.allclose(painted(folded, 64), painted(unet, 64), atol=1e-5)
    assert torch.equal(painted(folded, 128), painted(folded, 64))
    assert not torch.allclose(painted(unet, 128), painted(unet, 64), atol=1e-5)


def test_the_bank_is_encoded_once_for_the_same_scenes(shape_catalogue: Catalogue, tmp_path: Path) -> None:
    torch.manual_seed(0)
    args = train.parser().parse_args(f"--run {tmp_path} --size 64 --scenes 16 --workers 0 --precision fp32".split())
    vae = new_vae(64).eval()
    bank = train.latent_bank(shape_catalogue, vae, args, 0)
    with torch.no_grad():
        vae.encoder.conv_out.bias += 1  # not a part of the mark, so a second encoding would show
    assert torch.equal(train.latent_bank(shape_catalogue, vae, args, 0), bank)
    assert not torch.equal(train.latent_bank(shape_catalogue, vae, args, 10**6), bank)


def test_the_pooled_vector_is_the_same_with_and_without_projection(run: Run) -> None:
    ids = torch.randint(0, 8000, (2, 77))
    ids[:, -1] = run.parts.text_encoder_2.config.eos_token_id
    output = run.parts.text_encoder_2(ids)
    hidden = run.parts.text_encoder_2.text_model(ids).pooler_output
    assert torch.allclose(output.text_embeds, hidden, atol=1e-6)


@pytest.mark.training
def test_smoke(capsys: pytest.CaptureFixture[str]) -> None:
    train.main(["--smoke"])
    assert "smoke: fine" in capsys.readouterr().out
