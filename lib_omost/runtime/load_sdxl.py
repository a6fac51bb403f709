"""From a catalog entry to an image pipeline on the CPU, honestly: what does not fit is refused by name."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.loaders.single_file_utils import SingleFileComponentError

from lib_omost.errors import BrokenWeightsError, MissingWeightsError, UnknownModelError
from lib_omost.renderer import StableDiffusionXLOmostPipeline, best_vae_dtype, reference_scheduler
from lib_omost.runtime import catalog, checks, fetch
from lib_omost.runtime import device as devices
from lib_omost.runtime.catalog import SdxlEntry
from lib_omost.runtime.machine import PARTS

log = logging.getLogger(__name__)


def load_pipeline(entry: SdxlEntry, device: torch.device, loras: Mapping[str, float]) -> StableDiffusionXLOmostPipeline:
    """The pipeline on the CPU, in the formats that suit `device`. `loras`: names in models_dir/loras -> weights."""
    checks.need("diffusers", "0.40", entry.name)
    path = catalog.locate(entry)
    log.info("Loading %s …", entry.name)
    pipe = _from_folder(path, device) if path.is_dir() else _from_file(path, device)
    pipe.scheduler = reference_scheduler(pipe.scheduler.config.prediction_type)
    pipe.set_progress_bar_config(disable=True)
    add_loras(pipe, loras)
    return pipe


def _from_folder(folder: Path, device: torch.device) -> StableDiffusionXLOmostPipeline:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    classes = {
        "unet": UNet2DConditionModel,
        "vae": AutoencoderKL,
        "text_encoder": CLIPTextModel,
        "text_encoder_2": CLIPTextModelWithProjection,
    }
    dtype = devices.network_dtype(device, parameters=parameters(folder / "unet"))
    parts = {
        name: _part(kind, folder, name, best_vae_dtype(device) if name == "vae" else dtype)
        for name, kind in classes.items()
    }
    pipe: StableDiffusionXLOmostPipeline = StableDiffusionXLOmostPipeline.from_pretrained(
        folder, **parts, local_files_only=True
    )
    return pipe


def parameters(folder: Path) -> int:
    """How many numbers the (first set of) weights of a model folder hold, from the headers."""
    files = sorted(folder.glob(f"*{variant(folder)}.safetensors"))
    if not files:
        raise MissingWeightsError(f"{folder.name}/ holds no .safetensors file. Fetch the model again.")
    return sum(torch.Size(shape).numel() for file in files for shape in checks.tensor_shapes(file).values())


def variant(folder: Path) -> str:
    """ ".fp16" where a folder has half-precision files under that name, else nothing; saves reading twice the bytes."""
    return ".fp16" if any(folder.glob("*.fp16*.safetensors")) else ""


def _part(kind: Any, folder: Path, name: str, dtype: torch.dtype) -> Any:
    """One model of the pipeline, cast tensor by tensor while loading. Raises BrokenWeightsError if it does not fit."""
    model, info = kind.from_pretrained(
        folder,
        subfolder=name,
        dtype=dtype,
        variant=variant(folder / name).lstrip(".") or None,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
    )
    shapes = [str(m) for m in info.get("mismatched_keys", ())]
    # some checkpoints carry CLIP-L's projection, which SDXL does not use
    left_over = [key for key in info["unexpected_keys"] if key not in ("text_projection.weight", "position_ids")]
    checks.refuse_misfit(f"{folder.name}/{name}", info["missing_keys"], left_over, shapes)
    return model.eval()


def _from_file(path: Path, device: torch.device) -> StableDiffusionXLOmostPipeline:
    """A checkpoint in the original layout: UNet, VAE and text encoders in one file, memory-mapped, cast by part."""
    shapes = checks.tensor_shapes(path)
    refuse_other_layouts(path, shapes)
    dtype = devices.network_dtype(device, sum(torch.Size(shape).numel() for shape in shapes.values()))
    configs = fetch.sdxl_configs()
    try:
        pipe: StableDiffusionXLOmostPipeline = StableDiffusionXLOmostPipeline.from_single_file(
            str(path), config=str(configs), dtype=dtype, local_files_only=True
        )
    except (NotImplementedError, KeyError, SingleFileComponentError):  # a tensor that is absent stays without data
        checks.refuse_misfit(path.name, missing_tensors(shapes, configs), ())
        raise
    for name in PARTS:
        missing = [key for key, tensor in getattr(pipe, name).state_dict().items() if tensor.is_meta]
        checks.refuse_misfit(f"{path.name}: {name}", missing, ())
    for name, prefix in (("unet", UNET), ("vae", VAE)):  # one to one with diffusers' names; the text encoders are not
        left_over = [key for key in shapes if key.startswith(prefix)][len(getattr(pipe, name).state_dict()) :]
        checks.refuse_misfit(f"{path.name}: {name}", (), left_over)
    pipe.vae.to(best_vae_dtype(device))
    return pipe


def missing_tensors(shapes: Mapping[str, tuple[int, ...]], configs: Path) -> list[str]:
    """Which tensors of UNet and VAE, by diffusers' names, a file with these tensors does not give."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint

    missing: list[str] = []
    for name, kind, convert in (
        ("unet", UNet2DConditionModel, convert_ldm_unet_checkpoint),
        ("vae", AutoencoderKL, convert_ldm_vae_checkpoint),
    ):
        with torch.device("meta"):
            model = kind.from_config(kind.load_config(configs, subfolder=name, local_files_only=True))
            tensors = {key: torch.empty(shape) for key, shape in shapes.items()}
        try:
            missing += sorted(model.state_dict().keys() - convert(tensors, config=dict(model.config)).keys())
        except KeyError as error:
            missing.append(str(error.args[0]))
    return missing


