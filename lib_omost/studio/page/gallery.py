"""The pictures of a session: one large, all small, two compared; what to do again with one. Renders nothing."""

from __future__ import annotations

import html
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from lib_omost.errors import OmostError, StorageError
from lib_omost.renderer import RenderSettings
from lib_omost.studio import conversation as chat
from lib_omost.studio.page.events import QUIET, TOASTING
from lib_omost.studio.page.settings_panel import LOCKED, SettingsPanel
from lib_omost.studio.presets import STYLES
from lib_omost.studio.store.images import Saved, read_png, save_png
from lib_omost.studio.store.sessions import Render, Sessions, Turn

STYLE = "style"  # kept beside a picture's settings: the style preset that was added to its words


class Gallery:
    """Widgets and events around finished pictures. `outputs` are filled by `show`; `chosen` is the large one's id."""

    def __init__(self, sessions: Sessions, session: gr.State, folder: Path) -> None:
        self.sessions, self.session, self.folder = sessions, session, folder
        self.picture = gr.Image(
            label="Picture",
            show_label=False,
            interactive=False,
            type="filepath",
            format="jpeg",
            buttons=["download", "fullscreen"],
            elem_id="picture",
        )
        with gr.Row(elem_id="again", visible=False) as self.again:
            self.use_seed = gr.Button("Reuse seed", size="sm", min_width=90, elem_id="use-seed")
            self.use_settings = gr.Button("Reuse settings", size="sm", min_width=100, elem_id="use-settings")
            self.use_plan = gr.Button("Reuse plan", size="sm", min_width=90, elem_id="use-plan")
        self.small = gr.Gallery(
            label="Pictures of this session",
            show_label=False,
            columns=4,
            fit_columns=False,
            visible=False,
            height="auto",
            object_fit="cover",
            allow_preview=False,
            interactive=False,
            buttons=[],
            elem_id="gallery",
        )
        with gr.Accordion("Compare two pictures", open=False, visible=False, elem_id="compare-box") as self.pair:
            with gr.Row():
                self.left = gr.Dropdown([], label="Left", min_width=120, elem_id="compare-left")
                self.right = gr.Dropdown([], label="Right", min_width=120, elem_id="compare-right")
            self.compare = gr.ImageSlider(
                show_label=False, interactive=False, elem_id="compare", type="filepath", buttons=["fullscreen"]
            )
        with gr.Accordion("Open a picture made here", open=False, elem_id="open-box"):
            self.dropped = gr.File(
                label="Drop a PNG: its plan and settings come back", file_types=[".png"], elem_id="drop"
            )
        self.chosen = gr.State("")
        compared = [self.pair, self.left, self.right, self.compare]
        self.outputs = [self.picture, self.small, self.again, *compared, self.chosen]

    def wire(self, drawer: SettingsPanel, view_outputs: list[Any], view: Callable[..., Any]) -> None:
        self.drawer, self.view = drawer, view
        known, pair = [self.session, self.chosen], [self.left, self.right]
        restored = [*drawer.render, drawer.seed_mode, drawer.style]
        self.small.select(self.choose, [self.session], self.outputs, **QUIET)
        for side in pair:
            side.input(self.compared, [self.session, *pair], self.compare, **QUIET)
        self.use_seed.click(self.seed_again, known, [drawer.seed, drawer.seed_mode], **TOASTING)
        self.use_settings.click(self.settings_again, known, restored, **TOASTING)
        self.use_plan.click(self.plan_again, [*known, *drawer.size], view_outputs, **TOASTING)
        shown = [*view_outputs, *self.outputs, *restored, self.dropped]
        self.dropped.upload(self.restore, [self.session, self.dropped, *drawer.size], shown, **TOASTING)

    def renders(self, session: str) -> list[Render]:
        """The session's pictures that are still on disk, the newest first."""
        return [render for render in self.sessions.renders(session) if Path(render.picture).is_file()]

    def render_of(self, session: str, chosen: str) -> Render | None:
        return next((render for render in self.renders(session) if render.id == chosen), None)

    def show(self, session: str, chosen: str = "") -> tuple[Any, ...]:
        """The gallery of a session with one picture large: the chosen one, else the newest; and it beside the one
        before.
        """
        renders = self.renders(session)
        if not renders:
            off = gr.update(visible=False)
            nothing = gr.update(choices=[], value=None)
            return None, gr.update(value=[], visible=False), off, off, nothing, nothing, None, ""
        large = next((index for index, render in enumerate(renders) if render.id == chosen), 0)
        names = [_name(len(renders) - index, render) for index, render in enumerate(renders)]
        small = [(render.picture, name) for render, name in zip(renders, names, strict=True)]
        choices = [(name, render.id) for render, name in zip(renders, names, strict=True)]
        left, right = renders[min(large + 1, len(renders) - 1)], renders[large]
        return (
            renders[large].picture,
            gr.update(value=small, visible=True),
            gr.update(visible=True),
            gr.update(visible=len(renders) > 1),
            gr.update(choices=choices, value=left.id),
            gr.update(choices=choices, value=right.id),
            (left.picture, right.picture) if left is not right else None,
            renders[large].id,
        )

    def choose(self, session: str, event: gr.SelectData) -> tuple[Any, ...]:
        renders = self.renders(session)
        return self.show(session, renders[int(event.index)].id if int(event.index) < len(renders) else "")

    def compared(self, session: str, left: str | None, right: str | None) -> tuple[str, str] | None:
        """The two pictures that a person chose, side by side; nothing where one of them is gone."""
        one, other = self.render_of(session, left or ""), self.render_of(session, right or "")
        return (one.picture, other.picture) if one and other else None

    def seed_again(self, session: str, chosen: str) -> tuple[Any, Any]:
        render = self._asked_for(session, chosen)
        return (render.settings.get("seed", gr.skip()), LOCKED) if render else (gr.skip(), gr.skip())

    def settings_again(self, session: str, chosen: str) -> list[Any]:
        """Every setting of the picture, its seed kept, its style chosen."""
        render = self._asked_for(session, chosen)
        if render is None:
            return [gr.skip()] * (len(self.drawer.render) + 2)
        known = {"few_steps": "", **render.settings}  # a picture from before there were presets had none
        values = [known.get(name, gr.skip()) for name in self.drawer.render_fields]
        return [*values, LOCKED, _style(render.settings.get(STYLE))]

    def plan_again(self, session: str, chosen: str, width: int, height: int) -> tuple[Any, ...]:
        render = self._asked_for(session, chosen)
        if render is not None:
            self.sessions.set_turns(session, chat.with_plan(self.sessions.turns(session), render.code, chat.AGAIN))
        return tuple(self.view(session, (width, height)))

    def _asked_for(self, session: str, chosen: str) -> Render | None:
        render = self.render_of(session, chosen)
        if render is None:
            gr.Warning("The file of this picture is no longer there. Choose another picture.")
        return render

    def new_path(self) -> Path:
        return self.folder / f"{time.strftime('%Y-%m-%d')}-{secrets.token_hex(16)}.png"

    def add(self, session: str, code: str, settings: RenderSettings, style: str, path: Path) -> tuple[Turn, ...]:
        """Notes a picture that is on disk in the session and in its chat; returns the turns."""
        self.sessions.add_render(session, code, {**asdict(settings), STYLE: style}, str(path))
        turns = (*self.sessions.turns(session), Turn("assistant", "", str(path)))
        self.sessions.set_turns(session, turns)
        return turns

    def restore(self, session: str, upload: str | None, width: int, height: int) -> tuple[Any, ...]:
        """A dropped PNG becomes a turn of the chat, its plan the plan, its settings the settings, the picture one of
        the session.
        """
        skipped = [gr.skip()] * (len(self.drawer.render) + 2)
        try:
            saved, path = self._taken(upload)
        except OmostError as error:
            gr.Warning(html.escape(str(error)))
            return (*self.view(session, (width, height)), *self.show(session), *skipped, None)
        settings = saved.settings
        self.sessions.set_turns(session, chat.with_plan(self.sessions.turns(session), saved.code, chat.RESTORED))
        self.add(session, saved.code, settings, saved.style, path)
        size = (settings.width, settings.height)
        restored = [*self.drawer.values_of(settings), LOCKED, _style(saved.style)]
        return (*self.view(session, size), *self.show(session), *restored, None)

    def _taken(self, upload: str | None) -> tuple[Saved, Path]:
        """The upload as a picture of ours, written anew. Raises StorageError."""
        if not upload:
            raise StorageError("no file came")
        saved = read_png(upload)
        with Image.open(upload, formats=["PNG"]) as image:
            pixels = image.convert("RGB")
        extras: dict[str, Any] = {"code": saved.code, "model": saved.model, "style": saved.style}
        return saved, save_png(pixels, self.new_path(), saved.canvas, saved.settings, **extras)


def _name(number: int, render: Render) -> str:
    return f"{number} · seed {render.settings.get('seed')}"


def _style(name: Any) -> Any:
    return name if name in STYLES else gr.skip()
