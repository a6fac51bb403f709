"""Image models from folders and single files: every tensor arrives, and a file that does not fit is refused by name."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from lib_omost.canvas import Canvas
from lib_omost.errors import BrokenWeightsError, MissingWeightsError, ModelError, UnknownModelError
from lib_omost.renderer import StableDiffusionXLOmostPipeline
from lib_omost.runtime import catalog, hub
from lib_omost.runtime.load_sdxl import load_pipeline, store_in_fp8
from lib_omost.runtime.machine import Machine
from lib_omost.runtime.offload import Offloader, module_bytes
from tests.runtime.original_layout import Tensors, single_file, tiny_pipeline

CPU = torch.device("cpu")
PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[StableDiffusionXLOmostPipeline, Path]:
    """A pipeline and the folder that it is saved in."""
    pipe, folder = tiny_pipeline(), tmp_path_factory.mktemp("tiny-sdxl")
    pipe.save_pretrained(folder)
    return pipe, folder


@pytest.fixture
def checkpoint(
    tiny: tuple[StableDiffusionXLOmostPipeline, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Tensors]:
    """The same weights in one file, and the folder as the place where its configs are found."""
    monkeypatch.setattr(hub, "sdxl_configs", lambda: tiny[1])
    return tmp_path / "tiny.safetensors", single_file(tiny[0], tmp_path / "tiny.safetensors")


def same_weights(a: StableDiffusionXLOmostPipeline, b: StableDiffusionXLOmostPipeline) -> bool:
    states = [{f"{part}.{k}": v for part in PARTS for k, v in getattr(p, part).state_dict().items()} for p in (a, b)]
    return states[0].keys() == states[1].keys() and all(torch.equal(states[0][k], states[1][k]) for k in states[0])


def test_a_folder_gives_back_every_weight(tiny: tuple[StableDiffusionXLOmostPipeline, Path]) -> None:
    assert same_weights(load_pipeline(catalog.sdxl(str(tiny[1])), CPU, {}), tiny[0])


def test_a_single_file_gives_back_every_weight(
    tiny: tuple[StableDiffusionXLOmostPipeline, Path], checkpoint: tuple[Path, Tensors]
) -> None:
    assert same_weights(load_pipeline(catalog.sdxl(str(checkpoint[0])), CPU, {}), tiny[0])


@pytest.mark.parametrize("prefix", ["model.diffusion_model.", "first_stage_model.", "conditioner.embedders.1."])
def test_a_single_file_with_a_tensor_missing_is_refused_by_its_name(
    checkpoint: tuple[Path, Tensors], prefix: str
) -> None:
    path, tensors = checkpoint
    gone = next(name for name in reversed(tensors) if name.startswith(prefix) and name.endswith("weight"))
    save_file({name: tensor for name, tensor in tensors.items() if name != gone}, path)
    with pytest.raises(BrokenWeightsError, match=r"tiny\.safetensors.* missing"):
        load_pipeline(catalog.sdxl(str(path)), CPU, {})


@pytest.mark.parametrize(
    "extra",
    [
        "lora_unet_down.alpha",
        "model.diffusion_model.control.weight",
        "first_stage_model.x",
        "conditioner.embedders.0.transformer.text_model.encoder.layers.0.lora.weight",
        "conditioner.embedders.1.model.visual.proj",
    ],
)
def test_a_single_file_with_a_stray_tensor_is_loaded_with_a_note_that_names_it(
    tiny: tuple[StableDiffusionXLOmostPipeline, Path], checkpoint: tuple[Path, Tensors], extra: str
) -> None:
    path, tensors = checkpoint
    save_file(tensors | {extra: torch.ones(1)}, path)
    notes: list[str] = []
    assert same_weights(load_pipeline(catalog.sdxl(str(path)), CPU, {}, notes.append), tiny[0])
    assert notes == [f"1 tensor of {path.name} has no place in an SDXL model and was left out: {extra}."]


@pytest.mark.parametrize(
    ("keys", "metadata", "predicts", "zero_snr"),
    [
        ([], {}, "epsilon", False),
        (["v_pred"], {}, "v_prediction", False),
        (["v_pred", "ztsnr"], {}, "v_prediction", True),
        ([], {"modelspec.prediction_type": "v"}, "v_prediction", False),
    ],
)
def test_a_single_file_says_by_its_keys_what_it_was_trained_to_predict(
    checkpoint: tuple[Path, Tensors], keys: list[str], metadata: dict[str, str], predicts: str, zero_snr: bool
) -> None:
    path, tensors = checkpoint
    save_file(tensors | {key: torch.zeros(0) for key in keys}, path, metadata=metadata)
    notes: list[str] = []
    config = load_pipeline(catalog.sdxl(str(path)), CPU, {}, notes.append).scheduler.config
    assert (config.prediction_type, bool(config.rescale_betas_zero_snr)) == (predicts, zero_snr)
    assert notes == []


def test_a_folder_says_it_by_its_schedulers_config(
    tiny: tuple[StableDiffusionXLOmostPipeline, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "noob"
    shutil.copytree(tiny[1], folder)
    file = folder / "scheduler" / "scheduler_config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps(config | {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}))
    found = load_pipeline(catalog.sdxl(str(folder)), CPU, {}).scheduler.config
    assert (found.prediction_type, found.rescale_betas_zero_snr) == ("v_prediction", True)
    assert (found.timestep_spacing, found.use_karras_sigmas) == ("trailing", False)


def test_a_model_of_edms_schedule_is_refused_instead_of_painted_wrong(checkpoint: tuple[Path, Tensors]) -> None:
    path, tensors = checkpoint
    save_file(tensors | {"edm_vpred.sigma_max": torch.ones(1)}, path)
    with pytest.raises(BrokenWeightsError, match=r"tiny\.safetensors was trained with EDM's noise schedule"):
        load_pipeline(catalog.sdxl(str(path)), CPU, {})


def test_a_checkpoint_of_an_older_stable_diffusion_is_told_from_a_lora(tmp_path: Path) -> None:
    tensors = {"model.diffusion_model.a": torch.ones(1), "cond_stage_model.b": torch.ones(1)}
    save_file(tensors, tmp_path / "sd15.safetensors")
    with pytest.raises(BrokenWeightsError, match="Stable Diffusion 1 or 2; get one made for SDXL"):
        load_pipeline(catalog.sdxl(str(tmp_path / "sd15.safetensors")), CPU, {})


def test_a_lora_given_as_a_checkpoint_is_told_where_it_belongs(tmp_path: Path) -> None:
    save_file({"lora_unet_x.lora_up.weight": torch.ones(2, 2)}, tmp_path / "ink.safetensors")
    with pytest.raises(BrokenWeightsError, match=r"no UNet, no VAE, no text encoders.*models_dir/loras"):
        load_pipeline(catalog.sdxl(str(tmp_path / "ink.safetensors")), CPU, {})


@pytest.mark.parametrize("part", PARTS)
def test_a_folder_with_a_tensor_missing_or_left_over_is_refused_by_its_name(
    tiny: tuple[StableDiffusionXLOmostPipeline, Path], tmp_path: Path, part: str
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny[1], folder)
    path = next((folder / part).glob("*.safetensors"))
    tensors = load_file(path)
    name = sorted(tensors)[-1]
    save_file(
        {k: v for k, v in tensors.items() if k != name} | {"odd.weight": torch.ones(1)}, path, metadata={"format": "pt"}
    )
    with pytest.raises(BrokenWeightsError, match=rf"copy/{part}: .*1 missing .*1 left over \(odd\.weight\)"):
        load_pipeline(catalog.sdxl(str(folder)), CPU, {})


def test_a_folder_without_weights_is_told(tiny: tuple[StableDiffusionXLOmostPipeline, Path], tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny[1], folder)
    next((folder / "unet").glob("*.safetensors")).unlink()
    with pytest.raises(MissingWeightsError, match=r"unet/ holds no \.safetensors"):
        load_pipeline(catalog.sdxl(str(folder)), CPU, {})


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("model_index.json", "{", r"model_index\.json is not readable as JSON"),
        ("unet/config.json", "<html>", r"config\.json is not readable as JSON"),
        ("vae/config.json", None, r"config\.json is not in vae/"),
        ("tokenizer/tokenizer.json", "{", r"copy cannot be loaded as an image model: [^\n]+\.$"),
        ("text_encoder_2", None, r"copy/ has no text_encoder_2/: it is not a whole SDXL model"),
        ("tokenizer_2", None, r"copy/ has no tokenizer_2/"),
    ],
)
def test_a_folder_that_is_damaged_anywhere_is_one_sentence(
    tiny: tuple[StableDiffusionXLOmostPipeline, Path], tmp_path: Path, file: str, content: str | None, message: str
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny[1], folder)
    if content is not None:
        (folder / file).write_text(content)
    elif (folder / file).is_dir():
        shutil.rmtree(folder / file)
    else:
        (folder / file).unlink()
    with pytest.raises(ModelError, match=message):
        load_pipeline(replace(catalog.sdxl(str(folder)), name="copy"), CPU, {})


def test_a_folder_whose_config_wants_other_shapes_is_one_sentence(
    tiny: tuple[StableDiffusionXLOmostPipeline, Path], tmp_path: Path
) -> None:
    shutil.copytree(tiny[1], tmp_path / "copy")
    config = tmp_path / "copy" / "unet" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"in_channels": 9}))
    with pytest.raises(BrokenWeightsError, match=r"cannot be loaded as an image model: .*conv_in\.weight[^\n]*\.$"):
        load_pipeline(catalog.sdxl(str(tmp_path / "copy")), CPU, {})


def test_a_single_file_for_inpainting_is_refused_for_its_shape(checkpoint: tuple[Path, Tensors]) -> None:
    path, tensors = checkpoint
    name = "model.diffusion_model.input_blocks.0.0.weight"
    wide = tensors[name].repeat(1, 3, 1, 1)[:, :9]
    save_file(tensors | {name: wide.contiguous()}, path)
    with pytest.raises(BrokenWeightsError, match=r"cannot be loaded as an image model: .*conv_in\.weight"):
        load_pipeline(catalog.sdxl(str(path)), CPU, {})


def test_half_precision_files_are_preferred_and_cast_to_what_the_device_wants(tmp_path: Path) -> None:
    pipe = tiny_pipeline()
    pipe.to(torch.float16).save_pretrained(tmp_path, variant="fp16")
    loaded = load_pipeline(catalog.sdxl(str(tmp_path)), CPU, {})
    assert {getattr(loaded, part).dtype for part in PARTS} == {torch.float32}
    assert same_weights(loaded, pipe.to(torch.float32))


# --- LoRA ---


@pytest.fixture
def loras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """models_dir/loras with "ink" in Kohya's layout and "wash" in diffusers', each on one layer of the UNet."""
    monkeypatch.setattr(catalog, "MODELS_DIR", tmp_path)
    layer = "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q"
    (tmp_path / "loras").mkdir()
    down, up = torch.randn(2, 64), torch.randn(64, 2)
    tensors = {f"{layer}.lora_down.weight": down, f"{layer}.lora_up.weight": up, f"{layer}.alpha": torch.tensor(2.0)}
    save_file(tensors, tmp_path / "loras" / "ink.safetensors")
    layer = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
    tensors = {f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": up}
    save_file(tensors, tmp_path / "loras" / "wash.safetensors")
    return tmp_path / "loras"


def query(pipe: StableDiffusionXLOmostPipeline) -> torch.Tensor:
    weight: torch.Tensor = pipe.unet.mid_block.attentions[0].transformer_blocks[0].attn1.to_q.weight
    return weight.detach()


@pytest.mark.parametrize("name", ["ink", "wash"])
def test_a_lora_is_added_times_its_weight(
    tiny: tuple[StableDiffusionXLOmostPipeline, Path], loras: Path, name: str
) -> None:
    entry = catalog.sdxl(str(tiny[1]))
    ink = load_file(loras / "ink.safetensors")
    up, down = (next(t for n, t in ink.items() if f"lora_{way}" in n) for way in ("up", "down"))
    changed = query(load_pipeline(entry, CPU, {name: 0.5})) - query(tiny[0])
    assert torch.allclose(changed, 0.5 * up @ down, atol=1e-5)


def test_a_lora_of_another_kind_of_model_is_refused_with_both_shapes(
    tiny: tuple[StableDiffusionXLOmostPipeline, Path], loras: Path
) -> None:
    tensors = load_file(loras / "ink.safetensors")
    save_file({n: t.repeat(1, 2) if "down" in n else t for n, t in tensors.items()}, loras / "odd.safetensors")
    with pytest.raises(BrokenWeightsError, match=r"another kind of model: .*to_q.* \[\d+, \d+\] in the file, and \["):
        load_pipeline(catalog.sdxl(str(tiny[1])), CPU, {"odd": 1.0})


def test_an_unknown_lora_and_one_that_fits_no_layer_are_refused(
    tiny: tuple[StableDiffusionXLOmostPipeline, Path], loras: Path
) -> None:
    entry = catalog.sdxl(str(tiny[1]))
    with pytest.raises(UnknownModelError, match=r"no LoRA named 'oil'.*there are: ink, wash"):
        load_pipeline(entry, CPU, {"oil": 1.0})
    save_file({"transformer.blocks.0.lora_A.weight": torch.ones(2, 2)}, loras / "flux.safetensors")
    with pytest.raises(BrokenWeightsError, match=r"flux\.safetensors: No part of this LoRA fits"):
        load_pipeline(entry, CPU, {"flux": 1.0})


def test_a_unet_in_fp8_takes_half_and_paints_nearly_the_same(canvas: Canvas) -> None:
    pipe = tiny_pipeline()
    pipe.set_progress_bar_config(disable=True)

    def paint() -> torch.Tensor:
        seed = torch.Generator().manual_seed(0)
        return pipe(canvas, width=64, height=64, num_inference_steps=2, generator=seed, output_type="latent").images

    whole, before = paint(), module_bytes(pipe.unet)
    store_in_fp8(pipe.unet)
    assert module_bytes(pipe.unet) < before / 3  # fp32 here
    packed = paint()
    assert 0 < float((whole - packed).norm() / whole.norm()) < 0.3  # of random weights; three digits are left of each
    assert torch.equal(packed, paint())


def test_a_unet_in_fp8_leaves_the_device_and_comes_back_whole(tmp_path: Path) -> None:
    unet = tiny_pipeline().unet.half()
    store_in_fp8(unet)
    before = {name: tensor.clone() for name, tensor in unet.state_dict().items()}
    offloader = Offloader(torch.device("meta"), lambda: 1 << 40)
    offloader.add("unet", unet, copies=True)
    offloader.load(["unet"])
    offloader.evict()
    after = unet.state_dict()
    assert all(torch.equal(after[name].float(), tensor.float()) for name, tensor in before.items())
    assert after["mid_block.resnets.0.conv1.weight"].dtype == torch.float8_e4m3fn


@pytest.mark.parametrize(("gib", "packed"), [(8, False), (6, True)])
def test_a_unet_is_kept_in_fp8_where_it_does_not_fit_in_16_bits_with_a_note(gib: float, packed: bool) -> None:
    machine = Machine("meta", gib)
    assert machine._wants_fp8(int(4.78 * 2**30)) == packed == bool(machine._load_notes)
    assert not Machine("cpu", gib)._wants_fp8(1 << 40)
