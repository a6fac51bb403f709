"""Three-way merges: a reply as a patch on a person's program."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_omost.canvas import Box, Canvas, Region, add_region, delete_region, read_program, set_box, set_keyword, snap
from lib_omost.canvas.merge import PLACE, as_far_as_written, differences, merge, taken, undone, with_locked
from lib_omost.canvas.vocabulary import AREAS, LOCATIONS, OFFSETS, box_of

PLACES = ("location", "offset", "area")
NOUNS = ("apple", "balloon", "castle", "dragon", "elephant", "fountain", "guitar", "hedgehog")


def region(noun: str, location: str = "in the center", **more: Any) -> Region:
    texts = (f"A {noun}.", (f"The {noun} shines.",), f"{noun}, plain", "Calm.", "Flat.", "Sharp.")
    made = Region(location, "no offset", "a small square area", 2.0, *texts, "red")
    return replace(made, **more)


def canvas(*regions: Region, text: str = "A meadow.") -> Canvas:
    made = Canvas(regions=regions)
    made.set_global_description(text, ["Soft light."], "meadow", "green")
    return made


APPLE, BALLOON = region("apple", "on the left"), region("balloon", "on the top-right")
BASE = canvas(APPLE, BALLOON)


def canvas_of(code: str) -> Canvas:
    found = read_program(code).canvas
    assert found is not None
    return found


def shown(code: str) -> Canvas:
    """As a model that knows places in words sees the program: no free box, no name, no negative, no lock."""
    seen = canvas_of(code)
    regions = tuple(
        replace(
            r,
            **dict(zip(PLACES, snap(r.box) if r.bbox else [getattr(r, field) for field in PLACES], strict=True)),
            bbox=None,
            name="",
            negative="",
            locked=False,
        )
        for r in seen.regions
    )
    return replace(seen, regions=regions, locked=False)


def test_a_reply_that_says_the_same_changes_no_character() -> None:
    ours = "# mine\n" + BASE.to_code().replace("'A apple.'", '"A apple."  # twice as red')
    assert merge(BASE, BASE, ours).code == ours


def test_only_the_keyword_that_the_reply_changed_is_changed() -> None:
    ours = set_keyword(BASE.to_code(), 0, "negative", "leaf")
    done = merge(BASE, canvas(APPLE, replace(BALLOON, HTML_web_color_name="blue")), ours)
    assert done.code == set_keyword(ours, 1, "HTML_web_color_name", "blue")
    assert [(c.kind, c.field, c.before, c.after) for c in done.applied] == [
        ("set", "HTML_web_color_name", "red", "blue")
    ]


def test_a_box_name_and_negative_that_the_model_never_saw_stay() -> None:
    ours = set_box(BASE.to_code(), 0, Box(3, 41, 30, 77))
    ours = set_keyword(set_keyword(ours, 0, "name", "Granny"), 0, "negative", "leaf")
    seen = shown(ours)
    reply = replace(seen, regions=(seen.regions[0], replace(seen.regions[1], description="A blue balloon.")))
    mine = canvas_of(merge(seen, reply, ours).code).regions[0]
    assert (mine.bbox, mine.name, mine.negative) == (Box(3, 41, 30, 77), "Granny", "leaf")


def test_a_move_by_the_model_keeps_the_size_that_a_person_drew() -> None:
    ours = set_box(BASE.to_code(), 0, Box(3, 41, 30, 77))
    seen = shown(ours)
    there = replace(seen.regions[0], location="on the right")
    reply = replace(seen, regions=(there, seen.regions[1]))
    box = canvas_of(merge(seen, reply, ours).code).regions[0].box
    assert (box.width, box.height) == (27, 36) and box.left > 45


def test_where_both_changed_a_keyword_the_person_keeps_it_and_the_other_is_offered() -> None:
    ours = set_keyword(BASE.to_code(), 0, "HTML_web_color_name", "gold")
    done = merge(BASE, canvas(replace(APPLE, HTML_web_color_name="blue"), BALLOON), ours)
    assert done.code == ours and not done.applied
    assert [(c.field, c.before, c.after) for c in done.refused] == [("HTML_web_color_name", "gold", "blue")]
    assert canvas_of(taken(ours, done.refused[0])).regions[0].HTML_web_color_name == "blue"


def test_a_reply_in_another_order_and_with_a_region_more_is_matched_by_words() -> None:
    reply = canvas(region("dog", "on the bottom"), replace(BALLOON, distance_to_viewer=5.0), APPLE)
    done = merge(BASE, reply, BASE.to_code())
    assert [r.description for r in canvas_of(done.code).regions] == ["A apple.", "A balloon.", "A dog."]
    assert [(c.kind, c.field) for c in done.applied] == [("set", "distance_to_viewer"), ("add", "")]


def test_a_thing_written_in_the_place_of_another_replaces_it_in_place() -> None:
    frog = region("frog", "on the left")
    done = merge(BASE, canvas(frog, BALLOON), set_keyword(BASE.to_code(), 0, "name", "hero"))
    assert {c.field for c in done.applied} >= {"description", "tags"} and all(c.kind == "set" for c in done.applied)
    assert canvas_of(done.code).regions[0].name == "hero"


def test_a_region_that_the_reply_leaves_out_goes_unless_the_person_changed_it_meanwhile() -> None:
    reply = canvas(APPLE)
    assert canvas_of(merge(BASE, reply, BASE.to_code()).code).regions == (APPLE,)
    ours = set_keyword(BASE.to_code(), 1, "description", "A huge balloon.")
    done = merge(BASE, reply, ours)
    assert done.code == ours and [c.kind for c in done.refused] == ["remove"]


def test_a_region_that_the_model_was_not_shown_is_never_taken_out() -> None:
    ours = add_region(BASE.to_code(), region("castle"))
    assert merge(BASE, canvas(BALLOON), ours).code.count("castle") > 1
    assert "apple" not in merge(BASE, canvas(BALLOON), ours).code


@pytest.mark.parametrize("reply", [canvas(BALLOON), canvas(replace(APPLE, description="A pear."), BALLOON)])
def test_no_reply_changes_or_removes_a_locked_region(reply: Canvas) -> None:
    ours = set_keyword(BASE.to_code(), 0, "locked", True)
    done = merge(BASE, reply, ours)
    assert done.code == ours and done.refused


def test_the_locked_text_of_the_whole_picture_stays() -> None:
    ours = set_keyword(BASE.to_code(), None, "locked", True)
    done = merge(BASE, canvas(APPLE, BALLOON, text="A desert."), ours)
    assert done.code == ours and [c.field for c in done.refused] == ["description"]


def test_the_text_of_the_whole_picture_stays_where_the_person_changed_it_meanwhile() -> None:
    ours = set_keyword(BASE.to_code(), None, "description", "A beach.")
    done = merge(BASE, canvas(APPLE, BALLOON, text="A desert."), ours)
    assert done.code == ours and [(c.before, c.after) for c in done.refused] == [("A beach.", "A desert.")]


def test_what_was_locked_comes_into_a_program_that_was_written_anew_as_it_was() -> None:
    mine = replace(APPLE, locked=True, negative="leaf", bbox=Box(3, 4, 50, 60), tags="")
    before = replace(canvas(mine, replace(BALLOON, locked=True), text="A beach."), locked=True)
    anew = canvas(region("apple", "on the right"), region("dog"))
    code = with_locked(anew.to_code(), before)
    after = canvas_of(code)
    assert after.regions == (mine, anew.regions[1], replace(BALLOON, locked=True))
    assert (after.global_description, after.locked) == ("A beach.", True)
    assert with_locked(code, before) == code
    assert with_locked(anew.to_code(), BASE) == anew.to_code()


def test_a_reply_that_was_cut_short_takes_nothing_out() -> None:
    blue = canvas(replace(APPLE, HTML_web_color_name="blue"))
    done = merge(BASE, as_far_as_written(BASE, blue), BASE.to_code())
    assert [(c.kind, c.after) for c in done.applied] == [("set", "blue")]
    assert merge(BASE, as_far_as_written(BASE, Canvas()), BASE.to_code()).code == BASE.to_code()


def test_a_lock_round_trips_in_code_and_json_and_can_be_taken_out() -> None:
    code = set_keyword(set_keyword(BASE.to_code(), 1, "locked", True), None, "locked", True)
    locked = canvas_of(code)
    assert locked.locked and [r.locked for r in locked.regions] == [False, True]
    assert canvas_of(locked.to_code()) == locked == Canvas.from_json(locked.to_json())
    assert set_keyword(set_keyword(code, 1, "locked", None), None, "locked", None) == BASE.to_code()


def test_a_program_without_a_global_description_gets_the_one_of_the_reply() -> None:
    ours = "canvas = Canvas()\n\n# mine\n" + BASE.to_code().split("# Add", 1)[1].join(["# Add", ""])
    base = canvas_of(ours)
    reply = canvas(APPLE, BALLOON)
    assert canvas_of(merge(base, reply, ours).code).global_description == "A meadow."


def test_every_difference_can_be_undone_alone() -> None:
    after = canvas(replace(APPLE, HTML_web_color_name="blue"), region("dog", "on the bottom"), text="A desert.")
    found = differences(BASE, after)
    assert {(c.kind, c.field) for c in found} >= {("set", "description"), ("remove", ""), ("add", "")}
    code = after.to_code()
    for change in found:
        assert change not in differences(BASE, canvas_of(undone(code, change)))
        code = undone(code, change)
    assert not differences(BASE, canvas_of(code))


Edit = tuple[str, int, Any]
colors = st.sampled_from(["gold", "navy", "pink", "teal"])
places = st.builds(box_of, st.sampled_from(LOCATIONS), st.sampled_from(OFFSETS), st.sampled_from(AREAS))
hand_edits = st.lists(
    st.one_of(
        st.tuples(st.just("HTML_web_color_name"), st.integers(0, 7), colors),
        st.tuples(st.just("negative"), st.integers(0, 7), st.sampled_from(["leaf", "rain"])),
        st.tuples(st.just("name"), st.integers(0, 7), st.sampled_from(["hero", "villain", "extra"])),
        st.tuples(st.just("atmosphere"), st.integers(0, 7), st.sampled_from(["Wild.", "Merry."])),
        st.tuples(st.just("distance_to_viewer"), st.integers(0, 7), st.sampled_from([0.5, 7.0])),
        st.tuples(st.just(PLACE), st.integers(0, 7), places),
        st.tuples(st.just("locked"), st.integers(0, 7), st.just(True)),
    ),
    max_size=6,
)
model_edits = st.lists(
    st.one_of(
        st.tuples(st.just("HTML_web_color_name"), st.integers(0, 7), colors),
        st.tuples(st.just("tags"), st.integers(0, 7), st.sampled_from(["one, two", "three"])),
        st.tuples(st.just("distance_to_viewer"), st.integers(0, 7), st.sampled_from([1.0, 9.0])),
        st.tuples(st.just("location"), st.integers(0, 7), st.sampled_from(LOCATIONS)),
        st.tuples(st.just("remove"), st.integers(0, 7), st.none()),
        st.tuples(st.just("add"), st.integers(0, 7), st.none()),
    ),
    max_size=5,
)


def by_hand(code: str, edits: list[Edit]) -> str:
    for field, at, value in edits:
        index = at % len(canvas_of(code).regions)
        code = set_box(code, index, value) if field == PLACE else set_keyword(code, index, field, value)
    return code


def answered(seen: Canvas, edits: list[Edit]) -> tuple[Canvas, set[tuple[str, str]]]:
    """The reply, and which (noun, field) it touched; "*" for a region that it left out."""
    regions, touched = list(seen.regions), set()
    for field, at, value in edits:
        index = at % len(regions)
        noun = regions[index].tags.split(",")[0] if field != "add" else ""
        name = regions[index].description
        if field == "remove" and len(regions) > 1:
            touched.add((name, "*"))
            del regions[index]
        elif field == "add":
            regions.insert(index, region(f"zebra {at}{noun}", "on the bottom"))
        elif field != "remove":
            touched.add((name, PLACE if field == "location" else field))
            regions[index] = replace(regions[index], **{field: value})
    return replace(seen, regions=tuple(regions)), touched


@given(count=st.integers(1, 5), before=hand_edits, during=hand_edits, asked=model_edits, turned=st.booleans())
@settings(max_examples=150, deadline=None)
def test_no_hand_edit_that_the_reply_does_not_touch_is_ever_lost(
    count: int, before: list[Edit], during: list[Edit], asked: list[Edit], turned: bool
) -> None:
    things = [region(noun, LOCATIONS[at]) for at, noun in enumerate(NOUNS[:count])]
    start = by_hand("# by hand\n" + canvas(*things).to_code(), before)
    seen = shown(start)
    reply, touched = answered(seen, asked)
    if turned:
        reply = replace(reply, regions=reply.regions[::-1])
    ours = by_hand(start, during)
    done = merge(seen, reply, ours)
    assert done.code.startswith("# by hand\n")
    after = {r.description: r for r in canvas_of(done.code).regions}
    for mine in canvas_of(ours).regions:
        name = mine.description
        if mine.locked:
            assert after[name] == mine
        elif (name, "*") not in touched:
            for field in ("HTML_web_color_name", "negative", "name", "atmosphere", "distance_to_viewer", "box"):
                kept = PLACE if field == "box" else field
                if (name, kept) not in touched:
                    assert getattr(after[name], field) == getattr(mine, field)


@given(asked=model_edits)
@settings(max_examples=60, deadline=None)
def test_a_reply_to_an_untouched_program_is_taken_over_whole(asked: list[Edit]) -> None:
    base = canvas(*(region(noun, LOCATIONS[at]) for at, noun in enumerate(NOUNS[:4])))
    reply, _ = answered(base, asked)
    done = merge(base, reply, base.to_code())
    key = lambda r: (r.description, tuple(r.box), r.tags, r.distance_to_viewer, r.HTML_web_color_name)  # noqa: E731
    assert sorted(canvas_of(done.code).regions, key=key) == sorted(reply.regions, key=key)
    assert not done.refused


def test_deleting_by_hand_is_kept_when_the_reply_still_has_the_region() -> None:
    ours = delete_region(BASE.to_code(), 1)
    done = merge(BASE, canvas(replace(APPLE, HTML_web_color_name="blue"), BALLOON), ours)
    assert [r.description for r in canvas_of(done.code).regions] == ["A apple."]
