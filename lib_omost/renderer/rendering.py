"""render(): a canvas and settings to pictures, both passes, with progress, previews and a stop. Knows no page."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PIL import Image
from torch import Tensor

from lib_omost.canvas import Canvas
from lib_omost.errors import Stopped, device_is_full
from lib_omost.renderer.inpaint import Previous, changed_mask, global_text_differs
from lib_omost.renderer.pipeline import StableDiffusionXLOmostPipeline
from lib_omost.renderer.resume import PassState, ResumePoint, Run
from lib_omost.renderer.sampling import Seed, scheduler_for
from lib_omost.renderer.settings import RenderSettings
from lib_omost.renderer.styles import styled
from lib_omost.renderer.vae import enlarged_size, resize

OnStep = Callable[[int, int, Callable[[], Image.Image]], None]  # (step from 1, steps of both passes, makes a preview)


def render(
    pipe: StableDiffusionXLOmostPipeline,
    canvas: Canvas,
    settings: RenderSettings,
    on_step: OnStep,
    stop: threading.Event,
    keep: Previous | None = None,
    resume_point: ResumePoint | None = None,
) -> list[Image.Image]:
    """Pictures of `canvas`, `settings.images` of them. Raises Stopped at the step after `stop` is set, RenderError,
    SettingsError.

    The scheduler is the pipeline's own, or for this run that of `settings.few_steps`. The second pass, if
    `settings.highres_scale` is above 1, enlarges the first one's pictures and denoises them again.
    `keep`: pictures of an earlier version of the canvas; only what has changed since is inpainted.
    `resume_point`: holds the state of a render that ran out of device memory; the same render resumes from it.
    """
    canvas = styled(canvas, settings.style)
    if keep:
        keep = replace(keep, canvas=styled(keep.canvas, keep.style))
        changed = changed_mask(keep.canvas, canvas)
        if not changed.any():
            pipe.notify("Nothing in the canvas has changed since the picture to keep; it is returned as it is.")
            return list(keep.images)
        if global_text_differs(keep.canvas, canvas) and not changed.all():
            pipe.notify("The global description changed too; outside of the changed boxes the picture stays as it was.")
    resume_point = resume_point or ResumePoint()
    run = resume_point.resume_or_start(canvas, settings, keep)
    try:
        images = _both_passes(pipe, run, on_step, stop)
    except Exception as error:
        (resume_point.save if device_is_full(error) else resume_point.discard)(run)
        raise
    resume_point.discard(run)
    return images


def _both_passes(
    pipe: StableDiffusionXLOmostPipeline, run: Run, on_step: OnStep, stop: threading.Event
) -> list[Image.Image]:
    canvas, settings = run.canvas, run.settings
    report = Report(settings.steps + (settings.highres_steps if settings.highres_scale > 1 else 0), on_step, stop)
    report.check()
    seed = Seed(settings.seed, on_cpu=settings.cpu_noise)
    shared: dict[str, Any] = dict(
        negative_prompt=settings.negative_prompt,
        num_images=settings.images,
        guidance_scale=settings.guidance,
        generator=seed,
        callback_on_step_end=report,
        keep=run.keep,
    )
    size: dict[str, Any] = dict(width=settings.width, height=settings.height, resume=run.first)
    with scheduler_for(pipe, settings.few_steps):
        images: list[Image.Image] = pipe(
            canvas, num_inference_steps=settings.steps, region_guidance=settings, **size, **shared
        ).images
        if settings.highres_scale > 1:
            report.before = settings.steps
            report.check()
            images = enlarge(pipe, canvas, settings, images, shared, run.second)
    return images


def enlarge(
    pipe: StableDiffusionXLOmostPipeline,
    canvas: Canvas,
    settings: RenderSettings,
    images: list[Image.Image],
    shared: dict[str, Any],
    resume: PassState,
) -> list[Image.Image]:
    """The second pass: `images` enlarged by Lanczos, noised to `settings.highres_denoise` and denoised at the new
    size."""
    width, height = enlarged_size(settings.width, settings.height, settings.highres_scale)
    found: list[Image.Image] = pipe(
        canvas,
        width=width,
        height=height,
        num_inference_steps=settings.highres_steps,
        strength=settings.highres_denoise,
        latents=pipe.encode([resize(image, (width, height)) for image in images]),
        region_guidance=replace(settings, centred_noise=False),  # that is for a start from pure noise
        resume=resume,
        **shared,
    ).images
    return found


class Report:
    """Counts the steps of both passes for the page, and ends the run once `stop` is set."""

    def __init__(self, steps: int, on_step: OnStep, stop: threading.Event) -> None:
        self.steps = steps
        self.before = 0  # steps of the first pass, in the second
        self.on_step = on_step
        self.stop = stop

    def __call__(
        self, pipe: StableDiffusionXLOmostPipeline, index: int, timestep: Tensor, tensors: dict[str, Tensor]
    ) -> None:
        self.on_step(self.before + index + 1, self.steps, lambda: pipe.preview(tensors["denoised"]))
        self.check()

    def check(self) -> None:
        if self.stop.is_set():
            raise Stopped("Stopped.")
