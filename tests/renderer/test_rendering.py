from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lib_omost.canvas import Canvas
from lib_omost.errors import Stopped
from lib_omost.renderer import RenderSettings, StableDiffusionXLOmostPipeline, render
from lib_omost.renderer.sampling import Seed
from lib_omost.renderer.vae import resize

Pipe = StableDiffusionXLOmostPipeline


def quietly(pipe: Pipe, canvas: Canvas, settings: RenderSettings) -> list[Image.Image]:
    return render(pipe, canvas, settings, lambda *_: None, threading.Event())


def test_a_seed_gives_the_same_pictures_again_and_another_seed_others(
    pipe: Pipe, canvas: Canvas, settings: RenderSettings
) -> None:
    first, again = (quietly(pipe, canvas, replace(settings, images=2)) for _ in range(2))
    other = quietly(pipe, canvas, replace(settings, images=2, seed=8))
    assert [image.tobytes() for image in first] == [image.tobytes() for image in again]
    assert len({image.tobytes() for image in first + other}) == 4


def test_every_step_is_reported_with_a_preview(pipe: Pipe, canvas: Canvas, settings: RenderSettings) -> None:
    steps: list[tuple[int, int]] = []
    previews: list[Image.Image] = []

    def on_step(step: int, total: int, preview: Callable[[], Image.Image]) -> None:
        steps.append((step, total))
        previews.append(preview())

    final = render(pipe, canvas, settings, on_step, threading.Event())[0]
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert np.abs(np.asarray(previews[-1], float) - np.asarray(final, float)).mean() < 20


def test_a_vae_of_five_levels_paints_several_pictures_a_preview_and_a_second_pass(
    deep_pipe: Pipe, canvas: Canvas, settings: RenderSettings
) -> None:
    sizes: list[tuple[int, int]] = []
    settings = replace(settings, width=256, height=192, steps=2, images=2, highres_scale=1.34, highres_steps=2)
    images = render(deep_pipe, canvas, settings, lambda *step: sizes.append(step[2]().size), threading.Event())
    assert [image.size for image in images] == [(320, 256)] * 2
    assert sizes == [(256, 192)] * 2 + [(320, 256)] * 2


def test_a_stop_takes_effect_at_the_next_step_and_leaves_the_pipeline_as_before(
    pipe: Pipe, canvas: Canvas, settings: RenderSettings
) -> None:
    before = quietly(pipe, canvas, settings)[0]
    stop, steps = threading.Event(), []

    def on_step(step: int, total: int, preview: Callable[[], Image.Image]) -> None:
        steps.append(step)
        if step == 2:
            stop.set()

    with pytest.raises(Stopped):
        render(pipe, canvas, settings, on_step, stop)
    assert steps == [1, 2]
    assert quietly(pipe, canvas, settings)[0].tobytes() == before.tobytes()


def test_a_stop_before_the_first_step_runs_nothing(pipe: Pipe, canvas: Canvas, settings: RenderSettings) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        render(pipe, canvas, settings, lambda *_: pytest.fail("a step was run"), stop)


def test_the_second_pass_enlarges_the_first_and_paints_over_it(
    pipe: Pipe, canvas: Canvas, settings: RenderSettings
) -> None:
    settings = replace(settings, highres_scale=1.5, highres_steps=3, highres_denoise=0.4)
    totals: set[int] = set()
    large = render(pipe, canvas, settings, lambda step, total, preview: totals.add(total), threading.Event())[0]
    small = quietly(pipe, canvas, replace(settings, highres_scale=1.0))[0]
    assert large.size == (192, 192)
    assert totals == {7}
    difference = np.abs(np.asarray(large, float) - np.asarray(resize(small, (192, 192)), float)).mean()
    assert 1 < difference < 40


def test_the_second_pass_is_a_pass_from_the_enlarged_pictures_with_the_same_stream_of_noise(
    pipe: Pipe, canvas: Canvas, settings: RenderSettings
) -> None:
    settings = replace(
        settings, highres_scale=1.5, highres_steps=2, highres_denoise=0.4, centred_noise=False, canvas_start=0
    )
    seed = Seed(settings.seed)
    common = dict(negative_prompt=settings.negative_prompt, guidance_scale=4.0, generator=seed)
    first = pipe(canvas, width=128, height=128, num_inference_steps=4, **common).images
    start = pipe.encode([resize(first[0], (192, 192))])
    second = pipe(canvas, width=192, height=192, num_inference_steps=2, strength=0.4, latents=start, **common).images
    assert quietly(pipe, canvas, settings)[0].tobytes() == second[0].tobytes()
