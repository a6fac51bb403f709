"""Train the decoder last: to paint 256 pixels, crisply, from the 16 x 16 latents that the finished UNet makes.

    python -m training.image.train_decoder .kitwork/image/pipeline --minutes 20
    python -m training.image.train_decoder .kitwork/image/pipeline --vae default_models/image/vae --minutes 20

RUN/pipeline is the given model with the new VAE, RUN/decoder.pt the state that a stopped command goes on from. A VAE of
four levels gets a fifth, whose encoder first learns to read pictures of 256 pixels as the old one reads them at 128; a
VAE of five levels (--vae) trains its decoder alone. Half of the latents are true ones with noise, half are the UNet's
guesses from noisy ones.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import CLIPTokenizer

from training.image import catalogue as sprites
from training.image import draw, feed
from training.image.adversary import Adversary, crispness_loss, telling_loss
from training.image.card import copy_card
from training.image.catalogue import Catalogue
from training.image.learning import found_noise
from training.image.model import Parts, load_pipeline_parts, save_pipeline, signal_shares
from training.image.prepare import PREPARED
from training.image.scenes import make_scene
from training.image.vae import grown, psnr, scale_factor
from training.schedule import Clock, cosine

FIRST, ENCODER_FIRST = 6 * 10**9, 9 * 10**9
LEVELS = 5
#: timesteps whose guesses the decoder learns from: later ones hold no detail, earlier ones are the true latents
GUESSED = (60, 520)
#: part of the time after which the adversary has a say
ADVERSARY_AFTER = 0.25
#: side of the crops in latent pixels, crops a step, and the most noise on true latents
CROP, BATCH, NOISE = 8, 4, 0.25


@dataclass(frozen=True, slots=True)
class Examples:
    """pictures: `(n, 3, H, W)` int8, 127 times -1..1. latents: `(n, 4, h, w)`. guesses: `(m, 4, h, w)`, of the pictures
    with the numbers in `shown` `(m,)`."""

    pictures: Tensor
    latents: Tensor
    guesses: Tensor
    shown: Tensor

    def crops(self, guessed: bool) -> tuple[Tensor, Tensor]:
        """BATCH crops: latents `(BATCH, 4, CROP, CROP)` and what they should become."""
        if guessed:
            rows = torch.randint(0, len(self.guesses), (BATCH,))
            latents, pictures = self.guesses[rows], self.pictures[self.shown[rows]]
        else:
            rows = torch.randint(0, len(self.latents), (BATCH,))
            latents, pictures = self.latents[rows], self.pictures[rows]
            latents = latents + torch.randn_like(latents) * torch.rand(BATCH, 1, 1, 1) * NOISE
        side, factor = latents.shape[-1], pictures.shape[-1] // latents.shape[-1]
        y, x = torch.randint(0, max(1, side - CROP + 1), (2,)).tolist()
        part = pictures[:, :, y * factor : (y + CROP) * factor, x * factor : (x + CROP) * factor]
        return latents[:, :, y : y + CROP, x : x + CROP], part.float() / 127


@torch.no_grad()
def means(vae: AutoencoderKL, pictures: Tensor) -> Tensor:
    """Latents of `(n, 3, H, W)`; halved first where the VAE wants pictures of half that side."""
    if pictures.shape[-1] > vae.config.sample_size:
        pictures = F.avg_pool2d(pictures, pictures.shape[-1] // vae.config.sample_size)
    latents: Tensor = vae.encode(pictures.contiguous(memory_format=torch.channels_last)).latent_dist.mean
    return latents


@torch.no_grad()
def make_examples(
    parts: Parts, reader: AutoencoderKL, words: Path, catalogue: Catalogue, size: int, told: int, count: int
) -> Examples:
    """`count` scenes of `size` pixels, their latents as `reader` reads them, and the UNet's guesses from noisy ones.

    told: the size that the UNet was told in its training. words: folder of the tokenizer.
    """
    painter, batch = draw.Painter(catalogue.images, size, "cpu"), 12
    pictures, latents = [], []
    for _, packed in feed.scenes(feed.SceneStream(catalogue, FIRST, batch, -(-count // batch)), 0):
        drawn = painter(packed)
        pictures.append((drawn * 127).round().to(torch.int8))
        latents.append(means(reader, drawn))
    known = torch.cat(latents)
    shares, guesses, shown = signal_shares("cpu"), [], []
    texts = feed.texts(feed.TextStream(catalogue, words, FIRST, len(known), 2 * batch, seed=3, short=1.0), 0)
    while sum(map(len, shown)) < 0.8 * len(known):
        said = next(texts)
        t = torch.randint(*GUESSED, (len(said.scene),))
        share, noise = shares[t][:, None, None, None], torch.randn_like(known[said.scene])
        noisy = share.sqrt() * known[said.scene] + (1 - share).sqrt() * noise
        found = found_noise(parts, noisy, t, said, told)
        guesses.append((noisy - (1 - share).sqrt() * found) / share.sqrt())
        shown.append(said.scene)
    return Examples(torch.cat(pictures), known, torch.cat(guesses), torch.cat(shown))


def teach_encoder(vae: AutoencoderKL, old: AutoencoderKL, catalogue: Catalogue, minutes: float) -> float:
    """Until `vae` reads a picture as `old` reads it at half its size; returns the mean squared error of latents."""
    painter, clock = draw.Painter(catalogue.images, vae.config.sample_size, "cpu"), Clock(minutes * 60, minutes * 60)
    fresh = [*vae.encoder.conv_in.parameters(), *vae.encoder.down_blocks[0].parameters()]
    new = {id(weight) for weight in fresh}
    rest = [w for w in (*vae.encoder.parameters(), *vae.quant_conv.parameters()) if id(w) not in new]
    optimizer = torch.optim.AdamW([{"params": fresh}, {"params": rest}], betas=(0.9, 0.99), weight_decay=0.0)
    errors, step = [1.0], 0
    while not clock.is_over:
        pictures = _flat_boxes(3, painter.size) if step % 8 == 0 else painter(_packed(catalogue, step))
        side = painter.size // 2
        y, x = (torch.randint(0, side + 1, (2,)) // 16 * 16).tolist()
        part = pictures[..., y : y + side, x : x + side]
        rate = cosine(1e-3, clock.fraction, step, 20, floor=0.03)
        for group, share in zip(optimizer.param_groups, (1.0, 0.3), strict=True):
            group["lr"] = rate * share
        found = vae.encode(part.contiguous(memory_format=torch.channels_last)).latent_dist.mean
        wanted = old.encode(F.avg_pool2d(part, 2)).latent_dist.mean.detach()
        _update(optimizer, (found - wanted).square().mean(), errors)
        step += 1
    return sum(errors[-50:]) / len(errors[-50:])


def _flat_boxes(count: int, size: int) -> Tensor:
    """Pictures of large plain squares, as a canvas's start latent is painted."""
    return F.interpolate(torch.rand(count, 3, 4, 4) * 2 - 1, size=size, mode="nearest")


