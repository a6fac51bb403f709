"""The endpoints that scripts call: /chat, /read, /render, /compose_and_render. Texts are read as untrusted, settings
are checked.
"""

from __future__ import annotations

import html
import inspect
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.utils import get_upload_folder

from lib_omost.canvas import Canvas, read_canvas, report
from lib_omost.composer import ComposeSettings
from lib_omost.errors import SettingsError
from lib_omost.renderer import RenderSettings
from lib_omost.runtime import Engine
from lib_omost.settings import table
from lib_omost.studio.conversation import MAX_REPLY, MAX_TURNS, messages, said
from lib_omost.studio.limits import bounds, checked
from lib_omost.studio.presets import RenderRequest, requested
from lib_omost.studio.sentences import sentence
from lib_omost.studio.store.images import new_path, png_bytes, write_png
from lib_omost.studio.store.room import DiskFullError
from lib_omost.studio.store.sessions import Turn

YIELD_PAUSE_S = 0.1
MAX_HISTORY = 128 * 1024
HEAVY: dict[str, Any] = {"concurrency_id": "device", "concurrency_limit": 1}


def add(engine: Engine, folder: Path) -> None:
    """Adds the four endpoints to the page that is being built. Pictures go to `folder`."""
    gr.api(chat_endpoint(engine), api_name="chat", **HEAVY)
    gr.api(read, api_name="read")
    gr.api(render_endpoint(engine, folder), api_name="render", **HEAVY)
    gr.api(both_endpoint(engine, folder), api_name="compose_and_render", **HEAVY)


def chat_endpoint(engine: Engine) -> Callable[..., Any]:
    names = ("seed", "temperature", "top_p", "max_new_tokens")

    def chat(  # type: ignore[misc]  # gradio wants the type of what is yielded
        message: str, history: list[dict[str, str]] | None = None, *values: Any
    ) -> str:
        """Writes a canvas program for a message; yields the growing reply.

        Args:
            message: What the picture should show, or what to change in the plan of the turns before.
            history: Earlier turns, each {"role": "user" or "assistant", "content": text}.

        Returns:
            The reply so far; the last one is whole. Give it to /read or /render.
        """
        with plainly():
            settings = replace(ComposeSettings(), **given(values))
            yield from replies(engine, _turns(history, message), settings)

    given = takes(chat, ComposeSettings, names)
    return chat


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


def render_endpoint(engine: Engine, folder: Path) -> Callable[..., Any]:
    first = ("seed", "width", "height", "steps", "guidance", "images", "negative_prompt", "few_steps", "style")
    names = (*first, *table(RenderSettings))  # what came later stands last

    def render(code: str, *values: Any) -> list[FileData]:
        """Renders a canvas program to PNG files that carry it. Settings left out are the image model's own.

        Args:
            code: A canvas program, or a reply that holds one.

        Returns:
            The PNG files. What had to be changed or left out comes as warnings, and stands in the files under "notes".
        """
        with plainly():
            settings = requested(engine.render_defaults, given(values))
            return pictures(engine, Canvas.from_bot_response(_bounded(code)), checked(settings), folder)

    given = takes(render, RenderRequest, names, optional=True)
    return render


def both_endpoint(engine: Engine, folder: Path) -> Callable[..., Any]:
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

    return compose_and_render


def takes(
    endpoint: Callable[..., Any], settings: type[Any], first: Sequence[str], *, optional: bool = False
) -> Callable[[Sequence[Any]], dict[str, Any]]:
    """Gives an endpoint that ends in `*values` a parameter for each setting instead, with its help, for gradio to show:
    the `first` ones in this order, which clients may call by, then all others. `optional`: each may be left out.

    Returns what makes settings by name out of the values that come.
    """
    known = table(settings)
    order = {name: known[name] for name in (*first, *known)}
    own = inspect.signature(endpoint, eval_str=True)
    parameters = [p for p in own.parameters.values() if p.kind is not p.VAR_POSITIONAL]
    for name, setting in order.items():
        kind: Any = list[setting.kind] if setting.many else setting.kind  # type: ignore[name-defined]
        kind = kind | None if optional or setting.optional else kind
        default = None if optional else setting.default
        parameters.append(inspect.Parameter(name, parameters[0].kind, default=default, annotation=kind))
    endpoint.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    endpoint.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": own.return_annotation}
    lines = [f"    {name}: {setting.help.rstrip('.')} ({bounds(setting)})." for name, setting in order.items()]
    before, _, after = (inspect.getdoc(endpoint) or "").partition("\n\nReturns:")
    endpoint.__doc__ = "\n".join([before, *lines, "", f"Returns:{after}"])

    def given(values: Sequence[Any]) -> dict[str, Any]:
        named = {n: tuple(v) if isinstance(v, list) else v for n, v in zip(order, values, strict=False)}
        return {name: value for name, value in named.items() if value is not None or not optional}

    return given


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
    notes: list[str] = []
    images = engine.render(canvas, settings, lambda step, steps, preview: None, stop, on_note=notes.append)
    for note in notes:
        gr.Warning(html.escape(note))
    paths = [_saved(png_bytes(i, canvas, settings, model=engine.sdxl_entry.name, notes=notes), folder) for i in images]
    return [FileData(path=str(path), orig_name=f"omost-{settings.seed}.png", mime_type="image/png") for path in paths]


def _saved(png: bytes, folder: Path) -> Path:
    """Where a picture lies: in `folder`, or on a full disk where gradio keeps files for a day. Raises StorageError."""
    path = new_path(folder)
    try:
        write_png(path, png)
    except DiskFullError as error:
        gr.Warning(html.escape(f"{error} The picture is kept for a day only."))
        path = Path(get_upload_folder()) / path.name
        write_png(path, png)
    return path


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
    wanted = 'history wants turns of the form {"role": "user" or "assistant", "content": text}.'
    if not isinstance(message, str):
        raise SettingsError("message wants a text.")
    if not all(isinstance(turn, dict) for turn in history or []):
        raise SettingsError(wanted)
    if len(history or []) > MAX_TURNS:
        raise SettingsError(f"The history has {len(history or [])} turns; at most {MAX_TURNS} are taken.")
    before, length = [], 0
    for turn in history or []:
        role, text = turn.get("role"), turn.get("content")
        if role not in ("user", "assistant") or not isinstance(text, str):
            raise SettingsError(wanted)
        length += len(text)
        if length > MAX_HISTORY:  # far more than a language model reads
            raise SettingsError(f"The history has more than {MAX_HISTORY} characters; send the latest turns alone.")
        before.append(Turn("user" if role == "user" else "assistant", _bounded(text)))
    return said(before, message)


def _bounded(text: str) -> str:
    if not isinstance(text, str) or len(text) > MAX_REPLY:
        raise SettingsError(f"A text of at most {MAX_REPLY} characters is wanted.")
    return text
