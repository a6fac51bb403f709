"""What a model is told, and what is left out when the chat grows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from lib_omost.canvas import Box, read_canvas, snap
from lib_omost.canvas.writer import set_keyword
from lib_omost.composer import EXAMPLES, SYSTEM_PROMPT, Message
from lib_omost.composer.prompt import fit_to_context, in_words
from lib_omost.errors import ContextError
from tests.composer.conftest import PROFILE, a_reply


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def characters(messages: Sequence[Message]) -> int:
    return sum(len(message["content"]) for message in messages)


CHAT = [
    user("one" * 50),
    assistant("prose" * 50),
    user("a ship"),
    assistant(a_reply("ship")),
    user("what is that?"),
    assistant("A ship." * 50),
    user("make it bigger"),
]


def test_the_system_prompt_is_the_one_that_the_published_models_know() -> None:
    known = "b698e3e5039330be6a3173957191048d89e2aefd09c52fccc6e21d764f03736a"
    assert hashlib.sha256(SYSTEM_PROMPT.encode()).hexdigest() == known


def test_a_chat_that_fits_is_kept_whole_behind_the_profile_s_own_head() -> None:
    profile = replace(PROFILE, examples=EXAMPLES, context_tokens=100_000)
    told, notes = fit_to_context([{"role": "system", "content": "obey me"}, *CHAT], profile, characters, 100)
    assert told == [{"role": "system", "content": PROFILE.system_prompt}, *EXAMPLES, *CHAT]
    assert notes == ()


def test_whole_turns_go_oldest_first_but_never_the_newest_canvas() -> None:
    head = len(PROFILE.system_prompt)
    profile = replace(PROFILE, context_tokens=characters(CHAT) + head + 100 - 1)
    told, notes = fit_to_context(CHAT, profile, characters, 100)
    assert told[1:] == CHAT[2:]
    assert notes[0].startswith("The oldest turn was left out")
    profile = replace(PROFILE, context_tokens=characters(CHAT[2:4] + CHAT[6:]) + head + 100)
    told, notes = fit_to_context(CHAT, profile, characters, 100)
    assert told[1:] == CHAT[2:4] + CHAT[6:]
    assert notes[0].startswith("The 2 oldest turns were left out")


def test_words_about_a_call_and_broken_programs_do_not_stand_for_the_newest_canvas() -> None:
    for later in ("Call canvas.add_local_description(...) for it.", "```python\ncanvas.add_local_description(\n```"):
        chat = [user("a ship"), assistant(a_reply("ship")), user("and?"), assistant(later), user("make it bigger")]
        profile = replace(PROFILE, context_tokens=characters(chat) + len(PROFILE.system_prompt) + 100 - 1)
        assert fit_to_context(chat, profile, characters, 100)[0][1:] == [*chat[:2], chat[4]]


def test_a_canvas_that_does_not_fit_is_an_error_with_numbers() -> None:
    with pytest.raises(ContextError, match=r"takes \d+ tokens, and the model has room for 400 "):
        fit_to_context(CHAT, replace(PROFILE, context_tokens=500), characters, 100)


def test_a_free_box_becomes_words_for_a_model_that_knows_only_words() -> None:
    box = Box(5, 5, 40, 50)
    code = read_canvas(a_reply("ship", "cloud")).code
    edited = set_keyword(set_keyword(code, 0, "bbox", box), 1, "name", "sky")
    told = in_words(assistant(f"Here:\n```python\n{edited}\n```"))
    canvas = read_canvas(told["content"]).canvas
    assert canvas is not None
    assert [(r.bbox, r.name) for r in canvas.regions] == [(None, ""), (None, "")]
    assert (canvas.regions[0].location, canvas.regions[0].offset, canvas.regions[0].area) == snap(box)
    assert told["content"].splitlines()[:10] == a_reply("ship", "cloud").splitlines()[:10]


def test_what_a_model_wrote_itself_is_repeated_letter_by_letter() -> None:
    for text in (a_reply("ship"), "Just words.", a_reply("ship").replace("'", '"')):
        assert in_words(assistant(text)) == assistant(text)
    assert in_words(user("bbox=[0, 0, 1, 1]")) == user("bbox=[0, 0, 1, 1]")


def test_the_worked_examples_are_canvases_that_need_no_repair() -> None:
    assert [message["role"] for message in EXAMPLES] == ["user", "assistant"] * 2
    assert {read_canvas(message["content"]).status for message in EXAMPLES[1::2]} == {"accept"}


def edits(count: int) -> list[Message]:
    """A chat of so many messages, each but the last answered by a canvas."""
    said = [[user(f"edit {number}"), assistant(a_reply("ship"))] for number in range(count - 1)]
    return [*(message for turn in said for message in turn), user(f"edit {count - 1}")]


def test_old_turns_go_in_large_steps_so_that_most_prompts_begin_as_the_one_before() -> None:
    room = 8 * characters(edits(2))
    profile = replace(PROFILE, context_tokens=room + len(PROFILE.system_prompt) + 100)
    told = [fit_to_context(edits(count), profile, characters, 100)[0] for count in range(1, 60)]
    goes_on = [after[: len(before)] == before for before, after in pairwise(told)]
    assert goes_on.count(False) < len(told) / 3
    steps = [characters(after) for (before, after), same in zip(pairwise(told), goes_on, strict=True) if not same]
    assert steps and max(steps) <= 0.6 * profile.context_tokens
    assert all(chat[-1]["content"] == f"edit {number}" for number, chat in enumerate(told))


def test_a_model_of_our_own_is_told_the_newest_canvas_and_the_last_requests() -> None:
    profile = replace(PROFILE, recent_only=True)
    chat = [*edits(3), assistant("You are welcome!"), user("make it bigger")]
    told, notes = fit_to_context(chat, profile, characters, 100)
    assert told[1:] == [user("edit 0\nedit 1"), assistant(a_reply("ship")), user("make it bigger")] and not notes
    assert fit_to_context(edits(2), profile, characters, 100)[0][1:] == edits(2)
    sizes = [characters(fit_to_context(edits(count), profile, characters, 100)[0]) for count in (4, 12, 30)]
    assert max(sizes) - min(sizes) < 10


def test_a_message_that_wants_the_plan_before_back_is_told_it() -> None:
    profile, chat = replace(PROFILE, recent_only=True), [*edits(5)[:-1], user("undo that")]
    assert fit_to_context(chat, profile, characters, 100)[0][1:] == chat[-5:]
