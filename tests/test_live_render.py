"""Auto-render in the picture column, without a browser: what is painted, what is cancelled, what each update holds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from chat_interface import ChatWidgets
from lib_omost import Canvas, Engine
from lib_omost.studio.conversation import Chats
from lib_omost.studio.page.events import UNCHANGED, Update, View
from lib_omost.studio.page.picture_column import PictureColumn
from lib_omost.studio.page.plan_column import PlanColumn
from lib_omost.studio.page.settings_panel import LOCKED, SettingsPanel
from lib_omost.studio.plan import Plan
from lib_omost.studio.runs import Runs
from lib_omost.studio.store.jobs import StoredJobs
from lib_omost.studio.store.pictures import Pictures
from lib_omost.studio.store.sessions import Sessions
from lib_omost.studio.work import job_service

TAB = gr.Request(session_hash="a tab")


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("default", "default", device="cpu")


@pytest.fixture
def column(engine: Engine, tmp_path: Path) -> PictureColumn:
    chats = Chats(Sessions(tmp_path / "s.sqlite"))
    with gr.Blocks():
        state, drawer, widgets = gr.State(""), SettingsPanel(engine), ChatWidgets()
        told = (widgets.chatbot, widgets.cards, widgets.state_line, widgets.remarks)
        plan, pictures = PlanColumn(chats, state, drawer.size, *told), Pictures(tmp_path / "pictures")
        jobs = job_service(engine, chats, pictures, tmp_path, StoredJobs(chats.sessions))
        view = View([], lambda session, size: {})
        return PictureColumn(engine, chats, jobs, Runs(), state, pictures, plan, drawer, view)


@pytest.fixture
def session(column: PictureColumn) -> str:
    return column.chats.sessions.create("somebody")


def code(color: str) -> str:
    canvas = Canvas()
    canvas.set_global_description("an apple in a meadow", ["The grass is green."], "meadow", "skyblue")
    place = ("in the center", "no offset", "a small square area")
    canvas.add_local_description(*place, 1.0, "an apple", ["It is ripe."], "apple", "calm", "flat", "clean", color)
    return canvas.to_code()


def live(column: PictureColumn, session: str, program: str, steps: int = 2) -> Iterator[Update]:
    drawer, plan = column.drawer, Plan(program, ("r0",))
    settings = replace(column.engine.render_defaults, steps=steps, seed=7)
    given: Update = dict(zip(drawer.render, drawer.values_of(settings), strict=True))
    chosen = column.gallery.show(session).get(column.gallery.chosen, "")
    given |= {column.session: session, column.plan.plan: plan, column.plan.code: "half a li", column.keep: False}
    return column.paint_live({**given, column.gallery.chosen: chosen, drawer.images: 1, drawer.seed_mode: LOCKED}, TAB)


def test_a_newer_change_ends_the_render_of_the_older_one_which_shows_nothing_more(
    column: PictureColumn, session: str
) -> None:
    older, seen = live(column, session, code("red"), steps=100), list[Update]()
    while not any("step" in update[column.progress]["text"] for update in seen):
        seen.append(next(older))
    rest = threading.Thread(target=lambda: seen.extend(older))
    rest.start()
    newer = list(live(column, session, code("gold")))
    rest.join()
    assert [job.state for job in column.jobs.of(session)] == ["cancelled", "done"]
    assert [render.code for render in column.gallery.renders(session)] == [code("gold")]
    assert not any(column.gallery.chosen in update for update in seen)
    assert newer[-1][column.gallery.picture] == column.gallery.renders(session)[0].picture


def test_the_end_of_a_render_and_its_picture_come_in_one_update_and_steps_touch_no_hidden_button(
    column: PictureColumn, session: str
) -> None:
    first, *steps, last = live(column, session, code("red"), steps=8)
    assert last[column.progress]["text"] == "1 picture done" and last[column.gallery.picture] is not None
    assert [column.again_button in update for update in (first, last)] == [True, True]
    assert steps and not any(column.again_button in update or column.gallery.small in update for update in steps)


def test_a_picture_that_is_done_before_anybody_looks_is_shown_all_the_same(column: PictureColumn, session: str) -> None:
    run = live(column, session, code("red"))
    next(run)  # asked for, and not looked at again until it is over
    while column.jobs.active(session):
        threading.Event().wait(0.02)
    *_, last = run
    assert last[column.gallery.picture] == column.gallery.renders(session)[0].picture


def test_a_plan_that_is_painted_is_not_painted_again_and_its_change_keeps_the_seed(
    column: PictureColumn, session: str
) -> None:
    for _ in live(column, session, code("red")):
        pass
    assert list(live(column, session, code("red"))) == [UNCHANGED]
    for _ in live(column, session, code("gold")):
        pass
    newest, oldest = column.gallery.renders(session)
    assert newest.settings["seed"] == oldest.settings["seed"] and newest.code != oldest.code


def test_of_changes_that_come_while_an_older_render_stops_only_the_newest_is_painted(
    column: PictureColumn, session: str
) -> None:
    older = live(column, session, code("red"), steps=100)
    while "step" not in next(older)[column.progress]["text"]:
        pass
    runs = [threading.Thread(target=list, args=(live(column, session, code(color)),)) for color in ("gold", "navy")]
    runs[0].start()
    while not column.runs.going(("a tab", "live")):
        pass
    runs[1].start()
    for run in runs:
        run.join()
    assert column.gallery.renders(session)[0].code == code("navy")
    assert not column.jobs.active(session)
