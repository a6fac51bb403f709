"""Peak memory of each phase, swap times and speed, for real configurations with random weights: nothing is downloaded.

python -m bench memory --device cuda --vram 8      Llama 8B nf4, 8,000 tokens; SDXL fp16, 896 x 1152, 6 regions; 1.5 x
python -m bench memory --device cpu --tiny         the same code on tiny configurations, in CI
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image

from bench._record import record
from lib_omost.composer import SYSTEM_PROMPT, ComposeSettings
from lib_omost.renderer import RenderSettings
from lib_omost.renderer.vae import decode_latents, encode_images, scale_factor, to_images
from lib_omost.runtime import device as devices
from lib_omost.runtime.catalog import llm
from lib_omost.runtime.machine import SMALL_CARD_BYTES, Machine
from lib_omost.runtime.peaks import Peaks
from lib_omost.runtime.random_models import (
    IMAGE_MODEL,
    LLAMA_3_8B,
    TINY_LLAMA,
    random_composer,
    random_pipeline,
    six_regions,
)

PHASES = {("text_encoder", "text_encoder_2"): "text", ("unet",): "unet", ("vae",): "vae"}


def main(argv: list[str]) -> dict[str, float | int | str]:
    args = _arguments(argv)
    machine = Machine(args.device, args.vram)
    peaks = Peaks(machine.device)
    started = time.perf_counter()
    # the image model first: it is made on the device part by part and leaves, where the language model stays
    machine.adopt_sdxl(random_pipeline(machine.device, tiny=args.tiny))
    machine.adopt_llm(random_composer(TINY_LLAMA if args.tiny else LLAMA_3_8B, machine.device))
    result: dict[str, float | int | str] = {"device": devices.describe(machine.device), "vram_gib": args.vram or 0.0}
    result["build_s"] = round(time.perf_counter() - started, 1)

    machine.offloader.evict()
    before = held_mib(peaks, machine)
    stats = write(machine, args.tokens, args.prompt or (600 if args.tiny else 8000), peaks)
    result |= {"tokens_per_s": round(stats.new_tokens / (stats.seconds - stats.first_token_s), 2)}
    result |= {"prompt_tokens": stats.prompt_tokens, "first_token_s": round(stats.first_token_s, 3)}
    result |= left_by_the_reply(before, held_mib(peaks, machine), machine)
    settings = RenderSettings(width=128 if args.tiny else 896, height=192 if args.tiny else 1152, steps=args.steps)
    settings = replace(settings, highres_scale=1.5, highres_steps=max(2, args.steps // 2))
    result |= paint(machine, settings, peaks)
    result |= {f"{phase}_peak_mib": round(mib) for phase, mib in peaks.mib.items()}
    result |= {f"{phase}_reserved_mib": round(mib) for phase, mib in peaks.reserved.items()}
    result |= {"swap_s": round(machine.offloader.swap_s, 2)}
    result |= {f"{move.replace(' ', '_')}_s": round(seconds, 2) for move, seconds in machine.offloader.last_s.items()}
    result |= tiles_psnr(*((576, 576) if args.tiny else (896, 1152)), args.pictures)
    for name, value in result.items():
        print(f"{name:>20}  {value}")
    if not args.tiny:
        record("memory", argv, result, ("torch", "transformers", "diffusers", "bitsandbytes"))
    return result


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench memory", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--device", help="cuda, mps or cpu; the best there is by default")
    parser.add_argument("--vram", type=float, help="GiB that the process may take")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--prompt", type=int, help="tokens of the chat: 8000, as long as it may be; with --tiny 600")
    parser.add_argument("--pictures", type=Path, help="a folder that keeps what was decoded in tiles and untiled")
    parser.add_argument("--steps", type=int, default=6, help="of the first pass; the second runs half as many")
    return parser.parse_args(argv)


# --- the phases ---


ALLOWED_MIB = 300  # that a reply may leave behind on a small card


def held_mib(peaks: Peaks, machine: Machine) -> tuple[int, int | None]:
    """MiB of tensors, and of the whole card, libraries and other programs included; None where that is not told."""
    card = machine.memory_mib()
    return peaks.now_mib(), card[0] if card else None


def left_by_the_reply(
    before: tuple[int, int | None], after: tuple[int, int | None], machine: Machine
) -> dict[str, int | str]:
    """`before`, `after`: MiB of tensors, and of the whole card where that is told; the larger growth is judged.

    On a CPU nothing is judged, for there the model's weights stay where they are; nor on a card that keeps it.
    """
    left = after[0] - before[0]
    if before[1] is not None and after[1] is not None:
        left = max(left, after[1] - before[1])
    result: dict[str, int | str] = {"before_reply_mib": before[0], "after_reply_mib": after[0], "reply_left_mib": left}
    total = devices.total_bytes(machine.device, machine.limit_bytes)
    if total is None or total > SMALL_CARD_BYTES:
        return result | {"reply_left": "not judged: a CPU, or a card of more than 12 GB"}
    return result | {"reply_left": f"{'within' if left <= ALLOWED_MIB else 'MORE THAN'} the {ALLOWED_MIB} MiB allowed"}


def write(machine: Machine, tokens: int, prompt: int, peaks: Peaks) -> Any:
    """A reply without grammar or drafts, so that every token is one pass, to `prompt` tokens. Returns its counts."""
    peaks.enter("llm")
    settings = ComposeSettings(max_new_tokens=tokens, grammar=False, speculate=False, temperature=0.0)
    words = "a red apple on a wooden table next to a cat, "
    messages = [{"role": "user", "content": (words * 200)[: max(len(words), prompt - len(SYSTEM_PROMPT) - 30)]}]
    composer = machine.composer
    assert composer is not None
    for _ in machine.compose(llm("default"), messages, settings, threading.Event(), keep_llm=False):
        pass  # the entry names what would be loaded if nothing were
    return composer.stats


def paint(machine: Machine, settings: RenderSettings, peaks: Peaks) -> dict[str, float]:
    """Both passes over six regions; everything after the first pass's steps counts as "second"."""
    pipe = machine.pipe
    assert pipe is not None
    onload, times = machine.onload, []

    def watched(names: tuple[str, ...]) -> None:
        done = len(times) > settings.steps or (len(times) == settings.steps and "vae" not in names)
        peaks.enter("second" if done else PHASES[names])
        onload(names)

    def on_step(step: int, steps: int, preview: Callable[[], Image.Image]) -> None:
        devices.synchronize(machine.device)
        times.append(time.perf_counter())

    pipe.onload = watched
    images = machine.render(six_regions(), settings, on_step, threading.Event(), None)
    peaks.enter("end")
    first, second = np.diff(times[: settings.steps]), np.diff(times[settings.steps :])
    assert len(images) == 1
    return {"step_s": round(float(np.median(first)), 3), "second_step_s": round(float(np.median(second)), 3)}


