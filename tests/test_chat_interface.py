"""The chat column without a browser: a reply while it streams, and what every act leaves in the session."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from bench._server import TextServer, text_server
from chat_interface import ANOTHER, ANSWER, NOTHING, CanvasChat
from gradio_app import build
from lib_omost.canvas import CanvasReader
from lib_omost.runtime import Engine
from lib_omost.studio.page.plan_column import PlanColumn
from lib_omost.studio.page.settings_panel import SettingsPanel
from lib_omost.studio.replies import Reply, pause_s, stream_reply
from lib_omost.studio.runs import Runs
from lib_omost.studio.store.sessions import Sessions, Turn

SIZE = (128, 128)
REPLY = """Here it is.

```python
canvas = Canvas()
canvas.set_global_description(
    description='a meadow', detailed_descriptions=[], tags='', HTML_web_color_name='skyblue',
)
canvas.add_local_description(
    location='on the left', offset='no offset', area='a small square area', distance_to_viewer=2.0,
    description='an apple', detailed_descriptions=[], tags='', atmosphere='', style='', quality_meta='',
    HTML_web_color_name='red',
)
```"""


def letters(text: str) -> Iterator[str]:
    return iter(text)


def replies(text: str, pause: float = 1.0) -> list[Reply]:
    """Every state of a reply that comes letter by letter, with a clock that moves `pause` at each look."""
    ticks = itertools.count(step=pause)
    return list(stream_reply(letters(text), CanvasReader(), clock=lambda: next(ticks)))


def test_the_last_state_has_the_whole_text_and_its_reading() -> None:
    last = replies(REPLY)[-1]
    assert last.text == REPLY
    assert last.reading is not None
    assert last.reading.status == "accept"


def test_only_the_last_state_has_a_reading() -> None:
    assert all(reply.reading is None for reply in replies(REPLY)[:-1])


def test_the_place_of_a_region_is_shown_before_its_texts_are_written() -> None:
    early = next(reply for reply in replies(REPLY) if reply.pending is not None)
    assert "description='an apple'" not in early.text


def test_the_editor_is_told_only_when_the_plan_changed() -> None:
    states = replies(REPLY)
    assert 2 <= sum(reply.plan_changed for reply in states) < len(states) / 10


def test_the_longer_the_text_the_rarer_the_updates() -> None:
    pauses = [pause_s(length) for length in (100, 3000, 10_000, 50_000)]
    assert pauses == sorted(pauses)
    assert pauses[-1] >= 0.25


def test_a_fast_model_does_not_flood_the_page() -> None:
    assert len(replies(REPLY, pause=0.001)) < 10


# ---- the column on a real engine; its language model is a server that always says REPLY ------------------------------


@pytest.fixture(scope="module")
def running() -> Iterator[TextServer]:
    with text_server(REPLY) as server:
        yield server


@pytest.fixture
def server(running: TextServer) -> TextServer:
    running.text, running.rate, running.asked = REPLY, 1000.0, []
    return running


@pytest.fixture(scope="module")
def column(running: TextServer, tmp_path_factory: pytest.TempPathFactory) -> CanvasChat:
    sessions = Sessions(tmp_path_factory.mktemp("store") / "sessions.sqlite")
    engine = Engine(running.name, "default")
    with gr.Blocks():
        session = gr.State("")
        drawer = SettingsPanel(engine)
        chat = CanvasChat(engine, sessions, Runs(), session)
        chat.wire(PlanColumn(sessions, session, drawer.size), drawer)
    return chat


@pytest.fixture
def chat(column: CanvasChat, server: TextServer) -> CanvasChat:
    return column


@pytest.fixture
def session(chat: CanvasChat) -> str:
    return chat.sessions.create("ann")


def answer(chat: CanvasChat, session: str, ask: str = ANSWER, tab: str = "tab") -> list[tuple[Any, ...]]:
    """All updates of one run, as the page would get them."""
    values = [widget.value for widget in chat.drawer.compose]
    return list(chat.respond(session, ask, *SIZE, gr.Request(session_hash=tab), *values))


def send(chat: CanvasChat, session: str, text: str) -> list[tuple[Any, ...]]:
    ask, *_ = chat.send(text, session, *SIZE)
    assert ask == ANSWER
    return answer(chat, session)


def texts(chat: CanvasChat, session: str) -> list[str]:
    return [turn.text for turn in chat.sessions.turns(session)]


def test_a_message_is_kept_before_the_model_answers(chat: CanvasChat, session: str) -> None:
    chat.send("an apple", session, *SIZE)
    assert texts(chat, session) == ["an apple"]


def test_a_reply_ends_as_chat_plan_code_and_state(chat: CanvasChat, session: str) -> None:
    bubbles, box, state, editor, code, plan = send(chat, session, "an apple")[-1]
    assert [bubble["role"] for bubble in bubbles] == ["user", "assistant"]
    assert (state["level"], state["text"]) == ("good", "1 region")
    assert editor["regions"][0]["description"] == "an apple"
    assert code.startswith("canvas = Canvas()")
    assert plan.code == code
    assert box["submit_btn"] is True
    assert texts(chat, session) == ["an apple", REPLY]


def test_the_model_is_asked_with_the_whole_conversation_but_no_picture(
    chat: CanvasChat, session: str, server: TextServer
) -> None:
    before = (Turn("user", "a pear"), Turn("assistant", REPLY), Turn("assistant", "", "/p/a.png"))
    chat.sessions.set_turns(session, before)
    send(chat, session, "make it red")
    roles = [message["role"] for message in server.asked[-1]["messages"]]
    assert roles[-3:] == ["user", "assistant", "user"]
    assert "/p/a.png" not in str(server.asked)


def test_stop_ends_the_run_and_keeps_what_was_written(chat: CanvasChat, session: str, server: TextServer) -> None:
    server.rate = 30
    chat.send("an apple", session, *SIZE)
    run = chat.respond(session, ANSWER, *SIZE, gr.Request(session_hash="tab"), *[w.value for w in chat.drawer.compose])
    while not any(bubble["role"] == "assistant" for bubble in next(run)[0]):
        pass
    stopping = threading.Thread(target=chat.halt, args=(session, *SIZE, gr.Request(session_hash="tab")))
    stopping.start()
    *_, last = run
    stopping.join()
    assert last[2]["text"].startswith("stopped")
    asked, written = texts(chat, session)
    assert asked == "an apple"
    assert REPLY.startswith(written.strip())
    assert len(written) < len(REPLY)


def test_a_closed_tab_keeps_what_was_written_and_stops_the_model(
    chat: CanvasChat, session: str, server: TextServer
) -> None:
    server.rate = 30
    chat.send("an apple", session, *SIZE)
    run = chat.respond(session, ANSWER, *SIZE, gr.Request(session_hash="tab"), *[w.value for w in chat.drawer.compose])
    while not any(bubble["role"] == "assistant" for bubble in next(run)[0]):
        pass
    run.close()
    assert len(texts(chat, session)) == 2
    assert chat.runs.stop(("tab", "chat"), 0.0)


def test_a_server_that_breaks_off_leaves_a_sentence_and_the_message(
    chat: CanvasChat, session: str, server: TextServer
) -> None:
    server.text = None  # type: ignore[assignment]  # it fails before the first word
    state = send(chat, session, "an apple")[-1][2]
    assert state["level"] == "bad"
    assert state["asks"] is True
    assert texts(chat, session) == ["an apple"]


def test_prose_is_ordinary_chat_and_the_last_plan_stays(chat: CanvasChat, session: str, server: TextServer) -> None:
    send(chat, session, "an apple")
    server.text = "Gladly! What should change?"
    _, _, state, editor, code, _ = send(chat, session, "hello")[-1]
    assert state["text"] == "no canvas in this reply"
    assert len(editor["regions"]) == 1
    assert "an apple" in code


def test_retry_asks_the_same_question_with_another_seed(chat: CanvasChat, session: str, server: TextServer) -> None:
    send(chat, session, "an apple")
    ask, *_ = chat.retry(session, *SIZE, gr.RetryData(None, {"index": 1, "value": REPLY}))
    assert ask == ANOTHER
    assert texts(chat, session) == ["an apple"]
    answer(chat, session, ask)
    assert server.asked[0]["messages"] == server.asked[1]["messages"]
    assert server.asked[0].get("seed") != server.asked[1].get("seed")


def test_undo_gives_the_message_back_and_the_plan_before_it(chat: CanvasChat, session: str) -> None:
    send(chat, session, "an apple")
    _, box, _, editor, code, _ = chat.undo(session, *SIZE)
    assert (box["value"], editor["regions"], code, texts(chat, session)) == ("an apple", [], "", [])


def test_an_edited_message_is_asked_anew_and_cuts_the_rest(chat: CanvasChat, session: str) -> None:
    send(chat, session, "an apple")
    send(chat, session, "more")
    event = gr.EditData(None, {"index": 0, "previous_value": "an apple", "value": "a pear"})
    ask, *_ = chat.edit(session, *SIZE, event)
    assert ask == ANSWER
    assert texts(chat, session) == ["a pear"]


def test_an_edited_reply_is_read_anew_without_the_model(chat: CanvasChat, session: str, server: TextServer) -> None:
    send(chat, session, "an apple")
    changed = REPLY.replace("an apple", "a plum")
    event = gr.EditData(None, {"index": 1, "previous_value": REPLY, "value": changed})
    ask, _, _, _, editor, _, _ = chat.edit(session, *SIZE, event)
    assert ask == NOTHING
    assert editor["regions"][0]["description"] == "a plum"
    assert len(server.asked) == 1


def test_an_act_that_asks_nothing_changes_nothing_on_the_page(chat: CanvasChat, session: str) -> None:
    (update,) = answer(chat, session, NOTHING)
    assert all(part == gr.skip() for part in update)


def test_no_event_takes_the_chat_widgets_value_so_a_forged_history_is_not_even_looked_at(
    server: TextServer, tmp_path: Path
) -> None:
    demo = build(Engine(server.name, "default"), tmp_path)
    chatbots = {key for key, block in demo.blocks.items() if isinstance(block, gr.Chatbot)}
    assert chatbots
    assert not any(block._id in chatbots for fn in demo.fns.values() for block in fn.inputs)
