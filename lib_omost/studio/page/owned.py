"""Whose session an event is about: asked of every event of the page in one place, before its handler runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from lib_omost.errors import StorageError
from lib_omost.studio.owner import owner_of
from lib_omost.studio.page.events import Update
from lib_omost.studio.store.sessions import Sessions

NOT_YOURS = (
    "This picture's session is not here any more, or belongs to somebody else. What you typed is still in its box: "
    "copy it, load the page again, and choose a session from the list."
)


def session_of(request: gr.Request, claimed: str, sessions: Sessions) -> str:
    """The session that a tab says it shows, if it is the caller's; "" before it shows one. Raises StorageError."""
    if claimed and not (isinstance(claimed, str) and sessions.owns(owner_of(request), claimed)):
        raise StorageError(NOT_YOURS)
    return claimed


def guard(demo: gr.Blocks, session: gr.Textbox, sessions: Sessions, state_line: gr.HTML) -> None:
    """Has each event of the page that is given `session` checked. Called once all events are wired; the tab itself
    holds the value, so that it outlives whatever the server forgets, and a client may put anything there. A refusal is
    told in `state_line` where the event shows that, since most events cannot show anything else.
    """
    for event in demo.fns.values():
        if event.fn is None or session not in event.inputs:
            continue
        at, told = list(event.inputs).index(session), state_line in event.outputs

        def refusal(given: tuple[Any, ...], at: int = at, told: bool = told) -> Update | None:
            """What is shown instead, None where the handler may run."""
            claimed = given[0][session] if isinstance(given[0], dict) else given[at]
            try:
                session_of(LocalContext.request.get(None), claimed or "", sessions)
            except StorageError as error:
                if not told:
                    raise gr.Error(str(error), print_exception=False) from None
                return {state_line: {"level": "bad", "text": str(error)}}
            return None

        event.fn = _checked(event.fn, refusal)


def _checked(handler: Callable[..., Any], refusal: Callable[[tuple[Any, ...]], Update | None]) -> Callable[..., Any]:
    """Gradio asks what kind of function a handler is, so the checked one is of the same."""
    if inspect.isgeneratorfunction(handler):

        @wraps(handler)
        def streaming(*given: Any) -> Iterator[Any]:
            instead = refusal(given)
            if instead is not None:
                yield instead
            else:
                yield from handler(*given)

        return streaming

    @wraps(handler)
    def answering(*given: Any) -> Any:
        instead = refusal(given)
        return handler(*given) if instead is None else instead

    return answering
