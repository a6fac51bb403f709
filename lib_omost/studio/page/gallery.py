"""The pictures of a session: one large, all small, two compared; what to do again with one. Renders nothing."""

from __future__ import annotations

import html
from dataclasses import asdict
from functools import partial
from pathlib import Path

import gradio as gr

from lib_omost.errors import OmostError, StorageError
from lib_omost.renderer import RenderSettings
from lib_omost.studio.conversation import AGAIN, RESTORED, Chats
from lib_omost.studio.page.blocks import Picture
from lib_omost.studio.page.events import QUIET, TOASTING, UNCHANGED, Update, View
from lib_omost.studio.page.settings_panel import LOCKED, SettingsPanel
from lib_omost.studio.presets import style_of
from lib_omost.studio.store.images import Saved, new_path, png_bytes
from lib_omost.studio.store.photos import read_photo, read_picture
from lib_omost.studio.store.pictures import Pictures
from lib_omost.studio.store.sessions import Data, Render


class Gallery:
    """Widgets and events around finished pictures. `outputs` are filled by `show`; `chosen` is the large one's id."""

    def __init__(
        self, chats: Chats, session: gr.Textbox, pictures: Pictures, drawer: SettingsPanel, view: View
    ) -> None:
        self.chats, self.pictures, self.drawer, self.view = chats, pictures, drawer, view
        self.picture = Picture(
            label="Picture",
            show_label=False,
            interactive=False,
            type="filepath",
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
            # of any kind: what is none of ours is told, which gradio's own check of endings does not
            self.dropped = gr.File(label="A PNG, JPEG or WebP: its plan and settings come back", elem_id="drop")
        self.chosen = gr.Textbox("", visible="hidden", elem_id="chosen")
        compared = [self.pair, self.left, self.right, self.compare]
        self.outputs = [self.picture, self.small, self.again, *compared, self.chosen]
        self._wire(session)

    def _wire(self, session: gr.Textbox) -> None:
        drawer, view = self.drawer, self.view
        known, pair = [session, self.chosen], [self.left, self.right]
        restored = [*drawer.render, drawer.seed_mode]
        self.small.select(self.choose, [session], self.outputs, **QUIET)
        for side in pair:
            side.input(self.compared, [session, *pair], self.compare, **QUIET)
        self.use_seed.click(self.seed_again, known, restored, **TOASTING)
        self.use_settings.click(self.settings_again, known, restored, **TOASTING)
        self.use_plan.click(self.plan_again, [*known, *drawer.size], view.outputs, **TOASTING)
        shown = [*view.outputs, *self.outputs, *restored, self.dropped]
        self.dropped.upload(self.restore, [session, self.dropped, *drawer.size], shown, **TOASTING)

    def renders(self, session: str) -> list[Render]:
        """The session's pictures that are still on disk, the newest first."""
        return [render for render in self.chats.sessions.renders(session) if Path(render.picture).is_file()]

    def render_of(self, session: str, chosen: str) -> Render | None:
        return next((render for render in self.renders(session) if render.id == chosen), None)

    def show(self, session: str, chosen: str = "") -> Update:
        """The gallery of a session with one picture large: the chosen one, else the newest; and it beside the one
        before.
        """
        renders = self.renders(session)
        waits = None if chosen else self.pictures.waiting(session)
        if waits is not None:  # newer than all that are files, and shown without what is done with a file
            known = self.show(session, renders[0].id) if renders else self._empty()
            return {**known, self.picture: waits, self.again: gr.update(visible=False), self.chosen: ""}
        if not renders:
            return self._empty()
        large = next((index for index, render in enumerate(renders) if render.id == chosen), 0)
        names = [_name(len(renders) - index, render) for index, render in enumerate(renders)]
        small = [(render.picture, name) for render, name in zip(renders, names, strict=True)]
        choices = [(name, render.id) for render, name in zip(renders, names, strict=True)]
        left, right = renders[min(large + 1, len(renders) - 1)], renders[large]
        return {
            self.picture: renders[large].picture,
            self.small: gr.update(value=small, visible=True),
            self.again: gr.update(visible=True),
            self.pair: gr.update(visible=len(renders) > 1),
            self.left: gr.update(choices=choices, value=left.id),
            self.right: gr.update(choices=choices, value=right.id),
            self.compare: (left.picture, right.picture) if left is not right else None,
            self.chosen: renders[large].id,
        }

    def _empty(self) -> Update:
        return {
            self.picture: None,
            self.small: gr.update(value=[], visible=False),
            **dict.fromkeys((self.again, self.pair), gr.update(visible=False)),
            **dict.fromkeys((self.left, self.right), gr.update(choices=[], value=None)),
            self.compare: None,
            self.chosen: "",
        }

    def choose(self, session: str, event: gr.SelectData) -> Update:
        renders = self.renders(session)
        return self.show(session, renders[int(event.index)].id if int(event.index) < len(renders) else "")

    def compared(self, session: str, left: str | None, right: str | None) -> tuple[str, str] | None:
        """The two pictures that a person chose, side by side; nothing where one of them is gone."""
        one, other = self.render_of(session, left or ""), self.render_of(session, right or "")
        return (one.picture, other.picture) if one and other else None

    def seed_again(self, session: str, chosen: str) -> Update:
        render = self._asked_for(session, chosen)
        if render is None:
            return UNCHANGED
        known = {"cpu_noise": False, **render.settings}  # one that does not say it is from before there was a choice
        kept: Data = {name: known[name] for name in ("seed", "cpu_noise") if name in known}
        return {**self._restored(kept), self.drawer.seed_mode: LOCKED}

    def settings_again(self, session: str, chosen: str) -> Update:
        """Every setting of the picture, its seed kept, its style chosen."""
        render = self._asked_for(session, chosen)
        if render is None:
            return UNCHANGED
        # a picture from before there were presets had none
        known = {"few_steps": "", "cpu_noise": False, **render.settings, "style": style_of(render.settings)}
        return {**self._restored(known), self.drawer.seed_mode: LOCKED}

    def plan_again(self, session: str, chosen: str, width: int, height: int) -> Update:
        render = self._asked_for(session, chosen)
        if render is not None:
            self.chats.add_plan(session, render.code, AGAIN)
        return self.view.show(session, (width, height))

    def _restored(self, settings: Data) -> Update:
        """The settings that the drawer has widgets for."""
        return {widget: settings[name] for name, widget in self.drawer.render_fields.items() if name in settings}

    def _asked_for(self, session: str, chosen: str) -> Render | None:
        render = self.render_of(session, chosen)
        if render is None:
            gr.Warning("The file of this picture is no longer there. Choose another picture.")
        return render

    def new_path(self) -> Path:
        return new_path(self.pictures.folder)

    def keep(self, session: str, code: str, settings: RenderSettings, png: bytes) -> bool:
        """Writes a picture and notes it in the session and in its chat; False where it waits for room on the disk.
        Raises StorageError.
        """
        path = self.new_path()
        note = partial(self.chats.sessions.add_picture, session, code, asdict(settings), str(path))
        return self.pictures.keep(session, path, png, note)

    @property
    def disk_words(self) -> str:
        """What a person has to know about the disk: nothing most of the time."""
        return self.pictures.disk_words or self.chats.sessions.disk_words

    def restore(self, session: str, upload: str | None, width: int, height: int) -> Update:
        """A dropped picture becomes one of the session and a turn of the chat, its plan the plan, its settings the
        settings.
        """
        try:
            saved, png = _taken(upload)
            self.chats.add_plan(session, saved.code, RESTORED)
            self.keep(session, saved.code, saved.settings, png)
        except OmostError as error:
            gr.Warning(html.escape(str(error)))
            return {**self.view.show(session, (width, height)), **self.show(session), self.dropped: None}
        settings = saved.settings
        return {
            **self.view.show(session, (settings.width, settings.height)),
            **self.show(session),
            **dict(zip(self.drawer.render, self.drawer.values_of(settings), strict=True)),
            self.drawer.seed_mode: LOCKED,
            self.dropped: None,
        }


def _taken(upload: str | None) -> tuple[Saved, bytes]:
    """The upload as a picture of ours, written anew. Raises StorageError."""
    if not upload:
        raise StorageError("no file came")
    saved, pixels = read_picture(upload), read_photo(upload)
    extras: Data = {"code": saved.code, "model": saved.model, "notes": saved.notes}
    return saved, png_bytes(pixels, saved.canvas, saved.settings, **extras)


def _name(number: int, render: Render) -> str:
    return f"{number} · seed {render.settings.get('seed')}"
