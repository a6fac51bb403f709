from __future__ import annotations

from lib_omost.canvas import read_canvas
from training.language.scenes import Scene, Thing, program
from training.language.words import Spot


def test_a_program_reads_back_as_what_the_scene_says() -> None:
    cat = Thing("cat", color="red", size="small", count=3, spot=Spot("on the left", distance=2.5))
    reading = read_canvas(program(Scene((cat,), place="forest", style="watercolor", mood="cozy")))
    assert reading.status == "accept"
    assert reading.canvas is not None
    region, background = reading.canvas.regions
    assert region.description == "Three small red cats."
    assert (region.location, region.area, region.distance_to_viewer) == ("on the left", "a small horizontal area", 2.5)
    assert region.HTML_web_color_name == "red"
    assert (region.style, region.atmosphere) == ("Soft watercolor.", "Cozy mood.")
    assert background.description == "A forest."
    assert background.distance_to_viewer > region.distance_to_viewer


def test_a_plain_background_is_a_color_and_no_region() -> None:
    reading = read_canvas(program(Scene((Thing("cat"),), plain="dark blue")))
    assert reading.canvas is not None
    assert len(reading.canvas.regions) == 1
    assert reading.canvas.HTML_web_color_name == "darkblue"


def test_what_is_left_open_is_always_answered_alike() -> None:
    assert program(Scene((Thing("owl"),))) == program(Scene((Thing("owl"),)))


def test_nouns_that_are_plural_by_nature_have_and_all_others_have_not() -> None:
    assert "The cat has " in program(Scene((Thing("cat"),)))
    assert "The bread has " in program(Scene((Thing("bread"),)))
    assert "The grapes have " in program(Scene((Thing("grapes"),)))


def test_how_things_stand_to_each_other_is_said_in_the_plainest_words_before_where_they_are() -> None:
    scene = Scene((Thing("house"), Thing("fox", count=2, stands=("behind", "house"))))
    canvas = read_canvas(program(scene)).canvas
    assert canvas is not None
    assert canvas.detailed_descriptions[:2] == ("The foxes are behind the house.", "The house is in the center.")
