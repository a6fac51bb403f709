"""StableDiffusionXLOmostPipeline: diffusers' SDXL pipeline with a canvas in place of the prompt. One pass; rendering.py
joins two."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.pipelines.stable_diffusion_xl import StableDiffusionXLPipelineOutput
from PIL import Image, ImageFilter
from torch import Tensor

from lib_omost.canvas import Canvas
from lib_omost.errors import BrokenWeightsError, RenderError
from lib_omost.renderer import lora, vae
from lib_omost.renderer.attention import install, project_texts
from lib_omost.renderer.conditioning import EncodedConditions, build_guide, encode_conditions, strengths_by_layer
from lib_omost.renderer.inpaint import Inpaint, Previous, changed_mask, composite, latent_mask, repeated
from lib_omost.renderer.offload import OffloadHooks
from lib_omost.renderer.regions import Attend
from lib_omost.renderer.resume import PassState
from lib_omost.renderer.sampling import (
    Generator,
    Guide,
    Seed,
    denoise,
    draw_noise,
    predict_guided,
    set_schedule,
    start_latents,
)
from lib_omost.renderer.settings import NEGATIVE_PROMPT, RegionGuidance, check_side
from lib_omost.renderer.text import TextEncoder
from lib_omost.renderer.trials import Trials

log = logging.getLogger(__name__)
StepCallback = Callable[[Any, int, Tensor, dict[str, Tensor]], dict[str, Tensor] | None]


@dataclass(frozen=True, slots=True)
class Pass:
    """What the steps of one pass share, on the UNet's device."""

    latents: Tensor  # (n, 4, h, w) float32, to denoise
    noise: Tensor  # (n, 4, h, w) float32, the initial one
    timesteps: Tensor
    inpaint: Inpaint | None
    resume: PassState | None
    generator: Generator
    first: int = 0  # the index of the first step to run


