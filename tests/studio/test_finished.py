"""A whole reply before it is kept."""

from __future__ import annotations

from dataclasses import replace

from lib_omost.canvas import Box, Canvas, read_canvas, set_box
from lib_omost.runtime.known_words import KnownWords
from lib_omost.studio.conversation import fenced
from lib_omost.studio.finished import ASK, LACKS, lacks, settled


def scene(canvas: Canvas) -> Canvas:
    """The apple and, behind it, a meadow as the default model writes one."""
    apple, tree = canvas.regions
    area = "a large horizontal area"
    meadow = replace(tree, location="in the center", area=area, description="a meadow", distance_to_viewer=10.0)
    return replace(canvas, regions=(apple, meadow))


def test_the_ground_goes_into_the_whole_pictures_text_with_a_note_and_the_words_around_the_program_stay(
    canvas: Canvas,
) -> None:
    text = f"Here it is.\n\n{fenced(scene(canvas).to_code())}\n\nEnjoy."
    made = settled(text, read_canvas(text), None)
    assert made.reading.canvas is not None and len(made.reading.canvas.regions) == 1
    assert made.text.startswith("Here it is.") and made.text.endswith("Enjoy.")
    assert made.notes == ("A meadow covers the whole picture: its text says it.",)


def test_a_ground_that_the_person_has_in_the_plan_stays(canvas: Canvas) -> None:
    text = fenced(scene(canvas).to_code())
    assert settled(text, read_canvas(text), scene(canvas)).text == text


def test_a_reply_without_a_canvas_or_without_a_ground_stays(canvas: Canvas) -> None:
    placed = fenced(set_box(scene(canvas).to_code(), 1, Box(0, 10, 90, 83)))
    for text in ("Gladly!", fenced(canvas.to_code()), placed):
        assert settled(text, read_canvas(text), None) == (text, read_canvas(text), ())


def test_what_the_plan_lacks_and_the_image_model_cannot_paint_is_said_with_words_that_ask_for_it(
    canvas: Canvas,
) -> None:
    about = lacks("a red apple, a bicycle and five trees at night", canvas, None, KnownWords(most_of_a_kind=3))
    assert about[LACKS] == [
        "not in the plan: bicycle, five trees, night",
        "five trees: this model paints at most 3 of a kind",
    ]
    assert about[ASK] == "add a bicycle; make it five trees; make it night"


def test_nothing_is_said_where_nothing_is_missing(canvas: Canvas) -> None:
    assert lacks("a red apple and a tree", canvas, None, KnownWords()) == {}


def test_of_many_lacks_the_first_are_named(canvas: Canvas) -> None:
    about = lacks("bee, cow, dog, elk, fox, gnu, hen, ibis", canvas, None, KnownWords())
    assert about[LACKS] == ["not in the plan: bee, cow, dog, elk, fox, gnu and 2 more"]
