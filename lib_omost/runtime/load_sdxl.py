"""From a catalog entry to an image pipeline on the CPU, honestly: what does not fit is refused by name."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers.loaders.single_file_utils import SingleFileComponentError
from safetensors import SafetensorError

from lib_omost.errors import BrokenWeightsError, MissingWeightsError, UnknownModelError, device_is_full
from lib_omost.renderer import StableDiffusionXLOmostPipeline, best_vae_dtype, reference_scheduler
from lib_omost.runtime import catalog, checks, hub
from lib_omost.runtime import device as devices
from lib_omost.runtime.catalog import SdxlEntry
from lib_omost.runtime.hub import SDXL_PARTS
from lib_omost.runtime.schedule import Trained, trained_by_config, trained_by_keys

log = logging.getLogger(__name__)


def load_pipeline(
    entry: SdxlEntry,
    device: torch.device,
    loras: Mapping[str, float],
    notify: Callable[[str], None] = log.warning,
    dtype: torch.dtype | None = None,
) -> StableDiffusionXLOmostPipeline:
    """The pipeline on the CPU, in the formats that suit `device`; UNet and text encoders in `dtype` if it is given.

    `loras`: names in models_dir/loras -> weights; `notify(sentence)` is called for those with parts that find no place.
    """
    checks.need("diffusers", "0.40", entry.name)
    path = catalog.locate(entry)
    log.info("Loading %s …", entry.name)
    try:
        pipe, trained = _from_folder(path, device, dtype) if path.is_dir() else _from_file(path, device, dtype, notify)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        if device_is_full(error):
            raise
        raise BrokenWeightsError(
            f"{entry.name} cannot be loaded as an image model: {checks.reason(error, path)}"
        ) from error
    pipe.scheduler = reference_scheduler(trained.prediction_type, zero_snr=trained.zero_snr)
    pipe.set_progress_bar_config(disable=True)
    pipe.notify = notify
    add_loras(pipe, loras)
    return pipe


FULL_LAYERS = ("norm", "conv_in", "conv_out", "time_embedding", "add_embedding")  # few bytes, and they need digits


def store_in_fp8(unet: Any) -> None:
    """Keeps a UNet's weights in fp8 (e4m3), half of fp16's bytes; each layer is cast to what it computes in for its
    own work only. After LoRAs are fused: fp8 takes no more."""
    unet.enable_layerwise_casting(torch.float8_e4m3fn, compute_dtype=unet.dtype, skip_modules_pattern=FULL_LAYERS)


def _from_folder(
    folder: Path, device: torch.device, wanted: torch.dtype | None
) -> tuple[StableDiffusionXLOmostPipeline, Trained]:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    classes = {
        "unet": UNet2DConditionModel,
        "vae": AutoencoderKL,
        "text_encoder": CLIPTextModel,
        "text_encoder_2": CLIPTextModelWithProjection,
    }
    refuse_parts_missing(folder)
    dtype = wanted or devices.network_dtype(device, parameters=parameters(folder / "unet"))
    parts = {
        name: _part(kind, folder, name, vae_dtype(device, wanted) if name == "vae" else dtype)
        for name, kind in classes.items()
    }
    pipe: StableDiffusionXLOmostPipeline = StableDiffusionXLOmostPipeline.from_pretrained(
        folder, **parts, local_files_only=True
    )
    config = {**pipe.scheduler.config, "_class_name": type(pipe.scheduler).__name__}
    return pipe, trained_by_config(config, f"{folder.name}/")


def vae_dtype(device: torch.device, wanted: torch.dtype | None) -> torch.dtype:
    """What suits the device, unless fp32 is asked for: SDXL's VAE computes no numbers in fp16."""
    return torch.float32 if wanted == torch.float32 else best_vae_dtype(device)


def refuse_parts_missing(folder: Path) -> None:
    """Raises MissingWeightsError, or BrokenWeightsError for a config that cannot be read."""
    checks.read_json(folder / "model_index.json")
    for part in SDXL_PARTS:
        if not (folder / part).is_dir():
            raise MissingWeightsError(f"{folder.name}/ has no {part}/: it is not a whole SDXL model.")
        checks.read_json(folder / part / "config.json")
    for part in ("tokenizer", "tokenizer_2"):
        if not (folder / part).is_dir():
            raise MissingWeightsError(f"{folder.name}/ has no {part}/: it is not a whole SDXL model.")


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


def _from_file(
    path: Path, device: torch.device, wanted: torch.dtype | None, notify: Callable[[str], None]
) -> tuple[StableDiffusionXLOmostPipeline, Trained]:
    """A checkpoint in the original layout: UNet, VAE and text encoders in one file, memory-mapped, cast by part.

    `notify` gets a sentence about tensors that an SDXL model has no place for.
    """
    shapes = checks.tensor_shapes(path)
    refuse_other_layouts(path, shapes)
    trained = trained_by_keys(path, shapes)
    dtype = wanted or devices.network_dtype(device, sum(torch.Size(shape).numel() for shape in shapes.values()))
    configs = hub.sdxl_configs()
    try:
        pipe: StableDiffusionXLOmostPipeline = StableDiffusionXLOmostPipeline.from_single_file(
            str(path), config=str(configs), dtype=dtype, local_files_only=True
        )
    except (NotImplementedError, KeyError, SingleFileComponentError):  # a tensor that is absent stays without data
        checks.refuse_misfit(path.name, missing_tensors(shapes, configs), ())
        raise
    for name in SDXL_PARTS:
        missing = [key for key, tensor in getattr(pipe, name).state_dict().items() if tensor.is_meta]
        checks.refuse_misfit(f"{path.name}: {name}", missing, ())
    if strays := stray_tensors(shapes, pipe):
        notify(_strays(path.name, strays))
    pipe.vae.to(vae_dtype(device, wanted))
    return pipe, trained


