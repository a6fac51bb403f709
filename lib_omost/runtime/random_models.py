"""Models of real and of tiny configurations with random weights, made without a download and without a second copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
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
from lib_omost.composer import LocalComposer
from lib_omost.renderer import StableDiffusionXLOmostPipeline, best_vae_dtype, reference_scheduler
from lib_omost.runtime import device as devices
from lib_omost.runtime.catalog import DEFAULT_MODELS, OMOST

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
            weight = noise((module.out_features, module.in_features), device)
            module.weight = Params4bit(weight.cpu(), requires_grad=False, quant_type="nf4").to(device)
        else:
            for name, parameter in list(module.named_parameters(recurse=False)):
                setattr(module, name, torch.nn.Parameter(noise(parameter.shape, device), False))
    # rotary frequencies are buffers that a meta model leaves empty
    model.model.rotary_emb = type(model.model.rotary_emb)(config).to(device)
    model.generation_config.eos_token_id = 1
    return LocalComposer(model.eval(), byte_tokenizer(), OMOST)


def noise(shape: Sequence[int], device: torch.device) -> torch.Tensor:
    """Small bf16 numbers, made in place: an embedding of Llama's is 1 GB, and the card small."""
    return torch.empty(tuple(shape), dtype=torch.bfloat16, device=device).normal_(0, 0.02)


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
    """A model made without its slow initialisation, filled with small noise on the device and put back on the CPU.

    The device has to hold the largest one, SDXL's UNet, and nothing else.
    """
    with torch.device("meta"):
        model = make().to(dtype)
    model = model.to_empty(device=device)
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.02)
    for name, buffer in model.named_buffers():  # the only ones are CLIP's position numbers
        model.get_submodule(name.rpartition(".")[0]).position_ids = torch.arange(buffer.shape[-1], device=device)[None]
    model = model.eval().to("cpu")
    devices.empty_cache(device)
    return model


def six_regions() -> Canvas:
    """A canvas to measure with."""
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
