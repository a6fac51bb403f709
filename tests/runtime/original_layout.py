"""A tiny random SDXL pipeline, and its weights in one file under the names of Stability's code."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import AutoTokenizer, CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from bench._original_layout import LAYERS, Tensors, in_one_file
from lib_omost.renderer import StableDiffusionXLOmostPipeline, reference_scheduler

IMAGE_MODEL = Path(__file__).parents[2] / "default_models" / "image"
VAE_LEVELS = 2  # SDXL's VAE has four


def tiny_pipeline() -> StableDiffusionXLOmostPipeline:
    """SDXL's topology a tenth as wide; text encoders of different widths, by which diffusers tells them apart."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 64, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=LAYERS,
        transformer_layers_per_block=(1, 1, 2),
        attention_head_dim=(2, 4, 4),
        cross_attention_dim=32 + 64,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=64 + 6 * 8,
    )
    vae = AutoencoderKL(
        block_out_channels=(32, 32),
        down_block_types=("DownEncoderBlock2D",) * VAE_LEVELS,
        up_block_types=("UpDecoderBlock2D",) * VAE_LEVELS,
        layers_per_block=LAYERS,
        latent_channels=4,
        scaling_factor=0.13025,
    )
    tokenizers = [AutoTokenizer.from_pretrained(IMAGE_MODEL / name) for name in ("tokenizer", "tokenizer_2")]
    texts = [
        CLIPTextConfig(
            vocab_size=len(tokenizers[0]),
            hidden_size=width,
            projection_dim=width,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            eos_token_id=tokenizers[0].eos_token_id,
            bos_token_id=tokenizers[0].bos_token_id,
        )
        for width in (32, 64)
    ]
    return StableDiffusionXLOmostPipeline(
        unet=unet,
        vae=vae,
        text_encoder=CLIPTextModel(texts[0]),
        text_encoder_2=CLIPTextModelWithProjection(texts[1]),
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        scheduler=reference_scheduler(),
    )


def single_file(pipe: StableDiffusionXLOmostPipeline, path: Path) -> Tensors:
    """Writes the pipeline's weights to `path` in the original layout; returns them."""
    parts = (pipe.unet, pipe.vae, pipe.text_encoder, pipe.text_encoder_2)
    tensors = in_one_file(*(part.state_dict() for part in parts), vae_levels=VAE_LEVELS)
    tensors = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    save_file(tensors, path)
    return tensors
