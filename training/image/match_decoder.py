"""Let a crisp decoder of 256 pixels paint, seen coarsely, what the decoder of 128 pixels paints: the colours of the
one, the edges of the other.

    python -m training.image.match_decoder MODEL --vae CRISP/vae --minutes 20

MODEL: a pipeline with a VAE of four levels. CRISP/vae: one of five levels over the same latents, of train_decoder. That
one learns from crops, and its norms run over the whole picture, so its grounds are a little off; here whole pictures
are decoded. RUN/pipeline is MODEL with the matched VAE.
"""

from __future__ import annotations

import argparse
import copy
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import CLIPTokenizer

from training.image import catalogue as sprites
from training.image.card import copy_card
from training.image.model import load_pipeline_parts, save_pipeline
from training.image.prepare import PREPARED
from training.image.train_decoder import NOISE, Examples, make_examples
from training.image.vae import scale_factor
from training.schedule import Clock, cosine

BATCH = 2
#: weight of the error of these means against that of single pixels
WEIGHT = 4.0


@torch.no_grad()
def wanted(latents: Tensor, plain: AutoencoderKL, crisp: AutoencoderKL, square: int) -> Tensor:
    """`(n, 3, H, W)`: what `crisp` paints, moved smoothly so that the means of its squares are those of `plain`."""
    large = crisp.decode(latents).sample
    apart = F.avg_pool2d(plain.decode(latents).sample, square // 2) - F.avg_pool2d(large, square)
    return large + F.interpolate(apart, scale_factor=square, mode="bilinear")  # type: ignore[no-any-return]


def some_latents(examples: Examples, step: int) -> Tensor:
    """`(BATCH, 4, h, w)`: in turns guesses of the UNet and true ones with noise."""
    if step % 3:
        return examples.guesses[torch.randint(0, len(examples.guesses), (BATCH,))]
    latents = examples.latents[torch.randint(0, len(examples.latents), (BATCH,))]
    return latents + torch.randn_like(latents) * torch.rand(BATCH, 1, 1, 1) * NOISE


def distance(painted: Tensor, target: Tensor, square: int) -> Tensor:
    """Squared and absolute error, of the pixels and more so of the means of squares."""
    off, means = painted - target, F.avg_pool2d(painted - target, square)
    return off.square().mean() + 0.25 * off.abs().mean() + WEIGHT * (means.square().mean() + 0.25 * means.abs().mean())


def rates(clock: Clock, peak: float) -> Iterator[float]:
    """The learning rate of every step, until the clock is over."""
    for step in itertools.count():
        if clock.is_over:
            return
        yield cosine(peak, clock.fraction, step, 20, floor=0.03)


def match(
    vae: AutoencoderKL, plain: AutoencoderKL, examples: Examples, rates: Iterable[float], square: int
) -> list[float]:
    """Teaches the decoder a step for each learning rate; returns the distance of every step."""
    crisp = copy.deepcopy(vae)
    weights = [*vae.decoder.parameters(), *vae.post_quant_conv.parameters()]
    for weight in weights:
        weight.requires_grad_(True)
    optimizer = torch.optim.AdamW(weights, betas=(0.9, 0.99), weight_decay=0.0)
    found: list[float] = []
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        latents = some_latents(examples, len(found)).contiguous(memory_format=torch.channels_last)
        loss = distance(vae.decode(latents).sample, wanted(latents, plain, crisp, square), square)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        found.append(loss.item())
        if len(found) % 25 == 0:
            print(f"match step={len(found)} distance={sum(found[-25:]) / 25:.5f}", flush=True)
    return found


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("pipeline", type=Path, help="folder of the model of 128 pixels")
    p.add_argument("--vae", type=Path, required=True, help="folder of the crisp VAE of five levels")
    p.add_argument("--run", type=Path, default=Path(".kitwork/match"), help="folder of the new pipeline")
    p.add_argument("--minutes", type=float, default=20.0)
    p.add_argument("--scenes", type=int, default=400)
    p.add_argument("--lr", type=float, default=3e-4)
    p.add_argument("--square", type=int, default=2, help="pixels of 256 a side; 8 leaves edges crisper, and Fit lower")
    p.add_argument("--nouns", default="small", choices=["small", "all"])
    p.add_argument("--styles", type=int, default=1)
    p.add_argument("--prepared", type=Path, default=PREPARED, help="folder that training.image.prepare wrote")
    return p


def main(argv: Sequence[str] | None = None) -> None:
    args = parser().parse_args(argv)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    catalogue = sprites.load_prepared(args.prepared, args.nouns, args.styles)
    match_with(args, catalogue)


def match_with(args: argparse.Namespace, catalogue: sprites.Catalogue) -> None:
    """One command's work: latents, training, the pipeline folder."""
    parts, plain = load_pipeline_parts(args.pipeline)
    vae = AutoencoderKL.from_pretrained(args.vae, torch_dtype=torch.float32)
    for module in (*parts.named().values(), plain, vae):
        module.eval().requires_grad_(False)
    told, words = scale_factor(plain) * parts.unet.config.sample_size, args.pipeline / "tokenizer"
    examples = make_examples(parts, plain, words, catalogue, told, told, args.scenes)
    print(f"{len(examples.latents)} scenes read, {len(examples.guesses)} guesses", flush=True)
    clock = Clock(args.minutes * 60, args.minutes * 60)
    match(vae, plain, examples, rates(clock, args.lr), args.square)
    folder, tokenizer = args.run / "pipeline", CLIPTokenizer.from_pretrained(words)
    save_pipeline(parts, vae, tokenizer, folder, args.prepared / "LICENCES", told)
    copy_card(args.pipeline, folder, told, scale_factor(vae) * parts.unet.config.sample_size)


if __name__ == "__main__":
    main()
