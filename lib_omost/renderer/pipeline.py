"""StableDiffusionXLOmostPipeline: diffusers' SDXL pipeline with a canvas in place of the prompt. Puts the other files
of this room in order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, TypeVar

import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.pipelines.stable_diffusion_xl import StableDiffusionXLPipelineOutput
from PIL import Image, ImageFilter
from torch import Tensor

from lib_omost.canvas import Canvas
from lib_omost.errors import BrokenWeightsError, RenderError, device_is_full
from lib_omost.renderer import lora
from lib_omost.renderer import vae as pictures
from lib_omost.renderer.attention import install, project_texts
from lib_omost.renderer.conditioning import Texts, build_guide, read_canvas_texts, strengths_by_layer
from lib_omost.renderer.keep import Kept, Previous, changed_mask, composite, latent_mask
from lib_omost.renderer.regions import Attend
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
from lib_omost.renderer.settings import NEGATIVE_PROMPT, Steering, check_side
from lib_omost.renderer.text import TextEncoder
from lib_omost.renderer.unfinished import Progress

log = logging.getLogger(__name__)
T = TypeVar("T")
StepCallback = Callable[[Any, int, Tensor, dict[str, Tensor]], dict[str, Tensor] | None]


class StableDiffusionXLOmostPipeline(StableDiffusionXLPipeline):  # type: ignore[misc]
    """SDXL whose cross-attention lets each region's text reach only its box.

    Loads, saves and extends like diffusers' own pipeline. The sampler is the scheduler it was loaded with; pictures
    that equal the original Omost's want `pipe.scheduler = reference_scheduler()`.

    Attributes that an owner may set:
    `bring(names)` is called before each piece of device work with the components it needs, to move them there.
    `on_full(names)` is asked when the device is full; True = there is room now, run that piece again.
    `one_at_a_time`: batches go through the UNet and VAE picture by picture; the noise, and so the pictures, stay the
    same. `notify(sentence)` is told whatever had to be changed or left out. `attend` is the back end of the attention,
    None = the measured rule. `tiny_vae`: an AutoencoderTiny for sharper previews.
    """

    _callback_tensor_inputs = ["latents", "denoised"]  # noqa: RUF012  (diffusers' own name and form)

    bring: Callable[[tuple[str, ...]], None] | None = None
    on_full: Callable[[tuple[str, ...]], bool] | None = None
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
        steering: Steering | None = None,
        keep: Previous | None = None,
        progress: Progress | None = None,
    ) -> StableDiffusionXLPipelineOutput:
        """One pass. `latents` `(num_images or 1, 4, height / 8, width / 8)`: a picture to start from, without noise,
        for a `strength` below 1.

        `negative_prompt` None = zeros, if the model's config says so. `output_type`: "pil", "pt" (`(n, 3, H, W)` in
        0..1) or "latent". `callback_on_step_end(pipe, step, timestep, {"latents", "denoised"})` may return replaced
        latents, or raise to stop. `keep`: an earlier picture of an edited canvas; only what the edit changed is painted
        anew. `progress`: how far the same call came before, to go on from there; it is kept up to date. Raises
        SettingsError for sides that are no multiple of 64, RenderError for a canvas that cannot be rendered.
        """
        steering = steering or Steering()
        check_side("width", width)
        check_side("height", height)
        texts = self.read(canvas, negative_prompt, guided=guidance_scale > 1)
        kept = self.kept_latents(canvas, keep, (width, height), num_images) if keep else None
        if latents is None:
            latents = self.first_latents(canvas, (width, height), steering)
        guide = partial(
            build_guide,
            texts,
            strengths_by_layer(canvas, steering),
            grid(latents),
            guidance_scale,
            steering,
            self.attend,
        )
        latents = self.checked_start(latents, (width, height)).expand(num_images, -1, -1, -1)
        latents = self.sample(
            latents,
            guide,
            num_inference_steps,
            strength,
            generator,
            callback_on_step_end,
            centred=steering.centred_noise,
            kept=kept,
            progress=progress,
        )
        if not latents.isfinite().all():
            raise RenderError(
                f"The UNet computed no numbers in {self.unet.dtype}. Load this model in another precision."
            )
        images: Any = latents
        if output_type != "latent":
            pixels = self.decode(latents)
            images = pictures.to_images(pixels) if output_type == "pil" else (pixels + 1) / 2
        if keep and output_type == "pil":
            images = composite(images, spread(keep.images, num_images), changed_mask(keep.canvas, canvas))
        self.maybe_free_model_hooks()
        return StableDiffusionXLPipelineOutput(images=images)

    @cached_property
    def reader(self) -> TextEncoder:
        return TextEncoder(self)

    @cached_property
    def preview_map(self) -> Tensor:
        if self.vae.config.scaling_factor == pictures.SDXL_SCALING:  # published: the UNet need not give way to the VAE
            return pictures.preview_map(self.vae)
        return self.on_device(("vae",), lambda: pictures.preview_map(self.vae))

    def load_lora_weights(
        self, pretrained_model_name_or_path_or_dict: Any, adapter_name: str | None = None, **options: Any
    ) -> None:
        """As diffusers does, and names the parts that find no place. Raises BrokenWeightsError if none does."""
        try:
            state = self.lora_state_dict(
                pretrained_model_name_or_path_or_dict, unet_config=self.unet.config, **options
            )[0]
        except ValueError as error:
            raise BrokenWeightsError(f"This LoRA cannot be read for SDXL: {error}") from error
        lost = lora.homeless(self, state)
        if lost:
            self.notify(lora.sentence(lost))
        if len(lost) == len(lora.modules(state)):
            raise BrokenWeightsError(f"No part of this LoRA fits an SDXL model. {lora.sentence(lost)}")
        super().load_lora_weights(pretrained_model_name_or_path_or_dict, adapter_name, **options)

    def read(self, canvas: Canvas, negative_prompt: str | None, *, guided: bool = True) -> Texts:
        """The canvas's texts, encoded; no encoder runs for texts that it has read before."""
        if negative_prompt is None and not self.config.force_zeros_for_empty_prompt:
            negative_prompt = ""
        return read_canvas_texts(canvas, negative_prompt, guided, self.reader, self.notify)

    def first_latents(self, canvas: Canvas, size: tuple[int, int], steering: Steering) -> Tensor:
        """`(1, 4, h, w)` to start from at full strength: nothing, or the canvas's colours as the VAE sees them."""
        width, height = size
        if steering.canvas_start == 0:
            return torch.zeros(
                1, self.unet.config.in_channels, height // self.vae_scale_factor, width // self.vae_scale_factor
            )
        colours = Image.fromarray(canvas.color_image()).filter(ImageFilter.GaussianBlur(steering.canvas_blur))
        return self.encode([colours.resize(size, Image.Resampling.NEAREST)]) * steering.canvas_start

    def checked_start(self, latents: Tensor, size: tuple[int, int]) -> Tensor:
        """The given latents, if they are of the size that was asked for; else RenderError."""
        wanted = (size[1] // self.vae_scale_factor, size[0] // self.vae_scale_factor)
        if grid(latents) != wanted:
            raise RenderError(f"The latents to start from are {grid(latents)}; this size of picture wants {wanted}.")
        return latents

    def kept_latents(self, canvas: Canvas, keep: Previous, size: tuple[int, int], count: int) -> Kept:
        latents = self.encode([pictures.resize(image, size) for image in spread(keep.images, count)])
        return Kept(latents, latent_mask(changed_mask(keep.canvas, canvas), grid(latents)))

    def sample(
        self,
        init: Tensor,
        guide: Callable[[Tensor], Guide],
        steps: int,
        strength: float,
        generator: Generator | Seed,
        callback: StepCallback | None,
        *,
        centred: bool,
        kept: Kept | None,
        progress: Progress | None = None,
    ) -> Tensor:
        """Adds noise to `init` `(n, 4, h, w)` and denoises it, or goes on where `progress` is; `guide` makes the
        prompts on the device and in the dtype of a given tensor."""
        if progress and (latents := progress.result(init, steps, generator)) is not None:
            return latents
        self.on_device(("unet",), lambda: install(self.unet))
        device = self.device_of(self.unet)
        timesteps = set_schedule(self.scheduler, steps, strength, device)
        generator = generator.on(device) if isinstance(generator, Seed) else generator
        noise = draw_noise(init.shape, generator, device, centred=centred)
        prompts = guide(torch.empty(0, device=device, dtype=self.unet.dtype))
        kept = kept.to(device) if kept else None
        try:
            if next(self.unet.parameters()).device == device:  # else an offloading hook brings the layers one by one
                self.on_device(("unet",), lambda: project_texts(self.unet, prompts.plans()))
            with self.progress_bar(total=steps) as bar:
                predict = partial(self.predict_on_device, prompts, self.time_ids(init))
                latents = start_latents(self.scheduler, init.to(device, torch.float32), noise, timesteps)
                extra = self.prepare_extra_step_kwargs(generator, 0.0)
                if progress:
                    latents, noise = progress.begin(init, latents, noise, self.scheduler, generator)
                    bar.update(progress.steps)
                on_step = partial(self.after_step, bar, callback, kept, noise, timesteps, progress, generator)
                first = progress.steps if progress else 0
                return denoise(self.scheduler, latents, timesteps, predict, on_step, extra, first)
        finally:
            for plan in prompts.plans():  # keys and values are large, and a traceback would hold them
                plan.layers.clear()

    def time_ids(self, latents: Tensor) -> Tensor:
        """`(1, 6)`: height, width, 0, 0, height, width in pixels, as SDXL was trained for uncropped pictures."""
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
        bar: Any,
        callback: StepCallback | None,
        kept: Kept | None,
        noise: Tensor,
        timesteps: Tensor,
        progress: Progress | None,
        generator: Generator,
        index: int,
        timestep: Tensor,
        latents: Tensor,
        denoised: Tensor,
    ) -> Tensor:
        """Puts back what is kept, then asks the caller; returns the latents to go on with, and notes them."""
        bar.update()
        if kept:
            latents = self.keep_rest(kept, latents, noise, timesteps[index + 1 :])
        changed = callback(self, index, timestep, {"latents": latents, "denoised": denoised}) if callback else None
        latents = (changed or {}).get("latents", latents)
        if progress:
            progress.save(index + 1, latents, self.scheduler, generator)
        return latents

    def predict(self, model_input: Tensor, timestep: Tensor, guide: Guide, progress: float, time_ids: Tensor) -> Tensor:
        """The guided prediction for a batch, in one piece or picture by picture."""
        pieces = torch.split(model_input, 1 if self.one_at_a_time else len(model_input))
        prompts = guide.prompts(progress)
        return torch.cat(
            [predict_guided(self.unet, piece, timestep, prompts, guide.scale, time_ids) for piece in pieces]
        )

    def keep_rest(self, kept: Kept, latents: Tensor, noise: Tensor, ahead: Tensor) -> Tensor:
        """Latents after a step, with what is kept put back at the noise level of the steps `ahead`."""
        rest = start_latents(self.scheduler, kept.latents, noise, ahead) if len(ahead) else kept.latents
        return kept.blend(latents, rest)

    def encode(self, images: Sequence[Image.Image]) -> Tensor:
        """Pictures of one size to latents, on the VAE's device."""
        return self.on_device(("vae",), lambda: pictures.encode_images(self.vae, images, self.device_of(self.vae)))

    def decode(self, latents: Tensor) -> Tensor:
        """Latents to pixels `(n, 3, H, W)` in -1..1."""
        return self.on_device(("vae",), lambda: pictures.decode_latents(self.vae, latents.to(self.device_of(self.vae))))

    def preview(self, latents: Tensor) -> Image.Image:
        """A quick look at the first picture of `latents`."""
        return pictures.preview(latents, self.preview_map, self.tiny_vae)

    def on_device(self, names: tuple[str, ...], work: Callable[[], T]) -> T:
        """Runs `work`, which must be repeatable, with the named components in place; once more if the device was full
        and room was made."""
        if self.bring:
            self.bring(names)
        try:
            return work()
        except RuntimeError as error:
            if not device_is_full(error) or self.on_full is None or not self.on_full(names):
                raise
        return work()  # outside of the handler, whose traceback holds the failed attempt's tensors

    def device_of(self, component: torch.nn.Module) -> torch.device:
        """Where a component computes: an offloading hook's device if there is one, else where its weights are."""
        working: torch.device = self._execution_device
        return next(component.parameters()).device if working == self.device else working


def grid(latents: Tensor) -> tuple[int, int]:
    return latents.shape[2], latents.shape[3]


def spread(images: Sequence[Image.Image], count: int) -> list[Image.Image]:
    """`count` pictures, starting over when there are fewer."""
    return [images[index % len(images)] for index in range(count)]
