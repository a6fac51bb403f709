from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable

import diffusers
import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
)
from torch import Tensor

from lib_omost.canvas import Canvas
from lib_omost.errors import Stopped
from lib_omost.renderer import PRESETS, RenderSettings, StableDiffusionXLOmostPipeline, render, use_preset, with_preset
from lib_omost.renderer.regions import RegionPlan
from lib_omost.renderer.sampling import (
    Guide,
    Prompt,
    Seed,
    denoise,
    draw_noise,
    preset_scheduler,
    reference_scheduler,
    set_schedule,
    start_latents,
)

CPU = torch.device("cpu")


def keep_latents(index: int, timestep: Tensor, latents: Tensor, denoised: Tensor) -> Tensor:
    return latents


def karras(n: int) -> list[float]:
    """Sigmas of arXiv 2206.00364 between SDXL's largest and smallest noise, and the final zero."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    alphas = (1 - betas).cumprod(0)
    all_sigmas = ((1 - alphas) / alphas).sqrt()
    high, low = float(all_sigmas[-1]) ** (1 / 7), float(all_sigmas[0]) ** (1 / 7)
    return [(high + i / (n - 1) * (low - high)) ** 7 for i in range(n)] + [0.0]


def dpm_solver_2m(eps: Callable[[Tensor, float], Tensor], x: Tensor, sigmas: list[float]) -> Tensor:
    """DPM-Solver++(2M), arXiv 2211.01095, in the variance-exploding form; `eps(x / sqrt(1 + s^2), s)`."""
    old = None
    for i, (s, after) in enumerate(itertools.pairwise(sigmas)):
        d = x - s * eps(x / math.sqrt(1 + s * s), s)
        if after == 0:
            return d
        h = math.log(s / after)
        if old is None:
            step = d
        else:
            r = math.log(sigmas[i - 1] / s) / h
            step = (1 + 1 / (2 * r)) * d - 1 / (2 * r) * old
        x, old = after / s * x - math.expm1(-h) * step, d
    return x


@pytest.mark.parametrize(("steps", "strength"), [(25, 1.0), (10, 1.0), (20, 0.4)])
def test_the_reference_scheduler_is_dpm_solver_2m_on_karras_sigmas(steps: int, strength: float) -> None:
    target, init = torch.randn(2, 1, 4, 3, 3, generator=torch.Generator().manual_seed(0)).unbind()
    noise = draw_noise((1, 4, 3, 3), torch.Generator().manual_seed(1), CPU)
    sigmas = karras(int(steps / strength))[-steps - 1 :]

    def eps(scaled: Tensor, sigma: float) -> Tensor:
        """The exact answer for pictures that are N(target, 0.3): nonlinear in sigma, so that solver errors show."""
        return (scaled * math.sqrt(1 + sigma**2) - target) * sigma / (0.09 + sigma**2)

    wanted = dpm_solver_2m(eps, (init + noise * sigmas[0]).double(), sigmas)
    scheduler = reference_scheduler()
    timesteps = set_schedule(scheduler, steps, strength, CPU)
    latents = start_latents(scheduler, init, noise, timesteps)
    torch.testing.assert_close(latents, (init + noise * sigmas[0]) / math.sqrt(1 + sigmas[0] ** 2))
    found = denoise(
        scheduler, latents, timesteps, lambda x, t, progress: eps(x, sigmas[round(progress * steps)]), keep_latents
    )
    assert (found - wanted).abs().max() < 1e-3


def test_a_pass_takes_the_last_steps_of_a_longer_schedule() -> None:
    scheduler = reference_scheduler()
    timesteps = set_schedule(scheduler, 20, 0.4, CPU)
    assert len(timesteps) == 20
    assert torch.equal(timesteps, scheduler.timesteps[-20:])
    assert len(scheduler.timesteps) == 50


def test_a_second_order_scheduler_begins_at_the_noise_level_of_a_first_order_one() -> None:
    config, target = reference_scheduler().config, torch.randn(1, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    first, second = EulerDiscreteScheduler.from_config(config), HeunDiscreteScheduler.from_config(config)
    wanted, timesteps = (set_schedule(scheduler, 8, 0.4, CPU) for scheduler in (first, second))
    assert len(timesteps) == 2 * 8 - 1  # two runs of the UNet in each step but the last
    assert timesteps[0] == wanted[0]
    noise, used = draw_noise((1, 4, 3, 3), torch.Generator().manual_seed(1), CPU), []

    def exact(x: Tensor, timestep: Tensor, progress: float) -> Tensor:
        """Whatever the sample is, all that is not the target in it is noise at the scheduler's own level."""
        used.append(float(second.sigmas[second.step_index]))
        return (x * (1 + used[-1] ** 2) ** 0.5 - target) / used[-1]

    start = start_latents(second, target, noise, timesteps)
    torch.testing.assert_close(start, target + noise * first.sigmas[-9])
    found = denoise(second, start, timesteps, exact, keep_latents)
    torch.testing.assert_close(found, target, atol=1e-3, rtol=0)
    assert used[0] == float(first.sigmas[-9])


