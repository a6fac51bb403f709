"""A new description of a region: what was derived from the old one follows, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from lib_omost.canvas import Box, Canvas, Region, delete_region, followed, read_program, set_box, set_keyword, undone
from lib_omost.canvas.follow import texts_of

APPLE = Region(
    *("on the left", "no offset", "a small square area", 2.0, "A red apple."),
    *(("The red apple has a glossy skin.", "The apple is on the left."), "apple, red, calm"),
    *("Calm mood.", "Flat illustration.", "Sharp.", "red"),
)
STAR = Region(
    *("on the right", "no offset", "a small square area", 2.0, "A yellow star."),
    *(("The yellow star has a clear outline.",), "star, yellow, calm", "Calm mood.", "Flat illustration.", "Sharp."),
    "yellow",
)
MEADOW = Region(
    *("in the center", "no offset", "a large square area", 10.0, "A meadow."),
    *(("The background shows swaying grass.",), "meadow, calm", "Calm mood.", "Flat illustration.", "Sharp."),
    "lightgreen",
)


def canvas(*regions: Region, text: str = "A red apple and a yellow star in a meadow.") -> Canvas:
    made = Canvas(regions=regions or (APPLE, STAR, MEADOW))
    lines = ["The red apple is on the left.", "The yellow star is on the right.", "The scene feels calm."]
    made.set_global_description(text, lines, "apple, star, meadow, calm", "lightgreen")
    return made


def canvas_of(code: str) -> Canvas:
    found = read_program(code).canvas
    assert found is not None
    return found


def renamed(text: str, index: int = 0, before: Canvas | None = None) -> tuple[Canvas, tuple[str, ...]]:
    """The canvas after a person gave one region another description, and what else was changed."""
    before = before or canvas()
    done = followed(before, set_keyword(before.to_code(), index, "description", text))
    return canvas_of(done.code), done.also


def test_another_thing_takes_tags_colour_details_and_the_whole_picture_with_it() -> None:
    after, also = renamed("A green frog.")
    frog = after.regions[0]
    assert also == ("tags", "details left empty", "colour", "whole picture")
    assert (frog.tags, frog.HTML_web_color_name) == ("frog, green, calm", "green")
    assert frog.detailed_descriptions == ("The frog is on the left.",)
    assert after.global_description == "A green frog and a yellow star in a meadow."
    assert after.detailed_descriptions[0] == "The green frog is on the left."
    assert after.tags == "frog, star, meadow, calm"
    assert after.regions[1:] == (STAR, MEADOW)


def test_another_colour_keeps_the_details_of_the_thing() -> None:
    after, also = renamed("A blue apple.")
    assert also == ("tags", "details", "colour", "whole picture")
    assert after.regions[0].detailed_descriptions == ("The blue apple has a glossy skin.", "The apple is on the left.")
    assert (after.regions[0].tags, after.regions[0].HTML_web_color_name) == ("apple, blue, calm", "blue")
    assert after.global_description == "A blue apple and a yellow star in a meadow."


def test_a_colour_word_that_is_gone_is_said_nowhere() -> None:
    after, _ = renamed("An apple.")
    assert after.global_description == "An apple and a yellow star in a meadow."
    assert after.regions[0].tags == "apple, calm"


def test_more_of_a_thing_are_many_in_every_text() -> None:
    after, _ = renamed("Three apples.")
    assert after.global_description == "Three apples and a yellow star in a meadow."
    assert after.detailed_descriptions[0] == "The apples are on the left."
    assert after.regions[0].tags == "apples, calm"


def test_an_article_goes_with_the_word_after_it() -> None:
    after, _ = renamed("An orange pear.")
    assert after.global_description == "An orange pear and a yellow star in a meadow."


def test_what_follows_the_noun_goes_into_the_sentence_of_the_whole_picture() -> None:
    after, _ = renamed("A red apple with a worm.")
    assert after.global_description == "A red apple with a worm and a yellow star in a meadow."


def test_what_followed_the_noun_follows_in_tags_and_details() -> None:
    knight = replace(APPLE, description="A knight in silver armor.", tags="knight, armor, silver, calm")
    knight = replace(knight, detailed_descriptions=("The armor gleams.", "The knight holds a sword."))
    after, _ = renamed("A knight in purple cloth.", before=canvas(knight, STAR))
    assert after.regions[0].tags == "knight, cloth, purple, calm"
    assert after.regions[0].detailed_descriptions == ("The cloth gleams.", "The knight holds a sword.")
    bare, also = renamed("A knight.", before=canvas(knight, STAR))
    assert bare.regions[0].tags == "knight, calm"
    assert bare.regions[0].detailed_descriptions == ("The knight holds a sword.",) and "details left empty" in also


def test_the_tags_tell_which_words_are_the_noun() -> None:
    ruin = replace(APPLE, description="A ruined castle.", tags="castle, calm", detailed_descriptions=())
    after, _ = renamed("A forest.", before=canvas(ruin, STAR, text="A knight before a castle."))
    assert after.global_description == "A knight before a forest."
    assert after.regions[0].tags == "forest, calm"


def test_a_verb_goes_with_the_number() -> None:
    before = canvas(replace(APPLE, detailed_descriptions=("The apple catches the light.", "The apple is ripe.")))
    after, _ = renamed("Two red apples.", before=before)
    assert after.regions[0].detailed_descriptions == ("The apples catch the light.", "The apples are ripe.")


def test_another_background_recolours_the_whole_picture() -> None:
    after, also = renamed("A desert.", 2)
    assert also == ("tags", "details left empty", "colour", "whole picture")
    assert (after.HTML_web_color_name, after.regions[2].HTML_web_color_name) == ("sandybrown", "sandybrown")
    assert after.global_description == "A red apple and a yellow star in a desert."


def test_a_colour_picked_by_hand_stays() -> None:
    picked = replace(APPLE, HTML_web_color_name="#3366ff")
    after, also = renamed("A green frog.", before=canvas(picked, STAR))
    assert after.regions[0].HTML_web_color_name == "#3366ff"
    assert "colour" not in also


def test_texts_that_the_person_wrote_stay() -> None:
    own = texts_of(canvas())
    before = canvas(replace(APPLE, tags="apple, my own words", detailed_descriptions=("An apple of my garden.",)), STAR)
    before.set_global_description("My apple at home.", before.detailed_descriptions, before.tags, "lightgreen")
    done = followed(before, set_keyword(before.to_code(), 0, "description", "A green frog."), own)
    after = canvas_of(done.code)
    assert after.regions[0].tags == "apple, my own words"
    assert after.regions[0].detailed_descriptions == ("An apple of my garden.",)
    assert after.global_description == "My apple at home."
    assert after.tags == "frog, star, meadow, calm"


def test_what_the_same_change_says_otherwise_stays() -> None:
    code = set_keyword(canvas().to_code(), 0, "description", "A green frog.")
    code = set_keyword(code, 0, "tags", "apple, as I want it")
    assert canvas_of(followed(canvas(), code).code).regions[0].tags == "apple, as I want it"


def test_a_locked_whole_picture_stays() -> None:
    before = replace(canvas(), locked=True)
    after, also = renamed("A green frog.", before=before)
    assert "whole picture" not in also
    assert after.global_description == before.global_description


def test_a_noun_that_another_region_has_too_stays_in_the_whole_picture() -> None:
    twin = replace(APPLE, location="on the right", description="A green apple.", tags="apple, green, calm")
    before = canvas(APPLE, twin, text="A red apple and a green apple.")
    after, _ = renamed("A frog.", before=before)
    assert after.global_description == "A frog and a green apple."
    assert after.tags == "apple, frog, star, meadow, calm"


def test_a_word_within_another_is_no_mention() -> None:
    after, _ = renamed("A frog.", before=canvas(APPLE, text="A red apple and a pineapple."))
    assert after.global_description == "A frog and a pineapple."


def test_comments_names_and_boxes_of_the_program_stay() -> None:
    code = "# mine\n" + canvas().to_code().replace("distance_to_viewer=2.0,", "distance_to_viewer=2.0,  # near", 1)
    code = set_box(set_keyword(code, 0, "name", "apple"), 0, Box(3, 4, 50, 60))
    done = followed(canvas_of(code), set_keyword(code, 0, "description", "A green frog."))
    frog = canvas_of(done.code).regions[0]
    assert (frog.name, frog.box) == ("apple", Box(3, 4, 50, 60))
    assert done.code.startswith("# mine\n")
    assert "distance_to_viewer=2.0,  # near" in done.code


def test_undoing_the_changes_leaves_the_new_description_alone() -> None:
    hand = set_keyword(canvas().to_code(), 0, "description", "A green frog.")
    done = followed(canvas(), hand)
    code = done.code
    for change in reversed(done.changes):
        code = undone(code, change)
    assert canvas_of(code) == canvas_of(hand)


def test_a_second_description_follows_the_first() -> None:
    own = texts_of(canvas())
    first = followed(canvas(), set_keyword(canvas().to_code(), 0, "description", "A green frog."), own)
    second = followed(canvas_of(first.code), set_keyword(first.code, 0, "description", "A purple whale."), first.own)
    assert canvas_of(second.code).global_description == "A purple whale and a yellow star in a meadow."
    assert canvas_of(second.code).regions[0].HTML_web_color_name == "purple"


def test_a_region_that_goes_takes_nothing_with_it() -> None:
    code = delete_region(canvas().to_code(), 0)
    assert followed(canvas(), code).code == code


def test_a_region_that_was_written_anew_and_a_whole_other_program_stay_as_they_are() -> None:
    pear = replace(APPLE, description="A pear.", tags="pear", detailed_descriptions=("It is ripe.",))
    one = canvas(pear, STAR, MEADOW).to_code()
    assert followed(canvas(), one).code == one
    three = [
        replace(region, description=f"A {noun}.") for region, noun in zip((APPLE, STAR, MEADOW), "xyz", strict=True)
    ]
    other = canvas(*three).to_code()
    assert followed(canvas(), other).code == other


def test_regions_in_another_order_are_not_renamed() -> None:
    code = canvas(STAR, APPLE, MEADOW).to_code()
    assert followed(canvas(), code).code == code


TEXTS = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(["A frog.", "Two dogs", "red", "(", "\\1"])


@given(was=TEXTS, now=TEXTS, tags=TEXTS | st.just("apple, , ,red"), line=TEXTS, place=st.integers(0, 2))
@settings(max_examples=150, deadline=None)
def test_any_description_leaves_a_program_that_reads_with_places_and_depths_as_they_were(
    was: str, now: str, tags: str, line: str, place: int
) -> None:
    before = canvas()
    for field, value in (("description", was), ("tags", tags), ("detailed_descriptions", [line])):
        before = canvas_of(set_keyword(before.to_code(), place, field, value))
    before.set_global_description(line, [was, line], tags, "gold")
    code = set_keyword(before.to_code(), place, "description", now)
    after = canvas_of(followed(before, code).code)
    kept = ("location", "offset", "area", "distance_to_viewer", "description", "atmosphere", "style", "quality_meta")
    for one, other in zip(canvas_of(code).regions, after.regions, strict=True):
        assert [getattr(one, field) for field in kept] == [getattr(other, field) for field in kept]
