"""The prompt: system prompt, few-shot examples, the turns that fit into the context, and one retry without a canvas.

Counts tokens with a function that it is given; knows no tokenizer and no model.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from lib_omost.canvas import Canvas, read_canvas, snap
from lib_omost.canvas.requests import asks_undo
from lib_omost.canvas.vocabulary import AREAS, GLOBAL_FIELDS, LOCATIONS, OFFSETS, OUR_FIELDS, TAUGHT_FIELDS
from lib_omost.canvas.writer import set_keyword
from lib_omost.composer.settings import Message, Profile
from lib_omost.errors import ContextError

RECENT_REQUESTS = 3  # that a model of our own is told with the newest canvas
_TYPES = {"detailed_descriptions": "list[str]", "distance_to_viewer": "float"}


def _signature(method: str, fields: Sequence[str]) -> str:
    parameters = ", ".join(f"{field}: {_TYPES.get(field, 'str')}" for field in fields)
    return f"    def {method}(self, {parameters}):"


def _choice(field: str, words: Sequence[str]) -> str:
    listed = ", ".join(f'"{word}"' for word in words)
    return f"        assert {field} in [{listed}]"


#: What the published models were trained with, word for word; derived from the vocabulary, so the two cannot differ.
SYSTEM_PROMPT = "\n".join(
    [
        "You are a helpful AI assistant to compose images using the below python class `Canvas`:",
        "",
        "```python",
        "class Canvas:",
        _signature("set_global_description", GLOBAL_FIELDS),
        "        pass",
        "",
        _signature("add_local_description", TAUGHT_FIELDS),
        _choice("location", LOCATIONS),
        _choice("offset", OFFSETS),
        _choice("area", AREAS),
        "        assert distance_to_viewer > 0",
        "        pass",
        "```",
    ]
)


def fit_to_context(
    messages: Sequence[Message], profile: Profile, count: Callable[[Sequence[Message]], int], reply_tokens: int
) -> tuple[list[Message], tuple[str, ...]]:
    """`messages` as this model wants them, and what had to be left out, in sentences for a person.

    The system prompt and the few-shot examples come first. Whole turns go, oldest first, where `count(turns)` leaves no
    room for `reply_tokens`: down to half of the room in one step, so that the next prompts begin as this one does and
    the KV cache serves them. Never the newest message, and never the turn with the newest canvas, which an edit starts
    from. Raises `ContextError` when even that is too much.
    """
    head: list[Message] = [{"role": "system", "content": profile.system_prompt}, *profile.examples]
    turns = _turns([in_words(message) if profile.words_only else message for message in messages])
    if profile.recent_only:
        turns = _recent(turns)
    room = profile.context_tokens - reply_tokens
    kept, newest = _in_large_steps(turns, head, count, room), _newest_canvas(turns)
    while (size := count([*head, *_joined(kept)])) > room:
        old = next((turn for turn in kept[:-1] if turn is not newest), None)
        if old is None:
            raise ContextError(
                f"This takes {size} tokens, and the model has room for {room} beside its reply. "
                "Shorten the message or the canvas, or start a new chat."
            )
        kept.remove(old)
    return [*head, *_joined(kept)], _left_out(len(turns) - len(kept), profile.context_tokens)


def _in_large_steps(
    turns: Sequence[list[Message]], head: Sequence[Message], count: Callable[[Sequence[Message]], int], room: int
) -> list[list[Message]]:
    """The turns that are left when, message by message, the oldest ones went down to half of the room each time that
    there was none: the same for the next message, until the room is full again.
    """
    if count([*head, *_joined(turns)]) <= room:
        return list(turns)
    own, sizes = count(head), [count(turn) for turn in turns]
    first = 0
    for last in range(1, len(turns) + 1):
        if own + sum(sizes[first:last]) <= room:
            continue
        while first < last - 1 and own + sum(sizes[first:last]) > room // 2:
            first += 1
    newest = _newest_canvas(turns)
    before = [turn for turn in turns[:first] if turn is newest]
    return [*before, *turns[first:]]


def _recent(turns: list[list[Message]]) -> list[list[Message]]:
    """The newest canvas, below the last requests that led to it, and the newest message; the canvas before it too where
    that message wants it back.
    """
    *earlier, asked = turns
    planned = [turn for turn in earlier if _newest_program(turn[1:]) is not None]
    if len(planned) < 2:
        return [*planned, asked]
    if asks_undo(asked[0]["content"]):
        return [*planned[-2:], asked]
    requests = "\n".join(turn[0]["content"] for turn in planned[-RECENT_REQUESTS:])
    return [[{"role": "user", "content": requests}, *planned[-1][1:]], asked]


def _turns(messages: Sequence[Message]) -> list[list[Message]]:
    """Each message of a person with the answers to it; system messages are the profile's business."""
    turns: list[list[Message]] = []
    for message in messages:
        if message["role"] == "user" or not turns:
            turns.append([])
        if message["role"] != "system":
            turns[-1].append(message)
    return [turn for turn in turns if turn]


def _joined(turns: Sequence[Sequence[Message]]) -> list[Message]:
    return [message for turn in turns for message in turn]