def tiles_psnr(width: int, height: int, pictures: Path | None) -> dict[str, float]:
    """How alike tiled and untiled decoding are, in dB, in our tiles and in diffusers' of the same size.

    The default image model's VAE, and a picture of slopes and edges. `pictures`: where to keep what was decoded.
    """
    vae = AutoencoderKL.from_pretrained(IMAGE_MODEL, subfolder="vae", dtype=torch.float32)
    across, down = np.linspace(0, 255, width)[None], np.linspace(0, 255, height)[:, None]
    picture = np.stack(np.broadcast_arrays(across, down, 128 + 0 * across), -1).astype(np.uint8)
    picture[height // 4 : height // 2, width // 3 : width // 2] = (230, 40, 40)
    with torch.no_grad():
        latents = encode_images(vae, [Image.fromarray(picture)], "cpu")
        decoded = {"untiled": decode_latents(vae, latents)}
        vae.use_tiling, vae.tile_sample_min_size, vae.tile_latent_min_size = True, 512, 512 // scale_factor(vae)
        decoded["tiles"] = decode_latents(vae, latents)
        decoded["diffusers_tiles"] = vae.decode(latents / vae.config.scaling_factor).sample.clamp(-1, 1)
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
        for name, pixels in decoded.items():
            to_images(pixels)[0].save(pictures / f"{name}.png")
    whole = decoded.pop("untiled")
    return {f"{name}_psnr_db": round(psnr_db(whole, pixels), 1) for name, pixels in decoded.items()}


def psnr_db(a: torch.Tensor, b: torch.Tensor) -> float:
    """Of two pictures in -1..1."""
    return float(10 * torch.log10(4 / (a - b).square().mean()))
