"""The list of sessions: what each is called, and what is seen of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib_omost.canvas import Canvas
from lib_omost.studio.conversation import fenced
from lib_omost.studio.listing import listed, plan_name
from lib_omost.studio.store.sessions import Sessions, Turn


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "sessions.sqlite")


def test_a_session_is_named_after_its_plan_until_a_person_names_it(sessions: Sessions, code: str) -> None:
    session = sessions.create("ann")
    assert [one["name"] for one in listed(sessions, "ann")] == ["New picture"]
    sessions.set_turns(session, (Turn("user", "something with fruit"), Turn("assistant", fenced(code))))
    (one,) = listed(sessions, "ann")
    assert (one["name"], one["said"], len(one["boxes"])) == ("red apple and tree", "something with fruit", 2)
    sessions.rename(session, "still life")
    assert [one["name"] for one in listed(sessions, "ann")] == ["still life"]


def test_a_session_without_a_plan_has_the_name_of_its_first_message_and_no_layout(sessions: Sessions) -> None:
    session = sessions.create("ann")
    sessions.set_turns(session, (Turn("user", "what is a canvas?"), Turn("assistant", "A canvas is a plan.")))
    (one,) = listed(sessions, "ann")
    assert one["name"] == "what is a canvas?" and "boxes" not in one


def test_only_the_owner_s_sessions_are_listed_the_last_used_one_first(sessions: Sessions) -> None:
    old, new, other = (sessions.create(owner) for owner in ("ann", "ann", "bob"))
    sessions.add_turns(old, Turn("user", "again"))
    assert [one["id"] for one in listed(sessions, "ann")] == [old, new]
    assert [one["id"] for one in listed(sessions, "bob")] == [other]


@pytest.mark.parametrize("count, name", [(0, ""), (1, "a1"), (3, "a1, a2 and a3"), (5, "a1, a2, a3 and 2 more")])
def test_a_name_says_three_things_and_counts_the_rest(count: int, name: str) -> None:
    canvas = Canvas()
    canvas.set_global_description("a meadow", [], "", "green")
    for number in range(1, count + 1):
        where = ("on the left", "no offset", "a small square area", 1.0)
        canvas.add_local_description(*where, f"an a{number}", [], "", "", "", "", "red")
    assert plan_name(canvas) == name
