from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
import transformers
from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline
from safetensors.torch import save_file
from torch import Tensor

from lib_omost.canvas import Box, Canvas
from lib_omost.errors import RenderError, SettingsError
from lib_omost.renderer import RegionGuidance, RenderSettings, StableDiffusionXLOmostPipeline, render
from lib_omost.renderer.attention import BACK_ENDS
from lib_omost.renderer.sampling import draw_noise, set_schedule, start_latents
from lib_omost.renderer.vae import scale_factor

Pipe = StableDiffusionXLOmostPipeline
SIZE = {"width": 64, "height": 64}  # numbers, not pictures, are looked at here


def latents_of(pipe: Pipe, canvas: Canvas, seed: int = 1, **options: object) -> Tensor:
    options = {**SIZE, "num_inference_steps": 4, "guidance_scale": 4.0, **options}
    return pipe(canvas, generator=torch.Generator().manual_seed(seed), output_type="latent", **options).images


@pytest.fixture(scope="module")
def plain(pipe: Pipe, build_canvas: Callable[..., Canvas]) -> Tensor:
    """What the fixture `canvas` gives without any region guidance."""
    return latents_of(pipe, build_canvas(("on the left", "an apple", "red"), ("on the top-right", "a balloon", "red")))


def only_global(text: str) -> Canvas:
    canvas = Canvas()
    canvas.set_global_description(text, [], "", "gray")
    return canvas


