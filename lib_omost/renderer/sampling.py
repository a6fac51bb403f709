"""From noise to latents: the schedulers, start latents, the denoising loop. Knows no text and no pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import diffusers
import torch
from diffusers import DPMSolverMultistepScheduler
from diffusers.models.embeddings import get_timestep_embedding
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor

from lib_omost.renderer.regions import RegionPlan
from lib_omost.renderer.settings import PRESETS, Preset, RenderSettings

Predict = Callable[[Tensor, Tensor, float], Tensor]  # (scaled latents, timestep, progress in 0..1) -> prediction
AfterStep = Callable[[int, Tensor, Tensor, Tensor], Tensor]  # (index, timestep, latents, denoised) -> latents
REFERENCE: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "algorithm_type": "dpmsolver++",
    "solver_order": 2,
    "solver_type": "midpoint",
    "use_karras_sigmas": True,
    "final_sigmas_type": "zero",
}


# Karras sigmas from 4,096 down would spend two steps in three where there is nothing but noise.
ZERO_SNR = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "use_karras_sigmas": False}


def reference_scheduler(prediction_type: str = "epsilon", *, zero_snr: bool = False) -> DPMSolverMultistepScheduler:
    """The sampler that Omost pictures are made with: DPM-Solver++ 2M (arXiv 2211.01095) on Karras sigmas (arXiv
    2206.00364).

    zero_snr: for models trained on a schedule whose last timestep is noise alone (arXiv 2305.08891), on trailing
    timesteps as that paper has them.
    """
    options = {**REFERENCE, **(ZERO_SNR if zero_snr else {})}
    return DPMSolverMultistepScheduler(**options, prediction_type=prediction_type)


@contextmanager
def scheduler_for(pipe: Any, name: str) -> Iterator[None]:
    """Inside, the pipeline has a preset's scheduler, on the model's own noise schedule; afterwards its own again."""
    before = pipe.scheduler
    if name:
        pipe.scheduler = preset_scheduler(before, PRESETS[name])
    try:
        yield
    finally:
        pipe.scheduler = before


def preset_scheduler(trained: Any, preset: Preset) -> Any:
    """The preset's scheduler with the betas and the prediction type of the `trained` one."""
    config = {**trained.config, "use_karras_sigmas": False, **preset.options}
    return getattr(diffusers, preset.scheduler).from_config(config)


def use_preset(pipe: Any, preset: Preset, settings: RenderSettings) -> RenderSettings:
    """For scripts that call the pipeline themselves: sets its scheduler for good and returns `settings` with the
    preset's steps and guidance. Load its LoRA beside this."""
    pipe.scheduler = preset_scheduler(pipe.scheduler, preset)
    return replace(settings, steps=preset.steps, guidance=preset.guidance)


class Seed:
    """A random generator that is made on the device of its first use: two passes draw from one stream of noise.

    `on_cpu`: whatever that device is, the noise is the CPU's; CUDA's own depends on the kind of card.
    """

    def __init__(self, seed: int, *, on_cpu: bool = False) -> None:
        self.seed, self.on_cpu = seed, on_cpu
        self.generator: torch.Generator | None = None

    def on(self, device: torch.device) -> torch.Generator:
        if self.generator is None:
            self.generator = torch.Generator("cpu" if self.on_cpu else device).manual_seed(self.seed)
        return self.generator


Generator = torch.Generator | list[torch.Generator] | None


@dataclass(frozen=True, slots=True)
class Prompt:
    """The conditioning of one run of the UNet: region texts, and the pooled vector `(1, P)`."""

    regions: RegionPlan
    pooled: Tensor


@dataclass(frozen=True, slots=True)
class Guide:
    """The prompts of a pass and the shares of its steps, from the first, in which regions and guidance are active.

    Guidance in an interval of noise levels alone: Kynkäänniemi et al., arXiv 2404.07724.
    """

    positive: Prompt
    global_only: Prompt  # the global text alone, for the steps after the regions
    negative: Prompt | None
    scale: float
    region_steps: float = 1.0
    guidance_steps: float = 1.0
    guidance_start: float = 0.0

    def prompts(self, progress: float) -> list[Prompt]:
        """The UNet's runs in the step at `progress` in 0..1: positive, then negative if there is guidance."""
        positive = self.positive if progress < self.region_steps else self.global_only
        guided = self.guidance_start <= progress < self.guidance_steps
        return [positive, self.negative] if guided and self.negative is not None else [positive]

    def plans(self) -> list[RegionPlan]:
        return [prompt.regions for prompt in (self.positive, self.global_only, self.negative) if prompt is not None]


