"""Train the language adapter: LoRA on SmolLM2-135M-Instruct, on conversations made up as they are needed.

    python -m training.language.train --device cuda
    python -m training.language.train --device cpu

One command, stopped and started again at will: it goes on where RUN/state.pt left off. RUN/adapter is what ships.
`--smoke` proves in under two minutes, with a random tiny model, that all of this still works.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch.utils.checkpoint import checkpoint
from transformers import AutoModelForCausalLM

from training.language.feed import FeedSettings, batches
from training.schedule import Clock, cosine

BASE_NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
#: what each device has time for; any of them can be given as an option
PRESETS: dict[str, dict[str, Any]] = {
    "cuda": {"minutes": 14.0, "budget": 24_576, "longest": 2048, "warmup": 40, "workers": 8},
    "cpu": {"minutes": 120.0, "budget": 2048, "longest": 1400, "warmup": 20, "workers": 0},
}
_PRESET = {
    "minutes": "length of the whole training",
    "budget": "tokens of a step",
    "longest": "tokens of a conversation; longer ones are left out",
    "warmup": "steps in which the learning rate rises",
    "workers": "processes that make conversations ahead",
}
#: positions whose logits are in memory at a time: the vocabulary is large (49,152 words)
LOGIT_ROWS = 4096
#: so few rows are kept for the way back (0.4 GB) instead of computed twice
FEW_ROWS = 1024


@dataclass(slots=True)
class Run:
    """A training that can be saved and goes on: the model with its adapter, the optimiser, and what it has seen."""

    model: Any
    optimizer: torch.optim.Optimizer
    step: int = 0
    tokens: int = 0
    conversations: int = 0
    spent_s: float = 0.0


def new_run(base: Path, rank: int, device: str) -> Run:
    """A fresh adapter of `rank` on all linear layers of the model in `base`; the adapter is fp32."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=number_type(device)).to(device)
    model.config.use_cache = False
    config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=LINEAR, task_type="CAUSAL_LM")
    model = get_peft_model(model, config).train()
    return Run(model, torch.optim.AdamW(trained(model), betas=(0.9, 0.98), weight_decay=0.0, fused=device == "cuda"))


def number_type(device: str) -> torch.dtype:
    """bf16, but fp32 on a CPU that has no instructions for bf16: there it is ten times slower."""
    knows = device == "cuda" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if knows else torch.float32


def trained(model: Any) -> list[torch.nn.Parameter]:
    return [weight for weight in model.parameters() if weight.requires_grad]


def save(run: Run, folder: Path) -> None:
    """Everything into folder/state.pt (replaced in one go), and the adapter alone, in bf16, into folder/adapter."""
    adapter = get_peft_model_state_dict(run.model)
    counts = {"step": run.step, "tokens": run.tokens, "conversations": run.conversations, "spent_s": run.spent_s}
    torch.save({"adapter": adapter, "optimizer": run.optimizer.state_dict(), **counts}, folder / "state.tmp")
    os.replace(folder / "state.tmp", folder / "state.pt")
    config = run.model.peft_config["default"]
    config.base_model_name_or_path = BASE_NAME
    config.save_pretrained(folder / "adapter")
    weights = {name: tensor.detach().to(torch.bfloat16).contiguous().cpu() for name, tensor in adapter.items()}
    save_file(weights, folder / "adapter" / "adapter_model.safetensors")
    (folder / "adapter" / "training.json").write_text(json.dumps(counts, indent=1) + "\n")


def resume(run: Run, folder: Path, start: Path | None) -> None:
    """Go on from folder/state.pt; where there is none, from the adapter in `start` with a fresh optimiser."""
    if (folder / "state.pt").exists():
        saved = torch.load(folder / "state.pt", map_location=run.model.device, weights_only=True)
        set_peft_model_state_dict(run.model, saved["adapter"])
        run.optimizer.load_state_dict(saved["optimizer"])
        run.step, run.tokens = saved["step"], saved["tokens"]
        run.conversations, run.spent_s = saved["conversations"], saved["spent_s"]
        print(f"going on at step {run.step}, {run.spent_s / 60:.1f} minutes in")
    elif start:
        set_peft_model_state_dict(run.model, load_file(start / "adapter_model.safetensors"))
        print(f"starting from the adapter in {start}")


def rank_of(args: argparse.Namespace) -> int:
    """The rank of the adapter that the run goes on with; --rank for a new one."""
    source = args.run / "adapter" if (args.run / "state.pt").exists() else args.start
    return int(json.loads((source / "adapter_config.json").read_text())["r"]) if source else int(args.rank)


