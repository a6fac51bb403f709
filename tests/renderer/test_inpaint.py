from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from lib_omost.canvas import Canvas
from lib_omost.renderer import Previous, RenderSettings, StableDiffusionXLOmostPipeline, render
from lib_omost.renderer.inpaint import Inpaint, changed_mask, composite, latent_mask, soften

APPLE = ("on the left", "an apple", "red")
FISH = ("on the bottom-right", "a fish", "blue")
STAR = ("on the bottom-right", "a star", "gold")


def test_an_altered_region_changes_its_box_and_a_moved_one_both_places(build_canvas: Callable[..., Canvas]) -> None:
    before, after = build_canvas(APPLE, FISH), build_canvas(APPLE, STAR)
    box = before.regions[1].box
    mask = changed_mask(before, after)
    assert mask.sum() == (box.right - box.left) * (box.bottom - box.top)
    assert mask[box.top, box.left] == 1
    moved = build_canvas(APPLE, ("on the top-left", "a fish", "blue"))
    assert changed_mask(before, moved)[0, 0] == 1 and changed_mask(before, moved)[89, 89] == 1


def test_the_same_canvas_changes_nothing_and_another_global_text_changes_everything(canvas: Canvas) -> None:
    assert changed_mask(canvas, canvas).sum() == 0
    night = replace(canvas, tags="night")
    assert changed_mask(canvas, night).all()
    assert not changed_mask(canvas, replace(night, regions=night.regions[1:])).all()
    renamed = replace(canvas, regions=(replace(canvas.regions[0], name="fruit"), *canvas.regions[1:]))
    assert changed_mask(canvas, renamed).sum() == 0


def test_the_soft_border_is_full_inside_the_box_and_gone_four_cells_outside() -> None:
    mask = np.zeros((90, 90), np.float32)
    mask[30:60, 30:60] = 1
    alpha = soften(mask, (90, 90))
    assert alpha[30:60, 30:60].min() == 1
    assert alpha[:26].max() == alpha[64:].max() == alpha[:, :26].max() == 0
    assert (np.diff(alpha[45, 59:65]) <= 0).all() and 0 < alpha[45, 61] < 1
    assert latent_mask(mask, (16, 12), 8).shape == (1, 1, 16, 12)
    small, large = (latent_mask(mask, (16, 16), factor) for factor in (8, 16))
    assert (small - large).abs().max() < 0.02  # the same latents, whatever they are decoded to


def test_latents_outside_of_the_mask_go_back_to_what_is_kept() -> None:
    mask = torch.zeros(1, 1, 2, 2)
    mask[..., 0] = 1
    blended = Inpaint(torch.zeros(1, 4, 2, 2), mask).blend(torch.ones(1, 4, 2, 2), torch.full((1, 4, 2, 2), 5.0))
    assert blended[0, 0].tolist() == [[1, 5], [1, 5]]


def test_a_composite_leaves_the_previous_picture_as_it_was_outside_the_border() -> None:
    mask = np.zeros((90, 90), np.float32)
    mask[30:60, 30:60] = 1
    old = Image.effect_noise((180, 180), 50).convert("RGB")
    new = composite([Image.new("RGB", (180, 180), "red")], [old], mask)[0]
    assert np.array_equal(np.asarray(new)[:50], np.asarray(old)[:50])
    assert new.getpixel((90, 90)) == (255, 0, 0)


def test_an_edit_rendered_with_the_previous_picture_changes_its_box_alone(
    pipe: StableDiffusionXLOmostPipeline, settings: RenderSettings, build_canvas: Callable[..., Canvas]
) -> None:
    settings = replace(settings, steps=8, width=256, height=256)
    before, after = build_canvas(APPLE, FISH), build_canvas(APPLE, STAR)
    old = render(pipe, before, settings, lambda *_: None, threading.Event())
    new = render(pipe, after, settings, lambda *_: None, threading.Event(), keep=Previous(before, tuple(old)))
    change = np.abs(np.asarray(new[0], float) - np.asarray(old[0], float)).mean(-1)
    inside = soften(changed_mask(before, after), (256, 256)) > 0
    assert change[~inside].max() == 0
    assert change[inside].mean() > 10


def test_an_edit_keeps_the_rest_exactly_with_a_vae_of_five_levels_too(
    deep_pipe: StableDiffusionXLOmostPipeline, settings: RenderSettings, build_canvas: Callable[..., Canvas]
) -> None:
    settings = replace(settings, width=256, height=256, steps=2, images=2)
    before, after = build_canvas(APPLE, FISH), build_canvas(APPLE, STAR)
    old = tuple(Image.effect_noise((256, 256), spread).convert("RGB") for spread in (30, 60))
    new = render(deep_pipe, after, settings, lambda *_: None, threading.Event(), keep=Previous(before, old))
    inside = soften(changed_mask(before, after), (256, 256)) > 0
    for kept, picture in zip(old, new, strict=True):
        change = np.abs(np.asarray(picture, float) - np.asarray(kept, float)).mean(-1)
        assert change[~inside].max() == 0 and change[inside].mean() > 5


def test_inpainting_while_the_global_text_changes_too_says_what_stays(
    fresh_pipe: StableDiffusionXLOmostPipeline, settings: RenderSettings, canvas: Canvas
) -> None:
    notes: list[str] = []
    fresh_pipe.notify = notes.append
    picture, after = Image.new("RGB", (128, 128), "teal"), replace(canvas, tags="night", regions=canvas.regions[1:])
    found = render(
        fresh_pipe, after, replace(settings, steps=1), lambda *_: None, threading.Event(), Previous(canvas, (picture,))
    )
    assert found[0].getpixel((127, 127)) == picture.getpixel((0, 0))
    assert "global description changed too" in notes[0]


def test_keeping_with_an_unchanged_canvas_returns_the_picture_and_says_so(
    fresh_pipe: StableDiffusionXLOmostPipeline, settings: RenderSettings, canvas: Canvas
) -> None:
    notes: list[str] = []
    fresh_pipe.notify = notes.append
    picture = Image.new("RGB", (128, 128), "teal")
    assert render(fresh_pipe, canvas, settings, lambda *_: None, threading.Event(), Previous(canvas, (picture,))) == [
        picture
    ]
    assert "Nothing in the canvas has changed" in notes[0]