def draw_noise(shape: tuple[int, ...], generator: Generator, device: torch.device, *, centred: bool = False) -> Tensor:
    """`(images, 4, h, w)` float32 from N(0, 1); `centred` removes the mean of each channel of each image."""
    noise: Tensor = randn_tensor(shape, generator=generator, device=device, dtype=torch.float32)
    return noise - noise.mean((2, 3), keepdim=True) if centred else noise


def set_schedule(scheduler: Any, steps: int, strength: float, device: torch.device) -> Tensor:
    """The last `steps` of `int(steps / strength)` timesteps; the scheduler begins at their first."""
    total = int(steps / strength)
    scheduler.set_timesteps(total, device=device)
    begin = (total - steps) * scheduler.order
    with suppress(AttributeError):  # DDIM and its like keep no index: they look the timestep up
        scheduler.set_begin_index(begin)
    timesteps: Tensor = scheduler.timesteps[begin:]
    return timesteps


def start_latents(scheduler: Any, init: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """The scheduler's own noising rule; for DPM-Solver and its like `(init + noise * sigma) / sqrt(1 + sigma^2)`."""
    noisy: Tensor = scheduler.add_noise(init, noise, timesteps[:1].expand(len(init)))
    return noisy


def denoise(
    scheduler: Any,
    latents: Tensor,
    timesteps: Tensor,
    predict: Predict,
    after_step: AfterStep,
    extra: Mapping[str, Any] | None = None,
    first: int = 0,
) -> Tensor:
    """Runs the loop from step `first` on. `latents` `(n, 4, h, w)` stay float32 whatever the UNet computes in: half
    precision would show.

    `predict` gives the guided prediction; `after_step` sees the latents after each step and may replace them; `extra`
    goes to `scheduler.step`.
    """
    for index in range(first, len(timesteps)):
        timestep = timesteps[index]
        model_input = scheduler.scale_model_input(latents, timestep)
        predicted = predict(model_input, timestep, index / len(timesteps))
        result = scheduler.step(predicted.float(), timestep, latents, **(extra or {}))
        latents = after_step(index, timestep, result.prev_sample, denoised_estimate(scheduler, result))
    return latents


def predict_guided(
    unet: Any, model_input: Tensor, timestep: Tensor, prompts: Sequence[Prompt], scale: float, time_ids: Tensor
) -> Tensor:
    """The UNet's prediction for `(n, 4, h, w)` in float32, guided away from the second prompt if there is one.

    `time_ids` `(1, 6)`: height, width, 0, 0, height, width of this pass.
    """
    positive, *negative = (run_unet(unet, model_input, timestep, prompt, scale, time_ids) for prompt in prompts)
    return negative[0] + scale * (positive - negative[0]) if negative else positive


def run_unet(
    unet: Any, model_input: Tensor, timestep: Tensor, prompt: Prompt, scale: float, time_ids: Tensor
) -> Tensor:
    count = len(model_input)
    model_input = model_input.to(prompt.pooled.dtype)
    predicted: Tensor = unet(
        model_input,
        timestep,
        encoder_hidden_states=prompt.regions.text,
        timestep_cond=guidance_embedding(unet, scale, model_input),
        cross_attention_kwargs={"regions": prompt.regions},
        added_cond_kwargs={"text_embeds": prompt.pooled.expand(count, -1), "time_ids": time_ids.expand(count, -1)},
        return_dict=False,
    )[0]
    return predicted.float()


def guidance_embedding(unet: Any, scale: float, like: Tensor) -> Tensor | None:
    """`(n, D)` for distilled UNets that take the guidance scale as an input (arXiv 2310.04378); None for all others."""
    if unet.config.time_cond_proj_dim is None:
        return None
    scales = torch.full((len(like),), (scale - 1) * 1000, device=like.device)
    embedding: Tensor = get_timestep_embedding(scales, unet.config.time_cond_proj_dim)
    return embedding.to(like)


def denoised_estimate(scheduler: Any, result: Any) -> Tensor:
    """The step's estimate of the denoised latents: what a preview should show instead of half of the noise."""
    outputs = getattr(scheduler, "model_outputs", None) or [None]  # multistep solvers keep their last estimates
    candidates = (getattr(result, "pred_original_sample", None), outputs[-1])
    estimate: Tensor = next((x for x in candidates if x is not None), result.prev_sample)
    return estimate
