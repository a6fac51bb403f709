"""The training loop of the VAE. Called by train.py, which comes first to a run without a VAE; or by itself:

    python -m training.image.train_vae RUN/vae --start default_models/image/vae --minutes 20
    python -m training.image.train_vae RUN/vae --start RUN/vae --fixed-after 0 --minutes 10

The second line trains the decoder alone, so a UNet that was trained on the latents of this VAE stays right.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch import Tensor

from training.image import catalogue as sprites
from training.image import draw
from training.image.catalogue import Catalogue
from training.image.feed import SceneStream, scenes
from training.image.prepare import PREPARED
from training.image.scenes import make_scene
from training.image.vae import new_vae, psnr, reconstruct, warm_start, whiten
from training.schedule import Clock, cosine

HELD_OUT, TRAINED = 7 * 10**8, 10**8


@dataclass(frozen=True, slots=True)
class VaeSettings:
    """`batch` pictures are drawn a step, two crops of `crop` pixels taken of each. `fixed_after` is the part of the
    time after which the latent space is fixed and the decoder alone learns (0: from the start)."""

    size: int
    minutes: float
    batch: int
    crop: int
    device: str
    workers: int = 0
    seed: int = 0
    learning_rate: float = 1.5e-3
    held_out: int = 96
    fixed_after: float = 0.55


def train_vae(
    catalogue: Catalogue, settings: VaeSettings, folder: Path, start: AutoencoderKL | None = None
) -> AutoencoderKL:
    """Train for `minutes`, then write the VAE, report.json (dB on held-out scenes) and recon.png into `folder`.

    start: the fp32 VAE to go on from; without one, the closed-form start.
    """
    painter = draw.Painter(catalogue.images, settings.size, settings.device)
    numbers = range(HELD_OUT, HELD_OUT + settings.held_out)
    held_out = painter(draw.pack([make_scene(catalogue, n) for n in numbers]))
    vae = start or warm_start(new_vae(settings.size))
    vae = vae.to(settings.device).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(vae.parameters(), betas=(0.9, 0.99), weight_decay=0.0)
    stream = SceneStream(catalogue, TRAINED * (1 + settings.seed), settings.batch, 10**6)
    clock = Clock(settings.minutes * 60, settings.minutes * 60)
    is_fixed = settings.fixed_after == 0
    if is_fixed:
        _fix_encoder(vae)
    for step, (_, packed) in enumerate(scenes(stream, settings.workers)):
        if clock.is_over:
            break
        if clock.fraction >= settings.fixed_after and not is_fixed:
            is_fixed = True
            vae.eval()
            whiten(vae, held_out)
            vae.train()
            _fix_encoder(vae)
        images = painter(packed)
        images = images[: _whole_images(settings)] if is_fixed else crops(images, settings.crop)
        decibels = _step(vae, optimizer, images, cosine(settings.learning_rate, clock.fraction, step, 50), is_fixed)
        if step % 50 == 0:
            print(f"vae step={step} spent_s={clock.spent_s:.0f} psnr={decibels:.2f}", flush=True)
    vae.eval()
    if not is_fixed:
        whiten(vae, held_out)
    _write(vae, held_out, folder)
    return vae


def _fix_encoder(vae: AutoencoderKL) -> None:
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)


def _whole_images(settings: VaeSettings) -> int:
    """How many whole pictures cost about as much as two crops of each of a batch."""
    return max(1, int(2 * settings.batch * settings.crop**2 / settings.size**2))


def crops(images: Tensor, side: int) -> Tensor:
    """Two random crops of every picture; all pictures of a batch share the two places."""
    last = max(0, images.shape[-1] - side)
    corners = torch.randint(0, last + 1, (2, 2)).tolist()
    return torch.cat([images[..., y : y + side, x : x + side] for y, x in corners])


def _step(
    vae: AutoencoderKL, optimizer: torch.optim.Optimizer, images: Tensor, learning_rate: float, decoder_only: bool
) -> float:
    """One update; returns the dB of this batch."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    with torch.autocast(images.device.type, torch.bfloat16):
        result = reconstruct(vae, images.contiguous(memory_format=torch.channels_last), decoder_only)
    optimizer.zero_grad(set_to_none=True)
    result.loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_([w for w in vae.parameters() if w.grad is not None], 1.0)
    optimizer.step()
    return result.decibels


@torch.no_grad()
def _write(vae: AutoencoderKL, held_out: Tensor, folder: Path) -> None:
    latents = torch.cat([vae.encode(part).latent_dist.mean for part in torch.split(held_out, 16)])
    decoded = torch.cat([vae.decode(part).sample for part in torch.split(latents, 16)]).clamp(-1, 1)
    vae.save_pretrained(folder)
    report = {"psnr": round(psnr(((held_out - decoded) ** 2).mean()), 2), "latent_std": latents.std((0, 2, 3)).tolist()}
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print("vae", json.dumps(report), flush=True)
    pairs = torch.cat([torch.cat(list(row), 2) for row in (held_out[:8], decoded[:8])], 1)
    pixels = (pairs.permute(1, 2, 0).cpu().numpy() * 127.5 + 127.5).round().astype(np.uint8)
    Image.fromarray(pixels).save(folder / "recon.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the VAE is written")
    parser.add_argument("--start", type=Path, help="folder of a VAE to go on from")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--fixed-after", type=float, default=VaeSettings.fixed_after)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=64)
    parser.add_argument("--lr", type=float, default=VaeSettings.learning_rate)
    parser.add_argument("--nouns", default="small", choices=["small", "all"])
    parser.add_argument("--styles", type=int, default=1)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prepared", type=Path, default=PREPARED, help="folder that training.image.prepare wrote")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    catalogue = sprites.load_prepared(args.prepared, args.nouns, args.styles)
    size = (args.size, args.minutes, args.batch, args.crop, args.device, args.workers, args.seed, args.lr)
    start = AutoencoderKL.from_pretrained(args.start, dtype=torch.float32) if args.start else None
    train_vae(catalogue, VaeSettings(*size, fixed_after=args.fixed_after), args.folder, start)


if __name__ == "__main__":
    main()
