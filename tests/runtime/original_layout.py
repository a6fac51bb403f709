"""A tiny random SDXL pipeline, and its weights in one file under the names of Stability's code."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import AutoTokenizer, CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from lib_omost.renderer import StableDiffusionXLOmostPipeline, reference_scheduler

Tensors = dict[str, torch.Tensor]
IMAGE_MODEL = Path(__file__).parents[2] / "default_models" / "image"
LAYERS, VAE_LEVELS = 2, 2  # as in SDXL's UNet; its VAE has four levels


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
    tensors = {f"model.diffusion_model.{name}": t for name, t in unet_tensors(pipe.unet.state_dict()).items()}
    tensors |= {f"first_stage_model.{name}": t for name, t in vae_tensors(pipe.vae.state_dict()).items()}
    for name, tensor in pipe.text_encoder.state_dict().items():
        tensors["conditioner.embedders.0.transformer.text_model." + name.removeprefix("text_model.")] = tensor
    tensors |= {
        f"conditioner.embedders.1.model.{name}": t for name, t in bigg_tensors(pipe.text_encoder_2.state_dict()).items()
    }
    tensors = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    save_file(tensors, path)
    return tensors


def renamed(name: str, rules: list[tuple[str, str]]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


RESNET = [
    (r"(resnets.*)norm1", r"\1in_layers.0"),
    (r"(resnets.*)conv1", r"\1in_layers.2"),
    (r"(resnets.*)norm2", r"\1out_layers.0"),
    (r"(resnets.*)conv2", r"\1out_layers.3"),
    (r"(resnets.*)time_emb_proj", r"\1emb_layers.1"),
    (r"(resnets.*)conv_shortcut", r"\1skip_connection"),
]
UNET = [
    (r"^time_embedding.linear_1", "time_embed.0"),
    (r"^time_embedding.linear_2", "time_embed.2"),
    (r"^add_embedding.linear_1", "label_emb.0.0"),
    (r"^add_embedding.linear_2", "label_emb.0.2"),
    (r"^conv_in", "input_blocks.0.0"),
    (r"^conv_norm_out", "out.0"),
    (r"^conv_out", "out.2"),
    (r"^mid_block.resnets.0", "middle_block.0"),
    (r"^mid_block.attentions.0", "middle_block.1"),
    (r"^mid_block.resnets.1", "middle_block.2"),
]


def unet_tensors(state: Tensors) -> Tensors:
    rules = [*RESNET]
    step = LAYERS + 1
    for i in range(3):
        for j in range(LAYERS):
            rules += [(f"^down_blocks.{i}.resnets.{j}", f"input_blocks.{step * i + j + 1}.0")]
            rules += [(f"^down_blocks.{i}.attentions.{j}", f"input_blocks.{step * i + j + 1}.1")]
        rules += [(f"^down_blocks.{i}.downsamplers.0.conv", f"input_blocks.{step * (i + 1)}.0.op")]
        for j in range(step):
            rules += [(f"^up_blocks.{i}.resnets.{j}", f"output_blocks.{step * i + j}.0")]
            rules += [(f"^up_blocks.{i}.attentions.{j}", f"output_blocks.{step * i + j}.1")]
        rules += [(f"^up_blocks.{i}.upsamplers.0", f"output_blocks.{step * i + LAYERS}.2")]  # both have attention
    return {renamed(name, [*rules, *UNET]): tensor for name, tensor in state.items()}


def vae_tensors(state: Tensors) -> Tensors:
    rules = [(r"conv_shortcut", "nin_shortcut"), (r"conv_norm_out", "norm_out")]
    for i in range(VAE_LEVELS):
        rules += [(rf"encoder.down_blocks.{i}.resnets.", f"encoder.down.{i}.block.")]
        rules += [(rf"encoder.down_blocks.{i}.downsamplers.0", f"encoder.down.{i}.downsample")]
        rules += [(rf"decoder.up_blocks.{i}.resnets.", f"decoder.up.{VAE_LEVELS - 1 - i}.block.")]
        rules += [(rf"decoder.up_blocks.{i}.upsamplers.0", f"decoder.up.{VAE_LEVELS - 1 - i}.upsample")]
    rules += [(rf"mid_block.resnets.{i}", f"mid.block_{i + 1}") for i in range(2)]
    rules += [
        (r"mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out"),
        (r"mid_block.attentions.0.to_(.)", r"mid.attn_1.\1"),
    ]
    rules += [(r"mid_block.attentions.0.group_norm", "mid.attn_1.norm")]
    named = {renamed(name, rules): tensor for name, tensor in state.items()}
    return {n: t[..., None, None] if re.search(r"attn_1\.(q|k|v|proj_out)\.weight", n) else t for n, t in named.items()}


def bigg_tensors(state: Tensors) -> Tensors:
    """OpenCLIP's names: query, key and value in one matrix, the projection transposed."""
    rules = [
        (r"^text_model\.", ""),
        (r"^embeddings.token_embedding.weight", "token_embedding.weight"),
        (r"^embeddings.position_embedding.weight", "positional_embedding"),
        (r"^encoder.layers.", "transformer.resblocks."),
        (r"layer_norm(\d)", r"ln_\1"),
        (r"self_attn.out_proj", "attn.out_proj"),
        (r"mlp.fc1", "mlp.c_fc"),
        (r"mlp.fc2", "mlp.c_proj"),
        (r"^final_layer_norm", "ln_final"),
        (r"^text_projection.weight", "text_projection"),
    ]
    named = {renamed(name, rules): tensor for name, tensor in state.items()}
    out = {name: tensor for name, tensor in named.items() if "_proj." not in name or "self_attn" not in name}
    for name in [n for n in named if "self_attn.q_proj" in n]:
        parts = [named[name.replace("q_proj", f"{letter}_proj")] for letter in "qkv"]
        out[name.replace("self_attn.q_proj.", "attn.in_proj_")] = torch.cat(parts)
    out["text_projection"] = out["text_projection"].T
    return out
