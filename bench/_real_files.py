"""Random weights on disk in the published layouts, sizes and names: written tensor by tensor, never held as a whole.

Loading them is the application's own work; see _real_run.py.
"""

from __future__ import annotations

import functools
import itertools
import json
import shutil
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import (
    BitsAndBytesConfig,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    LlamaConfig,
    LlamaForCausalLM,
)

from bench._llama3 import llama3_file, llama3_tokenizer
from bench._original_layout import Tensors, in_one_file, renamed, unet_rules
from lib_omost.renderer import reference_scheduler
from lib_omost.runtime.hub import SDXL_PARTS
from lib_omost.runtime.random_models import CLIP_BIGG, CLIP_L, IMAGE_MODEL, SDXL_UNET, SDXL_VAE, byte_tokenizer

NAMES = {torch.float16: "F16", torch.bfloat16: "BF16", torch.float32: "F32", torch.uint8: "U8", torch.int64: "I64"}
SHARD_BYTES = 5_000_000_000  # transformers cut files at this size when the published models were saved
BLOCK = 1 << 20  # numbers of noise, repeated
Fill = Callable[[str, torch.Tensor], bytes | None]  # a tensor's content, None for noise

# --- one file ---


def write_file(path: Path, tensors: Mapping[str, torch.Tensor], fill: Fill = lambda name, tensor: None) -> None:
    """A safetensors file of these tensors, which may be on meta: only their names, shapes and formats are used."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header, end = dict[str, Any](__metadata__={"format": "pt"}), 0
    for name, tensor in tensors.items():
        offsets = [end, end := end + tensor.nbytes]
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": offsets}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    blocks = {dtype: noise_bytes(dtype) for dtype in {tensor.dtype for tensor in tensors.values()}}
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, tensor in tensors.items():
            content = fill(name, tensor)
            _repeat(file, content or blocks[tensor.dtype], tensor.nbytes)


def _repeat(file: BinaryIO, block: bytes, size: int) -> None:
    for start in range(0, size, len(block)):
        file.write(block[: size - start])


def noise_bytes(dtype: torch.dtype) -> bytes:
    """Numbers around 0 with a deviation of 0.02; of bytes and whole numbers any."""
    random = np.random.default_rng(0)
    if dtype in (torch.uint8, torch.int64):
        return random.integers(0, 256, BLOCK, np.uint8).tobytes()
    numbers = torch.from_numpy(random.standard_normal(BLOCK, np.float32) * np.float32(0.02)).to(dtype)
    return numbers.view(torch.uint8).numpy().tobytes()


# --- the language model: nested nf4, in shards ---


def write_llm(folder: Path, config: LlamaConfig, shard_bytes: int = SHARD_BYTES) -> None:
    """A Llama with its linear layers, all but the head, in nf4 with nested scales, as published."""
    with torch.device("meta"):
        model = LlamaForCausalLM(config).to(torch.bfloat16)
    tensors, fills = dict[str, torch.Tensor](), dict[str, bytes]()
    for name, tensor in model.state_dict().items():
        if name.endswith("proj.weight"):
            more, content = nested_nf4(name, tensor)
            tensors, fills = tensors | more, fills | content
        else:
            tensors[name] = tensor
    shards = list(_shards(tensors, shard_bytes))
    weight_map = {}
    for number, names in enumerate(shards, 1):
        file = f"model-{number:05}-of-{len(shards):05}.safetensors"
        write_file(folder / file, {name: tensors[name] for name in names}, lambda name, tensor: fills.get(name))
        weight_map |= dict.fromkeys(names, file)
    total = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    _write_llm_configs(folder, config)


def _shards(tensors: Mapping[str, torch.Tensor], shard_bytes: int) -> Iterator[list[str]]:
    names, size = list[str](), 0
    for name, tensor in tensors.items():
        if names and size + tensor.nbytes > shard_bytes:
            yield names
            names, size = [], 0
        names.append(name)
        size += tensor.nbytes
    yield names


def nested_nf4(name: str, weight: torch.Tensor) -> tuple[dict[str, torch.Tensor], dict[str, bytes]]:
    """The tensors that bitsandbytes saves in the place of a weight, and the content of those that are no noise."""
    blocks, nested = -(-weight.numel() // 64), -(-weight.numel() // 64 // 256)
    maps, state = nf4_template()
    state = {**state, "shape": list(weight.shape)}
    packed = json.dumps(state).encode()
    content = {f"{name}.{key}": table.numpy().tobytes() for key, table in maps.items()}
    content[f"{name}.quant_state.bitsandbytes__nf4"] = packed
    shapes = {"": (weight.numel() // 2, 1), ".absmax": (blocks,), ".quant_state.bitsandbytes__nf4": (len(packed),)}
    meta = {f"{name}{end}": torch.empty(shape, dtype=torch.uint8, device="meta") for end, shape in shapes.items()}
    meta |= {f"{name}.{key}": table.to("meta") for key, table in maps.items()}
    meta[f"{name}.nested_absmax"] = torch.empty(nested, dtype=torch.float32, device="meta")
    return meta, content


@functools.cache
def nf4_template() -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The tables and the state of one small layer, quantised by bitsandbytes itself."""
    from bitsandbytes.nn import Params4bit

    torch.manual_seed(0)
    weight = (torch.randn(256, 256) * 0.02).to(torch.bfloat16)
    state = Params4bit(weight, False, quant_type="nf4", compress_statistics=True).to("cpu").quant_state
    saved = state.as_dict(packed=True)
    maps = {key: saved[key] for key in ("quant_map", "nested_quant_map")}
    return maps, json.loads(bytes(saved["quant_state.bitsandbytes__nf4"].tolist()))


