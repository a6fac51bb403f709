"""Whose session an event is about: asked of every event of the page in one place, before its handler runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from lib_omost.studio.owner import owner_of
from lib_omost.studio.store.sessions import Sessions

NOT_YOURS = (
    "This picture's session is not here any more, or belongs to somebody else. What you typed is still in its box: "
    "copy it, load the page again, and choose a session from the list."
)


def session_of(request: gr.Request, claimed: str, sessions: Sessions) -> str:
    """The session that a tab says it shows, if it is the caller's; "" before it shows one. Raises gr.Error."""
    if claimed and not (isinstance(claimed, str) and sessions.owns(owner_of(request), claimed)):
        raise gr.Error(NOT_YOURS, print_exception=False)
    return claimed


def guard(demo: gr.Blocks, session: gr.Textbox, sessions: Sessions) -> None:
    """Has each event of the page that is given `session` checked. Called once all events are wired; the tab itself
    holds the value, so that it outlives whatever the server forgets, and a client may put anything there.
    """

    def check(given: tuple[Any, ...], at: int) -> None:
        claimed = given[0][session] if isinstance(given[0], dict) else given[at]
        session_of(LocalContext.request.get(None), claimed or "", sessions)

    for event in demo.fns.values():
        if event.fn is not None and session in event.inputs:
            event.fn = _checked(event.fn, check, list(event.inputs).index(session))


def _checked(handler: Callable[..., Any], check: Callable[[tuple[Any, ...], int], None], at: int) -> Callable[..., Any]:
    """Gradio asks what kind of function a handler is, so the checked one is of the same."""
    if inspect.isgeneratorfunction(handler):

        @wraps(handler)
        def streaming(*given: Any) -> Iterator[Any]:
            check(given, at)
            yield from handler(*given)

        return streaming

    @wraps(handler)
    def answering(*given: Any) -> Any:
        check(given, at)
        return handler(*given)

    return answering