def _packed(catalogue: Catalogue, step: int) -> draw.Packed:
    return draw.pack([make_scene(catalogue, ENCODER_FIRST + 3 * step + i) for i in range(3)])


def _update(optimizer: torch.optim.Optimizer, loss: Tensor, errors: list[float]) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_([w for group in optimizer.param_groups for w in group["params"]], 1.0)
    optimizer.step()
    errors.append(loss.item())


class DecoderRun:
    """What learns and what has been spent; goes to and from one file."""

    def __init__(self, vae: AutoencoderKL) -> None:
        self.vae, self.adversary = vae.to(memory_format=torch.channels_last), Adversary()
        vae.requires_grad_(False)
        for part in (vae.decoder, vae.post_quant_conv):
            part.requires_grad_(True)
        weights = [*vae.decoder.parameters(), *vae.post_quant_conv.parameters()]
        self.optimizer = torch.optim.AdamW(weights, betas=(0.9, 0.99), weight_decay=0.0)
        self.teller = torch.optim.AdamW(self.adversary.parameters(), lr=4e-4, betas=(0.5, 0.99))
        self.step, self.spent_s = 0, 0.0

    def save(self, file: Path) -> None:
        state = {name: getattr(self, name).state_dict() for name in ("vae", "adversary", "optimizer", "teller")}
        torch.save(state | {"step": self.step, "spent_s": self.spent_s}, file.with_suffix(".tmp"))
        os.replace(file.with_suffix(".tmp"), file)

    def resume(self, file: Path) -> None:
        saved = torch.load(file, weights_only=True)
        for name in ("vae", "adversary", "optimizer", "teller"):
            getattr(self, name).load_state_dict(saved[name])
        self.step, self.spent_s = saved["step"], saved["spent_s"]