def _write_llm_configs(folder: Path, config: LlamaConfig) -> None:
    path = llama3_file()
    tokenizer = llama3_tokenizer(path) if path and config.vocab_size >= 128256 else byte_tokenizer()
    tokenizer.save_pretrained(folder)
    quantised = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    settings = config.to_dict() | {"architectures": ["LlamaForCausalLM"], "dtype": "bfloat16"}
    settings |= {"quantization_config": quantised.to_dict(), "eos_token_id": tokenizer.eos_token_id}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [tokenizer.eos_token_id]}))


# --- the image model: a folder in half precision, or one file ---


@dataclass(frozen=True, slots=True)
class ImageModel:
    """The four parts on meta, in fp16, and how many levels the VAE has."""

    unet: Any
    vae: Any
    text_encoder: Any
    text_encoder_2: Any

    def state(self, part: str) -> Tensors:
        """Under the published names, CLIP's position numbers included."""
        tensors: Tensors = getattr(self, part).state_dict()
        if not part.startswith("text"):
            return tensors
        plain = {name: t for name, t in tensors.items() if name.startswith("text_projection")}
        text = {f"text_model.{n.removeprefix('text_model.')}": t for n, t in tensors.items() if n not in plain}
        return text | plain | {POSITIONS: torch.empty(1, 77, dtype=torch.int64, device="meta")}


POSITIONS = "text_model.embeddings.position_ids"


