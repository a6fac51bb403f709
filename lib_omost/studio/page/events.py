"""How events are wired: which of gradio's queues a handler waits in, and whether it may say something in a toast."""

from __future__ import annotations

from typing import Any

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
#: Answers at once, outside of the queue; can show nothing but its outputs.
QUIET: dict[str, Any] = {**_PRIVATE, "queue": False}
#: In the queue, since only an event there can say something in a toast; waits for nobody.
TOASTING: dict[str, Any] = {**_PRIVATE, "concurrency_limit": None}
#: Replies: one at a time, in the queue that they share with the endpoints.
REPLYING: dict[str, Any] = {**_PRIVATE, "concurrency_id": "device", "concurrency_limit": 1}
#: Renders wait for the device inside the engine, where each can be told how many are ahead of it.
RENDERING: dict[str, Any] = {**_PRIVATE, "concurrency_id": "render", "concurrency_limit": 16}
