"""Peak memory of each phase, swap times and speed, for real configurations with random weights: nothing is downloaded.

python -m bench memory --device cuda --vram 8      Llama 8B nf4, SDXL fp16, 896 x 1152, 6 regions, then 1.5 x
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
from diffusers import AutoencoderKL, UNet2DConditionModel
from PIL import Image
from transformers import (
    AutoTokenizer,
    BitsAndBytesConfig,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from lib_omost.canvas import Canvas
from lib_omost.composer import ComposeSettings, LocalComposer
from lib_omost.renderer import RenderSettings, StableDiffusionXLOmostPipeline, best_vae_dtype, reference_scheduler
from lib_omost.renderer.vae import decode_latents, encode_images
from lib_omost.runtime import device as devices
from lib_omost.runtime.catalog import DEFAULT_MODELS, OMOST, llm
from lib_omost.runtime.machine import Machine

LLAMA_3_8B = LlamaConfig(
    vocab_size=128256,
    hidden_size=4096,
    intermediate_size=14336,
    num_hidden_layers=32,
    num_attention_heads=32,
    num_key_value_heads=8,
    max_position_embeddings=8192,
    rope_parameters={"rope_type": "default", "rope_theta": 500000.0},
)
TINY_LLAMA = LlamaConfig(
    vocab_size=512,
    hidden_size=128,
    intermediate_size=256,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=8192,
)
SDXL_UNET = {
    "sample_size": 128,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "layers_per_block": 2,
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
SDXL_VAE = {
    "sample_size": 1024,
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
    "scaling_factor": 0.13025,
}
CLIP_L: dict[str, Any] = {"projection_dim": 768, "hidden_act": "quick_gelu"} | dict(
    hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12
)
CLIP_BIGG: dict[str, Any] = {"projection_dim": 1280, "hidden_act": "gelu"} | dict(
    hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20
)
IMAGE_MODEL = DEFAULT_MODELS / "image"
PHASES = {("text_encoder", "text_encoder_2"): "text", ("unet",): "unet", ("vae",): "vae"}


def main(argv: list[str]) -> dict[str, float | int | str]:
    args = _arguments(argv)
    machine = Machine(args.device, args.vram)
    peaks = Peaks(machine.device)
    started = time.perf_counter()
    machine.adopt_llm(random_composer(TINY_LLAMA if args.tiny else LLAMA_3_8B, machine.device))
    machine.adopt_sdxl(random_pipeline(machine.device, tiny=args.tiny))
    result: dict[str, float | int | str] = {"device": devices.describe(machine.device), "vram_gib": args.vram or 0.0}
    result["build_s"] = round(time.perf_counter() - started, 1)

    stats = write(machine, args.tokens, peaks)
    result |= {"tokens_per_s": round(stats.new_tokens / (stats.seconds - stats.first_token_s), 2)}
    result |= {"first_token_s": round(stats.first_token_s, 3), "after_reply_mib": peaks.now_mib()}
    settings = RenderSettings(width=128 if args.tiny else 896, height=192 if args.tiny else 1152, steps=args.steps)
    settings = replace(settings, highres_scale=1.5, highres_steps=max(2, args.steps // 2))
    result |= paint(machine, settings, peaks)
    result |= {f"{phase}_peak_mib": round(mib) for phase, mib in peaks.mib.items()}
    result |= {"swap_s": round(machine.residency.swap_s, 2), "tiles_psnr_db": round(tiles_psnr(), 1)}
    for name, value in result.items():
        print(f"{name:>20}  {value}")
    return result


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench memory", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--device", help="cuda, mps or cpu; the best there is by default")
    parser.add_argument("--vram", type=float, help="GiB that the process may take")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--steps", type=int, default=6, help="of the first pass; the second runs half as many")
    return parser.parse_args(argv)


# --- the phases ---


class Peaks:
    """The highest memory of each phase in MiB: tensors on a GPU, the resident set of the process on a CPU."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.mib: dict[str, float] = {}
        self._phase = ""

    def enter(self, phase: str) -> None:
        """The phase before ends, and this one's peak begins at what is there now."""
        if phase == self._phase:
            return
        if self._phase:
            self.mib[self._phase] = max(self.mib.get(self._phase, 0), self._peak_mib())
        self._phase = phase
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        elif Path("/proc/self/clear_refs").exists():
            Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM, see proc(5)

    def _peak_mib(self) -> float:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 2**20
        return _process_mib("VmHWM")

    def now_mib(self) -> int:
        return round(devices.used_bytes(self.device) / 2**20 if self.device.type != "cpu" else _process_mib("VmRSS"))


