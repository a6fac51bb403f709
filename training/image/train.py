"""Train the image model: first the VAE, then the UNet and both text encoders on latents of made-up scenes.

    python -m training.image.prepare                                      once, needs npm and the network
    python -m training.image.train --device cuda --minutes 24             256 px, every noun, two styles
    python -m training.image.train --device cpu --minutes 170             128 px, 64 nouns, one style

One command, stopped and started again at will: it goes on where RUN/state.pt left off. RUN/pipeline, written at every
save, is a StableDiffusionXLPipeline folder of the averaged weights. `--smoke` proves in under two minutes, with drawn
shapes and a very small model, that all of this still works.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import CLIPTokenizer

from training.image import catalogue as sprites
from training.image import draw, feed
from training.image.catalogue import Catalogue
from training.image.feed import TextBatch
from training.image.learning import Run, new_run, one_step, resume, save
from training.image.model import Shape, load_pipeline_parts, new_parts, signal_shares
from training.image.prepare import PREPARED
from training.image.scenes import make_scene
from training.image.train_vae import VaeSettings, train_vae
from training.image.vae import scale_factor
from training.schedule import Clock, cosine

#: what each device has time for; any of them can be given as an option
PRESETS: dict[str, dict[str, Any]] = {
    "cuda": {"size": 256, "channels": "64,128,224", "batch": 512, "scenes": 160_000, "ema": 0.9995, "warmup": 200}
    | {"nouns": "all", "styles": 2, "workers": 12, "vae_batch": 64, "vae_crop": 96, "short": 0.0, "precision": "bf16"},
    "cpu": {"size": 128, "channels": "64,128,144", "batch": 24, "scenes": 12_000, "ema": 0.998, "warmup": 100}
    | {"nouns": "small", "styles": 1, "workers": 0, "vae_batch": 8, "vae_crop": 64, "short": 0.9, "precision": "fp32"},
}
#: part of the training after which every text has the 77 tokens that the renderer gives it
FULL_AFTER = 0.8


def latent_bank(catalogue: Catalogue, vae: AutoencoderKL, args: argparse.Namespace, first: int) -> Tensor:
    """`(scenes, 4, h, w)` fp16 latents of scenes `first`, `first` + 1, ...; from RUN/bank.pt if that holds the same."""
    file, mark = args.run / "bank.pt", _mark(catalogue, vae, args, first)
    if file.exists():
        saved = torch.load(file, map_location=args.device, weights_only=True)
        if saved["mark"] == mark:
            return saved["latents"]  # type: ignore[no-any-return]
    bank = _encoded(catalogue, vae, args, first)
    torch.save({"mark": mark, "latents": bank}, file)
    return bank


def _mark(catalogue: Catalogue, vae: AutoencoderKL, args: argparse.Namespace, first: int) -> str:
    """Changes with the sprites, with the encoder, and with how scenes are made."""
    drawn = draw.pack([make_scene(catalogue, n) for n in range(first, first + 64)])
    parts = [
        catalogue.images,
        *(t.numpy() for t in drawn.values()),
        vae.quant_conv.weight.detach().float().cpu().numpy(),
    ]
    found = hashlib.sha256(f"{first} {args.scenes} {args.size}".encode())
    for part in parts:
        found.update(part.tobytes())
    return found.hexdigest()


@torch.no_grad()
def _encoded(catalogue: Catalogue, vae: AutoencoderKL, args: argparse.Namespace, first: int) -> Tensor:
    """Drawn and encoded on the device."""
    painter = draw.Painter(catalogue.images, args.size, args.device)
    batch, side = 128 if args.device == "cuda" else 16, args.size // scale_factor(vae)
    count = -(-args.scenes // batch)
    bank = torch.empty(count * batch, 4, side, side, dtype=torch.float16, device=args.device)
    begin = time.monotonic()
    for number, packed in feed.scenes(feed.SceneStream(catalogue, first, batch, count), args.workers):
        with torch.autocast(args.device, torch.bfloat16, enabled=args.precision == "bf16"):
            latents = vae.encode(painter(packed).contiguous(memory_format=torch.channels_last)).latent_dist.mean
        bank[number - first : number - first + batch] = latents.half()
    print(f"{len(bank)} scenes encoded in {time.monotonic() - begin:.0f} s", flush=True)
    return bank


def train(
    run: Run, vae: AutoencoderKL, words: Path, catalogue: Catalogue, args: argparse.Namespace, clock: Clock
) -> list[float]:
    """Until the clock is over; returns the mean errors that were logged. `words` is the folder of the tokenizer."""
    tokenizer = CLIPTokenizer.from_pretrained(words)
    first = (args.seed + 1) * 10**9
    vae.eval().requires_grad_(False).to(args.device).to(memory_format=torch.channels_last)
    bank = latent_bank(catalogue, vae, args, first)
    told = partial(feed.TextStream, catalogue, words, first, len(bank), args.batch, args.seed + run.step)
    shares = signal_shares(args.device)
    logged: list[float] = []
    errors: list[Tensor] = []
    mark, saved_s = (clock.here_s, run.samples), clock.here_s
    for batch in _texts(told(short=args.short), told(), args.workers, clock):
        rate = cosine(args.lr, clock.fraction, run.step, args.warmup, floor=0.01)
        errors.append(one_step(run, bank, _moved(batch, args.device), shares, args.size, args.ema, rate))
        run.spent_s = clock.spent_s
        if run.step % args.log_every == 0:
            logged.append(torch.stack(errors).mean().item())
            _report(args.run, run, clock, logged[-1], (run.samples - mark[1]) / (clock.here_s - mark[0]))
            errors, mark = [], (clock.here_s, run.samples)
        if clock.here_s - saved_s > args.save_every * 60:
            save(run, vae, tokenizer, catalogue.nouns, args.run, args.prepared / "LICENCES")
            saved_s = clock.here_s
    save(run, vae, tokenizer, catalogue.nouns, args.run, args.prepared / "LICENCES")
    return logged


def _texts(first: feed.TextStream, last: feed.TextStream, workers: int, clock: Clock) -> Iterator[TextBatch]:
    """Batches until the clock is over: of `first` while it is before FULL_AFTER, then of `last`."""
    for stream, until in ((first, FULL_AFTER), (last, 2.0)):
        for batch in feed.texts(stream, workers):
            if clock.is_over or clock.fraction >= until:
                break
            yield batch


def _moved(batch: TextBatch, device: str) -> TextBatch:
    fields = (batch.scene, batch.ids, batch.slot, batch.boxes, batch.silent)
    return TextBatch(*(tensor.to(device, non_blocking=True) for tensor in fields))


def _report(folder: Path, run: Run, clock: Clock, error: float, rate: float) -> None:
    row = {"step": run.step, "samples": run.samples, "spent_s": clock.spent_s, "error": error}
    row |= {"fraction": clock.fraction, "samples_per_s": rate}
    with open(folder / "train.jsonl", "a", encoding="utf-8") as log:
        log.write(json.dumps({key: round(value, 4) for key, value in row.items()}) + "\n")
    print(" ".join(f"{key}={value:.6g}" for key, value in row.items()), flush=True)
    if not math.isfinite(error):
        raise SystemExit("The error is not finite: start again with a smaller --lr; the last saved state is intact.")


def vae_of(catalogue: Catalogue, args: argparse.Namespace) -> AutoencoderKL:
    """The VAE of RUN/vae; trained now if there is none."""
    folder = args.run / "vae"
    if (folder / "config.json").exists():
        return AutoencoderKL.from_pretrained(folder)
    minutes, crop = args.minutes * args.vae_share, min(args.vae_crop, args.size)
    settings = VaeSettings(args.size, minutes, args.vae_batch, crop, args.device, args.workers, args.seed)
    return train_vae(catalogue, settings, folder)


def start(args: argparse.Namespace, catalogue: Catalogue) -> tuple[Run, AutoencoderKL, Path]:
    """(the run of RUN, or one from the pipeline folder --start, or a new one; its VAE; the folder of its tokenizer).

    A VAE in RUN/vae takes the place of the one in --start: it may be that one, trained further.
    """
    source = args.run / "pipeline" if (args.run / "state.pt").exists() else args.start
    if source:
        parts, vae = load_pipeline_parts(source)
        vae = vae_of(catalogue, args) if (args.run / "vae" / "config.json").exists() else vae
        args.size = scale_factor(vae) * parts.unet.config.sample_size
    else:
        vae = vae_of(catalogue, args)
        channels = tuple(int(count) for count in args.channels.split(","))
        tokenizer = CLIPTokenizer.from_pretrained(args.prepared / "tokenizer")
        parts = new_parts(tokenizer, Shape(args.size // scale_factor(vae), channels, args.width, args.layers))
    run = new_run(parts, args.device, args.precision == "bf16")
    resume(run, args.run, args.device)
    return run, vae, (source or args.prepared) / "tokenizer"


def everything(args: argparse.Namespace, catalogue: Catalogue) -> list[float]:
    """One command's work, from the VAE to the pipeline folder."""
    args.run.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    run, vae, tokenizer = start(args, catalogue)
    slot_s = (args.slot or args.minutes) * 60 - (time.monotonic() - begin)
    clock = Clock(args.minutes * (1 - args.vae_share) * 60, slot_s, run.spent_s)
    return train(run, vae, tokenizer, catalogue, args, clock)


