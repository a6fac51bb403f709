"""How events are wired: which of gradio's queues a handler waits in, whether it may say something in a toast, and what
it returns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gradio as gr

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
#: Answers at once, outside of the queue; can show nothing but its outputs.
QUIET: dict[str, Any] = {**_PRIVATE, "queue": False}
#: In the queue, since only an event there can say something in a toast; waits for nobody.
TOASTING: dict[str, Any] = {**_PRIVATE, "concurrency_limit": None}
#: Replies: one at a time, in the queue that they share with the endpoints.
REPLYING: dict[str, Any] = {**_PRIVATE, "concurrency_id": "device", "concurrency_limit": 1}
#: Renders wait for the device inside the engine, where each can be told how many are ahead of it.
RENDERING: dict[str, Any] = {**_PRIVATE, "concurrency_id": "render", "concurrency_limit": 16}

Size = tuple[int, int]  # of the picture: width and height in pixels
Update = dict[Any, Any]  # what a handler returns: what its widgets show now; those that are not in it stay as they are
UNCHANGED: Update = gr.skip()  # alone, for none of them; an empty update would not be taken as one


class View(NamedTuple):
    """What shows a session at rest: widgets, and what fills them from the store."""

    outputs: list[Any]
    show: Callable[[str, Size], Update]