class StableDiffusionXLOmostPipeline(OffloadHooks, StableDiffusionXLPipeline):  # type: ignore[misc]
    """SDXL whose cross-attention lets each region's text reach only its box.

    Loads, saves and extends like diffusers' own pipeline. The sampler is the scheduler it was loaded with; pictures
    that equal the original Omost's need `pipe.scheduler = reference_scheduler()`.

    Attributes that an owner may set, beside those of OffloadHooks: `one_at_a_time`: batches go through the UNet and VAE
    picture by picture; the noise, and so the pictures, stay the same. `notify(sentence)` is called with whatever had to
    be changed or left out. `attend` is the back end of the attention, None = the measured rule; where it fails, the
    masked form takes its place. `tiny_vae`: an AutoencoderTiny for sharper previews.
    """

    _callback_tensor_inputs = ["latents", "denoised"]  # noqa: RUF012  (diffusers' own name and form)

    one_at_a_time = False
    notify: Callable[[str], None] = staticmethod(log.warning)
    attend: Attend | None = None
    tiny_vae: Any = None

    @torch.no_grad()
    def __call__(
        self,
        canvas: Canvas,
        negative_prompt: str | None = NEGATIVE_PROMPT,
        width: int = 896,
        height: int = 1152,
        num_images: int = 1,
        num_inference_steps: int = 25,
        guidance_scale: float = 5.0,
        generator: Generator | Seed = None,
        latents: Tensor | None = None,
        strength: float = 1.0,
        output_type: str = "pil",
        callback_on_step_end: StepCallback | None = None,
        *,
        region_guidance: RegionGuidance | None = None,
        keep: Previous | None = None,
        resume: PassState | None = None,
    ) -> StableDiffusionXLPipelineOutput:
        """One pass. `latents` `(num_images or 1, 4, height / f, width / f)`, f the VAE's scale factor (8 for SDXL's): a
        picture to start from, without noise, for a `strength` below 1.

        `negative_prompt` None = zeros, if the model's config says so. `output_type`: "pil", "pt" (`(n, 3, H, W)` in
        0..1) or "latent". `callback_on_step_end(pipe, step, timestep, {"latents", "denoised"})` may return replaced
        latents, or raise to stop. `keep`: an earlier picture of an edited canvas; only what the edit changed is
        inpainted. `resume`: the state of the same call after the steps it has done; it is updated at each step. Raises
        SettingsError for sides that are no multiple of 64, RenderError for a canvas that cannot be rendered.
        """
        guidance = region_guidance or RegionGuidance()
        check_side("width", width)
        check_side("height", height)
        size = (width, height)
        conditions = self.encode_canvas(canvas, negative_prompt, guided=guidance_scale > 1)
        inpaint = self.inpaint_latents(canvas, keep, size, num_images) if keep else None
        init = self.initial_latents(canvas, latents, size, guidance).expand(num_images, -1, -1, -1)
        found = resume.result(init, generator) if resume else None
        if found is None:
            strengths = strengths_by_layer(canvas, guidance)
            attend = partial(self.trials.attend, self.attend)
            guide = partial(build_guide, conditions, strengths, grid(init), guidance_scale, guidance, attend)
            current = self.start_pass(init, num_inference_steps, strength, generator, guidance, inpaint, resume)
            found = self.sample(current, guide, callback_on_step_end)
        images = self.output(found, output_type)
        if keep and output_type == "pil":
            images = composite(images, repeated(keep.images, num_images), changed_mask(keep.canvas, canvas))
        self.maybe_free_model_hooks()
        return StableDiffusionXLPipelineOutput(images=images)

    @cached_property
    def trials(self) -> Trials:
        return Trials(lambda sentence: self.notify(sentence))

    @cached_property
    def bag_encoder(self) -> TextEncoder:
        return TextEncoder(self)

    @cached_property
    def preview_map(self) -> Tensor:
        if self.vae.config.scaling_factor == vae.SDXL_SCALING:  # published: the VAE is not needed on the device
            return vae.preview_map(self.vae)
        return self.on_device(("vae",), lambda: vae.preview_map(self.vae))

    def load_lora_weights(
        self, pretrained_model_name_or_path_or_dict: Any, adapter_name: str | None = None, **options: Any
    ) -> None:
        """As diffusers does, and names the modules that the model does not have. Raises BrokenWeightsError if it has
        none of them."""
        try:
            state = self.lora_state_dict(
                pretrained_model_name_or_path_or_dict, unet_config=self.unet.config, **options
            )[0]
        except ValueError as error:
            raise BrokenWeightsError(f"This LoRA cannot be read for SDXL: {error}") from error
        unmatched = lora.unmatched_modules(self, state)
        if unmatched:
            self.notify(lora.sentence(unmatched))
        if len(unmatched) == len(lora.modules(state)):
            raise BrokenWeightsError(f"No part of this LoRA fits an SDXL model. {lora.sentence(unmatched)}")
        super().load_lora_weights(pretrained_model_name_or_path_or_dict, adapter_name, **options)

    def encode_canvas(self, canvas: Canvas, negative_prompt: str | None, *, guided: bool = True) -> EncodedConditions:
        """The canvas's texts, encoded; no encoder runs for texts that are in its cache."""
        if negative_prompt is None and not self.config.force_zeros_for_empty_prompt:
            negative_prompt = ""
        return encode_conditions(canvas, negative_prompt, guided, self.bag_encoder, self.notify)

    def initial_latents(
        self, canvas: Canvas, given: Tensor | None, size: tuple[int, int], guidance: RegionGuidance
    ) -> Tensor:
        """`(n or 1, 4, h, w)` to add noise to: the given ones, zeros, or the canvas's colours as the VAE encodes them.
        Raises RenderError for given ones of another size."""
        width, height = size
        wanted = (height // self.vae_scale_factor, width // self.vae_scale_factor)
        if given is not None:
            latents = given
        elif guidance.canvas_start == 0:
            latents = torch.zeros(1, self.unet.config.in_channels, *wanted)
        else:
            colours = Image.fromarray(canvas.color_image()).filter(ImageFilter.GaussianBlur(guidance.canvas_blur))
            latents = self.encode([colours.resize(size, Image.Resampling.NEAREST)]) * guidance.canvas_start
        if grid(latents) != wanted:
            raise RenderError(f"The latents to start from are {grid(latents)}; this size of picture wants {wanted}.")
        return latents

    def inpaint_latents(self, canvas: Canvas, keep: Previous, size: tuple[int, int], count: int) -> Inpaint:
        latents = self.encode([vae.resize(image, size) for image in repeated(keep.images, count)])
        return Inpaint(latents, latent_mask(changed_mask(keep.canvas, canvas), grid(latents), self.vae_scale_factor))

    def start_pass(
        self,
        init: Tensor,
        steps: int,
        strength: float,
        generator: Generator | Seed,
        guidance: RegionGuidance,
        inpaint: Inpaint | None,
        resume: PassState | None,
    ) -> Pass:
        """Sets the schedule and adds noise to `init` `(n, 4, h, w)`, or resumes from the state after the last step."""
        self.on_device(("unet",), lambda: install(self.unet))
        device = self.device_of(self.unet)
        timesteps = set_schedule(self.scheduler, steps, strength, device)
        generator = generator.on(device) if isinstance(generator, Seed) else generator
        noise = draw_noise(init.shape, generator, device, centred=guidance.centred_noise)
        latents = start_latents(self.scheduler, init.to(device, torch.float32), noise, timesteps)
        if resume:
            latents, noise = resume.restore(init, latents, noise, self.scheduler, generator)
        first = resume.steps if resume else 0
        return Pass(latents, noise, timesteps, inpaint.to(device) if inpaint else None, resume, generator, first)

    def sample(self, current: Pass, guide: Callable[[Tensor], Guide], callback: StepCallback | None) -> Tensor:
        """The denoised latents of a pass; `guide` makes the prompts on the device and in the dtype of the tensor it
        gets."""
        device = current.latents.device
        prompts = guide(torch.empty(0, device=device, dtype=self.unet.dtype))
        try:
            if next(self.unet.parameters()).device == device:  # else an offloading hook moves the layers one by one
                self.on_device(("unet",), lambda: project_texts(self.unet, prompts.plans()))
            with self.progress_bar(total=len(current.timesteps)) as bar:
                bar.update(current.first)
                return denoise(
                    self.scheduler,
                    current.latents,
                    current.timesteps,
                    partial(self.predict_on_device, prompts, self.time_ids(current.latents)),
                    partial(self.after_step, current, callback, bar),
                    self.prepare_extra_step_kwargs(current.generator, 0.0),
                    current.first,
                )
        finally:
            for plan in prompts.plans():  # keys and values are large, and a traceback would hold them
                plan.layers.clear()

    def output(self, latents: Tensor, output_type: str) -> Any:
        """The latents as they are, pixels `(n, 3, H, W)` in 0..1, or PIL vae. Raises RenderError for NaN."""
        if not latents.isfinite().all():
            raise RenderError(f"The UNet computed no numbers in {self.unet.dtype}. {other_precision(self.unet.dtype)}")
        if output_type == "latent":
            return latents
        pixels = self.decode(latents)
        return vae.to_images(pixels) if output_type == "pil" else (pixels + 1) / 2

    def time_ids(self, latents: Tensor) -> Tensor:
        """`(1, 6)`: height, width, 0, 0, height, width in pixels, as SDXL was trained for uncropped vae."""
        height, width = (side * self.vae_scale_factor for side in grid(latents))
        return torch.tensor([[height, width, 0, 0, height, width]], device=self.device_of(self.unet)).to(
            self.unet.dtype
        )

    def predict_on_device(
        self, guide: Guide, time_ids: Tensor, model_input: Tensor, timestep: Tensor, progress: float
    ) -> Tensor:
        return self.on_device(("unet",), lambda: self.predict(model_input, timestep, guide, progress, time_ids))

    def after_step(
        self,
        current: Pass,
        callback: StepCallback | None,
        bar: Any,
        index: int,
        timestep: Tensor,
        latents: Tensor,
        denoised: Tensor,
    ) -> Tensor:
        """Blends the kept latents back, then calls the callback; saves and returns the latents to continue with."""
        bar.update()
        if current.inpaint:
            latents = self.blend_kept(current.inpaint, latents, current.noise, current.timesteps[index + 1 :])
        changed = callback(self, index, timestep, {"latents": latents, "denoised": denoised}) if callback else None
        latents = (changed or {}).get("latents", latents)
        if current.resume:
            finished = index + 1 == len(current.timesteps)
            current.resume.save(index + 1, latents, self.scheduler, current.generator, finished=finished)
        return latents

    def predict(self, model_input: Tensor, timestep: Tensor, guide: Guide, progress: float, time_ids: Tensor) -> Tensor:
        """The guided prediction for a batch, in one piece or picture by picture."""
        pieces = torch.split(model_input, 1 if self.one_at_a_time else len(model_input))
        prompts = guide.prompts(progress)
        return torch.cat(
            [predict_guided(self.unet, piece, timestep, prompts, guide.scale, time_ids) for piece in pieces]
        )

    def blend_kept(self, inpaint: Inpaint, latents: Tensor, noise: Tensor, ahead: Tensor) -> Tensor:
        """Latents after a step, blended with the kept ones at the noise level of the timesteps `ahead`."""
        kept = start_latents(self.scheduler, inpaint.latents, noise, ahead) if len(ahead) else inpaint.latents
        return inpaint.blend(latents, kept)

    def encode(self, images: Sequence[Image.Image]) -> Tensor:
        """Pictures of one size to latents, on the VAE's device."""
        return self.on_device(("vae",), lambda: vae.encode_images(self.vae, images, self.device_of(self.vae)))

    def decode(self, latents: Tensor) -> Tensor:
        """Latents to pixels `(n, 3, H, W)` in -1..1."""
        return self.on_device(("vae",), lambda: vae.decode_latents(self.vae, latents.to(self.device_of(self.vae))))

    def preview(self, latents: Tensor) -> Image.Image:
        """A quick look at the first picture of `latents`."""
        return vae.preview(latents, self.preview_map, self.vae_scale_factor, self.tiny_vae)


def other_precision(dtype: torch.dtype) -> str:
    """What to do about a model that computes no numbers in `dtype`."""
    if dtype == torch.float32:
        return "Its weights are damaged: fetch the model again, or choose another."
    return "Start again with --precision sdxl=fp32, or sdxl=bf16 on a card of compute capability 8.0 and up."


def grid(latents: Tensor) -> tuple[int, int]:
    return latents.shape[2], latents.shape[3]