def smoke(args: argparse.Namespace) -> None:
    """Train a very small model on drawn shapes in several commands, until its error has fallen by a fifth."""
    from training.image import tiny

    with tempfile.TemporaryDirectory() as folder:
        args.run, args.prepared, args.size = Path(folder), tiny.PREPARED, 64
        args.minutes, args.slot, args.vae_share = 1.0, 0.2, 0.08
        args.channels, args.width, args.layers = "32,32,64", 32, 2
        args.batch, args.scenes, args.workers, args.warmup, args.log_every, args.ema = 8, 64, 0, 4, 4, 0.9
        args.vae_batch, args.vae_crop = 4, 32
        catalogue = sprites.build(tiny.shapes())
        logged: list[float] = []
        for command in range(6):
            logged += everything(args, catalogue)
            if command and logged[-1] < 0.8 * logged[0]:
                print(f"smoke: fine, the error fell from {logged[0]:.3f} to {logged[-1]:.3f}")
                return
    raise SystemExit(f"The error should have fallen by a fifth: {[round(x, 3) for x in logged]}.")


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--device", default="cpu", choices=sorted(PRESETS))
    p.add_argument("--minutes", type=float, default=24.0, help="length of the whole training, VAE included")
    p.add_argument(
        "--slot", type=float, default=0.0, help="minutes after which this command stops; the next one goes on"
    )
    p.add_argument("--run", type=Path, default=Path(".kitwork/image"), help="folder of the state and the pipeline")
    p.add_argument("--prepared", type=Path, default=PREPARED, help="folder that training.image.prepare wrote")
    p.add_argument("--start", type=Path, help="pipeline folder to start from, such as default_models/image")
    p.add_argument("--vae-share", type=float, default=0.12, help="part of the minutes that the VAE takes")
    p.add_argument("--width", type=int, default=64, help="of the text encoders")
    p.add_argument("--layers", type=int, default=3, help="of the text encoders")
    p.add_argument("--lr", type=float, default=1.5e-3)
    p.add_argument("--threads", type=int, default=0)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--save-every", type=float, default=4.0, help="minutes")
    p.add_argument("--log-every", type=int, default=50, help="steps")
    p.add_argument("--smoke", action="store_true")
    for name, value in PRESETS["cuda"].items():
        others = f"default {PRESETS['cpu'][name]} on a CPU, {value} on CUDA"
        p.add_argument(f"--{name.replace('_', '-')}", type=type(value), help=others)
    return p


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    for name, value in PRESETS[args.device].items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.manual_seed(args.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    if args.threads or args.smoke:  # nets as small as those of a smoke run are slower on several threads
        torch.set_num_threads(args.threads or 1)
    if args.smoke:
        return smoke(args)
    everything(args, sprites.load_prepared(args.prepared, args.nouns, args.styles))


if __name__ == "__main__":
    main()
