"""Named styles: words for the whole picture."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from lib_omost.canvas import Canvas
from lib_omost.errors import SettingsError
from lib_omost.renderer import Previous, RenderSettings, StableDiffusionXLOmostPipeline, render
from lib_omost.renderer.styles import STYLES, styled


def test_a_style_adds_its_words_to_the_whole_picture_only(canvas: Canvas) -> None:
    painted = styled(canvas, "watercolour")
    assert painted.tags.endswith(STYLES["watercolour"]) and painted.tags.startswith(canvas.tags)
    assert painted.regions == canvas.regions


@pytest.mark.parametrize("name", ["", "as described"])
def test_no_style_leaves_the_canvas_alone(canvas: Canvas, name: str) -> None:
    assert styled(canvas, name) is canvas
    assert RenderSettings(style=name) == RenderSettings()


@pytest.mark.parametrize("name", ["sparkling", "Watercolour", ["film still"], 3, None])
def test_an_unknown_style_is_refused_with_the_list(name: object) -> None:
    with pytest.raises(SettingsError, match="it wants one of: photograph, oil painting"):
        RenderSettings(style=name)  # type: ignore[arg-type]


def test_a_render_paints_the_style_that_its_settings_name(
    pipe: StableDiffusionXLOmostPipeline, canvas: Canvas, settings: RenderSettings
) -> None:
    def painted(canvas: Canvas, style: str) -> bytes:
        return render(pipe, canvas, replace(settings, style=style), lambda *_: None, Event())[0].tobytes()

    assert painted(canvas, "oil painting") == painted(styled(canvas, "oil painting"), "") != painted(canvas, "")


def test_a_picture_kept_in_its_own_style_is_not_said_to_have_changed(
    fresh_pipe: StableDiffusionXLOmostPipeline, canvas: Canvas, settings: RenderSettings
) -> None:
    notes: list[str] = []
    fresh_pipe.notify = notes.append
    settings = replace(settings, style="film still")
    (before,) = render(fresh_pipe, canvas, settings, lambda *_: None, Event())
    (same,) = render(fresh_pipe, canvas, settings, lambda *_: None, Event(), Previous(canvas, (before,), "film still"))
    assert np.array_equal(np.asarray(same), np.asarray(before)) and "Nothing in the canvas has changed" in notes[-1]
    (other,) = render(fresh_pipe, canvas, settings, lambda *_: None, Event(), Previous(canvas, (before,)))
    assert not np.array_equal(np.asarray(other), np.asarray(before))