@pytest.mark.parametrize("kind", [DDIMScheduler, EulerDiscreteScheduler, EulerAncestralDiscreteScheduler, LCMScheduler])
def test_any_scheduler_finds_a_known_picture(kind: type) -> None:
    target = torch.randn(1, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    scheduler = kind.from_config(reference_scheduler().config, clip_sample=False)
    timesteps = set_schedule(scheduler, 8, 0.9, CPU)
    alphas = scheduler.alphas_cumprod

    def predict(x: Tensor, timestep: Tensor, progress: float) -> Tensor:
        alpha = alphas[int(timestep)]
        return (x - alpha.sqrt() * target) / (1 - alpha).sqrt()

    start = start_latents(scheduler, target, torch.randn_like(target), timesteps)
    found = denoise(scheduler, start, timesteps, predict, keep_latents)
    assert (found - target).abs().max() < 0.1


def test_latents_stay_float32_and_the_denoised_estimate_is_the_picture() -> None:
    scheduler, target = reference_scheduler(), torch.ones(1, 4, 2, 2)
    timesteps = set_schedule(scheduler, 5, 1.0, CPU)
    seen: list[Tensor] = []

    def predict(x: Tensor, timestep: Tensor, progress: float) -> Tensor:
        sigma = scheduler.sigmas[round(progress * 5)]
        return ((x * (1 + sigma**2).sqrt() - target) / sigma).half()

    def after_step(index: int, timestep: Tensor, latents: Tensor, denoised: Tensor) -> Tensor:
        assert latents.dtype == torch.float32
        seen.append(denoised)
        return latents

    denoise(
        scheduler,
        start_latents(scheduler, target * 0, torch.randn(1, 4, 2, 2), timesteps),
        timesteps,
        predict,
        after_step,
    )
    assert all((denoised - 1).abs().max() < 0.05 for denoised in seen)


def test_centred_noise_has_no_mean_in_any_channel() -> None:
    plain, centred = (draw_noise((2, 4, 8, 8), torch.Generator().manual_seed(5), CPU, centred=c) for c in (False, True))
    assert centred.mean((2, 3)).abs().max() < 1e-6
    torch.testing.assert_close(centred, plain - plain.mean((2, 3), keepdim=True))


def test_a_seed_is_one_stream_over_two_passes() -> None:
    seed, stream = Seed(3), torch.Generator().manual_seed(3)
    for _ in range(2):
        assert torch.equal(draw_noise((1, 4, 2, 2), seed.on(CPU), CPU), draw_noise((1, 4, 2, 2), stream, CPU))


def test_regions_and_guidance_end_after_their_shares_of_the_steps() -> None:
    plan = RegionPlan([torch.ones(90, 90)], [torch.zeros(77, 8)], (8, 8))
    positive, global_only, negative = (Prompt(plan, torch.full((1, 1), float(i))) for i in range(3))
    guide = Guide(positive, global_only, negative, 5.0, region_steps=0.5, guidance_steps=0.75)
    assert [guide.prompts(p) for p in (0, 0.5, 0.75)] == [[positive, negative], [global_only, negative], [global_only]]
    assert Guide(positive, positive, None, 1.0).prompts(0.9) == [positive]
    guide = Guide(positive, positive, negative, 5.0, guidance_steps=0.75, guidance_start=0.25)
    assert [len(guide.prompts(p)) for p in (0, 0.24, 0.25, 0.74, 0.75)] == [1, 1, 2, 2, 1]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_scheduler_steps_and_guidance_together_and_renders(
    fresh_pipe: StableDiffusionXLOmostPipeline, canvas: Canvas, settings: RenderSettings, name: str
) -> None:
    preset, trained = PRESETS[name], fresh_pipe.scheduler.config
    chosen = use_preset(fresh_pipe, preset, settings)
    assert isinstance(fresh_pipe.scheduler, getattr(diffusers, preset.scheduler))
    assert (chosen.steps, chosen.guidance, chosen.seed) == (preset.steps, preset.guidance, settings.seed)
    for key in ("beta_start", "beta_end", "beta_schedule", "prediction_type"):
        assert fresh_pipe.scheduler.config[key] == trained[key]
    assert all(fresh_pipe.scheduler.config[key] == value for key, value in preset.options.items())
    picture = render(fresh_pipe, canvas, chosen, lambda *_: None, threading.Event())[0]
    assert np.asarray(picture).std() > 5


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_in_the_settings_is_used_for_the_run_and_gone_after_it(
    fresh_pipe: StableDiffusionXLOmostPipeline, canvas: Canvas, settings: RenderSettings, name: str
) -> None:
    own, seen = fresh_pipe.scheduler, set()
    chosen = with_preset(settings, name)
    found = render(
        fresh_pipe, canvas, chosen, lambda step, *_: seen.add((type(fresh_pipe.scheduler), step)), threading.Event()
    )
    scheduler = getattr(diffusers, PRESETS[name].scheduler)
    assert seen == {(scheduler, step) for step in range(1, PRESETS[name].steps + 1)}
    assert fresh_pipe.scheduler is own
    numbers = use_preset(fresh_pipe, PRESETS[name], settings)
    assert render(fresh_pipe, canvas, numbers, lambda *_: None, threading.Event())[0].tobytes() == found[0].tobytes()


def test_a_stopped_run_gives_the_pipeline_its_scheduler_back(
    fresh_pipe: StableDiffusionXLOmostPipeline, canvas: Canvas, settings: RenderSettings
) -> None:
    own, stop = fresh_pipe.scheduler, threading.Event()
    with pytest.raises(Stopped):
        render(fresh_pipe, canvas, with_preset(settings, "lcm"), lambda *_: stop.set(), stop)
    assert fresh_pipe.scheduler is own


def test_a_seed_on_the_cpu_draws_the_same_noise_for_every_device() -> None:
    elsewhere = torch.device("meta")
    assert Seed(3, on_cpu=True).on(elsewhere).device == CPU
    ours = torch.randn(4, generator=Seed(3, on_cpu=True).on(elsewhere))
    assert torch.equal(ours, torch.randn(4, generator=Seed(3).on(CPU)))
    with pytest.raises(RuntimeError):  # by itself it is made there
        Seed(3).on(elsewhere)


@pytest.mark.cuda
def test_the_noise_of_a_seed_is_the_cpus_on_a_card() -> None:
    card = torch.device("cuda")
    ours, theirs = (draw_noise((2, 4, 8, 8), Seed(3, on_cpu=True).on(device), device) for device in (card, CPU))
    assert ours.device.type == "cuda" and torch.equal(ours.cpu(), theirs)


# --- what a model predicts ---


@pytest.mark.parametrize("zero_snr", [False, True])
@pytest.mark.parametrize("steps", [10, 25])
def test_a_perfect_v_prediction_ends_at_the_picture_it_knows(zero_snr: bool, steps: int) -> None:
    """Of a model whose only picture is x: v = alpha * noise - sigma * x, with the noise that makes the latents."""
    scheduler = reference_scheduler("v_prediction", zero_snr=zero_snr)
    picture = torch.full((1, 4, 8, 8), -1.5)  # far from grey, which a schedule without pure noise cannot leave
    timesteps = set_schedule(scheduler, steps, 1.0, CPU)

    def predict(latents: Tensor, timestep: Tensor, progress: float) -> Tensor:
        sigma = scheduler.sigmas[round(progress * steps)]
        alpha, sigma = 1 / (1 + sigma**2).sqrt(), sigma / (1 + sigma**2).sqrt()
        return alpha * (latents - alpha * picture) / sigma - sigma * picture

    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    start = start_latents(scheduler, torch.zeros_like(noise), noise, timesteps)
    assert (start - noise).abs().max() < (1e-3 if zero_snr else 0.1)
    assert (denoise(scheduler, start, timesteps, predict, keep_latents) - picture).abs().max() < 1e-3


def test_a_model_with_v_prediction_paints_the_same_as_its_epsilon_twin(canvas: Canvas) -> None:
    """The twin: the same UNet, whose noise is turned into the velocity that it means at the step's noise level."""
    from tests.runtime.original_layout import tiny_pipeline

    def velocity(unet: torch.nn.Module, inputs: tuple[Tensor, ...], output: tuple[Tensor]) -> tuple[Tensor]:
        scheduler = pipe.scheduler
        sigma = scheduler.sigmas[scheduler.begin_index if scheduler.step_index is None else scheduler.step_index]
        alpha, sigma = 1 / (1 + sigma**2).sqrt(), sigma / (1 + sigma**2).sqrt()
        return ((output[0] - sigma * inputs[0]) / alpha,)

    pipe = tiny_pipeline()
    pipe.set_progress_bar_config(disable=True)
    painted = []
    for kind in ("epsilon", "v_prediction", "wrong"):
        pipe.scheduler = reference_scheduler("epsilon" if kind == "wrong" else kind)
        hook = None if kind == "epsilon" else pipe.unet.register_forward_hook(velocity)
        found = pipe(canvas, width=128, height=128, num_inference_steps=6, generator=Seed(7), output_type="latent")
        painted.append(found.images)
        if hook:
            hook.remove()
    twin, wrong = ((latents - painted[0]).abs().max() for latents in painted[1:])
    assert twin < 1e-3 < 0.1 < wrong


def test_a_preset_keeps_what_the_model_was_trained_to_predict() -> None:
    trained = reference_scheduler("v_prediction", zero_snr=True)
    for preset in PRESETS.values():
        config = preset_scheduler(trained, preset).config
        assert (config.prediction_type, config.rescale_betas_zero_snr) == ("v_prediction", True)
