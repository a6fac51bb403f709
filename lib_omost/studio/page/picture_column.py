"""The picture column: render with progress and stop. Keeps every picture before showing it; finished ones are the
gallery's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from lib_omost.canvas import Canvas, read_canvas, read_program
from lib_omost.errors import SettingsError, StorageError
from lib_omost.renderer import Previous, RenderSettings
from lib_omost.runtime import Engine
from lib_omost.studio import conversation as chat
from lib_omost.studio.near_words import in_known_words
from lib_omost.studio.page.events import QUIET, RENDERING
from lib_omost.studio.page.examples import known_words, words_of_card
from lib_omost.studio.page.gallery import STYLE, Gallery
from lib_omost.studio.page.html_widgets import progress_bar
from lib_omost.studio.page.plan_column import PlanColumn
from lib_omost.studio.page.settings_panel import SettingsPanel
from lib_omost.studio.plan import Plan
from lib_omost.studio.presets import styled
from lib_omost.studio.rendering import Step, Waiting, render_steps
from lib_omost.studio.runs import Runs
from lib_omost.studio.sentences import counted, doing, sentence
from lib_omost.studio.store.images import save_png
from lib_omost.studio.store.sessions import Sessions

STOP_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Job:
    """What one press of Render asks for. `canvas` is what is painted, `code` what the person has; `notes` say where
    they differ.
    """

    code: str
    canvas: Canvas
    settings: RenderSettings
    images: int
    style: str
    notes: tuple[str, ...]


class PictureColumn:
    """Widgets and events of a render. `outputs` are the gallery's, filled by `show`."""

    def __init__(self, engine: Engine, sessions: Sessions, runs: Runs, session: gr.State, folder: Path) -> None:
        self.engine, self.sessions, self.runs, self.session = engine, sessions, runs, session
        with gr.Row(elem_id="render-row"):
            self.render_button = gr.Button("Render", variant="primary", scale=3, min_width=120, elem_id="render")
            self.stop_button = gr.Button(
                "Stop", variant="stop", scale=1, min_width=80, elem_id="stop-render", interactive=False
            )
        self.keep = gr.Checkbox(
            False, label="Keep the rest: paint only what changed since this picture", container=False,
            elem_id="keep",
        )  # fmt: skip
        self.progress = progress_bar(elem_id="progress")
        self.gallery = Gallery(sessions, session, folder)
        self.outputs, self.show = self.gallery.outputs, self.gallery.show

    def wire(
        self, plan: PlanColumn, drawer: SettingsPanel, chatbot: gr.Chatbot, view_outputs: list[Any], view: Any
    ) -> None:
        self.plan, self.drawer = plan, drawer
        bar = [self.progress, self.render_button, self.stop_button]
        choices = [self.keep, self.gallery.chosen, drawer.images, drawer.seed_mode, drawer.style]
        asked = [self.session, plan.plan, plan.code, *choices, *drawer.render]
        shown = [*bar, *self.outputs, chatbot, plan.editor, drawer.seed]
        click = self.render_button.click(self.wait, None, bar, **QUIET)
        run = click.then(self.paint, asked, shown, **RENDERING)
        self.stop_button.click(self.halt, [self.session], [*bar, *self.outputs], cancels=[run], **QUIET)
        self.gallery.wire(drawer, view_outputs, view)

    def paint(
        self,
        session: str,
        plan: Plan,
        code: str,
        keep_rest: bool,
        chosen: str,
        images: int,
        seed_mode: str,
        style: str,
        request: gr.Request,
        *values: Any,
    ) -> Iterator[tuple[Any, ...]]:
        """Renders the plan as the code pane has it. Every picture is on disk and in the session before it is shown."""
        failure, done = "", 0
        notes: dict[str, None] = {}
        unchanged = [gr.skip()] * (len(self.outputs) + 3)
        with self.runs.run((str(request.session_hash), "render")) as stop:
            try:
                job = self._job(plan, code, images, seed_mode, style, values)
                notes |= dict.fromkeys(job.notes)
                previous = self._previous(session, chosen) if keep_rest else None
                for number in range(job.images):
                    settings = replace(job.settings, seed=job.settings.seed + number)
                    label = f"picture {number + 1} of {job.images}, " if job.images > 1 else ""
                    render = partial(self.engine.render, job.canvas, settings, keep=previous)
                    for report in render_steps(render, stop):
                        if isinstance(report, Waiting):
                            yield (*self._bar(self._waiting(report.ahead), 0, going=True), *unchanged)
                        elif isinstance(report, Step):
                            yield self._stepped(report, label, unchanged)
                        else:
                            done += 1
                            notes |= dict.fromkeys(self.engine.render_notes)
                            yield self._finished(session, job, settings, report[0])
            except Exception as error:
                failure = sentence(error)
            finally:
                stopped = stop.is_set() and not failure
        text = failure or ("stopped" if stopped and done < images else f"{counted(done, 'picture')} done")
        text = " ".join([f"{text.removesuffix('.')}.", *notes]) if notes else text
        yield (*self._bar(text, 0 if failure or not done else 1, going=False), *unchanged)

    def wait(self) -> tuple[Any, ...]:
        return self._bar(self._waiting(self.engine.waiting), 0, going=True)

    def _waiting(self, ahead: int) -> str:
        if ahead:
            return f"waiting for the device, {counted(ahead, 'run')} before yours…"
        return doing(self.engine.status) if self.engine.status else "starting…"

    def _job(self, plan: Plan, code: str, images: int, seed_mode: str, style: str, values: tuple[Any, ...]) -> Job:
        """Raises SettingsError or CanvasError. The code is a client's text: strictly read, or refused."""
        if not (code or "").strip():
            raise SettingsError("There is no plan yet. Describe a picture in the chat, or draw a box.")
        reading = read_program(code)
        canvas = reading.canvas if reading.canvas and code == plan.code else _strict(code)
        settings = self.drawer.render_settings(values, seed_mode)
        if len(plan.strengths) == len(canvas.regions):
            settings = replace(settings, region_strengths=plan.strengths)
        canvas, notes = self._painted(canvas, style)
        return Job(code, canvas, settings, int(images), style, notes)

    def _painted(self, canvas: Canvas, style: str) -> tuple[Canvas, tuple[str, ...]]:
        """What is painted of a canvas: with the style's words, in words that the model knows; and what changed."""
        entry = self.engine.sdxl_entry
        return in_known_words(styled(canvas, style), known_words(entry), words_of_card(entry))

    def _previous(self, session: str, chosen: str) -> Previous | None:
        """The picture shown and the canvas it was painted from, for a render that keeps what has not changed."""
        render = self.gallery.render_of(session, chosen)
        canvas = read_program(render.code).canvas if render else None
        if render is None or canvas is None:
            return None
        canvas, _ = self._painted(canvas, str(render.settings.get(STYLE)))
        with Image.open(render.picture) as image:
            return Previous(canvas, (image.convert("RGB"),))

    def _stepped(self, report: Step, label: str, unchanged: list[Any]) -> tuple[Any, ...]:
        left = report.seconds / report.step * (report.steps - report.step)
        figures = f"{report.seconds:.0f} s, about {left:.0f} s left" if report.step > 1 else ""
        bar = self._bar(f"{label}step {report.step} of {report.steps}", report.step / report.steps, True, figures)
        preview = gr.skip() if report.preview is None else report.preview
        return (*bar, preview, *unchanged[1:])

    def _finished(self, session: str, job: Job, settings: RenderSettings, image: Image.Image) -> tuple[Any, ...]:
        """Saves the picture, its record and its turn in the chat; then shows all three."""
        path, model = self.gallery.new_path(), self.engine.sdxl_entry.name
        try:
            save_png(image, path, job.canvas, settings, code=job.code, model=model, style=job.style)
        except StorageError as error:
            gr.Warning(f"{error} The picture is shown, but it is not kept.")
            return (*self._bar("done, not kept", 1, going=True), image, *[gr.skip()] * (len(self.outputs) + 2))
        turns = self.gallery.add(session, job.code, settings, job.style, path)
        under = gr.skip()
        if chat.last_reading(turns) is not None:
            under = self.plan.frame(session, turns, (settings.width, settings.height))
        bar = self._bar("done", 1, going=True)
        # The seed shown is the first one of the batch, so that a kept seed stays the same from one press to the next.
        return (*bar, *self.show(session), chat.bubbles(turns), under, job.settings.seed)

    def _bar(self, text: str, share: float, going: bool, figures: str = "") -> tuple[Any, ...]:
        value = {"text": text, "share": share, "figures": figures}
        return value, gr.update(interactive=not going), gr.update(interactive=going)

    def halt(self, session: str, request: gr.Request) -> tuple[Any, ...]:
        """Stops at the next step. The picture before stays; batch pictures that are done are kept."""
        self.runs.stop((str(request.session_hash), "render"), STOP_WAIT_S)
        return (*self._bar("stopped", 0, going=False), *self.show(session))


def _strict(code: str) -> Canvas:
    reading = read_canvas(code, strict=True)
    if reading.canvas is None:
        first = reading.notes[0] if reading.notes else None
        raise SettingsError(
            f"The code cannot be read: line {first.line}: {first.message}" if first else "The code cannot be read."
        )
    return reading.canvas