def image_model(*, tiny: bool) -> ImageModel:
    """SDXL's exact parts, or a tenth as wide."""
    small = {"num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    unet: dict[str, Any] = SDXL_UNET
    vae, texts = SDXL_VAE, [CLIP_L, CLIP_BIGG]
    if tiny:
        unet = unet | {"block_out_channels": (32, 64, 64), "transformer_layers_per_block": (1, 1, 2)}
        unet |= {"attention_head_dim": (2, 4, 4), "cross_attention_dim": 32 + 64, "addition_time_embed_dim": 8}
        unet |= {"projection_class_embeddings_input_dim": 64 + 6 * 8}
        vae = vae | {"block_out_channels": (32, 32, 32, 32)}
        texts = [
            {**text, **small, "hidden_size": n, "projection_dim": n} for text, n in zip(texts, (32, 64), strict=True)
        ]
    ids = {"bos_token_id": 8704, "eos_token_id": 8705, "pad_token_id": 8705}  # of the tokenizer that stands in
    configs = [CLIPTextConfig(**text, vocab_size=49408, **ids) for text in texts]
    with torch.device("meta"):
        parts = (
            UNet2DConditionModel.from_config(unet),
            AutoencoderKL.from_config(vae),
            CLIPTextModel(configs[0]),
            CLIPTextModelWithProjection(configs[1]),
        )
        return ImageModel(*(part.half() for part in parts))


def position_fill(name: str, tensor: torch.Tensor) -> bytes | None:
    return np.arange(77, dtype=np.int64).tobytes() if name.endswith("position_ids") else None


def write_image_configs(folder: Path, model: ImageModel) -> None:
    """Everything of a hub folder but the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in SDXL_PARTS:
        (folder / part).mkdir(exist_ok=True)
        module = getattr(model, part)
        (module.config.save_pretrained if part.startswith("text") else module.save_config)(folder / part)
    for name in ("tokenizer", "tokenizer_2"):
        shutil.copytree(IMAGE_MODEL / name, folder / name, dirs_exist_ok=True)
    shutil.copy(IMAGE_MODEL / "model_index.json", folder)
    reference_scheduler().save_pretrained(folder / "scheduler")


def write_image_folder(folder: Path, model: ImageModel) -> None:
    """The fp16 variant, as the hub has it."""
    write_image_configs(folder, model)
    for part in SDXL_PARTS:
        stem = "model" if part.startswith("text") else "diffusion_pytorch_model"
        write_file(folder / part / f"{stem}.fp16.safetensors", model.state(part), position_fill)


def write_image_file(path: Path, model: ImageModel) -> None:
    """One file in the original layout, with the two tensors that the published one has beside the weights."""
    parts = [model.state(part) for part in ("unet", "vae", "text_encoder", "text_encoder_2")]
    for state in parts[2:]:
        del state[POSITIONS]
    tensors = in_one_file(*parts, vae_levels=len(model.vae.config.block_out_channels))
    tensors[f"conditioner.embedders.0.transformer.{POSITIONS}"] = torch.empty(1, 77, dtype=torch.int64, device="meta")
    tensors["conditioner.embedders.1.model.logit_scale"] = torch.empty((), dtype=torch.float16, device="meta")
    write_file(path, tensors, position_fill)


# --- LoRAs as Kohya's scripts save them ---


def write_lora(path: Path, model: ImageModel, form: str, rank: int = 4) -> int:
    """How many modules it changes. `form`: "diffusers", all layers of the UNet's blocks under diffusers' names, or
    "sgm", its transformers under Stability's, and both text encoders."""
    modules = {f"lora_unet_{flat(name)}": m for name, m in _unet_layers(model.unet, form)}
    if form == "sgm":
        for prefix, text in (("lora_te1", model.text_encoder), ("lora_te2", model.text_encoder_2)):
            named = ((name.removeprefix("text_model."), m) for name, m in text.named_modules() if ".layers." in name)
            modules |= {f"{prefix}_text_model_{flat(name)}": m for name, m in named if isinstance(m, torch.nn.Linear)}
    tensors = dict[str, torch.Tensor]()
    for name, layer in modules.items():
        down, up = _lora_shapes(layer, rank)
        shapes = {"lora_down.weight": down, "lora_up.weight": up, "alpha": ()}
        tensors |= {f"{name}.{e}": torch.empty(s, dtype=torch.float16, device="meta") for e, s in shapes.items()}
    write_file(path, tensors, lambda name, t: np.float16(rank).tobytes() if name.endswith("alpha") else None)
    return len(modules)


def _unet_layers(unet: Any, form: str) -> Iterator[tuple[str, Any]]:
    kinds = torch.nn.Linear if form == "sgm" else (torch.nn.Linear, torch.nn.Conv2d)
    for name, module in unet.named_modules():
        if not isinstance(module, kinds) or not name.startswith(("down", "mid", "up")):
            continue
        if form == "diffusers":
            yield name, module
        elif ".attentions." in name:
            yield renamed(name, unet_rules()), module


def _lora_shapes(layer: Any, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if isinstance(layer, torch.nn.Conv2d):
        return (rank, layer.in_channels, *layer.kernel_size), (layer.out_channels, rank, 1, 1)
    return (rank, layer.in_features), (layer.out_features, rank)


def flat(name: str) -> str:
    return name.replace(".", "_")


def folder_bytes(folder: Path) -> int:
    """Of the weights below a folder, or of one file."""
    files = folder.rglob("*.safetensors") if folder.is_dir() else itertools.repeat(folder, 1)
    return sum(file.stat().st_size for file in files)
