"""A render as a stream of steps."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from lib_omost.errors import RenderError, Stopped
from lib_omost.studio.rendering import OnWait, Step, Waiting, render_steps

if TYPE_CHECKING:
    from lib_omost.renderer import OnStep

PICTURE = Image.new("RGB", (4, 4))


def four_steps(on_step: OnStep, stop: threading.Event, on_wait: OnWait) -> list[Image.Image]:
    for step in range(1, 5):
        if stop.is_set():
            raise Stopped("stopped")
        on_step(step, 4, lambda: PICTURE)
    return [PICTURE]


def test_every_step_is_reported_in_order_and_the_pictures_come_last() -> None:
    *steps, last = render_steps(four_steps, threading.Event())
    assert [step.step for step in steps if isinstance(step, Step)] == [1, 2, 3, 4]
    assert last == [PICTURE]


def test_previews_are_made_seldom() -> None:
    steps = [step for step in render_steps(four_steps, threading.Event()) if isinstance(step, Step)]
    assert sum(step.preview is not None for step in steps) == 1


def test_a_stop_ends_the_stream_quietly_without_pictures() -> None:
    stop = threading.Event()
    stop.set()
    assert list(render_steps(four_steps, stop)) == []


def test_closing_the_stream_sets_the_stop_flag() -> None:
    stop = threading.Event()
    stream = render_steps(four_steps, stop)
    next(stream)
    stream.close()
    assert stop.is_set()


def test_what_goes_wrong_in_the_thread_is_raised_here() -> None:
    def broken(on_step: OnStep, stop: threading.Event, on_wait: OnWait) -> list[Image.Image]:
        raise RenderError("no region fits")

    with pytest.raises(RenderError, match="no region fits"):
        list(render_steps(broken, threading.Event()))


def test_one_who_waits_is_told_how_many_are_ahead_until_the_first_step() -> None:
    told = threading.Event()

    def third(on_step: OnStep, stop: threading.Event, on_wait: OnWait) -> list[Image.Image]:
        on_wait(2)
        told.wait(10)
        on_wait(0)
        return four_steps(on_step, stop, on_wait)

    stream = render_steps(third, threading.Event())
    assert next(stream) == Waiting(2)
    told.set()
    assert [report.step for report in stream if isinstance(report, Step)] == [1, 2, 3, 4]


def test_a_render_that_ended_leaves_the_stop_flag_to_the_next_of_its_batch() -> None:
    stop = threading.Event()
    first, second = list(render_steps(four_steps, stop)), list(render_steps(four_steps, stop))
    assert first[-1] == second[-1] == [PICTURE]
    assert not stop.is_set()
