"""One training of the UNet and text encoders as a value: what learns, one update of it, its way to and from a disk."""

from __future__ import annotations

import contextlib
import copy
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import CLIPTokenizer

from training.image.attention import level_masks
from training.image.card import write_card
from training.image.feed import MAX_BAGS, TextBatch
from training.image.model import Parts, encode_text, save_pipeline, size_ids
from training.image.vae import scale_factor

#: weight of a sample's loss: min(signal to noise, this) / signal to noise (arXiv 2303.09556)
MIN_SNR = 5.0


@dataclass(slots=True)
class Run:
    """A training that can be saved and goes on: what learns, its running average, the optimiser, what it has seen."""

    parts: Parts
    average: Parts
    optimizer: torch.optim.Optimizer
    step: int = 0
    samples: int = 0
    spent_s: float = 0.0
    bf16: bool = True


def new_run(parts: Parts, device: str, bf16: bool = True) -> Run:
    for module in parts.named().values():
        module.to(device).train()
    parts.unet.to(memory_format=torch.channels_last)
    if device == "cpu":  # the fused kernel's way back is slow there: 43 instead of 36 samples a second
        for encoder in (parts.text_encoder, parts.text_encoder_2):
            encoder.set_attn_implementation("eager")
    average = Parts(*(copy.deepcopy(module).requires_grad_(False).eval() for module in parts.named().values()))
    learned = [(n, w) for m in parts.named().values() for n, w in m.named_parameters() if w.requires_grad]
    matrices = [w for name, w in learned if w.ndim > 1 and "embed" not in name]
    others = [w for name, w in learned if not (w.ndim > 1 and "embed" not in name)]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    return Run(parts, average, torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True), bf16=bf16)


def save(
    run: Run, vae: AutoencoderKL, tokenizer: CLIPTokenizer, nouns: list[str], folder: Path, licences: Path
) -> None:
    """All into folder/state.pt (replaced in one go), and the averaged weights, with a card, as folder/pipeline."""
    networks = {
        kind: {name: module.state_dict() for name, module in parts.named().items()}
        for kind, parts in (("parts", run.parts), ("average", run.average))
    }
    counts = {"step": run.step, "samples": run.samples, "spent_s": run.spent_s}
    torch.save(networks | {"optimizer": run.optimizer.state_dict()} | counts, folder / "state.tmp")
    os.replace(folder / "state.tmp", folder / "state.pt")
    size = scale_factor(vae) * run.average.unet.config.sample_size
    save_pipeline(run.average, vae, tokenizer, folder / "pipeline", licences, size)
    write_card(folder / "pipeline", nouns, size, run.step, run.samples, run.spent_s)


def resume(run: Run, folder: Path, device: str) -> None:
    if not (folder / "state.pt").exists():
        return
    saved = torch.load(folder / "state.pt", map_location=device, weights_only=True)
    for kind, parts in (("parts", run.parts), ("average", run.average)):
        for name, module in parts.named().items():
            module.load_state_dict(saved[kind][name])
    run.optimizer.load_state_dict(saved["optimizer"])
    run.step, run.samples, run.spent_s = saved["step"], saved["samples"], saved["spent_s"]
    print(f"going on at step {run.step}, {run.spent_s / 60:.1f} minutes in", flush=True)


def told(parts: Parts, batch: TextBatch, bags: int) -> tuple[Tensor, Tensor]:
    """The texts of a batch: context `(n, bags * L, D)` and pooled `(n, P)`; zeros where the text is silent."""
    context, pooled = encode_text(parts, batch.ids)
    n, row, device = len(batch.scene), batch.ids.shape[1], batch.ids.device
    loud = (~batch.silent).to(context)
    slot = batch.slot // MAX_BAGS * bags + batch.slot % MAX_BAGS
    text = torch.zeros(n * bags, row, context.shape[-1], dtype=context.dtype, device=device)
    text = text.index_copy(0, slot, context).view(n, bags * row, -1)
    opening = batch.slot % MAX_BAGS == 0
    first = torch.zeros(n, pooled.shape[-1], dtype=pooled.dtype, device=device)
    first = first.index_copy(0, batch.slot[opening] // MAX_BAGS, pooled[opening])
    return text * loud[:, None, None], first * loud[:, None]


def found_noise(parts: Parts, noisy: Tensor, t: Tensor, batch: TextBatch, size: int) -> Tensor:
    """The noise that the UNet finds in latents `(n, 4, h, w)` at timesteps `(n,)`, told pictures of `size` pixels."""
    n, device = len(noisy), noisy.device
    used = int((batch.boxes[..., 3] > 0).sum(1).max())
    bags = MAX_BAGS if device.type == "cuda" else used  # on CUDA shapes that change cost more than empty bags
    text, pooled = told(parts, batch, bags)
    sizes = torch.tensor([size_ids(size)], dtype=torch.float32, device=device).expand(n, -1)
    levels = len(parts.unet.config.block_out_channels)
    regions = level_masks(batch.boxes[:, :bags], batch.ids.shape[1], noisy.shape[-1], levels)
    found: Tensor = parts.unet(
        noisy,
        t,
        encoder_hidden_states=text,
        added_cond_kwargs={"text_embeds": pooled, "time_ids": sizes},
        cross_attention_kwargs={"regions": regions},
        return_dict=False,
    )[0]
    return found


def denoising_loss(run: Run, latents: Tensor, batch: TextBatch, shares: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """(weighted loss, plain mean squared error) of the noise that the UNet finds in `latents` `(n, 4, h, w)`."""
    n, device = len(latents), latents.device
    # one timestep from each of n equal slices, shuffled: a steadier loss than independent draws
    t = ((torch.randperm(n, device=device) + torch.rand(n, device=device)) / n * 1000).long().clamp(max=999)
    noise = torch.randn_like(latents)
    share = shares[t][:, None, None, None]
    with torch.autocast(device.type, torch.bfloat16) if run.bf16 else contextlib.nullcontext():
        found = found_noise(run.parts, share.sqrt() * latents + (1 - share).sqrt() * noise, t, batch, size)
    error = ((found.float() - noise) ** 2).mean((1, 2, 3))
    snr = shares[t] / (1 - shares[t])
    return (error * snr.clamp(max=MIN_SNR) / snr).mean(), error.detach().mean()


def one_step(run: Run, bank: Tensor, batch: TextBatch, shares: Tensor, size: int, keep: float, rate: float) -> Tensor:
    """One update of the weights and of their average, which keeps the share `keep`; returns the plain error."""
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    latents = bank[batch.scene].float().contiguous(memory_format=torch.channels_last)
    loss, error = denoising_loss(run, latents, batch, shares, size)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    weights = [w for group in run.optimizer.param_groups for w in group["params"]]
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    run.optimizer.step()
    run.step += 1
    run.samples += len(latents)
    _average(run, min(keep, (1 + run.step) / (10 + run.step)))
    return error


@torch.no_grad()
def _average(run: Run, keep: float) -> None:
    slow = [w for module in run.average.named().values() for w in module.parameters()]
    fast = [w for module in run.parts.named().values() for w in module.parameters()]
    torch._foreach_lerp_(slow, fast, 1 - keep)
