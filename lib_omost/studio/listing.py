"""The list of a person's sessions, each with a name from its plan, a picture or a layout. Draws nothing and changes
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from lib_omost.canvas import Canvas
from lib_omost.studio import changes
from lib_omost.studio.cards import FILE_ROUTE, canvas_of, layout
from lib_omost.studio.store.sessions import NAME_LENGTH, NEW_NAME, Data, Sessions

MOST = 300  # sessions that are listed, those that were used last
NAMED = 3  # things that a name says
CACHED = 512  # plans, each read once however often the list is shown
_LISTED = """
SELECT s.id, s.name, s.updated,
  (SELECT COUNT(*) FROM render r WHERE r.session = s.id),
  (SELECT picture FROM render r WHERE r.session = s.id ORDER BY created DESC, rowid DESC LIMIT 1),
  (SELECT text FROM turn t WHERE t.session = s.id AND role = 'user' ORDER BY position LIMIT 1),
  (SELECT text FROM turn t WHERE t.session = s.id AND role = 'assistant' AND text LIKE '%canvas%'
     ORDER BY position DESC LIMIT 1)
FROM session s WHERE s.owner = ? ORDER BY s.updated DESC LIMIT ?
"""


def listed(sessions: Sessions, owner: str) -> list[Data]:
    """The owner's sessions, the last used one first: what is seen of each, its words being texts."""
    with sessions.connection() as db:
        rows = db.execute(_LISTED, (owner, MOST)).fetchall()
    return [_entry(*row) for row in rows]


def plan_name(canvas: Canvas) -> str:
    """What a picture is called after its things: "frog and mushroom"; "" for a plan without any."""
    words = list(dict.fromkeys(changes.label(region) for region in canvas.regions if region.description or region.name))
    named = words[:NAMED]
    while len(named) > 1 and len(_listing(named, len(words) - len(named))) > NAME_LENGTH:
        named = named[:-1]
    return _listing(named, len(words) - len(named))[:NAME_LENGTH]


def _listing(words: Sequence[str], more: int) -> str:
    if more:
        return f"{', '.join(words)} and {more} more"
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _entry(
    key: str, name: str, updated: float, pictures: int, picture: str | None, said: str | None, reply: str | None
) -> Data:
    planned, drawn = _face(reply or "")
    first = " ".join((said or "").split())
    own = name not in (NEW_NAME, first[:NAME_LENGTH])  # given by a person
    seen = FILE_ROUTE + picture if picture and Path(picture).is_file() else ""
    shown = name if own or not planned else planned
    return {
        "id": key,
        "name": shown,
        "said": first[:200],
        "updated": updated,
        "pictures": pictures,
        "picture": seen,
        **drawn,
    }


@lru_cache(CACHED)
def _face(reply: str) -> tuple[str, Data]:
    """The name and the layout that a reply gives; nobody changes them."""
    canvas = canvas_of(reply) if reply else None
    return ("", {}) if canvas is None else (plan_name(canvas), layout(canvas))
