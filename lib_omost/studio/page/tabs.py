"""What gradio remembers of tabs and calls that have ended: it is forgotten here, so that a page which is kept running
does not grow with each one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from lib_omost.studio.serving import give_back_memory

PAUSE_S = 30.0
# gradio counts the events of a page that shows its figures, which ours does not; without this it keeps 10,000 of them
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "100")
Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]


def tidied(lifespan: Lifespan) -> Lifespan:
    """The lifespan of a gradio app, and the tidying as long as it lasts."""

    @asynccontextmanager
    async def both(app: Any) -> AsyncIterator[None]:
        async with lifespan(app):
            task = asyncio.create_task(_tidy(app))
            try:
                yield
            finally:
                task.cancel()

    return both


async def _tidy(app: Any) -> None:
    while True:
        await asyncio.sleep(PAUSE_S)
        forget_ended(app.get_blocks()._queue)
        await asyncio.to_thread(give_back_memory)


def forget_ended(queue: Any) -> int:
    """Forgets the message queues of tabs that wait for nothing and have heard everything; returns how many. In the
    thread of the app's loop only. A tab that comes back gets a new one.
    """
    messages, events = queue.pending_messages_per_session, queue.pending_event_ids_session
    ended = [tab for tab, waiting in messages.items() if not events.get(tab) and waiting.empty()]
    for tab in ended:
        del messages[tab]
        events.pop(tab, None)
    return len(ended)
