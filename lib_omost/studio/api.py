"""The endpoints that scripts call: /chat, /read, /render, /compose_and_render. Texts are read as untrusted, settings
are checked; what takes time is a job, which ends when its client leaves.
"""

from __future__ import annotations

import html
import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from lib_omost.canvas import Canvas, read_canvas, report
from lib_omost.composer import ComposeSettings
from lib_omost.errors import OmostError, SettingsError
from lib_omost.renderer import RenderSettings
from lib_omost.runtime import Engine
from lib_omost.runtime.job import Seen
from lib_omost.runtime.jobs import Jobs
from lib_omost.settings import table
from lib_omost.studio.conversation import MAX_REPLY, MAX_TURNS, messages, said
from lib_omost.studio.limits import bounds, checked
from lib_omost.studio.owner import owner_of
from lib_omost.studio.presets import RenderRequest, requested
from lib_omost.studio.sentences import sentence
from lib_omost.studio.store.sessions import Turn
from lib_omost.studio.work import CHAT, RENDER, chat_request, render_request

#: Each call watches a job of its own and yields as often as that moves: who leaves is noticed, and nobody waits here.
WATCHING: dict[str, Any] = {"concurrency_limit": None}
YIELD_PAUSE_S = 0.1
MAX_HISTORY = 128 * 1024
KEY_HEADER, MAX_KEY = "idempotency-key", 200


def add(engine: Engine, jobs: Jobs) -> None:
    """Adds the four endpoints to the page that is being built."""
    gr.api(chat_endpoint(jobs), api_name="chat", **WATCHING)
    gr.api(read, api_name="read", **WATCHING)
    gr.api(render_endpoint(engine, jobs), api_name="render", **WATCHING)
    gr.api(both_endpoint(engine, jobs), api_name="compose_and_render", **WATCHING)


