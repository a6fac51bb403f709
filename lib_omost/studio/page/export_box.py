"""The plan and the large picture as files: for other programs, and as pictures that carry their plan. What is in each
file is exports.py's and photos.py's business.
"""

from __future__ import annotations

import html
import re
import secrets
from functools import partial
from pathlib import Path

import gradio as gr

from lib_omost.canvas import Canvas
from lib_omost.errors import OmostError, SettingsError
from lib_omost.studio import exports
from lib_omost.studio.conversation import Chats
from lib_omost.studio.listing import plan_name
from lib_omost.studio.page.events import QUIET, TOASTING, Update
from lib_omost.studio.page.gallery import Gallery
from lib_omost.studio.page.sessions_column import DOWNLOAD
from lib_omost.studio.store.images import Saved
from lib_omost.studio.store.photos import photo_bytes, read_photo, read_picture

#: what is exported -> (the button's words, how the file's name ends)
PLANS = {
    "comfy": ("ComfyUI JSON", "comfyui.json"),
    "flux": ("FLUX 3 prompt", "flux.txt"),
    "svg": ("Layout SVG", "layout.svg"),
    exports.MASKS: ("Masks", "masks.zip"),
    "json": ("Canvas JSON", "canvas.json"),
}
PICTURES = {"png": ("PNG", "png"), "jpeg": ("JPEG", "jpg"), "webp": ("WebP", "webp")}
NAME_LENGTH = 40


class ExportBox:
    """Buttons, a file each. Their events need the session and which picture of the `gallery` is the large one."""

    def __init__(self, chats: Chats, session: gr.Textbox, gallery: Gallery, size: list[gr.Number]) -> None:
        self.chats, self.gallery = chats, gallery
        self.file = gr.File(visible="hidden", elem_id="export-file")
        with gr.Accordion("Export", open=False, elem_id="export-box"):
            gr.Markdown("The plan, for other programs")
            buttons = self._row(PLANS)
            gr.Markdown("The picture, its plan inside: dropped on this page, it opens again")
            buttons |= self._row(PICTURES)
        for kind, button in buttons.items():
            asked = [session, gallery.chosen, *size]
            made = button.click(partial(self.made, kind), asked, self.file, **TOASTING)
            made.success(None, self.file, None, js=DOWNLOAD, **QUIET)

    def _row(self, kinds: dict[str, tuple[str, str]]) -> dict[str, gr.Button]:
        with gr.Row(elem_classes="export-row"):
            return {
                kind: gr.Button(words, size="sm", min_width=60, elem_id=f"export-{kind}")
                for kind, (words, _) in kinds.items()
            }

    def made(self, kind: str, session: str, chosen: str, width: int, height: int) -> Update:
        """The file, in a folder that nobody guesses, which gradio empties in time."""
        try:
            canvas, data, ending = self._content(kind, session, chosen, (int(width), int(height)))
            plain = re.sub(r"[^\w-]+", "-", plan_name(canvas))[:NAME_LENGTH].strip("-") or "plan"
            joint = "." if kind in PICTURES else "-"
            folder = Path(self.file.GRADIO_CACHE) / secrets.token_hex(16)
            return {self.file: str(exports.write(folder / f"omost-{plain}{joint}{ending}", data))}
        except OmostError as error:
            gr.Warning(html.escape(str(error)))
            return {self.file: None}

    def _content(self, kind: str, session: str, chosen: str, size: exports.Size) -> tuple[Canvas, bytes, str]:
        """What the file is about, what is in it, and how its name ends. Raises OmostError's kinds."""
        if kind in PICTURES:
            of, data = self._picture(kind, session, chosen)
            return of.canvas, data, PICTURES[kind][1]
        newest = self.chats.open(session).newest
        canvas = None if newest is None else newest.reading.canvas
        if canvas is None:
            raise SettingsError("There is no plan to export yet. Describe a picture in the chat, or draw a box.")
        text = exports.TEXTS.get(kind)
        data = exports.masks_zip(canvas, size) if text is None else f"{text(canvas, size)}\n".encode()
        return canvas, data, PLANS[kind][1]

    def _picture(self, kind: str, session: str, chosen: str) -> tuple[Saved, bytes]:
        render = self.gallery.render_of(session, chosen)
        if render is None:
            raise SettingsError("There is no picture to export yet. Press Render, or choose one of the small ones.")
        of = read_picture(render.picture)
        if kind == "png":
            return of, Path(render.picture).read_bytes()
        return of, photo_bytes(read_photo(render.picture), of, "jpeg" if kind == "jpeg" else "webp")