def _process_mib(field: str) -> float:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field)), 0.0)


def write(machine: Machine, tokens: int, peaks: Peaks) -> Any:
    """A reply without grammar or drafts, so that every token is one pass. Returns its counts."""
    peaks.enter("llm")
    settings = ComposeSettings(max_new_tokens=tokens, grammar=False, speculate=False, temperature=0.0)
    messages = [{"role": "user", "content": "a red apple on a wooden table next to a cat"}]
    composer = machine.composer
    assert composer is not None
    for _ in machine.compose(llm("default"), messages, settings, threading.Event(), keep_llm=False):
        pass  # the entry names what would be loaded if nothing were
    return composer.stats


def paint(machine: Machine, settings: RenderSettings, peaks: Peaks) -> dict[str, float]:
    """Both passes over six regions; everything after the first pass's steps counts as "second"."""
    pipe = machine.pipe
    assert pipe is not None
    bring, times = machine._bring, []

    def watched(names: tuple[str, ...]) -> None:
        done = len(times) > settings.steps or (len(times) == settings.steps and "vae" not in names)
        peaks.enter("second" if done else PHASES[names])
        bring(names)

    def on_step(step: int, steps: int, preview: Callable[[], Image.Image]) -> None:
        devices.synchronize(machine.device)
        times.append(time.perf_counter())

    pipe.bring = watched
    images = machine.render(six_regions(), settings, on_step, threading.Event(), None)
    peaks.enter("end")
    first, second = np.diff(times[: settings.steps]), np.diff(times[settings.steps :])
    assert len(images) == 1
    return {"step_s": round(float(np.median(first)), 3), "second_step_s": round(float(np.median(second)), 3)}


def six_regions() -> Canvas:
    canvas = Canvas()
    canvas.set_global_description("A still life.", ["Soft light falls in."] * 3, "still life, fruit, table", "gray")
    for number, place in enumerate(("left", "right", "top", "bottom", "top-left", "bottom-right")):
        canvas.add_local_description(
            f"on the {place}",
            "no offset",
            "a small square area",
            1.0 + number,
            "A fruit on the table.",
            ["It is round and ripe.", "Its skin is shiny.", "It casts a soft shadow."] * 2,
            "fruit, ripe, round",
            "Calm and warm mood.",
            "Photograph.",
            "High resolution, sharp.",
            "red",
        )
    return canvas


# --- models with random weights ---


def random_composer(config: LlamaConfig, device: torch.device) -> LocalComposer:
    """A Llama with its linear layers in nf4, filled layer by layer: no 16-bit copy of the whole is ever held."""
    from bitsandbytes.nn import Linear4bit, Params4bit
    from transformers.integrations.bitsandbytes import replace_with_bnb_linear

    settings = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    with torch.device("meta"):
        model = LlamaForCausalLM(config).to(torch.bfloat16)
        model = replace_with_bnb_linear(model, modules_to_not_convert=["lm_head"], quantization_config=settings)
    for module in model.modules():
        if isinstance(module, Linear4bit):
            weight = torch.randn(module.out_features, module.in_features, dtype=torch.bfloat16, device=device) / 50
            module.weight = Params4bit(weight.cpu(), requires_grad=False, quant_type="nf4").to(device)
        else:
            for name, parameter in list(module.named_parameters(recurse=False)):
                filled = torch.nn.Parameter(
                    torch.randn(parameter.shape, dtype=torch.bfloat16, device=device) / 50, False
                )
                setattr(module, name, filled)
    # rotary frequencies are buffers that a meta model leaves empty
    model.model.rotary_emb = type(model.model.rotary_emb)(config).to(device)
    model.generation_config.eos_token_id = 1
    return LocalComposer(model.eval(), byte_tokenizer(), OMOST)


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte: text length, and so the work, is that of three or four times as many words."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    symbols = ["<|begin|>", "<|end|>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    bpe = Tokenizer(models.BPE(vocab={symbol: number for number, symbol in enumerate(symbols)}, merges=[]))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.add_special_tokens(["<|begin|>", "<|end|>"])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<|begin|>", eos_token="<|end|>")
    tokenizer.chat_template = (
        "{% for m in messages %}<|begin|>{{ m['role'] }}\n{{ m['content'] }}<|end|>{% endfor %}<|begin|>"
    )
    return tokenizer


