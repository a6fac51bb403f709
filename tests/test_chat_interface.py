"""The chat column without a browser: a reply while it streams, and what every act leaves in the session."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

import gradio as gr
import pytest

from bench._server import TextServer, text_server
from chat_interface import ANOTHER, ANSWER, NOTHING, CanvasChat, ChatWidgets
from gradio_app import build
from lib_omost.canvas import Box, CanvasReader, set_box, set_keyword
from lib_omost.composer import in_words
from lib_omost.runtime import Engine
from lib_omost.studio.conversation import Chats
from lib_omost.studio.page.events import UNCHANGED, Update
from lib_omost.studio.page.plan_column import PlanColumn
from lib_omost.studio.page.settings_panel import SettingsPanel
from lib_omost.studio.replies import Reply, pause_s, stream_reply
from lib_omost.studio.runs import Runs
from lib_omost.studio.store.jobs import StoredJobs
from lib_omost.studio.store.pictures import Pictures
from lib_omost.studio.store.sessions import Sessions, Turn
from lib_omost.studio.work import job_service

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
        session, chats = gr.State(""), Chats(sessions)
        folder = tmp_path_factory.mktemp("pictures")
        jobs = job_service(engine, chats, Pictures(folder), folder, StoredJobs(sessions))
        drawer, widgets = SettingsPanel(engine), ChatWidgets()
        told = (widgets.chatbot, widgets.cards, widgets.state_line, widgets.remarks)
        plan = PlanColumn(chats, session, drawer.size, *told)
        return CanvasChat(engine, chats, jobs, Runs(), session, widgets, plan, drawer)


@pytest.fixture
def chat(column: CanvasChat, server: TextServer) -> CanvasChat:
    return column


@pytest.fixture
def session(chat: CanvasChat) -> str:
    return chat.chats.sessions.create("ann")


def respond(chat: CanvasChat, session: str, ask: str = ANSWER, tab: str = "tab") -> Iterator[Update]:
    given = {widget: widget.value for widget in chat.drawer.compose}
    given |= {chat.session: session, chat.ask: ask, **dict(zip(chat.drawer.size, SIZE, strict=True))}
    return chat.respond(given, gr.Request(session_hash=tab))


def follow(chat: CanvasChat, session: str, tab: str) -> Iterator[Update]:
    given = {chat.session: session, **dict(zip(chat.drawer.size, SIZE, strict=True))}
    return chat.follow(given, gr.Request(session_hash=tab))


def answer(chat: CanvasChat, session: str, ask: str = ANSWER) -> list[Update]:
    """All updates of one run, as the page would get them."""
    return list(respond(chat, session, ask))


def send(chat: CanvasChat, session: str, text: str) -> list[Update]:
    assert chat.send(text, session, *SIZE)[chat.ask] == ANSWER
    return answer(chat, session)


def texts(chat: CanvasChat, session: str) -> list[str]:
    return [turn.text for turn in chat.chats.sessions.turns(session)]


def test_a_message_is_kept_before_the_model_answers(chat: CanvasChat, session: str) -> None:
    chat.send("an apple", session, *SIZE)
    assert texts(chat, session) == ["an apple"]


def test_a_reply_ends_as_chat_plan_code_and_state(chat: CanvasChat, session: str) -> None:
    last = send(chat, session, "an apple")[-1]
    assert set(last) == set(chat.view.outputs)
    assert [bubble["role"] for bubble in last[chat.chatbot]] == ["user", "assistant"]
    assert (last[chat.state_line]["level"], last[chat.state_line]["text"]) == ("good", "1 region")
    assert last[chat.plan.editor]["regions"][0]["description"] == "an apple"
    assert last[chat.plan.code].startswith("canvas = Canvas()")
    assert last[chat.plan.plan].code == last[chat.plan.code]
    assert last[chat.textbox]["submit_btn"] is True
    assert texts(chat, session) == ["an apple", REPLY]


def readers(work: Callable[[], object]) -> list[str]:
    """The files from which texts are read while `work` runs, once for each text. Those of the composer, which asks
    again where a reply cannot be read, are its own affair.
    """
    found: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is CanvasReader.close.__code__:
            caller = frame.f_back
            while caller is not None and "reader" in Path(caller.f_code.co_filename).parts:
                caller = caller.f_back
            path = Path(caller.f_code.co_filename if caller else "")
            if "composer" not in path.parts:
                found.append(path.name)

    threading.setprofile(note)  # a job has a thread of its own
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    return found


def test_the_page_reads_a_reply_once_while_it_streams_and_passes_the_reading_on(chat: CanvasChat, session: str) -> None:
    chat.send("an apple", session, *SIZE)
    assert readers(lambda: answer(chat, session)) == ["replies.py"]
    chat.send("more", session, *SIZE)
    # The plan before it, too: from it the length of the next one is guessed.
    read = readers(lambda: answer(chat, session))
    assert read[:2] == ["conversation.py", "replies.py"] and set(read[2:]) <= {"merge.py", "writer.py", "patches.py"}


def test_a_picture_that_is_done_while_a_reply_streams_stays_behind_it(
    chat: CanvasChat, session: str, server: TextServer
) -> None:
    server.rate = 100
    chat.send("an apple", session, *SIZE)
    run = respond(chat, session)
    while not any(bubble["role"] == "assistant" for bubble in next(run)[chat.chatbot]):
        pass
    chat.chats.sessions.add_picture(session, "code", {}, "/p/a.png")
    *_, last = run
    turns = chat.chats.open(session).turns
    assert [turn.text or turn.picture for turn in turns] == ["an apple", REPLY, "/p/a.png"]
    assert len(last[chat.chatbot]) == 2  # the picture stands in the card of its reply


def test_the_model_is_asked_with_the_whole_conversation_but_no_picture(
    chat: CanvasChat, session: str, server: TextServer
) -> None:
    before = (Turn("user", "a pear"), Turn("assistant", REPLY), Turn("assistant", "", "/p/a.png"))
    chat.chats.sessions.set_turns(session, before)
    send(chat, session, "make it red")
    roles = [message["role"] for message in server.asked[-1]["messages"]]
    assert roles[-3:] == ["user", "assistant", "user"]
    assert "/p/a.png" not in str(server.asked)


def test_stop_ends_the_run_and_keeps_what_was_written(chat: CanvasChat, session: str, server: TextServer) -> None:
    server.rate = 30
    chat.send("an apple", session, *SIZE)
    run = respond(chat, session)
    while not any(bubble["role"] == "assistant" for bubble in next(run)[chat.chatbot]):
        pass
    stopping = threading.Thread(target=chat.halt, args=(session, *SIZE))
    stopping.start()
    *_, last = run
    stopping.join()
    assert last[chat.state_line]["text"].startswith("stopped")
    asked, written = texts(chat, session)
    assert asked == "an apple"
    assert REPLY.startswith(written.strip())
    assert len(written) < len(REPLY)


def test_a_reply_goes_on_in_a_closed_tab_and_whoever_opens_the_session_sees_it(
    chat: CanvasChat, session: str, server: TextServer
) -> None:
    server.rate = 100
    chat.send("an apple", session, *SIZE)
    run = respond(chat, session)
    while not any(bubble["role"] == "assistant" for bubble in next(run)[chat.chatbot]):
        pass
    run.close()
    others = list(follow(chat, session, "another tab"))
    assert any(update[chat.state_line]["text"].startswith("composing") for update in others[1:])
    assert others[-1][chat.state_line]["text"] == "1 region"
    assert texts(chat, session) == ["an apple", REPLY]


def test_a_message_that_is_sent_while_a_reply_is_written_waits_and_both_replies_land_behind_theirs(
    chat: CanvasChat, session: str, server: TextServer
) -> None:
    server.rate = 200
    chat.send("an apple", session, *SIZE)
    first = respond(chat, session)
    next(first)
    chat.send("a pear", session, *SIZE)
    second = respond(chat, session, tab="another tab")
    waiting = [next(second)]
    *_, last = itertools.chain(waiting, second)
    assert [text.strip() for text in texts(chat, session)] == ["an apple", REPLY, "a pear", REPLY]
    assert [message["content"] for message in server.asked[-2]["messages"]][-1] == "an apple"
    assert last[chat.textbox]["submit_btn"] is True


def test_a_reply_that_is_asked_for_twice_is_one_job(chat: CanvasChat, session: str, server: TextServer) -> None:
    server.rate = 200
    chat.send("an apple", session, *SIZE)
    first, second = respond(chat, session), respond(chat, session, tab="another tab")
    next(first), next(second)
    list(first), list(second)
    assert len(server.asked) == 1 and texts(chat, session) == ["an apple", REPLY]


def test_undo_ends_the_reply_that_is_written_and_nothing_of_it_comes_back(
    chat: CanvasChat, session: str, server: TextServer
) -> None:
    server.rate = 30
    chat.send("an apple", session, *SIZE)
    run = respond(chat, session)
    while not any(bubble["role"] == "assistant" for bubble in next(run)[chat.chatbot]):
        pass
    assert chat.undo(session, *SIZE)[chat.textbox]["value"] == "an apple"
    list(run)
    assert texts(chat, session) == [] and chat.jobs.active(session) == []


def test_a_server_that_breaks_off_leaves_a_sentence_and_the_message(
    chat: CanvasChat, session: str, server: TextServer
) -> None:
    server.text = None  # type: ignore[assignment]  # it fails before the first word
    state = send(chat, session, "an apple")[-1][chat.state_line]
    assert state["level"] == "bad"
    assert state["asks"] is True
    assert texts(chat, session) == ["an apple"]


def test_prose_is_ordinary_chat_and_the_last_plan_stays(chat: CanvasChat, session: str, server: TextServer) -> None:
    send(chat, session, "an apple")
    server.text = "Gladly! What should change?"
    last = send(chat, session, "hello")[-1]
    assert last[chat.state_line]["text"] == "no canvas in this reply"
    assert len(last[chat.plan.editor]["regions"]) == 1
    assert "an apple" in last[chat.plan.code]


def test_retry_asks_the_same_question_with_another_seed(chat: CanvasChat, session: str, server: TextServer) -> None:
    send(chat, session, "an apple")
    ask = chat.retry(session, *SIZE, gr.RetryData(None, {"index": 1, "value": REPLY}))[chat.ask]
    assert ask == ANOTHER
    assert texts(chat, session) == ["an apple"]
    answer(chat, session, ask)
    assert server.asked[0]["messages"] == server.asked[1]["messages"]
    assert server.asked[0].get("seed") != server.asked[1].get("seed")


def test_undo_gives_the_message_back_and_the_plan_before_it(chat: CanvasChat, session: str) -> None:
    send(chat, session, "an apple")
    shown = chat.undo(session, *SIZE)
    assert (shown[chat.textbox]["value"], texts(chat, session)) == ("an apple", [])
    assert (shown[chat.plan.editor]["regions"], shown[chat.plan.code]) == ([], "")


def test_an_edited_message_is_asked_anew_and_cuts_the_rest(chat: CanvasChat, session: str) -> None:
    send(chat, session, "an apple")
    send(chat, session, "more")
    event = gr.EditData(None, {"index": 0, "previous_value": "an apple", "value": "a pear"})
    assert chat.edit(session, *SIZE, event)[chat.ask] == ANSWER
    assert texts(chat, session) == ["a pear"]


def test_an_edited_reply_is_read_anew_without_the_model(chat: CanvasChat, session: str, server: TextServer) -> None:
    send(chat, session, "an apple")
    changed = REPLY.replace("an apple", "a plum")
    event = gr.EditData(None, {"index": 1, "previous_value": REPLY, "value": changed})
    shown = chat.edit(session, *SIZE, event)
    assert shown[chat.ask] == NOTHING
    assert shown[chat.plan.editor]["regions"][0]["description"] == "a plum"
    assert len(server.asked) == 1


def test_an_act_that_asks_nothing_changes_nothing_on_the_page(chat: CanvasChat, session: str) -> None:
    (update,) = answer(chat, session, NOTHING)
    assert update == UNCHANGED


def test_no_event_takes_the_chat_widgets_value_so_a_forged_history_is_not_even_looked_at(
    server: TextServer, tmp_path: Path
) -> None:
    demo = build(Engine(server.name, "default"), tmp_path)
    chatbots = {key for key, block in demo.blocks.items() if isinstance(block, gr.Chatbot)}
    assert chatbots
    assert not any(block._id in chatbots for fn in demo.fns.values() for block in fn.inputs)


def test_a_hand_edit_survives_the_next_message_and_the_state_line_says_what_changed(
    chat: CanvasChat, session: str, server: TextServer
) -> None:
    send(chat, session, "an apple")
    mine = chat.chats.open(session).newest
    assert mine is not None
    code = "# mine\n" + set_keyword(set_box(mine.reading.code, 0, Box(3, 41, 30, 77)), 0, "negative", "leaf")
    chat.chats.set_code(session, code)
    server.text = in_words({"role": "assistant", "content": code})["content"].replace("'red'", "'gold'")
    last = send(chat, session, "make it golden")[-1]
    assert last[chat.plan.code] == code.replace("'red'", "'gold'")
    assert last[chat.state_line]["text"] == "1 change"
    rows = last[chat.remarks]["rows"]
    assert [(row["text"], row["label"]) for row in rows] == [("apple: red → gold", "undo")]
    again = chat.at_rest(session, SIZE)
    assert (again[chat.state_line]["text"], again[chat.remarks]["rows"]) == ("1 change", rows)


def test_what_the_plan_lacks_is_named_and_a_button_asks_for_it(chat: CanvasChat, session: str) -> None:
    last = send(chat, session, "an apple on a bicycle")[-1]
    (row,) = last[chat.remarks]["rows"]
    assert (row["text"], row["label"]) == ("not in the plan: bicycle", "ask for it")
    assert chat.at_rest(session, SIZE)[chat.remarks] == last[chat.remarks]
    shown = chat.press(session, *SIZE, gr.EventData(None, {"value": row["value"]}))
    assert shown[chat.textbox]["value"] == "add a bicycle"


def test_a_reply_that_changes_nothing_says_so(chat: CanvasChat, session: str) -> None:
    send(chat, session, "an apple")
    last = send(chat, session, "swap them")[-1]
    state = last[chat.state_line]
    assert (state["level"], state["text"], state["asks"]) == ("warn", "Nothing changed", True)
    (row,) = last[chat.remarks]["rows"]
    assert (row["text"], row["value"]) == ("Nothing changed: I did not understand “swap”.", "hand")


def test_what_a_person_changes_while_the_reply_streams_is_kept_and_told(
    chat: CanvasChat, session: str, server: TextServer
) -> None:
    send(chat, session, "an apple")
    first = chat.chats.open(session).newest
    assert first is not None
    server.text = REPLY.replace("'red'", "'gold'").replace('"red"', '"gold"')
    chat.send("make it golden", session, *SIZE)
    run = respond(chat, session)
    next(run)
    blue = first.turn.text.replace("'red'", "'blue'").replace('"red"', '"blue"')
    chat.chats.sessions.change_turn(session, replace(first.turn, text=blue))
    *_, last = run
    assert "blue" in last[chat.plan.code] and "gold" not in last[chat.plan.code]
    assert (last[chat.state_line]["text"], last[chat.state_line]["level"]) == ("1 kept as you have it", "warn")
    (row,) = last[chat.remarks]["rows"]
    assert (row["text"], row["label"]) == (
        "apple: blue → gold, not done: you changed it yourself",
        "take the model's",
    )


def test_a_locked_region_is_left_alone_by_every_reply(chat: CanvasChat, session: str, server: TextServer) -> None:
    send(chat, session, "an apple")
    mine = chat.chats.open(session).newest
    assert mine is not None
    locked = set_keyword(mine.reading.code, 0, "locked", True)
    chat.chats.set_code(session, locked)
    server.text = REPLY.replace("an apple", "a pear")
    assert send(chat, session, "make it a pear")[-1][chat.plan.code] == locked


def test_what_is_locked_in_a_reply_stays_when_the_message_is_asked_again(
    chat: CanvasChat, session: str, server: TextServer
) -> None:
    send(chat, session, "an apple")
    mine = chat.chats.open(session).newest
    assert mine is not None
    chat.chats.set_code(session, set_keyword(set_keyword(mine.reading.code, 0, "locked", True), 0, "name", "mine"))
    server.text = REPLY.replace("'an apple'", "'a boat'").replace("on the left", "on the right")
    ask = chat.retry(session, *SIZE, gr.RetryData(None, {"index": 1, "value": REPLY}))[chat.ask]
    *_, last = answer(chat, session, ask)
    assert [(r["name"], r["description"], r["locked"]) for r in last[chat.plan.editor]["regions"]] == [
        ("", "a boat", False),
        ("mine", "an apple", True),
    ]
    assert last[chat.plan.cards]["cards"][-1]["replies"] == [2, 2]


def test_a_reply_that_is_stopped_changes_what_it_came_to_and_takes_nothing_out(
    chat: CanvasChat, session: str, server: TextServer
) -> None:
    tree = REPLY.replace("an apple", "a tree").replace("on the left", "on the right").split("canvas.add_local", 1)[1]
    server.text = REPLY.removesuffix("```") + "canvas.add_local" + tree
    send(chat, session, "an apple and a tree")
    server.text, server.rate = server.text.replace("'red'", "'gold'"), 40
    chat.send("make both golden", session, *SIZE)
    run = respond(chat, session)
    while not next(run).get(chat.plan.editor, {}).get("regions"):
        pass
    stopping = threading.Thread(target=chat.halt, args=(session, *SIZE))
    stopping.start()
    *_, last = run
    stopping.join()
    regions = last[chat.plan.editor]["regions"]
    assert [(r["description"], r["color"]) for r in regions] == [("an apple", "#ffd700"), ("a tree", "#ff0000")]
    assert last[chat.state_line]["text"] == "stopped · 1 change"
    assert [row["text"] for row in last[chat.remarks]["rows"]] == ["apple: red → gold"]


def test_what_a_message_does_not_speak_of_is_held_back_and_told(
    chat: CanvasChat, session: str, server: TextServer
) -> None:
    tree = REPLY.replace("an apple", "a tree").replace("on the left", "on the right").split("canvas.add_local", 1)[1]
    server.text = REPLY.removesuffix("```") + "canvas.add_local" + tree
    send(chat, session, "an apple and a tree")
    server.text = REPLY.replace("'an apple'", "'two apples'")
    last = send(chat, session, "I want two apples instead of one")[-1]
    assert "two apples" in last[chat.plan.code] and "a tree" in last[chat.plan.code]
    assert (last[chat.state_line]["text"], last[chat.state_line]["level"]) == ("1 change, 1 held back", "warn")
    rows = last[chat.remarks]["rows"]
    assert [(row["text"], row["label"]) for row in rows] == [
        ("apple → two apples", "undo"),
        ("held back: tree removed", "take it"),
    ]
    shown = chat.press(session, *SIZE, gr.EventData(None, {"value": rows[1]["value"]}))
    assert "a tree" not in shown[chat.plan.code]
    assert shown[chat.remarks]["rows"][1]["label"] == "put back"
