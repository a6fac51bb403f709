"""The picture column: asks for renders, shows how far they are, stops them. The work is a job's (work.py); finished
pictures are the gallery's.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr
from PIL import Image

from lib_omost.canvas import Canvas, read_canvas, read_program
from lib_omost.errors import OmostError, SettingsError
from lib_omost.renderer import RenderSettings
from lib_omost.runtime import Engine
from lib_omost.runtime.job import Job
from lib_omost.runtime.jobs import Jobs
from lib_omost.studio.cards import FILE_ROUTE
from lib_omost.studio.conversation import Chats
from lib_omost.studio.page.events import QUIET, UNCHANGED, WATCHING, Update, View
from lib_omost.studio.page.gallery import Gallery
from lib_omost.studio.page.html_widgets import choices, progress_bar
from lib_omost.studio.page.plan_column import PlanColumn
from lib_omost.studio.page.settings_panel import SettingsPanel
from lib_omost.studio.plan import Plan
from lib_omost.studio.runs import Runs
from lib_omost.studio.sentences import counted, doing, sentence
from lib_omost.studio.store.pictures import Pictures
from lib_omost.studio.store.sessions import Data, Render
from lib_omost.studio.work import RENDER, Painting, render_request

STOP_WAIT_S = 5.0
VARIATIONS = 4
CANNOT_KEEP = "done, not kept"


class PictureColumn:
    """Widgets and events of a render. `outputs` are the gallery's, filled by `show`."""

    def __init__(
        self,
        engine: Engine,
        chats: Chats,
        jobs: Jobs,
        runs: Runs,
        session: gr.Textbox,
        pictures: Pictures,
        plan: PlanColumn,
        drawer: SettingsPanel,
        view: View,
        auto: bool = False,
    ) -> None:
        self.engine, self.chats, self.jobs, self.runs, self.session = engine, chats, jobs, runs, session
        self.plan, self.drawer = plan, drawer
        self._asking = threading.Lock()  # held while it is decided which of two changes is the newer one
        self._given_up: set[str] = set()  # renders of older changes, on their way to their end
        with gr.Row(elem_id="render-row"):
            for widget in drawer.bar:
                widget.render()
            words = "Paints a new plan, and each change of it, at once; what did not change is kept where it can be."
            self.auto = gr.Checkbox(auto, label="Auto", info=words, interactive=True, elem_id="auto")
            self.render_button = gr.Button("Render", variant="primary", scale=3, min_width=120, elem_id="render")
            self.stop_button = gr.Button(
                "Stop", variant="stop", scale=1, min_width=80, elem_id="stop-render", interactive=False
            )
        self.again_button = gr.Button("Run again", size="sm", visible=False, elem_id="run-again")
        self.keep = gr.Checkbox(
            False, label="Keep the rest: paint only what changed since this picture", container=False,
            elem_id="keep",
        )  # fmt: skip
        self.progress = progress_bar(elem_id="progress")
        self.choices = choices(elem_id="choices")
        self.gallery = Gallery(chats, session, pictures, drawer, view)
        self.outputs, self.show = self.gallery.outputs, self.gallery.show
        self.bar = [self.progress, self.stop_button, self.again_button, self.choices]
        self.shown = [*self.bar, *self.outputs, *plan.chat, drawer.seed]
        how = {self.keep, self.gallery.chosen, drawer.images, drawer.seed_mode}
        asked = {plan.plan, plan.code, *how, *drawer.render, session}
        click = self.render_button.click(self.wait, None, self.bar, **QUIET)
        click.then(self.paint, asked, self.shown, **WATCHING)
        plan.editor.live(self.paint_live, asked, self.shown, **WATCHING)
        plan.editor.vary(self.vary, asked, self.shown, **WATCHING)
        self.choices.choose(self.choose, session, [self.choices, *self.outputs], **QUIET)
        again = self.again_button.click(self.wait, None, self.bar, **QUIET)
        again.then(self.go_on, {session}, self.shown, **WATCHING)
        self.stop_button.click(self.halt, session, [*self.bar, *self.outputs], **QUIET)

    def at_rest(self, session: str) -> Update:
        """The pictures of a session, and nothing of how a render of another one ended."""
        return {**self._bar("", 0, going=False), **self.show(session)}

    def wire(self, opened: Sequence[gr.events.Dependency]) -> None:
        """Whoever opens a session sees what is painted in it."""
        for event in opened:
            event.then(self.follow, {self.session}, self.shown, **WATCHING)

    def paint(self, given: Update, request: gr.Request) -> Iterator[Update]:
        """Asks for the plan to be painted as the code pane has it, and shows what comes of it. It is painted whoever
        looks.
        """
        try:
            job = self.submit(given)
        except OmostError as error:
            yield self._bar(sentence(error), 0, going=bool(self._renders(given[self.session])))
            return  # whoever watches the renders before in this tab goes on
        yield from self._following(given, request, job)

    def paint_live(self, given: Update, request: gr.Request) -> Iterator[Update]:
        """The same of a plan that has just changed, where that is not painted yet, or about to be; it cancels the
        render of an older change.
        """
        session = given[self.session]
        plan, renders = self.plan.known(session, given[self.plan.plan]), self.gallery.renders(session)
        if not self._live(session) and renders and _same(renders[0].code, renders[0].settings, plan):
            yield UNCHANGED
            return
        try:
            job = self._instead(given, plan, str(request.session_hash))
        except OmostError as error:
            yield self._bar(sentence(error), 0, going=bool(self._renders(session)))
            return
        if job is None:
            yield UNCHANGED
        else:
            yield from self._following(given, request, job)

    def vary(self, given: Update, request: gr.Request, event: gr.EventData) -> Iterator[Update]:
        """One region painted `VARIATIONS` times with the rest of the large picture kept, to choose one of."""
        session, name = given[self.session], event._data.get("id")
        plan = self.plan.known(session, given[self.plan.plan])
        try:
            if name not in plan.ids:
                raise SettingsError("This region is not there any more. Choose another one.")
            job = self.submit(given, live=True, vary=plan.ids.index(name))
        except OmostError as error:
            yield self._bar(sentence(error), 0, going=bool(self._renders(session)))
            return
        yield from self._following(given, request, job)

    def choose(self, session: str, event: gr.EventData) -> Update:
        """One of the variations, or the picture before them, is the large one; the next change is painted from it."""
        return {self.choices: {}, **self.show(session, str(event._data.get("id", "")))}

    def _instead(self, given: Update, plan: Plan, tab: str) -> Job | None:
        """A render of this plan in the place of those of older changes; the one that is at it already, where another
        tab asked; None where somebody newer asks by the time that the older ones have stopped.
        """
        with self.runs.run((tab, "live")) as newer:
            with self._asking:
                older = self._live(given[self.session])
            for job in older:
                if _same(job.request["code"], job.request["settings"], plan) and job.id not in self._given_up:
                    return job
            self.runs.stop((tab, "render"))  # what is seen of them in this tab ends now
            self._given_up = {job.id for job in older}
            for job in older:
                self.jobs.cancel(job.id, STOP_WAIT_S)
            with self._asking:
                return None if newer.is_set() else self.submit(given, live=True)

    def _live(self, session: str) -> list[Job]:
        return [job for job in self._renders(session) if job.request.get("live")]

    def submit(self, given: Update, live: bool = False, vary: int | None = None) -> Job:
        """`live`: what a change asks for; `vary`: the region to be painted in variations. Raises SettingsError,
        CanvasError, BusyError or StorageError.
        """
        session, drawer = given[self.session], self.drawer
        values = tuple(given[widget] for widget in drawer.render)
        plan = self.plan.known(session, given[self.plan.plan])
        code = plan.code if live else given[self.plan.code]  # what is typed there is nothing yet until it is applied
        settings = self._settings(plan, code, given[drawer.seed_mode], values)
        settings = replace(settings, images=1 if live else int(given[drawer.images]))
        turns, sessions = self.chats.open(session).turns, self.chats.sessions
        kept = self._kept(session, given[self.gallery.chosen], code, settings) if live else None
        if vary is not None:
            if kept is None:
                raise SettingsError("The picture has another shape, style or plan. Press Render, then vary a region.")
            settings = replace(settings, seed=secrets.randbelow(2**32), images=VARIATIONS)
        elif kept is not None:  # what is painted anew looks as the rest does
            settings = replace(settings, seed=kept.settings.get("seed", settings.seed))
        keep = kept.id if kept else given[self.gallery.chosen] if given[self.keep] else ""
        order = render_request(code, settings, keep=keep, after=turns[-1].id if turns else "", live=live, vary=vary)
        job = self.jobs.submit(sessions.owner(session), RENDER, order, session=session)
        for older in self._interrupted(session):  # who asks for something else wants no more of it
            self.jobs.dismiss(older.id)
        return job

    def _kept(self, session: str, chosen: str, code: str, settings: RenderSettings) -> Render | None:
        """The picture of which a change keeps the rest: the large one, where it has this shape and something of this
        plan.
        """
        render = self.gallery.render_of(session, chosen)
        before, after = read_program(render.code).canvas if render else None, read_program(code).canvas
        if render is None or before is None or after is None:
            return None
        if any(render.settings.get(name) != getattr(settings, name) for name in ("width", "height", "style")):
            return None
        same_whole = replace(before, regions=(), locked=False) == replace(after, regions=(), locked=False)
        return render if same_whole or any(region in before.regions for region in after.regions) else None

    def go_on(self, given: Update, request: gr.Request) -> Iterator[Update]:
        """What was interrupted is run again."""
        try:
            for job in self._interrupted(given[self.session]):
                self.jobs.again(job.id)
        except OmostError as error:
            yield self._bar(sentence(error), 0, going=False)
            return
        yield from self.follow(given, request)

    def follow(self, given: Update, request: gr.Request) -> Iterator[Update]:
        """Shows the session's renders until the last one has ended; what was interrupted is offered again. The newest
        one who follows in a tab is the only one.
        """
        yield UNCHANGED  # a generator that yields nothing would empty all the widgets
        yield from self._following(given, request)
        if interrupted := self._interrupted(given[self.session]):
            progress = interrupted[-1].progress
            at = f" at step {progress['step']} of {progress['steps']}" if "step" in progress else ""
            again = {self.again_button: gr.update(visible=True)}
            yield {**self._bar(f"interrupted{at}", 0, going=False), **again}

    def _following(self, given: Update, request: gr.Request, first: Job | None = None) -> Iterator[Update]:
        session = given[self.session]

        def watched(job: Job, newer: threading.Event) -> Iterator[Update]:
            return self._watched(job, session, newer)

        yield from self.runs.follow(
            (str(request.session_hash), "render"), lambda: self._renders(session), watched, first
        )

    def _watched(self, job: Job, session: str, newer: threading.Event) -> Iterator[Update]:
        """One render until it ends, or until somebody `newer` watches. The last picture and the end come in one update:
        of two in one breath a browser may show the second alone.
        """
        done, previews, now = 0, 0, None
        yield self._bar(self._waiting(0), 0, going=True)
        for seen in self.jobs.watch(job.id):
            if newer.is_set():
                return
            now = seen.report
            if not seen.job.active:
                break
            if now is None:
                yield self._line(self._waiting(seen.ahead), 0)
                continue
            if now.done >= now.pictures:
                continue
            update = self._stepped(now, len(self._renders(session)) - 1)
            if now.done > done:
                update |= self._finished(session, seen.job, now.unkept)
            elif now.previews > previews:
                update |= {self.gallery.picture: now.preview}
            done, previews = now.done, now.previews
            yield update
        ended, unkept = seen.job.progress.get("done", 0), None if now is None else now.unkept
        last = self._finished(session, seen.job, unkept) if ended > done else {}
        stopped = self.show(session) if seen.job.state == "cancelled" else {}
        yield {**stopped, **last, **self._told(seen.job)}

    def _renders(self, session: str) -> list[Job]:
        return [job for job in self.jobs.active(session) if job.what == RENDER]

    def _interrupted(self, session: str) -> list[Job]:
        return [job for job in self.jobs.of(session) if (job.what, job.state) == (RENDER, "interrupted")]

    def wait(self) -> Update:
        return self._bar(self._waiting(self.engine.waiting), 0, going=True)

    def _waiting(self, ahead: int) -> str:
        if ahead:
            return f"waiting for the device, {counted(ahead, 'run')} before yours…"
        return doing(self.engine.status) if self.engine.status else "starting…"

    def _settings(self, plan: Plan, code: str, seed_mode: str, values: tuple[Any, ...]) -> RenderSettings:
        """Raises SettingsError or CanvasError. The code is a client's text: strictly read, or refused."""
        if not (code or "").strip():
            raise SettingsError("There is no plan yet. Describe a picture in the chat, or draw a box.")
        reading = read_program(code)
        canvas = reading.canvas if reading.canvas and code == plan.code else _strict(code)
        settings = self.drawer.render_settings(values, seed_mode)
        if len(plan.strengths) == len(canvas.regions):
            settings = replace(settings, region_strengths=plan.strengths)
        return settings

    def _stepped(self, now: Painting, more: int) -> Update:
        step = now.step
        if step is None:
            return self._line(self._waiting(now.ahead), 0)
        left = step.seconds / step.step * (step.steps - step.step)
        figures = [f"{step.seconds:.0f} s, about {left:.0f} s left"] if step.step > 1 else []
        figures += [f"{more} more queued"] if more else []
        label = f"picture {now.picture} of {now.pictures}, " if now.pictures > 1 else ""
        share, text = step.step / step.steps, f"{label}step {step.step} of {step.steps}"
        return self._line(text, share, " · ".join(figures))

    def _finished(self, session: str, job: Job, unkept: Image.Image | None) -> Update:
        """A picture that is done, its record and its turn in the chat."""
        if unkept is not None:
            return {**self._bar(CANNOT_KEEP, 1, going=True), self.gallery.picture: unkept}
        chat, settings = self.chats.open(session), job.request["settings"]
        size = (settings["width"], settings["height"])
        return {
            **self._bar("done", 1, going=True),
            **self.show(session, job.request["keep"] if job.request.get("vary") is not None else ""),
            **self.plan.said(session, chat.turns, size),
            # The first seed of the batch, so that a kept seed stays the same from one press to the next.
            self.drawer.seed: settings["seed"],
        }

    def _told(self, job: Job) -> Update:
        """How a render ended."""
        done = job.progress.get("done", 0)
        text = {
            "done": f"{counted(done, 'picture')} done",
            "failed": job.result.get("error", ""),
            "cancelled": "stopped",
            "interrupted": "interrupted",
        }[job.state]
        notes = [*job.progress.get("notes", []), *filter(None, [self.gallery.disk_words])]
        text = " ".join([f"{text.removesuffix('.')}.", *notes]) if notes else text
        told = self._bar(text, 1 if job.state == "done" else 0, going=False)
        return {**told, self.choices: self._variations(job)} if job.request.get("vary") is not None else told

    def _variations(self, job: Job) -> Data:
        """What there is to choose from once a region was varied."""
        files = [str(file) for file in job.progress.get("files", ())]
        ids = {render.picture: render.id for render in self.gallery.renders(job.session)}
        pictures = [{"id": ids[file], "source": FILE_ROUTE + file} for file in files if file in ids]
        canvas = read_program(job.request["code"]).canvas
        region = canvas.regions[job.request["vary"]] if canvas else None
        name = (region.name or region.description) if region else "this region"
        return {"title": f"Which one of “{name}”?", "before": job.request["keep"], "pictures": pictures}

    def _line(self, text: str, share: float, figures: str = "") -> Update:
        return {self.progress: {"text": text, "share": share, "figures": figures}}

    def _bar(self, text: str, share: float, going: bool) -> Update:
        """The line and the buttons, where they change: gradio lays the whole page out anew for each update of a button
        that is not there.
        """
        buttons = {self.stop_button: gr.update(interactive=going), self.again_button: gr.update(visible=False)}
        return {**self._line(text, share), **buttons, self.choices: {}}

    def halt(self, session: str) -> Update:
        """Stops what is painted at the next step, or else all that waits. The picture before stays; batch pictures that
        are done are kept.
        """
        renders = self._renders(session)
        running = [job for job in renders if job.state == "running"]
        for job in running or renders:
            self.jobs.cancel(job.id, STOP_WAIT_S)
        more = self._renders(session)
        return {**self._bar("stopped", 0, going=bool(more)), **self.show(session)}


def _same(code: str, settings: Data, plan: Plan) -> bool:
    """Whether this was painted, or will be, from just this plan."""
    return code == plan.code and tuple(settings.get("region_strengths", ())) == plan.strengths


def _strict(code: str) -> Canvas:
    reading = read_canvas(code, strict=True)
    if reading.canvas is None:
        first = reading.notes[0] if reading.notes else None
        raise SettingsError(
            f"The code cannot be read: line {first.line}: {first.message}" if first else "The code cannot be read."
        )
    return reading.canvas
