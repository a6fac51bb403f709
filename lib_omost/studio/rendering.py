"""A render as a stream of steps: the work runs in a thread, what it reports comes out of an iterator. Draws nothing
itself.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from lib_omost.errors import Stopped

if TYPE_CHECKING:
    from lib_omost.renderer import OnStep

PREVIEW_PAUSE_S = 0.5
WAIT_TICK_S = 0.5
Preview = Callable[[], Image.Image]
OnWait = Callable[[int], None]


class RenderCall(Protocol):
    """Engine.render, less its canvas and settings."""

    def __call__(self, on_step: OnStep, stop: threading.Event, *, on_wait: OnWait) -> list[Image.Image]: ...


@dataclass(frozen=True, slots=True)
class Step:
    """`step` of `steps` is done; `preview` is there now and then only, since making one costs time."""

    step: int
    steps: int
    preview: Image.Image | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """No step is done yet; so many runs are `ahead`, or none and a model is being loaded."""

    ahead: int


def render_steps(render: RenderCall, stop: threading.Event) -> Iterator[Waiting | Step | list[Image.Image]]:
    """Yields Waiting now and then, a Step after every step and at last the pictures; nothing more after a stop. Raises
    what `render` raises.
    """
    reports: queue.Queue[Step | list[Image.Image] | BaseException] = queue.Queue()
    start, shown_at, ahead, begun, ended = time.monotonic(), 0.0, 0, False, False

    def on_wait(runs: int) -> None:
        nonlocal ahead, start
        ahead, start = runs, time.monotonic()  # waiting is not part of the time a step takes

    def on_step(step: int, steps: int, preview: Preview) -> None:
        nonlocal shown_at, begun
        begun = True
        picture = None
        if step < steps and time.monotonic() - shown_at >= PREVIEW_PAUSE_S:
            picture = preview()
            shown_at = time.monotonic()
        reports.put(Step(step, steps, picture, time.monotonic() - start))

    def work() -> None:
        try:
            reports.put(render(on_step, stop, on_wait=on_wait))
        except BaseException as error:
            reports.put(error)

    worker = threading.Thread(target=work, name="render", daemon=True)
    worker.start()
    try:
        while True:
            try:
                report = reports.get(timeout=None if begun else WAIT_TICK_S)
            except queue.Empty:
                yield Waiting(ahead)
                continue
            if isinstance(report, Stopped):
                return
            if isinstance(report, BaseException):
                raise report
            ended = isinstance(report, list)
            yield report
            if ended:
                return
    finally:
        if not ended:  # whoever leaves early wants no more of it; the flag of one that ended is the next one's
            stop.set()