def one_step(run: DecoderRun, examples: Examples, rate: float, fraction: float) -> float:
    """One update of the decoder, and of the adversary once it has a say; returns the squared error."""
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    latents, wanted = examples.crops(guessed=run.step % 2 == 1)
    decoded = run.vae.decode(latents.contiguous(memory_format=torch.channels_last)).sample
    off = decoded - wanted
    edges = off.diff(dim=-1).abs().mean() + off.diff(dim=-2).abs().mean()
    loss = off.square().mean() + 0.5 * off.abs().mean() + 0.3 * edges
    if fraction > ADVERSARY_AFTER:
        _update(run.teller, telling_loss(run.adversary, wanted, decoded), [])
        loss = loss + min(1.0, (fraction - ADVERSARY_AFTER) / 0.1) * crispness_loss(run.adversary, wanted, decoded)
    _update(run.optimizer, loss, [])
    run.step += 1
    return float(off.detach().square().mean())


def train(run: DecoderRun, examples: Examples, clock: Clock, rate: float, file: Path) -> None:
    """Until the clock is over; the state is saved every three minutes and at the end."""
    errors, saved_s = [], clock.here_s
    while not clock.is_over:
        errors.append(one_step(run, examples, cosine(rate, clock.fraction, run.step, 40, floor=0.03), clock.fraction))
        run.spent_s = clock.spent_s
        if run.step % 100 == 0:
            decibels = psnr(torch.tensor(errors[-100:]).mean())
            print(f"decoder step={run.step} fraction={clock.fraction:.2f} psnr={decibels:.2f}", flush=True)
        if clock.here_s - saved_s > 180:
            run.save(file)
            saved_s = clock.here_s
    run.save(file)


def start(args: argparse.Namespace, old: AutoencoderKL, catalogue: Catalogue) -> DecoderRun:
    """The run of RUN/decoder.pt, or one from --vae, or one from the pipeline's own VAE, grown where it has to be."""
    vae = AutoencoderKL.from_pretrained(args.vae, torch_dtype=torch.float32) if args.vae else old
    large = vae if len(vae.config.block_out_channels) == LEVELS else grown(vae)
    file = args.run / "decoder.pt"
    if not file.exists() and large is not vae:
        error = teach_encoder(large, vae, catalogue, args.encoder_minutes)
        print(f"the encoder reads as the old one does, but for a squared error of {error:.5f}", flush=True)
    run = DecoderRun(large)
    if file.exists():
        run.resume(file)
    return run


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("pipeline", type=Path, help="folder of the model whose UNet is finished")
    p.add_argument("--vae", type=Path, help="folder of a VAE to start from, in place of the model's own")
    p.add_argument("--run", type=Path, default=Path(".kitwork/decoder"), help="folder of the state and the pipeline")
    p.add_argument("--minutes", type=float, default=20.0, help="length of the decoder's training")
    p.add_argument("--encoder-minutes", type=float, default=4.0, help="before it, if the VAE grows")
    p.add_argument("--slot", type=float, default=0.0, help="minutes after which this command stops")
    p.add_argument("--scenes", type=int, default=900)
    p.add_argument("--lr", type=float, default=8e-4)
    p.add_argument("--nouns", default="small", choices=["small", "all"])
    p.add_argument("--styles", type=int, default=1)
    p.add_argument("--prepared", type=Path, default=PREPARED, help="folder that training.image.prepare wrote")
    p.add_argument("--threads", type=int, default=0)
    return p


def decode_with(args: argparse.Namespace, catalogue: Catalogue) -> None:
    """One command's work: examples, training, the pipeline folder."""
    args.run.mkdir(parents=True, exist_ok=True)
    parts, old = load_pipeline_parts(args.pipeline)
    for module in (*parts.named().values(), old):
        module.eval().requires_grad_(False)
    told, words = scale_factor(old) * parts.unet.config.sample_size, args.pipeline / "tokenizer"
    run = start(args, old, catalogue)
    size = scale_factor(run.vae) * parts.unet.config.sample_size
    examples = make_examples(parts, old, words, catalogue, size, told, args.scenes)
    clock = Clock(args.minutes * 60, (args.slot or args.minutes) * 60, run.spent_s)
    train(run, examples, clock, args.lr, args.run / "decoder.pt")
    folder, tokenizer = args.run / "pipeline", CLIPTokenizer.from_pretrained(words)
    save_pipeline(parts, run.vae, tokenizer, folder, args.prepared / "LICENCES", told)
    copy_card(args.pipeline, folder, told, size)


def main(argv: Sequence[str] | None = None) -> None:
    args = parser().parse_args(argv)
    torch.manual_seed(0)
    if args.threads:
        torch.set_num_threads(args.threads)
    decode_with(args, sprites.load_prepared(args.prepared, args.nouns, args.styles))


if __name__ == "__main__":
    main()
