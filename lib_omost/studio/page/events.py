"""How events are wired: which of gradio's queues a handler waits in, whether it may say something in a toast, and what
it returns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gradio as gr

Wiring = dict[str, Any]  # keywords of a listener
_PRIVATE: Wiring = {"api_visibility": "private", "show_progress": "hidden"}
#: Answers at once, outside of the queue; can show nothing but its outputs.
QUIET: Wiring = {**_PRIVATE, "queue": False}
#: In the queue, since only an event there can say something in a toast; waits for nobody.
TOASTING: Wiring = {**_PRIVATE, "concurrency_limit": None}
#: Watches jobs, which wait for each other where they are kept: any number of watchers, the last of a tab being shown.
WATCHING: Wiring = {**_PRIVATE, "concurrency_limit": None, "trigger_mode": "multiple"}

PictureSize = tuple[int, int]  # of the picture: width and height in pixels
#: What a handler returns: what widgets show now; those that are not in it stay as they are.
Update = dict[gr.blocks.Block, Any]
UNCHANGED: Update = gr.skip()  # alone, for none of them; an empty update would not be taken as one


class View(NamedTuple):
    """What shows a session at rest: widgets, and what fills them from the store."""

    outputs: list[gr.blocks.Block]
    show: Callable[[str, PictureSize], Update]
