"""Ground and sky as the whole picture's text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lib_omost.canvas import Box, Canvas, Region, read_program
from lib_omost.canvas.backdrop import backdrop_of, into_whole


def region(text: str, location: str, area: str, depth: float, **more: Any) -> Region:
    lines = (f"The background shows the {text.split()[-1].strip('.')}.",) if depth > 9 else ()
    words = (location, "no offset", area, depth, text, lines)
    made = Region(*words, f"{text.strip('.').lower()}, calm", "Calm.", "Flat.", "Sharp.", "gold")
    return replace(made, **more)


DOG = region("A dog.", "on the left", "a medium-sized square area", 2.0)
BEACH = region("A beach.", "in the center", "a large horizontal area", 10.0)


def canvas(*regions: Region, text: str = "A dog on a beach.", tags: str = "dog, beach") -> Canvas:
    made = Canvas(regions=regions)
    made.set_global_description(text, ["It is calm."], tags, "gold")
    return made


def dissolved(before: Canvas) -> Canvas:
    found = read_program(into_whole("# mine\n" + before.to_code())[0]).canvas
    assert found is not None
    return found


def test_the_band_behind_all_things_goes_into_the_whole_pictures_text() -> None:
    after = dissolved(canvas(DOG, BEACH))
    assert after.regions == (DOG,)
    assert after.global_description == "A dog on a beach."
    assert after.detailed_descriptions == ("It is calm.", "The background shows the beach.")
    assert after.tags == "dog, beach"


def test_what_the_whole_picture_does_not_say_yet_is_added_to_it() -> None:
    after = dissolved(canvas(DOG, BEACH, text="A dog.", tags="dog"))
    assert (after.global_description, after.tags) == ("A dog, a beach.", "dog, a beach")


def test_it_is_said_in_a_note_and_comments_stay() -> None:
    code, note = into_whole("# mine\n" + canvas(DOG, BEACH).to_code())
    assert note == "A beach covers the whole picture: its text says it."
    assert code.startswith("# mine\n")


@pytest.mark.parametrize(
    "more",
    [{"bbox": Box(0, 10, 90, 80)}, {"name": "sand"}, {"negative": "crab"}, {"locked": True}, {"text": "OPEN"}],
)
def test_what_a_person_placed_or_marked_stays(more: dict[str, Any]) -> None:
    before = canvas(DOG, replace(BEACH, **more))
    assert backdrop_of(before) is None
    assert into_whole(before.to_code()) == (before.to_code(), "")


@pytest.mark.parametrize(
    "regions",
    [
        (BEACH,),
        (DOG, DOG),
        (DOG, replace(BEACH, distance_to_viewer=1.0)),
        (DOG, replace(BEACH, distance_to_viewer=2.0)),
        (DOG, replace(BEACH, area="a medium-sized square area")),
        (DOG, BEACH, replace(BEACH, description="A sky.")),
    ],
)
def test_a_thing_a_near_one_and_one_of_two_backgrounds_stay(regions: tuple[Region, ...]) -> None:
    assert backdrop_of(canvas(*regions)) is None


def test_a_locked_whole_picture_and_a_text_without_a_canvas_stay() -> None:
    locked = replace(canvas(DOG, BEACH), locked=True).to_code()
    assert into_whole(locked) == (locked, "")
    assert into_whole("no canvas") == ("no canvas", "")