@pytest.mark.parametrize("guidance", [4.0, 1.0])
@pytest.mark.parametrize("size", [(128, 128), (256, 128)])
def test_a_canvas_without_regions_equals_diffusers(fresh_pipe: Pipe, guidance: float, size: tuple[int, int]) -> None:
    """In float64, since diffusers runs the guidance in one batch, whose float32 rounding alone differs by 1e-4."""
    pipe = fresh_pipe.to(torch.float64)
    (width, height), factor = size, scale_factor(pipe.vae)
    canvas, negative = only_global("A red apple on the left."), "lowres, bad anatomy"
    ours = latents_of(
        pipe, canvas, width=width, height=height, negative_prompt=negative, guidance_scale=guidance, num_images=2
    )
    plain = StableDiffusionXLPipeline(**pipe.components)
    plain.set_progress_bar_config(disable=True)
    scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config)
    noise = draw_noise((2, 4, height // factor, width // factor), torch.Generator().manual_seed(1), torch.device("cpu"))
    start = start_latents(scheduler, torch.zeros_like(noise), noise, set_schedule(scheduler, 4, 1.0, noise.device))
    theirs = plain(
        "A red apple on the left.",
        negative_prompt=negative,
        width=width,
        height=height,
        num_inference_steps=4,
        guidance_scale=guidance,
        num_images_per_prompt=2,
        latents=start.double(),
        output_type="latent",
    ).images
    assert (ours - theirs).abs().max() < 1e-4


def test_every_back_end_gives_the_same_latents(fresh_pipe: Pipe, canvas: Canvas) -> None:
    found = []
    for name in ("lse", "groups", "sdpa"):
        fresh_pipe.attend = BACK_ENDS[name]
        found.append(latents_of(fresh_pipe, canvas))
    assert max((latents - found[0]).abs().max() for latents in found) < 1e-3


def test_regions_change_the_picture(pipe: Pipe, canvas: Canvas) -> None:
    assert (latents_of(pipe, canvas) - latents_of(pipe, replace(canvas, regions=()))).abs().mean() > 0.05


def test_a_batch_one_at_a_time_is_the_same_batch(fresh_pipe: Pipe, canvas: Canvas) -> None:
    together = latents_of(fresh_pipe, canvas, num_images=3)
    fresh_pipe.one_at_a_time = True
    torch.testing.assert_close(latents_of(fresh_pipe, canvas, num_images=3), together, atol=1e-3, rtol=0)


@pytest.mark.parametrize("size", [{"width": 250}, {"height": 100}])
def test_a_size_that_is_no_multiple_of_64_is_a_clear_error(pipe: Pipe, canvas: Canvas, size: dict[str, int]) -> None:
    with pytest.raises(SettingsError, match="multiple of 64 pixels, for example"):
        latents_of(pipe, canvas, **size)


def test_latents_of_another_size_are_a_clear_error(pipe: Pipe, canvas: Canvas) -> None:
    with pytest.raises(RenderError, match=r"start from are \(8, 8\); this size of picture wants \(4, 4\)"):
        latents_of(pipe, canvas, latents=torch.zeros(1, 4, 8, 8))


def test_a_broken_unet_is_a_clear_error_and_no_black_picture(fresh_pipe: Pipe, canvas: Canvas) -> None:
    with torch.no_grad():
        next(fresh_pipe.unet.parameters()).fill_(torch.nan)
    with pytest.raises(RenderError, match=r"no numbers in torch\.float32\. Its weights are damaged"):
        latents_of(fresh_pipe, canvas)


def test_a_rerender_with_another_seed_runs_no_text_encoder(fresh_pipe: Pipe, canvas: Canvas) -> None:
    runs: list[int] = []
    for encoder in (fresh_pipe.text_encoder, fresh_pipe.text_encoder_2):
        encoder.register_forward_hook(lambda *_: runs.append(1))
    latents_of(fresh_pipe, canvas, seed=1)
    before = len(runs)
    latents_of(fresh_pipe, canvas, seed=2)
    assert len(runs) == before > 0


def test_components_are_onloaded_before_each_piece_of_work(fresh_pipe: Pipe, canvas: Canvas) -> None:
    onloaded: list[tuple[str, ...]] = []
    fresh_pipe.onload = onloaded.append
    fresh_pipe(canvas, **SIZE, num_inference_steps=2, region_guidance=RegionGuidance(canvas_start=1.0))
    order = list(dict.fromkeys(onloaded))
    assert order == [("text_encoder", "text_encoder_2"), ("vae",), ("unet",)]
    assert onloaded[-1] == ("vae",)


def test_a_full_device_is_tried_again_once_room_was_made(fresh_pipe: Pipe, canvas: Canvas) -> None:
    expected = latents_of(fresh_pipe, canvas)
    asked: list[tuple[str, ...]] = []

    def fill_up(*_: object) -> None:
        if not asked:
            raise torch.OutOfMemoryError("full")

    hook = fresh_pipe.unet.register_forward_pre_hook(fill_up)
    with pytest.raises(torch.OutOfMemoryError):
        latents_of(fresh_pipe, canvas)
    fresh_pipe.on_full = lambda names: asked.append(names) is None
    assert torch.equal(latents_of(fresh_pipe, canvas), expected)
    assert asked == [("unet",)]
    hook.remove()


def test_a_callback_sees_each_step_and_may_replace_the_latents(pipe: Pipe, canvas: Canvas) -> None:
    seen: list[tuple[int, set[str]]] = []

    def callback(owner: Pipe, step: int, timestep: Tensor, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        assert owner is pipe
        seen.append((step, set(tensors)))
        return {"latents": torch.zeros_like(tensors["latents"])} if step == 3 else {}

    assert (latents_of(pipe, canvas, callback_on_step_end=callback) == 0).all()
    assert seen == [(step, {"latents", "denoised"}) for step in range(4)]


def test_any_diffusers_scheduler_can_be_set(fresh_pipe: Pipe, canvas: Canvas) -> None:
    fresh_pipe.scheduler = EulerDiscreteScheduler.from_config(fresh_pipe.scheduler.config)
    reference = latents_of(fresh_pipe, canvas, num_inference_steps=20)
    assert reference.isfinite().all() and reference.std() < 3


def test_a_saved_pipeline_loads_again_and_renders_the_same(pipe: Pipe, canvas: Canvas, tmp_path: Path) -> None:
    pipe.save_pretrained(tmp_path)
    again = StableDiffusionXLOmostPipeline.from_pretrained(tmp_path, dtype=torch.float32)
    again.set_progress_bar_config(disable=True)
    assert (latents_of(again, canvas) - latents_of(pipe, canvas)).abs().max() < 1e-3


def unet_lora(pipe: Pipe, prefix: str = "unet") -> dict[str, Tensor]:
    """A rank-1 LoRA for every projection of text to keys and values."""
    state = {}
    random = torch.Generator().manual_seed(0)
    for name, module in pipe.unet.named_modules():
        if name.endswith(("attn2.to_k", "attn2.to_v")):
            state[f"{prefix}.{name}.lora_A.weight"] = torch.randn(1, module.in_features, generator=random)
            state[f"{prefix}.{name}.lora_B.weight"] = torch.randn(module.out_features, 1, generator=random)
    return state


def test_a_lora_changes_the_picture_until_it_is_unloaded(fresh_pipe: Pipe, canvas: Canvas, tmp_path: Path) -> None:
    plain = latents_of(fresh_pipe, canvas)
    save_file(unet_lora(fresh_pipe), tmp_path / "lora.safetensors")
    fresh_pipe.load_lora_weights(tmp_path, weight_name="lora.safetensors", adapter_name="test")
    strong = latents_of(fresh_pipe, canvas)
    fresh_pipe.set_adapters("test", 0.0)
    off = latents_of(fresh_pipe, canvas)
    fresh_pipe.unload_lora_weights()
    assert (strong - plain).abs().max() > 0.1
    assert (off - plain).abs().max() < 1e-4
    assert torch.equal(latents_of(fresh_pipe, canvas), plain)


def text_lora(pipe: Pipe) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(0)
    state = {}
    for name, module in pipe.text_encoder.named_modules():
        if name.endswith(("q_proj", "v_proj")):
            state[f"text_encoder.{name}.lora_A.weight"] = torch.randn(1, module.in_features, generator=random)
            state[f"text_encoder.{name}.lora_B.weight"] = torch.randn(module.out_features, 1, generator=random)
    return state


def test_a_text_encoders_lora_is_not_hidden_by_cached_texts(fresh_pipe: Pipe, canvas: Canvas, tmp_path: Path) -> None:
    plain = latents_of(fresh_pipe, canvas)
    save_file(text_lora(fresh_pipe), tmp_path / "lora.safetensors")
    fresh_pipe.load_lora_weights(tmp_path, weight_name="lora.safetensors", adapter_name="test")
    strong = latents_of(fresh_pipe, canvas)
    fresh_pipe.set_adapters("test", 0.0)
    assert (strong - plain).abs().max() > 1e-3
    assert (latents_of(fresh_pipe, canvas) - plain).abs().max() < 1e-4


def test_a_textual_inversion_of_two_vectors_takes_effect(fresh_pipe: Pipe) -> None:
    for number in ("", "_2"):
        encoder, tokenizer = getattr(fresh_pipe, f"text_encoder{number}"), getattr(fresh_pipe, f"tokenizer{number}")
        vectors = {"<thing>": torch.randn(2, encoder.config.hidden_size, generator=torch.Generator().manual_seed(0))}
        fresh_pipe.load_textual_inversion(vectors, token="<thing>", text_encoder=encoder, tokenizer=tokenizer)
    assert fresh_pipe.bag_encoder.length("a <thing>") == fresh_pipe.bag_encoder.length("a") + 2
    with_it, without = (latents_of(fresh_pipe, only_global(text)) for text in ("A <thing>.", "A."))
    assert (with_it - without).abs().max() > 1e-3


def test_a_negative_prompt_of_none_is_zeros_as_the_models_config_says(pipe: Pipe) -> None:
    canvas = only_global("A cat.")
    texts = pipe.encode_canvas(canvas, None)
    assert not texts.negative[0].hidden.any() and not texts.negative[0].pooled.any()
    assert pipe.encode_canvas(canvas, "").negative[0].hidden.any()
    assert pipe.encode_canvas(canvas, None, guided=False).negative == ()


def test_a_regions_own_negative_prompt_acts_in_its_box_alone(pipe: Pipe, canvas: Canvas) -> None:
    careful = replace(canvas, regions=(replace(canvas.regions[0], negative="worms"), *canvas.regions[1:]))
    negative = pipe.encode_canvas(careful, "lowres").negative
    assert len(negative) == 2
    assert negative[0].mask.all() and int(negative[1].mask.sum()) == int(canvas.regions[0].mask.sum())
    assert (latents_of(pipe, careful) - latents_of(pipe, canvas)).abs().max() > 1e-3


@pytest.mark.parametrize(
    "guidance",
    [
        RegionGuidance(global_strength=0.2),
        RegionGuidance(region_strengths=(5.0,)),
        RegionGuidance(region_strengths=(0.0, 0.0)),
        RegionGuidance(region_steps=0.5),
        RegionGuidance(guidance_steps=0.5),
        RegionGuidance(guidance_start=0.5),
        RegionGuidance(canvas_start=1.0),
        RegionGuidance(canvas_start=1.0, canvas_blur=10.0),
        RegionGuidance(centred_noise=True),
    ],
)
def test_region_guidance_changes_the_picture(
    pipe: Pipe, canvas: Canvas, plain: Tensor, guidance: RegionGuidance
) -> None:
    guided = latents_of(pipe, canvas, region_guidance=guidance)
    assert guided.isfinite().all() and (guided - plain).abs().max() > 1e-3


def test_region_guidance_is_off_by_default(pipe: Pipe, canvas: Canvas, plain: Tensor) -> None:
    assert torch.equal(latents_of(pipe, canvas, region_guidance=RegionGuidance()), plain)


def test_regions_of_strength_zero_are_left_out(pipe: Pipe, canvas: Canvas) -> None:
    without = latents_of(pipe, canvas, region_guidance=RegionGuidance(region_strengths=(0.0, 0.0)))
    assert torch.equal(without, latents_of(pipe, replace(canvas, regions=())))


def test_strengths_follow_the_order_written_not_the_depth(pipe: Pipe, build_canvas: Callable[..., Canvas]) -> None:
    canvas = build_canvas(("on the left", "an apple", "red"), ("on the right", "a fish", "blue"))
    near, far = canvas.regions
    canvas = replace(canvas, regions=(replace(near, distance_to_viewer=1.0), replace(far, distance_to_viewer=9.0)))
    only_fish = latents_of(pipe, canvas, region_guidance=RegionGuidance(region_strengths=(0.0, 1.0)))
    torch.testing.assert_close(only_fish, latents_of(pipe, replace(canvas, regions=canvas.regions[1:])))


def test_a_canvas_of_awkward_texts_is_rendered_and_its_changes_are_noted(fresh_pipe: Pipe) -> None:
    notes: list[str] = []
    fresh_pipe.notify = notes.append
    canvas = Canvas()
    place = ("on the left", "no offset", "a small square area", 1.0)
    canvas.add_local_description(*place, "a cat " * 60, [], "", "", "", "", "red")
    canvas.add_local_description(*place, "a dog", ["fur " * 90], "", "", "", "", "red", bbox=Box(89, 89, 90, 90))
    assert latents_of(fresh_pipe, canvas).isfinite().all()
    assert any("tokens too long for a bag" in note for note in notes)


def test_an_empty_canvas_is_rendered(pipe: Pipe) -> None:
    assert latents_of(pipe, Canvas()).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_stays_near_float32(fresh_pipe: Pipe, canvas: Canvas, dtype: torch.dtype) -> None:
    size = {"width": 256, "height": 256}
    exact = latents_of(fresh_pipe, canvas, **size)
    half = latents_of(fresh_pipe.to(dtype), canvas, **size)
    assert half.dtype == torch.float32
    assert (half - exact).abs().mean() < 0.1


def test_no_class_of_diffusers_or_transformers_is_patched(pipe: Pipe, canvas: Canvas, settings: RenderSettings) -> None:
    render(pipe, canvas, settings, lambda *_: None, threading.Event())
    libraries = [
        diffusers.UNet2DConditionModel,
        diffusers.models.attention.BasicTransformerBlock,
        diffusers.models.attention_processor.Attention,
        diffusers.models.attention_processor.AttnProcessor2_0,
        diffusers.models.transformers.Transformer2DModel,
        diffusers.StableDiffusionXLPipeline,
        diffusers.DPMSolverMultistepScheduler,
        diffusers.AutoencoderKL,
        transformers.CLIPTextModel,
    ]
    for library in libraries:
        for name, member in inspect.getmembers(library, inspect.isfunction):
            assert not inspect.unwrap(member).__module__.startswith("lib_omost"), f"{library.__name__}.{name}"


def test_pixels_come_as_pictures_or_as_a_tensor(pipe: Pipe, canvas: Canvas) -> None:
    options = dict(**SIZE, num_inference_steps=2)
    picture = pipe(canvas, generator=torch.Generator().manual_seed(1), **options).images[0]
    pixels = pipe(canvas, generator=torch.Generator().manual_seed(1), output_type="pt", **options).images
    assert pixels.shape == (1, 3, 64, 64)
    assert np.abs(np.asarray(picture) / 255 - pixels[0].permute(1, 2, 0).numpy()).max() < 1 / 255