def chat_endpoint(jobs: Jobs) -> Callable[..., Any]:
    names = ("seed", "temperature", "top_p", "max_new_tokens")

    def chat(  # type: ignore[misc]  # gradio wants the type of what is yielded
        message: str, history: list[dict[str, str]] | None = None, *values: Any, request: gr.Request
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
            yield from replies(jobs, asker(request), _turns(history, message), settings)

    given, endpoint = takes(chat, ComposeSettings, names)
    return endpoint


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


def render_endpoint(engine: Engine, jobs: Jobs) -> Callable[..., Any]:
    first = ("seed", "width", "height", "steps", "guidance", "images", "negative_prompt", "few_steps", "style")
    names = (*first, *table(RenderSettings))  # what came later stands last

    def render(  # type: ignore[misc]  # gradio wants the type of what is yielded
        code: str, *values: Any, request: gr.Request
    ) -> list[FileData]:
        """Renders a canvas program to PNG files that carry it. Settings left out are the image model's own.

        Args:
            code: A canvas program, or a reply that holds one.

        Returns:
            The PNG files, none until all are done. What had to be changed or left out comes as warnings, and stands in
            the files under "notes".
        """
        with plainly():
            settings = requested(engine.render_defaults, given(values))
            yield from pictures(jobs, asker(request), Canvas.from_bot_response(_bounded(code)), checked(settings))

    given, endpoint = takes(render, RenderRequest, names, optional=True)
    return endpoint


def both_endpoint(engine: Engine, jobs: Jobs) -> Callable[..., Any]:
    def compose_and_render(  # type: ignore[misc]  # gradio wants the type of what is yielded
        message: str, request: gr.Request, seed: int = 12345
    ) -> tuple[str, list[FileData]]:
        """A message to a picture in one call, with the settings that suit both models.

        Args:
            message: What the picture should show.
            seed: The same seed and message give the same picture.

        Returns:
            The reply with its canvas program, and the PNG files.
        """
        with plainly():
            reply, client = "", asker(request)
            for reply in replies(jobs, client, _turns(None, message), ComposeSettings(seed=seed)):
                yield reply, []
            settings = replace(engine.render_defaults, seed=seed)
            for files in pictures(jobs, client, Canvas.from_bot_response(reply), settings):
                yield reply, files

    return compose_and_render


def takes(
    endpoint: Callable[..., Any], settings: type[Any], first: Sequence[str], *, optional: bool = False
) -> tuple[Callable[[Sequence[Any]], dict[str, Any]], Callable[..., Any]]:
    """Gives an endpoint that ends in `*values, request` a parameter for each setting instead, with its help, for gradio
    to show: the `first` ones in this order, which clients may call by, then all others. `optional`: each may be left
    out.

    Returns what makes settings by name out of the values that come, and the endpoint.
    """
    known = table(settings)
    order = {name: known[name] for name in (*first, *known)}

    @wraps(endpoint)
    def by_position(*given: Any) -> Iterator[Any]:
        *values, request = given  # gradio passes all by position, its request last
        yield from endpoint(*values, request=request)

    own = inspect.signature(endpoint, eval_str=True)
    parameters = [p for p in own.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    for name, setting in order.items():
        kind: Any = list[setting.kind] if setting.many else setting.kind  # type: ignore[name-defined]
        kind = kind | None if optional or setting.optional else kind
        default = None if optional else setting.default
        parameters.append(inspect.Parameter(name, parameters[0].kind, default=default, annotation=kind))
    parameters.append(inspect.Parameter("request", parameters[0].kind, default=None, annotation=gr.Request))
    by_position.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    by_position.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": own.return_annotation}
    lines = [f"    {name}: {setting.help.rstrip('.')} ({bounds(setting)})." for name, setting in order.items()]
    before, _, after = (inspect.getdoc(endpoint) or "").partition("\n\nReturns:")
    by_position.__doc__ = "\n".join([before, *lines, "", f"Returns:{after}"])

    def given(values: Sequence[Any]) -> dict[str, Any]:
        named = {n: tuple(v) if isinstance(v, list) else v for n, v in zip(order, values, strict=False)}
        return {name: value for name, value in named.items() if value is not None or not optional}

    return given, by_position


@dataclass(frozen=True, slots=True)
class Asker:
    """Who calls an endpoint, and under which key; a call with the key of an earlier one gets that one's job."""

    owner: str
    key: str = ""


def asker(request: gr.Request) -> Asker:
    """A visitor, or the address of a program that keeps no cookie: its calls come one after the other too."""
    headers = dict(request.headers)
    host = request.client.host if request.client else ""
    owner = f"address:{host}" if request.request.scope.get("new_visitor") else owner_of(request)
    return Asker(owner, str(headers.get(KEY_HEADER, ""))[:MAX_KEY])


def replies(jobs: Jobs, client: Asker, turns: tuple[Turn, ...], settings: ComposeSettings) -> Iterator[str]:
    """The reply as it grows, a few times a second, and whole at the end. A client that leaves stops the model."""
    for seen in _watched(jobs, client, CHAT, chat_request(messages(turns), settings)):
        yield seen.job.result["text"] if seen.job.state == "done" else seen.report or ""


def pictures(jobs: Jobs, client: Asker, canvas: Canvas, settings: RenderSettings) -> Iterator[list[FileData]]:
    """Nothing, a few times a second, and all files at the end; a client gets the ones that are kept."""
    result: dict[str, Any] = {}
    for seen in _watched(jobs, client, RENDER, render_request(canvas.to_code(), settings)):
        result = seen.job.result
        if seen.job.active:
            yield []  # not those that are done so far: a client would fetch them each time
    for note in result["notes"]:
        gr.Warning(html.escape(note))
    yield [
        FileData(path=path, orig_name=f"omost-{settings.seed + number}.png", mime_type="image/png")
        for number, path in enumerate(result["files"])
    ]


def _watched(jobs: Jobs, client: Asker, what: str, request: dict[str, Any]) -> Iterator[Seen]:
    """A job from its submission to its end, a few times a second. Raises OmostError where it came to nothing."""
    key = f"{what}:{client.key}" if client.key else ""
    job = jobs.submit(client.owner, what, request, key=key, attached=True)
    seen, told_at = Seen(job), 0.0
    for seen in jobs.watch(job.id):
        if seen.job.state == "done" or (seen.job.active and time.monotonic() - told_at >= YIELD_PAUSE_S):
            told_at = time.monotonic()
            yield seen
    if seen.job.state == "failed":
        raise OmostError(seen.job.result["error"])
    if seen.job.state != "done":
        raise OmostError("This run was stopped before it was done. Ask for it again.")


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