def _newest_canvas(turns: Sequence[list[Message]]) -> list[Message] | None:
    """The last turn that holds a canvas, as the page reads it: not one that only names a call."""
    return next((turn for turn in reversed(turns) if _newest_program(turn[1:]) is not None), None)


def _newest_program(messages: Sequence[Message]) -> str | None:
    """The text of the last reply that holds a program."""
    answers = (message["content"] for message in reversed(messages) if message["role"] == "assistant")
    return next((text for text in answers if read_canvas(text).canvas is not None), None)


def _left_out(count: int, context_tokens: int) -> tuple[str, ...]:
    if count == 0:
        return ()
    turns = "The oldest turn was" if count == 1 else f"The {count} oldest turns were"
    return (f"{turns} left out: the model has room for {context_tokens} tokens.",)


def in_words(message: Message) -> Message:
    """An assistant's turn without the arguments that a words-only model was never taught.

    A free box becomes the nearest words, names and negatives go; a turn without them stays as it is, letter by letter.
    """
    if message["role"] != "assistant":
        return message
    reading = read_canvas(message["content"])
    if reading.canvas is None or not _has_ours(reading.canvas):
        return message
    code = reading.code.strip("\n")
    for index, region in enumerate(reading.canvas.regions):
        for field, word in zip(TAUGHT_FIELDS, snap(region.box), strict=False) if region.bbox else ():
            code = set_keyword(code, index, field, word)
        for field in OUR_FIELDS:
            code = set_keyword(code, index, field, None)
    if reading.canvas.locked:
        code = set_keyword(code, None, "locked", None)
    return {"role": "assistant", "content": f"```python\n{code}\n```"}


def _has_ours(canvas: Canvas) -> bool:
    """Whether a canvas says anything by arguments that no model was taught."""
    return canvas.locked or any(getattr(region, field) for region in canvas.regions for field in OUR_FIELDS)


def _teapot(color: str) -> Canvas:
    canvas = Canvas()
    canvas.set_global_description(
        f"A {color} teapot and a wicker basket of bread on a kitchen table.",
        ["Morning light falls in from the left.", f"The {color} teapot stands in front of the basket.", "It is calm."],
        f"still life, kitchen, teapot, {color}, bread, morning light",
        "wheat",
    )
    canvas.add_local_description(
        "in the center",
        "slightly to the lower",
        "a large horizontal area",
        10.0,
        "A kitchen table.",
        ["The table is made of pale wood.", "A linen cloth covers one corner."],
        "table, pale wood, linen",
        "Calm mood.",
        "Realistic photo.",
        "High resolution.",
        "burlywood",
    )
    canvas.add_local_description(
        "on the right",
        "no offset",
        "a medium-sized square area",
        5.0,
        "A wicker basket of bread.",
        ["Three loaves look out of the basket.", "Their crust is golden and cracked."],
        "basket, bread, golden crust",
        "Calm mood.",
        "Realistic photo.",
        "High resolution.",
        "peru",
    )
    canvas.add_local_description(
        "on the left",
        "slightly to the lower",
        "a small square area",
        2.0,
        f"A {color} teapot.",
        [f"The {color} glaze shines.", "A thin line of steam rises from the spout."],
        f"teapot, {color}, steam",
        "Calm mood.",
        "Realistic photo.",
        "High resolution.",
        color,
    )
    return canvas


def _reply(canvas: Canvas) -> str:
    return f"```python\n{canvas.to_code()}```"


#: Few-shot examples: a request and an edit of it, each with its canvas. Also drafts for models that know the language.
EXAMPLES: tuple[Message, ...] = (
    {"role": "user", "content": "a blue teapot in front of a basket of bread on a kitchen table, photo"},
    {"role": "assistant", "content": _reply(_teapot("blue"))},
    {"role": "user", "content": "make the teapot red"},
    {"role": "assistant", "content": _reply(_teapot("red"))},
)


Generate = Callable[[Sequence[Message]], Iterator[str]]  # of a conversation, the reply in pieces


def with_retry(generate: Generate, messages: Sequence[Message], stop: threading.Event) -> Iterator[str]:
    """The reply to `messages`; where it holds no canvas, one retry with a message that says what was wrong.

    For models that never saw the language.
    """
    reply = ""
    for piece in generate(messages):
        reply += piece
        yield piece
    reading = read_canvas(reply)
    if reading.canvas is not None or stop.is_set():
        return
    hidden = read_canvas(f"{reply}\n\n{EXAMPLES[1]['content']}").canvas is None
    yield "\n</think>\n\n" if hidden else "\n\n"  # a reasoning that was cut short would swallow the second reply
    correction: list[Message] = [
        {"role": "assistant", "content": reply},
        {"role": "user", "content": _retry_request(reading.summary)},
    ]
    yield from generate([*messages, *correction])


def _retry_request(summary: str) -> str:
    return (
        f"Your reply could not be used: {summary} Answer with the whole picture as one ```python block that makes "
        "`canvas = Canvas()`, calls canvas.set_global_description(...) once and canvas.add_local_description(...) for "
        "each region, with all arguments by keyword, as in the examples above."
    )
