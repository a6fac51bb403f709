"""The names that SDXL's tensors have in one file of Stability's and OpenCLIP's layout, from diffusers' and
transformers'."""

from __future__ import annotations

import re

import torch

Tensors = dict[str, torch.Tensor]
LAYERS = 2  # of each block of SDXL's UNet and VAE
TEXT_1, TEXT_2 = "conditioner.embedders.0.transformer.text_model.", "conditioner.embedders.1.model."


def in_one_file(unet: Tensors, vae: Tensors, text_1: Tensors, text_2: Tensors, vae_levels: int = 4) -> Tensors:
    """The four state dicts as one; tensors on meta are renamed as well. `vae_levels`: resolutions of the VAE."""
    tensors = {f"model.diffusion_model.{name}": t for name, t in unet_tensors(unet).items()}
    tensors |= {f"first_stage_model.{name}": t for name, t in vae_tensors(vae, vae_levels).items()}
    tensors |= {TEXT_1 + name.removeprefix("text_model."): t for name, t in text_1.items()}
    return tensors | {TEXT_2 + name: t for name, t in bigg_tensors(text_2).items()}


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


def unet_rules() -> list[tuple[str, str]]:
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
    return [*rules, *UNET]


def unet_tensors(state: Tensors) -> Tensors:
    rules = unet_rules()
    return {renamed(name, rules): tensor for name, tensor in state.items()}


def vae_tensors(state: Tensors, levels: int) -> Tensors:
    rules = [(r"conv_shortcut", "nin_shortcut"), (r"conv_norm_out", "norm_out")]
    for i in range(levels):
        rules += [(rf"encoder.down_blocks.{i}.resnets.", f"encoder.down.{i}.block.")]
        rules += [(rf"encoder.down_blocks.{i}.downsamplers.0", f"encoder.down.{i}.downsample")]
        rules += [(rf"decoder.up_blocks.{i}.resnets.", f"decoder.up.{levels - 1 - i}.block.")]
        rules += [(rf"decoder.up_blocks.{i}.upsamplers.0", f"decoder.up.{levels - 1 - i}.upsample")]
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
