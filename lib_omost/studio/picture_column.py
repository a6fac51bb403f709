"""The picture column: render with progress and stop, the gallery, what to do again with a picture. Keeps every
picture before showing it.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from lib_omost.canvas import Canvas, read_canvas
from lib_omost.errors import OmostError, SettingsError, StorageError
from lib_omost.renderer import Previous, RenderSettings
from lib_omost.runtime import Engine
from lib_omost.studio import turns as chat
from lib_omost.studio.drawer import Drawer
from lib_omost.studio.images import read_png, save_png
from lib_omost.studio.plan import Plan, plan_of, read_program
from lib_omost.studio.plan_column import PlanColumn
from lib_omost.studio.presets import styled
from lib_omost.studio.region_editor import progress_bar
from lib_omost.studio.rendering import Step, render_steps
from lib_omost.studio.runs import Runs
from lib_omost.studio.sessions import Render, Sessions, Turn
from lib_omost.studio.words import sentence

log = logging.getLogger(__name__)

STOP_WAIT_S = 5.0
QUIET: dict[str, Any] = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
HEAVY: dict[str, Any] = {"api_visibility": "private", "concurrency_id": "device", "concurrency_limit": 1}


@dataclass(frozen=True, slots=True)
class Job:
    """What one press of Render asks for."""

    code: str
    canvas: Canvas
    settings: RenderSettings
    images: int


class PictureColumn:
    """Widgets and events around the picture. `outputs`: picture, gallery, comparison, filled by `show`."""

    def __init__(self, engine: Engine, sessions: Sessions, runs: Runs, session: gr.State, folder: Path) -> None:
        self.engine, self.sessions, self.runs, self.session, self.folder = engine, sessions, runs, session, folder
        with gr.Row(elem_id="render-row"):
            self.render_button = gr.Button("Render", variant="primary", scale=3, min_width=120, elem_id="render")
            self.stop_button = gr.Button(
                "Stop", variant="stop", scale=1, min_width=80, elem_id="stop-render", interactive=False
            )
        self.progress = progress_bar(elem_id="progress")
        self.picture = gr.Image(
            label="Picture",
            show_label=False,
            interactive=False,
            type="filepath",
            format="jpeg",
            buttons=["download", "fullscreen"],
            elem_id="picture",
        )
        self.gallery = gr.Gallery(
            label="Pictures of this session",
            show_label=False,
            columns=5,
            fit_columns=False,
            visible=False,
            height="auto",
            object_fit="cover",
            allow_preview=False,
            interactive=False,
            buttons=[],
            elem_id="gallery",
        )
        self.keep = gr.Checkbox(
            False,
            label="Keep the rest",
            info="Paint only the boxes that changed since the picture above.",
            elem_id="keep",
        )
        with gr.Row(elem_id="again"):
            self.use_settings = gr.Button("Use its settings", size="sm", min_width=100, elem_id="use-settings")
            self.use_plan = gr.Button("Use its plan", size="sm", min_width=100, elem_id="use-plan")
        with gr.Accordion("Compare with the picture before", open=False, elem_id="compare-box"):
            self.compare = gr.ImageSlider(
                show_label=False, interactive=False, elem_id="compare", type="filepath", buttons=[]
            )
        with gr.Accordion("Open a picture made here", open=False, elem_id="open-box"):
            self.dropped = gr.File(
                label="Drop a PNG: its plan and settings come back", file_types=[".png"], elem_id="drop"
            )
        self.chosen = gr.State("")
        self.outputs = [self.picture, self.gallery, self.compare, self.chosen]

    def wire(self, plan: PlanColumn, drawer: Drawer, chatbot: gr.Chatbot, view_outputs: list[Any], view: Any) -> None:
        self.plan, self.drawer, self.view = plan, drawer, view
        bar = [self.progress, self.render_button, self.stop_button]
        choices = [self.keep, self.chosen, drawer.images, drawer.seed_mode, drawer.style]
        asked = [self.session, plan.plan, plan.code, *choices, *drawer.render]
        shown = [*bar, *self.outputs, chatbot, plan.editor, drawer.seed]
        click = self.render_button.click(self.wait, None, bar, **QUIET)
        run = click.then(self.paint, asked, shown, show_progress="hidden", **HEAVY)
        self.stop_button.click(self.halt, [self.session], [*bar, *self.outputs], cancels=[run], **QUIET)
        self.gallery.select(self.choose, [self.session], [*self.outputs], **QUIET)
        self.use_settings.click(
            self.settings_again, [self.session, self.chosen], [*drawer.render, drawer.seed_mode], **QUIET
        )
        self.use_plan.click(self.plan_again, [self.session, self.chosen, *drawer.size], view_outputs, **QUIET)
        dropped = [*view_outputs, *self.outputs, *drawer.render, self.dropped]
        self.dropped.upload(self.restore, [self.session, self.dropped, *drawer.size], dropped, **QUIET)

    # ---- the run
    # ---------------------------------------------------------------------------------------------------------

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
        keep = [gr.skip()] * (len(self.outputs) + 3)
        with self.runs.run((str(request.session_hash), "render")) as stop:
            try:
                job = self._job(plan, code, images, seed_mode, style, values)
                previous = self._previous(session, chosen, style) if keep_rest else None
                for number in range(job.images):
                    settings = replace(job.settings, seed=job.settings.seed + number)
                    label = f"picture {number + 1} of {job.images}, " if job.images > 1 else ""
                    for report in render_steps(partial(self.engine.render, job.canvas, settings, keep=previous), stop):
                        if isinstance(report, Step):
                            yield self._stepped(report, label, keep)
                        else:
                            done += 1
                            notes |= dict.fromkeys(self.engine.render_notes)
                            yield self._finished(session, job, settings, report[0])
            except Exception as error:
                failure = sentence(error)
            finally:
                stopped = stop.is_set() and not failure
        text = failure or ("stopped" if stopped and done < images else f"{done} picture{'s' * (done != 1)} done")
        text = " ".join([f"{text}.", *notes]) if notes else text
        yield (*self._bar(text, 0 if failure or not done else 1, going=False), *keep)

    def wait(self) -> tuple[Any, ...]:
        ahead = self.engine.waiting
        return self._bar(f"waiting for the device, {ahead} before you…" if ahead else "starting…", 0, going=True)

    def _job(self, plan: Plan, code: str, images: int, seed_mode: str, style: str, values: tuple[Any, ...]) -> Job:
        """Raises SettingsError or CanvasError. The code is a client's text: strictly read, or refused."""
        if not (code or "").strip():
            raise SettingsError("There is no plan yet. Describe a picture in the chat, or draw a box.")
        reading = read_program(code)
        canvas = reading.canvas if reading.canvas and code == plan.code else _strict(code)
        settings = self.drawer.render_settings(values, seed_mode)
        return Job(code, styled(canvas, style), settings, int(images))

    def _previous(self, session: str, chosen: str, style: str) -> Previous | None:
        """The picture shown and its canvas, for a render that keeps what has not changed."""
        render = self._render_of(session, chosen)
        canvas = read_program(render.code).canvas if render else None
        if render is None or canvas is None:
            return None
        with Image.open(render.picture) as image:
            return Previous(styled(canvas, style), (image.convert("RGB"),))

    def _stepped(self, report: Step, label: str, keep: list[Any]) -> tuple[Any, ...]:
        left = report.seconds / report.step * (report.steps - report.step)
        figures = f"{report.seconds:.0f} s, about {left:.0f} s left" if report.step > 1 else ""
        bar = self._bar(f"{label}step {report.step} of {report.steps}", report.step / report.steps, True, figures)
        preview = gr.skip() if report.preview is None else report.preview
        return (*bar, preview, *keep[1:])

    def _finished(self, session: str, job: Job, settings: RenderSettings, image: Image.Image) -> tuple[Any, ...]:
        """Saves the picture, its record and its turn in the chat; then shows all three."""
        path = self.folder / f"{time.strftime('%Y-%m-%d')}-{secrets.token_hex(16)}.png"
        try:
            save_png(image, path, job.canvas, settings, code=job.code, model=self.engine.sdxl_entry.name)
        except StorageError as error:
            gr.Warning(f"{error} The picture is shown, but it is not kept.")
            return (*self._bar("done, not kept", 1, going=True), image, *[gr.skip()] * (len(self.outputs) + 2))
        self.sessions.add_render(session, job.code, asdict(settings), str(path))
        turns = (*self.sessions.turns(session), Turn("assistant", "", str(path)))
        self.sessions.set_turns(session, turns)
        under = gr.skip()
        plan = self._current(session)
        if plan.code:
            under = self.plan.show(session, turns, (settings.width, settings.height))[0] | {"fresh": False}
        bar = self._bar("done", 1, going=True)
        return (*bar, *self.show(session), chat.bubbles(turns), under, settings.seed)

    def _current(self, session: str) -> Plan:
        found = chat.last_reading(self.sessions.turns(session))
        return plan_of(found[1]) if found else Plan()

    def _bar(self, text: str, share: float, going: bool, figures: str = "") -> tuple[Any, ...]:
        value = {"text": text, "share": share, "figures": figures}
        return value, gr.update(interactive=not going), gr.update(interactive=going)

    def halt(self, session: str, request: gr.Request) -> tuple[Any, ...]:
        """Stops at the next step. The picture before stays; batch pictures that are done are kept."""
        self.runs.stop((str(request.session_hash), "render"), STOP_WAIT_S)
        return (*self._bar("stopped", 0, going=False), *self.show(session))

    # ---- the gallery
    # -----------------------------------------------------------------------------------------------------

    def show(self, session: str, chosen: str = "") -> tuple[Any, ...]:
        """The gallery of a session with one picture large: the chosen one, else the newest."""
        renders = [render for render in self.sessions.renders(session) if Path(render.picture).is_file()]
        large = next((index for index, render in enumerate(renders) if render.id == chosen), 0)
        gallery = [(render.picture, f"seed {render.settings.get('seed')}") for render in renders]
        if not renders:
            return None, gr.update(value=[], visible=False), None, ""
        pair = (renders[large + 1].picture, renders[large].picture) if large + 1 < len(renders) else None
        return renders[large].picture, gr.update(value=gallery, visible=True), pair, renders[large].id

    def choose(self, session: str, event: gr.SelectData) -> tuple[Any, ...]:
        renders = [render for render in self.sessions.renders(session) if Path(render.picture).is_file()]
        return self.show(session, renders[int(event.index)].id if int(event.index) < len(renders) else "")

    def _render_of(self, session: str, chosen: str) -> Render | None:
        return next((render for render in self.sessions.renders(session) if render.id == chosen), None)

    def settings_again(self, session: str, chosen: str) -> list[Any]:
        render = self._render_of(session, chosen)
        if render is None:
            gr.Info("There is no picture yet.")
            return [gr.skip()] * (len(self.drawer.render) + 1)
        values = [render.settings.get(name, gr.skip()) for name in self.drawer.render_fields]
        return [*values, gr.skip()]

    def plan_again(self, session: str, chosen: str, width: int, height: int) -> tuple[Any, ...]:
        render = self._render_of(session, chosen)
        if render is not None:
            self.sessions.set_turns(session, chat.with_plan(self.sessions.turns(session), render.code, chat.AGAIN))
        return tuple(self.view(session, (width, height)))

    def restore(self, session: str, upload: str | None, width: int, height: int) -> tuple[Any, ...]:
        """A dropped PNG becomes a turn of the chat, its plan the plan, its settings the settings, the picture one of
        the session.
        """
        skip_settings = [gr.skip()] * len(self.drawer.render)
        try:
            if not upload:
                raise StorageError("no file came")
            saved = read_png(upload)
            settings = saved.settings
            path = self.folder / f"{time.strftime('%Y-%m-%d')}-{secrets.token_hex(16)}.png"
            with Image.open(upload, formats=["PNG"]) as image:
                save_png(image.convert("RGB"), path, saved.canvas, settings, code=saved.code, model=saved.model)
        except OmostError as error:
            gr.Warning(str(error))
            return (*self.view(session, (width, height)), *self.show(session), *skip_settings, None)
        turns = chat.with_plan(self.sessions.turns(session), saved.code, chat.RESTORED)
        self.sessions.set_turns(session, (*turns, Turn("assistant", "", str(path))))
        self.sessions.add_render(session, saved.code, asdict(settings), str(path))
        size = (settings.width, settings.height)
        return (*self.view(session, size), *self.show(session), *self.drawer.values_of(settings), None)


def _strict(code: str) -> Canvas:
    reading = read_canvas(code, strict=True)
    if reading.canvas is None:
        first = reading.notes[0] if reading.notes else None
        raise SettingsError(
            f"The code cannot be read: line {first.line}: {first.message}" if first else "The code cannot be read."
        )
    return reading.canvas