UNET, VAE, TEXTS = "model.diffusion_model.", "first_stage_model.", "conditioner.embedders."
BYSTANDERS = (
    "model_ema.",
    "denoiser.",
    "alphas_cumprod",
    "betas",
    "sqrt_",
    "log_one_minus_",
    "posterior_",
    "ztsnr",
    "v_pred",
)


def refuse_other_layouts(path: Path, names: Iterable[str]) -> None:
    """Raises BrokenWeightsError unless these are the tensors of a whole SDXL checkpoint."""
    names = list(names)
    absent = [
        what
        for what, prefix in (("UNet", UNET), ("VAE", VAE), ("text encoders", TEXTS + "1."))
        if not any(n.startswith(prefix) for n in names)
    ]
    if absent:
        raise BrokenWeightsError(
            f"{path.name} is not a whole SDXL checkpoint: it holds no {', no '.join(absent)}. "
            f"A LoRA belongs into models_dir/loras/."
        )
    checks.refuse_misfit(path.name, (), [n for n in names if not n.startswith((UNET, VAE, TEXTS, *BYSTANDERS))])


def add_loras(pipe: StableDiffusionXLOmostPipeline, loras: Mapping[str, float]) -> None:
    """Adds each LoRA (a name in models_dir/loras) times its weight to the weights; raises ModelError's kinds.

    They are fused: no time per step, and they move with the UNet. Other weights want the model loaded again.
    """
    if not loras:
        return
    files = catalog.loras()
    for number, name in enumerate(loras):
        if name not in files:
            raise UnknownModelError(
                f"There is no LoRA named {name!r} in models_dir/loras/; there are: {', '.join(files) or 'none'}."
            )
        checks.check_file(files[name])
        try:
            pipe.load_lora_weights(
                str(files[name].parent),
                weight_name=files[name].name,
                adapter_name=f"lora{number}",
                local_files_only=True,
            )
        except (BrokenWeightsError, ValueError, KeyError, RuntimeError) as error:
            raise BrokenWeightsError(f"{files[name].name}: {str(error).splitlines()[0]}") from error
    pipe.set_adapters([f"lora{number}" for number in range(len(loras))], list(loras.values()))
    pipe.fuse_lora(adapter_names=[f"lora{number}" for number in range(len(loras))])
    pipe.unload_lora_weights()