def weighted_loss(model: Any, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of the next token, weighted. ids, weights: `(n, L)`; weight 0 costs no logits."""
    parts = model.get_base_model()
    # causal attention and padding on the right: no real token sees a padded one, so no mask is needed
    hidden = parts.model(input_ids=ids).last_hidden_state[:, :-1]
    counts = weights[:, 1:] > 0
    hidden, wanted, weight = hidden[counts], ids[:, 1:][counts], weights[:, 1:][counts]

    def piece(h: torch.Tensor, want: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return (F.cross_entropy(parts.lm_head(h).float(), want, reduction="none") * scale).sum()

    rows = zip(*(torch.split(tensor, LOGIT_ROWS) for tensor in (hidden, wanted, weight)), strict=True)
    if hidden.shape[0] <= FEW_ROWS:
        pieces = [piece(h, want, scale) for h, want, scale in rows]
    else:
        pieces = [checkpoint(piece, h, want, scale, use_reentrant=False) for h, want, scale in rows]
    return torch.stack(pieces).sum() / weight.sum()


def one_step(run: Run, batch: tuple[torch.Tensor, torch.Tensor], learning_rate: float) -> torch.Tensor:
    device = run.model.device
    ids, weights = (tensor.to(device, non_blocking=True) for tensor in batch)
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate
    is_bf16 = run.model.get_base_model().dtype == torch.bfloat16
    with torch.autocast(device.type, torch.bfloat16, enabled=is_bf16):
        loss = weighted_loss(run.model, ids, weights)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(trained(run.model), 1.0)
    run.optimizer.step()
    run.step += 1
    run.tokens += ids.numel()
    run.conversations += len(ids)
    return loss.detach()


def train(run: Run, args: argparse.Namespace) -> list[float]:
    """Until the clock is over; returns the mean losses that were logged."""
    args.run.mkdir(parents=True, exist_ok=True)
    clock = Clock(args.minutes * 60, (args.slot or args.minutes) * 60, run.spent_s)
    fraction = multiprocessing.get_context().Value("d", clock.fraction)
    feed = batches(FeedSettings(args.base, args.budget, args.longest, args.seed + run.step, args.workers), fraction)
    logged: list[float] = []
    losses: list[torch.Tensor] = []
    mark_s, mark_tokens, saved_s = clock.here_s, run.tokens, clock.here_s
    while not clock.is_over:
        fraction.value = clock.fraction
        losses.append(one_step(run, next(feed), cosine(args.lr, clock.fraction, run.step, args.warmup)))
        run.spent_s = clock.spent_s
        if run.step % args.log_every == 0:
            logged.append(torch.stack(losses).mean().item())
            rate = (run.tokens - mark_tokens) / (clock.here_s - mark_s)
            _report(args.run, run, clock, logged[-1], rate)
            losses, mark_s, mark_tokens = [], clock.here_s, run.tokens
        if clock.here_s - saved_s > args.save_every * 60:
            save(run, args.run)
            saved_s = clock.here_s
    save(run, args.run)
    return logged


def _report(folder: Path, run: Run, clock: Clock, loss: float, rate: float) -> None:
    row = {"step": run.step, "conversations": run.conversations, "tokens": run.tokens, "spent_s": clock.spent_s}
    row |= {"fraction": clock.fraction, "loss": loss, "tokens_per_s": rate}
    with open(folder / "train.jsonl", "a", encoding="utf-8") as log:
        log.write(json.dumps({key: round(value, 4) for key, value in row.items()}) + "\n")
    print(" ".join(f"{key}={value:.6g}" for key, value in row.items()), flush=True)
    if not math.isfinite(loss):
        raise SystemExit("The loss is not finite: start again with a smaller --lr; the last saved state is intact.")


def smoke(args: argparse.Namespace) -> None:
    """Train a random tiny model in several commands, each from the last state, until its loss has fallen by a fifth."""
    from training.language.tiny import tiny_base

    with tempfile.TemporaryDirectory() as folder:
        args.base, args.run = tiny_base(Path(folder) / "base"), Path(folder) / "run"
        args.minutes, args.slot, args.workers = 0.9, 0.15, 0
        args.budget = args.longest = 3000  # tokens are bytes here, so conversations are long
        args.warmup, args.log_every, args.lr, args.rank = 2, 4, 3e-2, 8
        logged: list[float] = []
        for command in range(6):
            run = new_run(args.base, rank_of(args), args.device)
            resume(run, args.run, None)
            logged += train(run, args)
            if command and logged[-1] < 0.8 * logged[0]:
                print(f"smoke: fine, the loss fell from {logged[0]:.3f} to {logged[-1]:.3f} in {run.step} steps")
                return
    raise SystemExit(f"The loss should have fallen by a fifth in {run.step} steps: {[round(x, 3) for x in logged]}.")


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    p.add_argument(
        "--slot", type=float, default=0.0, help="minutes after which this command stops; the next one goes on"
    )
    p.add_argument("--run", type=Path, default=Path(".kitwork/language"), help="folder of the state and the adapter")
    p.add_argument("--base", type=Path, help="folder of the base model (default: fetched once into the cache folder)")
    p.add_argument("--start", type=Path, help="adapter to start from, such as default_models/language")
    p.add_argument("--rank", type=int, default=16)
    p.add_argument("--lr", type=float, default=8e-4)
    p.add_argument("--threads", type=int, default=0)
    p.add_argument("--compile", action="store_true", help="torch.compile of the layers; needs a C++ compiler")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--save-every", type=float, default=4.0, help="minutes")
    p.add_argument("--log-every", type=int, default=25, help="steps")
    p.add_argument("--smoke", action="store_true")
    for name, meaning in _PRESET.items():
        kind, defaults = type(PRESETS["cpu"][name]), ", ".join(f"{PRESETS[d][name]} on {d}" for d in PRESETS)
        p.add_argument(f"--{name}", type=kind, help=f"{meaning} (default {defaults})")
    return p


def options(argv: list[str] | None) -> argparse.Namespace:
    args = parser().parse_args(argv)
    for name, value in PRESETS[args.device].items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    return args


def main(argv: list[str] | None = None) -> None:
    args = options(argv)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.manual_seed(args.seed)
    if args.threads or args.smoke:  # nets as small as those of a smoke run are slower on several threads
        torch.set_num_threads(args.threads or 1)
    if args.smoke:
        return smoke(args)
    if not args.base:
        from lib_omost.runtime.default_model import default_language_model

        args.base = default_language_model()
    begin = time.monotonic()
    run = new_run(args.base, rank_of(args), args.device)
    resume(run, args.run, args.start)
    if args.compile:
        for layer in run.model.get_base_model().model.layers:  # one by one: all share one compilation
            layer.compile(dynamic=True)
    print(f"{sum(w.numel() for w in trained(run.model)) / 1e6:.2f} M weights, start {time.monotonic() - begin:.0f} s")
    train(run, args)


if __name__ == "__main__":
    main()
