"""The guard of scope: what a message gives ground for passes, what it does not is held back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_omost.canvas import Canvas, Merge, Region, merge, outside, read_program, set_keyword, taken
from lib_omost.canvas.merge import Guard

PLACES = {"left": "on the left", "right": "on the right", "top": "on the top", "middle": "in the center"}
FIELDS = {"color": "HTML_web_color_name", "depth": "distance_to_viewer", "text": "description", "mood": "atmosphere"}


def region(text: str, place: str, color: str, area: str = "a small square area", depth: float = 2.0) -> Region:
    noun = text.strip(".").split()[-1].lower()
    words = (text, (f"The {noun} is plain.",), f"{noun}, {color}", "Calm mood.", "Flat illustration.", "Sharp.")
    return Region(PLACES[place], "no offset", area, depth, *words, color)


def plan() -> Canvas:
    made = Canvas(
        regions=(
            region("A red apple.", "left", "red"),
            region("A tall tree.", "right", "green"),
            region("A meadow.", "middle", "yellowgreen", "a large horizontal area", 10.0),
        )
    )
    made.set_global_description("A red apple and a tall tree in a meadow.", ["It is calm."], "apple, tree", "beige")
    return made


def changed(canvas: Canvas, what: str) -> Canvas:
    """`-tree`, `+A brown dog.@top`, `tree.color=gold`, `tree.place=left`, `tree.area=...`, `whole.text=...`."""
    if what.startswith("+"):
        text, _, place = what[1:].partition("@")
        wide = ("a large horizontal area", 10.0) if place == "middle" else ("a small square area", 2.0)
        return replace(canvas, regions=(*canvas.regions, region(text, place or "top", "brown", *wide)))
    if what.startswith("-"):
        return replace(canvas, regions=tuple(r for r in canvas.regions if what[1:] not in r.description))
    name, _, value = what.partition("=")
    noun, _, key = name.partition(".")
    if noun == "whole":
        return replace(canvas, **{"global_description" if key == "text" else FIELDS[key]: value})
    new: dict[str, object] = {FIELDS.get(key, key): float(value) if key == "depth" else value}
    new = {"location": PLACES[value]} if key == "place" else new
    return replace(canvas, regions=tuple(replace(r, **new) if noun in r.description else r for r in canvas.regions))


def guard(message: str) -> Guard:
    return lambda canvas, changes: outside(message, canvas, changes)


def answered(message: str, whats: list[str]) -> Merge:
    base = reply = plan()
    for what in whats:
        reply = changed(reply, what)
    return merge(base, reply, base.to_code(), guard(message))


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ("make the apple blue", "-tree"),
        ("make the apple blue", "tree.color=blue"),
        ("make the apple blue", "tree.place=left"),
        ("make the apple blue", "tree.text=A blue tree."),
        ("make the apple blue", "apple.place=middle"),
        ("make the apple blue", "whole.color=blue"),
        ("make the apple blue", "whole.text=A blue apple."),
        ("make the apple blue", "meadow.color=blue"),
        ("make the apple blue", "+A small dog."),
        ("make the apple blue", "+A blue apple."),
        ("I want two apples instead of one", "-tree"),
        ("put the apple under the tree", "tree.place=top"),
        ("put the apple under the tree", "-tree"),
        ("add a bird on the tree", "apple.color=blue"),
        ("add a bird on the tree", "-apple"),
        ("remove the elephant", "-apple"),
        ("get rid of it, the apple I mean", "-tree"),
        ("could you make the aple bigger?", "tree.area=a large square area"),
        ("more cheerful", "-tree"),
        ("more cheerful", "tree.place=left"),
        ("winter please", "apple.color=blue"),
        ("winter please", "tree.text=A snowman."),
        ("make the one on the left blue", "tree.color=blue"),
        ("the fruit should be green", "-tree"),
        ("give the apple a worm", "-meadow"),
        ("swap the apple for a pear", "-tree"),
        ("let it rain", "-apple"),
        ("move it up", "apple.mood=Wild."),
        ("move the apple down a bit", "apple.text=A tree."),
        ("make the one on the left orange", "apple.depth=5"),
        ("swap them", "+A park.@middle"),
        ("it should be night", "apple.text=A apple."),
        ("sit the apple on the roof of the barn", "-meadow"),
        ("sit the apple on the roof of the barn", "meadow.color=navy"),
        ("only two apples, please", "-tree"),
        ("I only want one apple", "-apple"),
        ("everything is fine but the apple is too red", "-tree"),
        ("and a farmer between them", "tree.place=left"),
        ("add another tree", "tree.color=gold"),
        ("plain green background", "tree.color=gold"),
        ("let the apple come out of the meadow", "-apple"),
        ("get rid of it", "-tree"),
    ],
)
def test_what_the_message_gives_no_ground_for_is_held_back_and_can_be_taken(message: str, reply: str) -> None:
    done = answered(message, [reply])
    assert done.held and not done.applied and not done.refused
    assert done.code == plan().to_code()
    code = done.code
    for change in done.held:
        code = taken(code, change)
    assert read_program(code).canvas == changed(plan(), reply)


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ("make the apple blue", ["apple.color=blue", "apple.text=A blue apple."]),
        ("make the apple blue", ["apple.color=blue", "whole.text=A blue apple and a tall tree in a meadow."]),
        ("remove the tree", ["-tree", "whole.text=A red apple in a meadow."]),
        ("no tree", ["-tree"]),
        ("everything but the apple should go", ["-tree", "-meadow"]),
        ("just keep the apple", ["-tree", "-meadow"]),
        ("swap them", ["apple.place=right", "tree.place=left"]),
        ("closer together", ["apple.place=middle", "tree.place=middle"]),
        ("replace the tree with a house", ["tree.text=A wooden house.", "tree.color=brown"]),
        ("replace the tree with a house", ["-tree", "+A wooden house.@right"]),
        ("turn the apple into a frog", ["apple.text=A frog.", "apple.color=green"]),
        ("a frog would be nicer than the apple", ["-apple", "+A frog.@top"]),
        ("I want two apples instead of one", ["apple.text=Two red apples."]),
        ("another apple, please", ["+A red apple.@top"]),
        ("add a small dog at the top", ["+A small dog.@top"]),
        ("give the apple a worm", ["+A worm.@top"]),
        ("make it night", ["whole.color=midnightblue", "whole.text=A red apple and a tall tree at night in a meadow."]),
        ("make it night", ["meadow.text=A dark meadow.", "meadow.color=midnightblue", "apple.mood=Quiet night."]),
        ("more cheerful", ["apple.mood=Cheerful mood.", "tree.mood=Cheerful mood.", "whole.color=gold"]),
        ("put it on a beach", ["-meadow", "+A sandy beach.@middle"]),
        ("put it on a beach", ["meadow.text=A sandy beach.", "meadow.color=sandybrown"]),
        ("replace the meadow with a desert", ["meadow.text=A desert.", "whole.color=tan"]),
        ("now a beach at night instead", ["-apple", "-tree", "-meadow", "+A beach.@middle", "whole.text=A night."]),
        ("start over: a robot in a cave", ["-apple", "-tree", "-meadow", "+A robot.@left", "+A cave.@middle"]),
        ("two knights fight a green dragon beside a castle", ["-apple", "-tree", "-meadow", "+A dragon.@left"]),
        ("make the one on the left blue", ["apple.color=blue"]),
        ("I'd like it bigger", ["apple.area=a large square area"]),
        ("the fruit should be green", ["apple.color=green"]),
        ("put the tree behind the apple", ["tree.depth=5", "tree.place=left", "apple.depth=1"]),
        ("move everything to the right", ["apple.place=right", "tree.place=right"]),
        ("paint it all in pastel colors", ["apple.color=pink", "tree.color=lightgreen"]),
        ("undo that", ["apple.color=gold", "-tree", "+A dog.@top"]),
        (
            "let it rain",
            ["meadow.text=A wet meadow.", "whole.text=A red apple and a tall tree in a meadow in the rain."],
        ),
        ("mach den Apfel blau", ["apple.mood=Blau."]),
    ],
)
def test_what_the_message_asks_for_passes(message: str, reply: list[str]) -> None:
    done = answered(message, reply)
    assert not done.held and done.applied


MESSAGES = ["make the apple blue", "winter", "two apples instead of one", "it", "", "remove the zebra", "swap them"]
WHATS = [
    "-tree",
    "tree.color=gold",
    "apple.place=middle",
    "+A dog.",
    "whole.color=navy",
    "apple.text=A frog.",
    "-apple",
]


@given(message=st.sampled_from(MESSAGES) | st.text(max_size=60), whats=st.lists(st.sampled_from(WHATS), unique=True))
@settings(max_examples=120, deadline=None)
def test_applied_and_held_together_are_the_whole_reply(message: str, whats: list[str]) -> None:
    ours = set_keyword(plan().to_code(), 1, "name", "old oak")
    reply = plan()
    for what in whats:
        reply = changed(reply, what)
    free = merge(plan(), reply, ours)
    done = merge(plan(), reply, ours, guard(message))
    key = lambda change: (change.kind, change.field, str(change.after))  # noqa: E731
    assert sorted(map(key, [*done.applied, *done.held])) == sorted(map(key, free.applied))
    assert done.refused == free.refused


def test_the_very_word_names_a_thing_before_a_word_for_the_like_does() -> None:
    base = replace(plan(), regions=(region("A boy.", "left", "red"), region("A girl.", "right", "blue")))
    reply = changed(changed(base, "girl.color=gold"), "boy.color=gold")
    done = merge(base, reply, base.to_code(), guard("make the girl yellow"))
    assert [change.region and change.region.description for change in done.applied] == ["A girl."]
    assert [change.region and change.region.description for change in done.held] == ["A boy."]


def test_a_pronoun_means_what_the_message_before_named() -> None:
    base, reply = plan(), changed(changed(plan(), "-tree"), "apple.color=gold")
    done = merge(
        base, reply, base.to_code(), lambda c, changes: outside("take it away again", c, changes, "add a tree")
    )
    assert [change.kind for change in done.applied] == ["remove"]
    assert [change.field for change in done.held] == ["HTML_web_color_name"]
