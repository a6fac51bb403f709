"""The tiny SDXL: two CLIP text encoders and a UNet, untrained, and their way to and from a pipeline folder."""

from __future__ import annotations

import copy
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor2_0
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from training.image.attention import TrainingAttention

#: channels of each of SDXL's six size embeddings
TIME_CHANNELS = 32
SHARD = "14MB"


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the model. `latent` is the latent's side: the picture's divided by the VAE's scale factor."""

    latent: int = 32
    channels: tuple[int, ...] = (64, 128, 224)
    width: int = 64
    layers: int = 3


@dataclass(slots=True)
class Parts:
    """The networks that learn from text; the VAE is trained before them and then stays as it is."""

    text_encoder: Any
    text_encoder_2: Any
    unet: Any

    def named(self) -> dict[str, Any]:
        return {"text_encoder": self.text_encoder, "text_encoder_2": self.text_encoder_2, "unet": self.unet}


def new_parts(tokenizer: CLIPTokenizer, shape: Shape) -> Parts:
    """Untrained encoders and UNet, laid out as StableDiffusionXLPipeline wants them."""
    config = {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 77,
        "num_hidden_layers": shape.layers,
        "hidden_size": shape.width,
        "intermediate_size": 4 * shape.width,
        "num_attention_heads": max(1, shape.width // 32),
        "projection_dim": shape.width,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    first = CLIPTextModel(CLIPTextConfig(**config, hidden_act="quick_gelu"))
    second = CLIPTextModelWithProjection(CLIPTextConfig(**config, hidden_act="gelu"))
    with torch.no_grad():  # identity: `text_embeds` and `pooler_output` agree, so a program may read either
        second.text_projection.weight.copy_(torch.eye(shape.width))
    second.text_projection.weight.requires_grad_(False)
    return Parts(first, second, _new_unet(shape))


def _new_unet(shape: Shape) -> UNet2DConditionModel:
    down = ["DownBlock2D", *["CrossAttnDownBlock2D"] * (len(shape.channels) - 1)]
    unet = UNet2DConditionModel(
        sample_size=shape.latent,
        in_channels=4,
        out_channels=4,
        down_block_types=down,
        up_block_types=[name.replace("Down", "Up") for name in reversed(down)],
        block_out_channels=list(shape.channels),
        layers_per_block=1,
        transformer_layers_per_block=[1] * len(shape.channels),
        attention_head_dim=[max(1, channels // 32) for channels in shape.channels],
        cross_attention_dim=2 * shape.width,
        use_linear_projection=True,
        norm_num_groups=8,
        addition_embed_type="text_time",
        addition_time_embed_dim=TIME_CHANNELS,
        projection_class_embeddings_input_dim=6 * TIME_CHANNELS + shape.width,
    )
    unet.set_attn_processor({name: TrainingAttention() for name in unet.attn_processors})
    return unet


def encode_text(parts: Parts, ids: Tensor) -> tuple[Tensor, Tensor]:
    """ids `(m, L)` -> penultimate states of both encoders `(m, L, 2 * width)`, pooled `(m, width)`."""
    first = parts.text_encoder(ids, output_hidden_states=True)
    second = parts.text_encoder_2(ids, output_hidden_states=True)
    return torch.cat([first.hidden_states[-2], second.hidden_states[-2]], -1), second.text_embeds


def signal_shares(device: str) -> Tensor:
    """`(1000,)`: the share of signal (alpha bar) at each of SDXL's timesteps."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float().to(device)


def size_ids(size: int) -> list[int]:
    """SDXL's six size numbers of an uncropped picture: what every training tells the UNet."""
    return [size, size, 0, 0, size, size]


@torch.no_grad()
def fold_sizes(unet: UNet2DConditionModel, size: int) -> UNet2DConditionModel:
    """Put the size numbers of `size` into a bias, so that the UNet no longer reads them: it knows but one value of
    each, and a VAE of another factor, or a picture of another shape, would tell it others."""
    first = unet.add_embedding.linear_1
    embedded = unet.add_time_proj(torch.tensor(size_ids(size), dtype=torch.float32)).flatten().to(first.weight)
    pooled = first.in_features - len(embedded)
    first.bias += first.weight[:, pooled:] @ embedded
    first.weight[:, pooled:] = 0
    return unet


def save_pipeline(
    parts: Parts, vae: AutoencoderKL, tokenizer: CLIPTokenizer, folder: Path, licences: Path, size: int
) -> None:
    """A StableDiffusionXLPipeline folder in fp16, with the licences of what it was trained on beside the weights.

    size: the picture's side that the UNet was told in its training.
    """
    fp32 = copy.deepcopy(parts.unet).float().cpu()
    parts = Parts(parts.text_encoder, parts.text_encoder_2, fold_sizes(fp32, size))
    scheduler = DPMSolverMultistepScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        use_karras_sigmas=True,
        steps_offset=1,
        timestep_spacing="leading",
    )
    pipe = StableDiffusionXLPipeline(
        **{name: _half(module) for name, module in (*parts.named().items(), ("vae", vae))},
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        scheduler=scheduler,
        add_watermarker=False,
    )
    pipe.unet.set_attn_processor(AttnProcessor2_0())
    pipe.save_pretrained(folder, max_shard_size=SHARD)
    if licences.is_dir():
        shutil.copytree(licences, folder / "LICENCES", dirs_exist_ok=True)


def _half(module: Any) -> Any:
    """A copy in fp16 on the CPU, in the plain memory layout; the module itself goes on training."""
    copy = type(module).from_config(module.config) if hasattr(module, "from_config") else type(module)(module.config)
    copy.load_state_dict(module.state_dict())
    return copy.to("cpu", torch.float16, memory_format=torch.contiguous_format).eval()


def load_pipeline_parts(folder: Path) -> tuple[Parts, AutoencoderKL]:
    """The networks of a pipeline folder in fp32, ready to be trained on."""
    pipe = StableDiffusionXLPipeline.from_pretrained(folder, dtype=torch.float32, add_watermarker=False)
    pipe.unet.set_attn_processor({name: TrainingAttention() for name in pipe.unet.attn_processors})
    pipe.text_encoder_2.text_projection.weight.requires_grad_(False)
    return Parts(pipe.text_encoder, pipe.text_encoder_2, pipe.unet), pipe.vae
