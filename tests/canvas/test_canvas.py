"""Region and Canvas: what they refuse, what conditions and colours come out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lib_omost.canvas import Box, Canvas, Region
from lib_omost.errors import CanvasError, VocabularyError


def test_conditions_are_the_whole_canvas_then_the_regions_far_to_near(canvas: Canvas) -> None:
    whole, far, near = canvas.conditions()
    assert whole[0].shape == (90, 90) and whole[0].dtype == np.float32 and whole[0].all()
    assert whole[1:] == (["A quiet kitchen."], ["Morning light.", "Old tiles.", "kitchen, morning."])
    assert far[1] == ["A quiet kitchen.", "The cat's window."]
    assert near[1:] == (
        ["A quiet kitchen.", "A red apple."],
        ["Its skin shines.", "A short stem.", "apple, fruit.", "calm.", "photo.", "sharp."],
    )


def test_a_mask_is_one_inside_its_half_open_box(canvas: Canvas) -> None:
    mask = canvas.regions[1].mask
    assert mask.sum() == (88 - 50) * (60 - 2)
    assert mask[2, 50] == mask[59, 87] == 1 and mask[60, 87] == mask[59, 88] == mask[1, 50] == 0


def test_texts_are_stripped_of_commas_stops_and_spaces_and_get_one_full_stop() -> None:
    canvas = Canvas()
    canvas.set_global_description(" ,A kitchen... ", ["", " . ", "Tiles,"], "", "wheat")
    assert canvas.conditions()[0][1:] == (["A kitchen."], ["Tiles."])


def test_a_canvas_without_global_text_says_what_its_regions_show(canvas: Canvas) -> None:
    bare = Canvas(regions=canvas.regions)
    assert bare.conditions()[0][1:] == ([], ["A red apple.", "The cat's window."])
    assert bare.conditions()[2][1] == ["A red apple."]


def test_equal_distances_stay_in_the_order_written(canvas: Canvas) -> None:
    same = [replace(canvas.regions[0], distance_to_viewer=1.0, name=str(i)) for i in range(4)]
    assert [r.name for r in Canvas(regions=tuple(same)).layers()] == ["0", "1", "2", "3"]


def test_the_colour_image_mixes_each_box_far_to_near(canvas: Canvas) -> None:
    image = canvas.color_image()
    wheat, blue, red = (np.array(c, float) for c in ((245, 222, 179), (135, 206, 235), (255, 0, 0)))
    under = 0.7 * blue + 0.3 * wheat
    assert image.shape == (90, 90, 3) and image.dtype == np.uint8
    assert tuple(image[89, 89]) == (245, 222, 179)
    assert np.abs(image[10, 80] - under).max() <= 1
    assert np.abs(image[45, 20] - (0.7 * red + 0.3 * wheat)).max() <= 1


def test_a_free_box_overrides_the_words_and_a_full_canvas_box_works(canvas: Canvas) -> None:
    region = replace(canvas.regions[0], bbox=Box(0, 0, 90, 90))
    assert region.mask.all() and replace(region, bbox=None).box == Box(0, 20, 40, 70)


def test_a_list_of_four_numbers_becomes_a_box(canvas: Canvas) -> None:
    assert replace(canvas.regions[0], bbox=[10, 10, 15, 15]).box == Box(10, 10, 15, 15)  # type: ignore[arg-type]


def test_control_characters_become_spaces_and_invisible_ones_go(canvas: Canvas) -> None:
    region = replace(
        canvas.regions[0], description="a\nb\tc\x00d\u2028e\u200bf\ud800g", name="family \U0001f468\u200d\U0001f469"
    )
    assert region.description == "a b c d efg"
    assert region.name == "family \U0001f468\u200d\U0001f469"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("location", "in the middle", "use one of"),
        ("location", 3, "write it in quotes"),
        ("distance_to_viewer", 0, "above 0"),
        ("distance_to_viewer", True, "above 0"),
        ("distance_to_viewer", float("nan"), "above 0"),
        ("distance_to_viewer", float("inf"), "above 0"),
        ("HTML_web_color_name", "burgundy", "'maroon' comes nearest"),
        ("HTML_web_color_name", "nothing", "no CSS colour"),
        ("description", None, "not text"),
        ("detailed_descriptions", [1], "not text"),
        ("bbox", (1, 2, 3), "give four"),
        ("bbox", (9, 2, 3, 8), "left < right"),
    ],
)
def test_a_region_refuses_what_it_cannot_hold(canvas: Canvas, field: str, value: object, says: str) -> None:
    with pytest.raises(VocabularyError, match=says):
        replace(canvas.regions[0], **{field: value})  # type: ignore[arg-type]


def test_a_hex_colour_with_a_name_takes_the_name(canvas: Canvas) -> None:
    assert replace(canvas.regions[0], HTML_web_color_name="#FF0000").HTML_web_color_name == "red"
    assert replace(canvas.regions[0], HTML_web_color_name="#123456").color == (0x12, 0x34, 0x56)


def test_regions_are_frozen_and_canvases_compare_by_value(canvas: Canvas, code: str) -> None:
    with pytest.raises(AttributeError):
        canvas.regions[0].name = "x"  # type: ignore[misc]
    assert Canvas.from_bot_response(code) == canvas and isinstance(hash(canvas.regions[0]), int)


def test_a_reply_without_a_canvas_raises_what_to_do_next() -> None:
    with pytest.raises(CanvasError, match=r"only words.*Ask") as caught:
        Canvas.from_bot_response("I am sorry, I cannot draw.")
    assert caught.value.notes


def test_the_code_of_an_empty_canvas_reads_as_a_canvas() -> None:
    assert Canvas.from_bot_response(Canvas().to_code()) == Canvas()


def test_region_is_the_type_of_every_region(canvas: Canvas) -> None:
    assert all(type(region) is Region for region in canvas.regions)