def stray_tensors(shapes: Mapping[str, tuple[int, ...]], pipe: StableDiffusionXLOmostPipeline) -> list[str]:
    """Of a file's tensors, those that no part of the pipeline has a place for."""
    strays = [name for name in shapes if not name.startswith((UNET, VAE, TEXTS, *BYSTANDERS))]
    for name, prefix in (("unet", UNET), ("vae", VAE)):  # one to one with diffusers' names; the text encoders are not
        if sum(key.startswith(prefix) for key in shapes) != len(getattr(pipe, name).state_dict()):
            strays += left_over(shapes, prefix, getattr(pipe, name))
    return strays + [key for key in shapes if is_no_text_encoders(key)]


def _strays(file: str, names: Sequence[str]) -> str:
    listed = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    if len(names) == 1:
        return f"1 tensor of {file} has no place in an SDXL model and was left out: {listed}."
    return f"{len(names)} tensors of {file} have no place in an SDXL model and were left out: {listed}."


def missing_tensors(shapes: Mapping[str, tuple[int, ...]], configs: Path) -> list[str]:
    """Which tensors of UNet and VAE, by diffusers' names, a file with these tensors does not give."""
    from diffusers import AutoencoderKL, UNet2DConditionModel

    missing: list[str] = []
    for name, kind in (("unet", UNet2DConditionModel), ("vae", AutoencoderKL)):
        with torch.device("meta"):
            model = kind.from_config(kind.load_config(configs, subfolder=name, local_files_only=True))
            tensors = {key: torch.empty(shape) for key, shape in shapes.items()}
        try:
            missing += sorted(model.state_dict().keys() - converted(tensors, model).keys())
        except KeyError as error:
            missing.append(str(error.args[0]))
    return missing


def converted(tensors: dict[str, torch.Tensor], model: Any) -> dict[str, torch.Tensor]:
    """A file's tensors, of which the dictionary is emptied, under the names that `model` has for them."""
    from diffusers import UNet2DConditionModel
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint

    is_unet = isinstance(model, UNet2DConditionModel)
    convert = convert_ldm_unet_checkpoint if is_unet else convert_ldm_vae_checkpoint
    named: dict[str, torch.Tensor] = convert(tensors, config=dict(model.config))
    return named


def left_over(shapes: Mapping[str, tuple[int, ...]], prefix: str, model: Any) -> list[str]:
    """Of a file's tensors under `prefix`, those that `model`, a UNet or VAE, has no place for."""
    tensors = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    named, known = converted(dict(tensors), model), model.state_dict().keys()
    # a convolution of the VAE that became a matrix is a view of what it was
    used = {id(tensor if tensor._base is None else tensor._base) for name, tensor in named.items() if name in known}
    return [key for key, tensor in tensors.items() if key.startswith(prefix) and id(tensor) not in used]


# What the text encoders of SDXL are called in one file: the first as in transformers, the second as in OpenCLIP.
TEXT_NAMES = re.compile(
    r"conditioner\.embedders\.(0\.transformer\.text_model\.(embeddings\.(token_embedding|position_embedding)\.weight"
    r"|embeddings\.position_ids|encoder\.layers\.\d+\.(self_attn\.(q|k|v|out)_proj|layer_norm[12]|mlp\.fc[12])"
    r"\.(weight|bias)|final_layer_norm\.(weight|bias))"
    r"|0\.transformer\.text_projection\.weight"
    r"|1\.model\.(positional_embedding|text_projection|logit_scale|attn_mask|token_embedding\.weight|ln_final\.(weight|bias)"
    r"|transformer\.resblocks\.\d+\.(attn\.in_proj_(weight|bias)|(attn\.out_proj|ln_[12]|mlp\.c_fc|mlp\.c_proj)"
    r"\.(weight|bias))|transformer\.text_model\.embeddings\.position_ids))"
)


def is_no_text_encoders(name: str) -> bool:
    return name.startswith(TEXTS) and not TEXT_NAMES.fullmatch(name)


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
        older = any(n.startswith("cond_stage_model.") for n in names)
        advice = (
            "It is one of Stable Diffusion 1 or 2; get one made for SDXL."
            if older
            else "A LoRA belongs into models_dir/loras/."
        )
        raise BrokenWeightsError(
            f"{path.name} is not a whole SDXL checkpoint: it holds no {', no '.join(absent)}. {advice}"
        )


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
            if device_is_full(error):
                raise
            raise BrokenWeightsError(f"{files[name].name}: {_why_no_lora(error)}") from error
    pipe.set_adapters([f"lora{number}" for number in range(len(loras))], list(loras.values()))
    pipe.fuse_lora(adapter_names=[f"lora{number}" for number in range(len(loras))])
    pipe.unload_lora_weights()


def _why_no_lora(error: BaseException) -> str:
    """torch tells of weights of another shape in a long list; the first of them is enough."""
    found = re.search(r"size mismatch for (\S+): .*?Size\((.*?)\).*?Size\((.*?)\)", str(error))
    if found is None:
        return str(error).splitlines()[0]
    return (
        f"this LoRA was made for another kind of model: {found[1]} has the shape {found[2]} in the file, and "
        f"{found[3]} is wanted. Get one made for SDXL."
    )
