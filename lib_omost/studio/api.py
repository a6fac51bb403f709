"""The endpoints that scripts call: /chat, /read, /render, /compose_and_render. Texts are read as untrusted, settings
are checked.
"""

from __future__ import annotations

import html
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from lib_omost.canvas import Canvas, read_canvas, report
from lib_omost.composer import ComposeSettings
from lib_omost.errors import SettingsError
from lib_omost.renderer import RenderSettings, with_preset
from lib_omost.runtime import Engine
from lib_omost.studio.conversation import MAX_REPLY, MAX_TURNS, messages, said
from lib_omost.studio.limits import checked
from lib_omost.studio.sentences import sentence
from lib_omost.studio.store.images import save_png
from lib_omost.studio.store.sessions import Turn

YIELD_PAUSE_S = 0.1
HEAVY: dict[str, Any] = {"concurrency_id": "device", "concurrency_limit": 1}


def add(engine: Engine, folder: Path) -> None:
    """Adds the four endpoints to the page that is being built. Pictures go to `folder`."""

    def chat(  # type: ignore[misc]  # gradio wants the type of what is yielded
        message: str,
        history: list[dict[str, str]] | None = None,
        seed: int = 12345,
        temperature: float = 0.6,
        top_p: float = 0.9,
        max_new_tokens: int = 4096,
    ) -> str:
        """Writes a canvas program for a message; yields the growing reply.

        Args:
            message: What the picture should show, or what to change in the plan of the turns before.
            history: Earlier turns, each {"role": "user" or "assistant", "content": text}.
            seed: The same seed, message and history give the same reply.
            temperature: 0 always writes the likeliest plan, up to 2.
            top_p: Leaves out unlikely words, above 0 and at most 1.
            max_new_tokens: Where a reply is cut.

        Returns:
            The reply so far; the last one is whole. Give it to /read or /render.
        """
        with plainly():
            settings = ComposeSettings(temperature, top_p, max_new_tokens, seed)
            yield from replies(engine, _turns(history, message), settings)

    def read(text: str, strict: bool = False) -> dict[str, Any]:
        """Reads a reply or a canvas program, without a model; nothing in it is run.

        Args:
            text: A reply of a language model, a canvas program, or the JSON of a canvas.
            strict: Refuse what would have to be mended.

        Returns:
            {"status": "accept", "repair" or "reject", "summary", "canvas" (null on "reject"), "notes"}.
        """
        with plainly():
            return reading_record(text, strict)

    def render(
        code: str,
        seed: int = 12345,
        width: int | None = None,
        height: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        images: int = 1,
        negative_prompt: str | None = None,
        few_steps: str = "",
    ) -> list[FileData]:
        """Renders a canvas program to PNG files that carry it. Settings left out are the image model's own.

        Args:
            code: A canvas program, or a reply that holds one.
            seed: Of the first picture; the same seed, program and settings give the same picture.
            width: In pixels, a multiple of 64.
            height: In pixels, a multiple of 64.
            steps: More steps, cleaner picture, more time.
            guidance: How strictly the picture follows the words.
            images: How many pictures, 1 to 8.
            negative_prompt: What should not be in the picture.
            few_steps: A preset, as lightning-4 or lcm, that sets scheduler, steps and guidance; the server's LoRAs
                should hold the one it wants, else a note says so. Steps and guidance that are given win over it.

        Returns:
            The PNG files. What had to be changed or left out comes as warnings, and stands in the files under "notes".
        """
        wanted = {
            "width": width,
            "height": height,
            "steps": steps,
            "guidance": guidance,
            "negative_prompt": negative_prompt,
        }
        with plainly():
            known: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
            settings = replace(with_preset(engine.render_defaults, few_steps), seed=seed, images=images, **known)
            return pictures(engine, Canvas.from_bot_response(_bounded(code)), checked(settings), folder)

    def compose_and_render(message: str, seed: int = 12345) -> tuple[str, list[FileData]]:
        """A message to a picture in one call, with the settings that suit both models.

        Args:
            message: What the picture should show.
            seed: The same seed and message give the same picture.

        Returns:
            The reply with its canvas program, and the PNG files.
        """
        with plainly():
            *_, reply = replies(engine, _turns(None, message), ComposeSettings(seed=seed))
            settings = replace(engine.render_defaults, seed=seed)
            return reply, pictures(engine, Canvas.from_bot_response(reply), settings, folder)

    gr.api(chat, api_name="chat", **HEAVY)
    gr.api(read, api_name="read")
    gr.api(render, api_name="render", **HEAVY)
    gr.api(compose_and_render, api_name="compose_and_render", **HEAVY)


def replies(engine: Engine, turns: tuple[Turn, ...], settings: ComposeSettings) -> Iterator[str]:
    """The reply as it grows, a few times a second, and whole at the end. A client that leaves stops the model."""
    stop, text, shown_at = threading.Event(), "", 0.0
    try:
        for piece in engine.compose(messages(turns), settings, stop):
            text += piece
            if time.monotonic() - shown_at >= YIELD_PAUSE_S:
                shown_at = time.monotonic()
                yield text
        yield text
    finally:
        stop.set()


def pictures(engine: Engine, canvas: Canvas, settings: RenderSettings, folder: Path) -> list[FileData]:
    """Renders and saves; the files a client gets are the ones that are kept."""
    stop = threading.Event()
    images = engine.render(canvas, settings, lambda step, steps, preview: None, stop)
    notes = engine.render_notes
    for note in notes:
        gr.Warning(html.escape(note))
    paths = [folder / f"{time.strftime('%Y-%m-%d')}-{secrets.token_hex(16)}.png" for _ in images]
    for image, path in zip(images, paths, strict=True):
        save_png(image, path, canvas, settings, model=engine.sdxl_entry.name, notes=notes)
    return [FileData(path=str(path), orig_name=f"omost-{settings.seed}.png", mime_type="image/png") for path in paths]


def reading_record(text: str, strict: bool) -> dict[str, Any]:
    """The same record that `python -m lib_omost read` prints. Raises SettingsError for a text that is too long."""
    return report(read_canvas(_bounded(text), strict=strict))


@contextmanager
def plainly() -> Iterator[None]:
    """A failure reaches the caller as one sentence, never as a traceback."""
    try:
        yield
    except (GeneratorExit, gr.Error):
        raise
    except Exception as error:
        raise gr.Error(sentence(error), print_exception=False) from error


def _turns(history: list[dict[str, str]] | None, message: str) -> tuple[Turn, ...]:
    """Raises SettingsError for anything that is not a conversation of bounded length."""
    before = []
    for turn in (history or [])[:MAX_TURNS]:
        role, text = turn.get("role"), turn.get("content")
        if role not in ("user", "assistant") or not isinstance(text, str):
            raise SettingsError('history wants turns of the form {"role": "user" or "assistant", "content": text}.')
        before.append(Turn("user" if role == "user" else "assistant", _bounded(text)))
    return said(before, message)


def _bounded(text: str) -> str:
    if not isinstance(text, str) or len(text) > MAX_REPLY:
        raise SettingsError(f"A text of at most {MAX_REPLY} characters is wanted.")
    return text
