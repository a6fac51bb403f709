from __future__ import annotations

from lib_omost.canvas import read_canvas
from training.language.scenes import Scene, Thing, program
from training.language.words import Spot


def test_a_program_reads_back_as_what_the_scene_says() -> None:
    cat = Thing("cat", color="red", size="small", count=3, spot=Spot("on the left", distance=2.5), after="with wings")
    reading = read_canvas(program(Scene((cat,), place="forest", style="watercolor", mood="cozy", when=("at night",))))
    assert (reading.status, reading.notes) == ("accept", ())
    assert reading.canvas is not None
    (region,) = reading.canvas.regions
    assert region.description == "Three small red cats with wings."
    assert (region.location, region.area, region.distance_to_viewer) == ("on the left", "a small horizontal area", 2.5)
    assert region.HTML_web_color_name == "red"
    whole = "Three small red cats with wings in a forest, at night, cozy mood, watercolor."
    assert reading.canvas.global_description == whole
    assert reading.canvas.HTML_web_color_name == "midnightblue"


def test_what_carries_nothing_is_left_out() -> None:
    text = program(Scene((Thing("cat"),)))
    for word in ("offset", "distance_to_viewer", "tags", "atmosphere", "style", "quality_meta", "detailed", "#"):
        assert word not in text


def test_two_colors_are_said_and_the_first_one_paints() -> None:
    canvas = read_canvas(program(Scene((Thing("dog", color="black and white"),)))).canvas
    assert canvas is not None
    assert canvas.regions[0].description == "A black and white dog."
    assert canvas.regions[0].HTML_web_color_name == "black"


def test_a_plain_background_is_a_color_and_no_region() -> None:
    reading = read_canvas(program(Scene((Thing("cat"),), plain="dark blue")))
    assert reading.canvas is not None
    assert len(reading.canvas.regions) == 1
    assert reading.canvas.HTML_web_color_name == "darkblue"


def test_what_is_left_open_is_always_answered_alike() -> None:
    assert program(Scene((Thing("owl"),))) == program(Scene((Thing("owl"),)))


def test_how_things_stand_to_each_other_is_said_in_the_plainest_words_they_are() -> None:
    scene = Scene((Thing("house"), Thing("fox", count=2, stands=("behind", "house"))))
    canvas = read_canvas(program(scene)).canvas
    assert canvas is not None
    assert canvas.detailed_descriptions == ("The foxes are behind the house.",)
