"""The picture column: render with progress and stop. Keeps every picture before showing it; finished ones are the
gallery's.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
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
from lib_omost.studio.conversation import Chats, bubbles
from lib_omost.studio.page.events import QUIET, RENDERING, Update, View
from lib_omost.studio.page.gallery import Gallery, style_of
from lib_omost.studio.page.html_widgets import progress_bar
from lib_omost.studio.page.plan_column import PlanColumn
from lib_omost.studio.page.settings_panel import SettingsPanel
from lib_omost.studio.plan import Plan
from lib_omost.studio.rendering import Step, Waiting, render_steps
from lib_omost.studio.runs import Runs
from lib_omost.studio.sentences import counted, doing, sentence
from lib_omost.studio.store.images import png_bytes, read_pixels

STOP_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Job:
    """What one press of Render asks for. `code` is the canvas as the person wrote it."""

    code: str
    canvas: Canvas
    settings: RenderSettings
    images: int


class PictureColumn:
    """Widgets and events of a render. `outputs` are the gallery's, filled by `show`."""

    def __init__(
        self,
        engine: Engine,
        chats: Chats,
        runs: Runs,
        session: gr.Textbox,
        folder: Path,
        plan: PlanColumn,
        drawer: SettingsPanel,
        view: View,
    ) -> None:
        self.engine, self.chats, self.runs, self.session = engine, chats, runs, session
        self.plan, self.drawer = plan, drawer
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
        self.gallery = Gallery(chats, session, folder, drawer, view)
        self.outputs, self.show = self.gallery.outputs, self.gallery.show
        bar = [self.progress, self.render_button, self.stop_button]
        choices = {self.keep, self.gallery.chosen, drawer.images, drawer.seed_mode}
        asked = {session, plan.plan, plan.code, *choices, *drawer.render}
        shown = [*bar, *self.outputs, plan.chatbot, plan.editor, drawer.seed]
        click = self.render_button.click(self.wait, None, bar, **QUIET)
        run = click.then(self.paint, asked, shown, **RENDERING)
        self.stop_button.click(self.halt, session, [*bar, *self.outputs], cancels=[run], **QUIET)

    def paint(self, given: Update, request: gr.Request) -> Iterator[Update]:
        """Renders the plan as the code pane has it. Every picture is on disk and in the session before it is shown."""
        session, images = given[self.session], given[self.drawer.images]
        failure, done = "", 0
        notes: list[str] = []
        with self.runs.run((str(request.session_hash), "render")) as stop:
            try:
                job = self._asked(given)
                previous = self._previous(session, given[self.gallery.chosen]) if given[self.keep] else None
                for number in range(job.images):
                    settings = replace(job.settings, seed=job.settings.seed + number)
                    label = f"picture {number + 1} of {job.images}, " if job.images > 1 else ""
                    render = partial(self.engine.render, job.canvas, settings, keep=previous, on_note=notes.append)
                    for report in render_steps(render, stop):
                        if isinstance(report, Waiting):
                            yield self._bar(self._waiting(report.ahead), 0, going=True)
                        elif isinstance(report, Step):
                            yield self._stepped(report, label)
                        else:
                            done += 1
                            yield self._finished(session, job, settings, report[0], notes)
            except Exception as error:
                failure = sentence(error)
            finally:
                stopped = stop.is_set() and not failure
        text = failure or ("stopped" if stopped and done < images else f"{counted(done, 'picture')} done")
        notes = [*dict.fromkeys(notes), *filter(None, [self.gallery.disk_words])]
        text = " ".join([f"{text.removesuffix('.')}.", *notes]) if notes else text
        yield self._bar(text, 0 if failure or not done else 1, going=False)

    def wait(self) -> Update:
        return self._bar(self._waiting(self.engine.waiting), 0, going=True)

    def _waiting(self, ahead: int) -> str:
        if ahead:
            return f"waiting for the device, {counted(ahead, 'run')} before yours…"
        return doing(self.engine.status) if self.engine.status else "starting…"

    def _asked(self, given: Update) -> Job:
        """The job from the widgets' values. Raises SettingsError or CanvasError."""
        plan, drawer = self.plan, self.drawer
        values = tuple(given[widget] for widget in drawer.render)
        known = plan.known(given[self.session], given[plan.plan])
        return self._job(known, given[plan.code], given[drawer.images], given[drawer.seed_mode], values)

    def _job(self, plan: Plan, code: str, images: int, seed_mode: str, values: tuple[Any, ...]) -> Job:
        """Raises SettingsError or CanvasError. The code is a client's text: strictly read, or refused."""
        if not (code or "").strip():
            raise SettingsError("There is no plan yet. Describe a picture in the chat, or draw a box.")
        reading = read_program(code)
        canvas = reading.canvas if reading.canvas and code == plan.code else _strict(code)
        settings = self.drawer.render_settings(values, seed_mode)
        if len(plan.strengths) == len(canvas.regions):
            settings = replace(settings, region_strengths=plan.strengths)
        return Job(code, canvas, settings, int(images))

    def _previous(self, session: str, chosen: str) -> Previous | None:
        """The picture shown and the canvas it was painted from, for a render that keeps what has not changed."""
        render = self.gallery.render_of(session, chosen)
        canvas = read_program(render.code).canvas if render else None
        if render is None or canvas is None:
            return None
        return Previous(canvas, (read_pixels(render.picture),), style_of(render.settings))

    def _stepped(self, report: Step, label: str) -> Update:
        left = report.seconds / report.step * (report.steps - report.step)
        figures = f"{report.seconds:.0f} s, about {left:.0f} s left" if report.step > 1 else ""
        bar = self._bar(f"{label}step {report.step} of {report.steps}", report.step / report.steps, True, figures)
        return bar if report.preview is None else {**bar, self.gallery.picture: report.preview}

    def _finished(
        self, session: str, job: Job, settings: RenderSettings, image: Image.Image, notes: Sequence[str]
    ) -> Update:
        """Saves the picture, its record and its turn in the chat; then shows all three."""
        model, told = self.engine.sdxl_entry.name, [*dict.fromkeys(notes)]
        try:
            png = png_bytes(image, job.canvas, settings, code=job.code, model=model, notes=told)
            self.gallery.keep(session, job.code, settings, png)
        except StorageError as error:
            gr.Warning(html.escape(f"{error} The picture is shown, but it is not kept."))
            return {**self._bar("done, not kept", 1, going=True), self.gallery.picture: image}
        chat = self.chats.open(session)
        return {
            **self._bar("done", 1, going=True),
            **self.show(session),
            **self.plan.frame(session, chat, (settings.width, settings.height)),
            self.plan.chatbot: bubbles(chat.turns),
            # The first seed of the batch, so that a kept seed stays the same from one press to the next.
            self.drawer.seed: job.settings.seed,
        }

    def _bar(self, text: str, share: float, going: bool, figures: str = "") -> Update:
        return {
            self.progress: {"text": text, "share": share, "figures": figures},
            self.render_button: gr.update(interactive=not going),
            self.stop_button: gr.update(interactive=going),
        }

    def halt(self, session: str, request: gr.Request) -> Update:
        """Stops at the next step. The picture before stays; batch pictures that are done are kept."""
        self.runs.stop((str(request.session_hash), "render"), STOP_WAIT_S)
        return {**self._bar("stopped", 0, going=False), **self.show(session)}


def _strict(code: str) -> Canvas:
    reading = read_canvas(code, strict=True)
    if reading.canvas is None:
        first = reading.notes[0] if reading.notes else None
        raise SettingsError(
            f"The code cannot be read: line {first.line}: {first.message}" if first else "The code cannot be read."
        )
    return reading.canvas