def random_pipeline(device: torch.device, *, tiny: bool) -> StableDiffusionXLOmostPipeline:
    """SDXL's exact parts, or those of the default image model, on the CPU in the formats that suit `device`."""
    tokenizers = [AutoTokenizer.from_pretrained(IMAGE_MODEL / name) for name in ("tokenizer", "tokenizer_2")]
    ids = {"eos_token_id": tokenizers[0].eos_token_id, "bos_token_id": tokenizers[0].bos_token_id}
    half = torch.float32 if device.type == "cpu" else torch.float16
    if tiny:
        unet = UNet2DConditionModel.load_config(IMAGE_MODEL, subfolder="unet")
        vae = AutoencoderKL.load_config(IMAGE_MODEL, subfolder="vae")
        texts = [
            CLIPTextConfig.from_pretrained(IMAGE_MODEL, subfolder=name) for name in ("text_encoder", "text_encoder_2")
        ]
    else:
        unet, vae = SDXL_UNET, SDXL_VAE
        texts = [CLIPTextConfig(**shape, vocab_size=49408, **ids) for shape in (CLIP_L, CLIP_BIGG)]
    pipe = StableDiffusionXLOmostPipeline(
        unet=_random(lambda: UNet2DConditionModel.from_config(unet), device, half),
        vae=_random(lambda: AutoencoderKL.from_config(vae), device, best_vae_dtype(device)),
        text_encoder=_random(lambda: CLIPTextModel(texts[0]), device, half),
        text_encoder_2=_random(lambda: CLIPTextModelWithProjection(texts[1]), device, half),
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        scheduler=reference_scheduler(),
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _random(make: Callable[[], Any], device: torch.device, dtype: torch.dtype) -> Any:
    """A model made without its slow initialisation, filled with small noise on the device and put back on the CPU."""
    with torch.device("meta"):
        model = make().to(dtype)
    model = model.to_empty(device=device)
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.02)
    for name, buffer in model.named_buffers():  # the only ones are CLIP's position numbers
        model.get_submodule(name.rpartition(".")[0]).position_ids = torch.arange(buffer.shape[-1], device=device)[None]
    return model.eval().to("cpu")


def tiles_psnr(side: int = 576) -> float:
    """How alike tiled and untiled decoding are, in dB: the default image model's VAE, a picture of edges and slopes."""
    vae = AutoencoderKL.from_pretrained(IMAGE_MODEL, subfolder="vae", dtype=torch.float32)
    devices.use_threads(torch.device("cpu"), 0)
    slope = np.linspace(0, 255, side)
    picture = np.stack(np.broadcast_arrays(slope[None], slope[:, None], 128 + 0 * slope[None]), -1).astype(np.uint8)
    picture[side // 4 : side // 2, side // 3 : side // 2] = (230, 40, 40)
    with torch.no_grad():
        latents = encode_images(vae, [Image.fromarray(picture)], "cpu")
        whole = decode_latents(vae, latents)
        vae.use_tiling, vae.tile_sample_min_size, vae.tile_latent_min_size = True, 512, 64
        tiled = decode_latents(vae, latents)
    return float(10 * torch.log10(4 / (whole - tiled).square().mean()))
