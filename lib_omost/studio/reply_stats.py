"""What a reply cost, in numbers and words: kept with its turn as plain data, shown beside the state line."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from lib_omost.composer import ComposeStats
from lib_omost.runtime import LlmEntry
from lib_omost.settings import STRICT
from lib_omost.studio.conversation import Conversation
from lib_omost.studio.plan import MAX_STRENGTH
from lib_omost.studio.replies import Reply
from lib_omost.studio.store.sessions import Data, Turn

# Characters of a usual plan, before this model has written any here: the median of published models' own plans
# (29 of them), and of the small default model's.
USUAL_LENGTH, USUAL_LENGTH_OF_THE_SMALL = 6200, 1500
ENOUGH_S, ENOUGH_CHARACTERS = 1.0, 60  # of writing, before its speed says anything
NEARLY_FULL = 0.8
MAX_OWN, MAX_TEXT = 2000, 4000  # texts of the model's that are taken from a file, and characters of one
FIRSTS = {"token": "first_token_s", "region": "first_region_s"}


def expected_length(chat: Conversation, known: Sequence[int], entry: LlmEntry) -> int:
    """Characters that the next reply will have, at a guess: an edit gives back about the plan it starts from, anything
    else is as long as this model's replies usually are (`known`).
    """
    if chat.newest is not None:
        return len(chat.newest.turn.text)
    if known:
        return round(statistics.median(known))
    return USUAL_LENGTH_OF_THE_SMALL if entry.place == "embedded" else USUAL_LENGTH


def seconds_left(reply: Reply, expected: int) -> float | None:
    """At the speed so far; None while nothing can be said, 0 when the reply is longer than expected."""
    writing_s, written = reply.seconds - reply.waited_s, len(reply.text)
    if writing_s < ENOUGH_S or written < ENOUGH_CHARACTERS:
        return None
    return max(0.0, (expected - written) * writing_s / written)


def while_writing(reply: Reply, expected: int, stats: ComposeStats | None) -> str:
    """Seconds so far, speed, and how long it will still take."""
    if not reply.text:
        return ""
    parts = [f"{reply.seconds:.0f} s"]
    if stats is not None and stats.tokens_per_s >= 1:
        parts.append(f"{stats.tokens_per_s:.0f} tokens/s")
    left = seconds_left(reply, expected)
    if left is not None:
        parts.append("longer than usual" if left == 0 else f"about {max(1, round(left))} s left")
    return " · ".join(parts)


def record(reply: Reply, stats: ComposeStats | None, entry: LlmEntry, *, stopped: bool) -> Data:
    """What is kept with a reply: "whole" is true of a canvas that nothing cut short."""
    counts = stats or ComposeStats()
    return {
        "model": entry.name,
        "stopped": stopped,
        "whole": reply.reading is not None and reply.canvas is not None and not stopped,
        "seconds": round(reply.seconds, 1),
        "first_region_s": None if reply.first_region_s is None else round(reply.first_region_s, 1),
        "first_token_s": round(counts.first_token_s, 1) if counts.first_token_s else None,
        "tokens_per_s": round(counts.tokens_per_s, 1),
        "tokens_per_pass": round(counts.tokens_per_pass, 1),
        "context": counts.prompt_tokens + counts.new_tokens,
        "context_room": entry.profile.context_tokens,
        "notes": list(counts.notes),
    }


def summary(about: Data) -> str:
    """The same after the reply, from its record; nothing for a turn that has none."""
    if not about:
        return ""
    parts = [
        *(f"first {what} {about[key]:.1f} s" for what, key in FIRSTS.items() if about.get(key) is not None),
        f"{about['seconds']:{'.1f' if about['seconds'] < 10 else '.0f'}} s in all" if about.get("seconds") else "",
        f"{about['tokens_per_s']:.0f} tokens/s" if about.get("tokens_per_s") else "",
        f"{about['tokens_per_pass']:.1f} tokens a pass" if about.get("tokens_per_pass") else "",
        f"context {about['context']} of {about['context_room']}" if about.get("context") else "",
    ]
    return " · ".join(part for part in parts if part)


def notes(about: Data) -> list[str]:
    """What a person should know of a reply besides its reading: turns left out, and that this will come soon."""
    told = [str(note) for note in about.get("notes", ())]
    used, room = about.get("context", 0), about.get("context_room", 0)
    if room and used >= NEARLY_FULL * room and not told:
        told.append(
            f"This chat fills {used} of the {room} tokens that the model has room for; soon its oldest turns are left "
            "out of what the model reads. They stay in the chat."
        )
    return told


def context_line(turns: Sequence[Turn], entry: LlmEntry) -> str:
    """How much of the model's room the conversation takes, as of its latest reply."""
    latest = next((turn.about for turn in reversed(turns) if turn.about.get("context")), None)
    room = entry.profile.context_tokens
    used = f"{latest['context']} of {room} tokens after the last reply." if latest else f"0 of {room} tokens."
    return f"Context used so far: {used} When it is full, the oldest turns are left out, and the state line says so."


def taken(about: object) -> Data:
    """A record that came in a file, with what of it has the right form; it may come from anyone."""
    try:
        return dict(_RECORD.validate_python(about))
    except ValidationError as error:
        wrong = {fault["loc"][0] for fault in error.errors() if fault["loc"]}
    good = {name: value for name, value in about.items() if name not in wrong} if isinstance(about, dict) else {}
    return dict(_RECORD.validate_python(good))


def _notes(found: Any) -> list[str]:
    return [note[:500] for note in found if isinstance(note, str)][:20] if isinstance(found, list) else []


def _own(found: Any) -> list[str]:
    return [text[:MAX_TEXT] for text in found if isinstance(text, str)][:MAX_OWN] if isinstance(found, list) else []


class Record(TypedDict, total=False):
    """What is kept with a reply, as `record` writes it."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic's way to say it of a TypedDict
    model: str
    stopped: bool
    whole: bool
    seconds: float
    first_region_s: float | None
    first_token_s: float | None
    tokens_per_s: float
    tokens_per_pass: float
    context: int
    context_room: int
    notes: Annotated[list[str], BeforeValidator(_notes)]
    changed: int
    kept: int
    held: int
    unmerged: Annotated[str, Field(max_length=500)]
    strengths: list[Annotated[float, Field(ge=0, le=MAX_STRENGTH)]]
    own: Annotated[list[str], BeforeValidator(_own)]  # the texts that the model wrote, once a person changed others


_RECORD = TypeAdapter(Record)
