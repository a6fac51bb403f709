"""The plan column in a browser: boxes, their form and the code beside them."""

from __future__ import annotations

import difflib
import itertools
import re
from dataclasses import replace

import pytest

from bench._server import TextServer
from lib_omost.canvas import Box, Canvas, snap
from lib_omost.studio.conversation import fenced
from tests.browser.acts import (
    Browser,
    Locator,
    Page,
    code_of,
    composed,
    delayed,
    drag,
    expect,
    middle,
    pane,
    plan,
    press_row,
    rows,
    visit,
    watched,
)  # fmt: skip

pytestmark = pytest.mark.ui
STATUS, FIRST = ".re-status", ".re-list button >> nth=0"


def field(page: Page, key: str) -> Locator:
    return page.locator(f".re-form [data-key={key}]")


def selected_first(page: Page) -> None:
    composed(page)
    page.locator(FIRST).click()
    expect(page.locator(STATUS)).to_have_text("across 0–40, down 20–70")


def cell(page: Page) -> tuple[float, float]:
    """Pixels of one of the 90 cells, across and down."""
    stage = page.locator(".re-stage").bounding_box()
    assert stage is not None
    return stage["width"] / 90, stage["height"] / 90


def test_boxes_appear_one_by_one_with_label_colour_and_depth_while_the_reply_streams(
    page: Page, server: TextServer
) -> None:
    server.rate = 120
    seen = watched(page, "#editor", "document.querySelectorAll('.re-box:not(.pending)').length")
    pending = watched(page, "#editor", "document.querySelectorAll('.re-box.pending').length")
    composed(page)
    assert [count for count, _ in itertools.groupby(seen())] == [0, 1, 2]
    assert 1 in pending()
    expect(page.locator(".re-label")).to_have_text(["an apple2", "a tree8"])
    expect(page.locator(".re-list .pick")).to_have_text(["an apple2", "a tree8"])
    assert page.locator(".re-box .tint").first.evaluate("n => n.style.background") == "rgb(255, 0, 0)"


def test_a_box_is_dragged_resized_and_moved_by_keys_and_the_code_follows(page: Page) -> None:
    selected_first(page)
    across, down = cell(page)
    status, stage = page.locator(STATUS), page.locator(".re-stage")
    drag(page, middle(page, ".re-box.selected"), (10 * across, 10 * down))
    expect(status).to_have_text("across 10–50, down 30–80")
    stage.press("ArrowRight")
    stage.press("Shift+ArrowDown")
    expect(status).to_have_text("across 11–51, down 30–81")
    code = pane(page, "code").locator("#code .cm-content")
    expect(code).to_contain_text("bbox=(11, 30, 51, 81)")
    page.locator(".re-under [data-act=snap]").click()
    expect(code).not_to_contain_text("bbox=")


def test_each_of_the_eight_handles_moves_its_own_edges(page: Page) -> None:
    selected_first(page)
    across, down = cell(page)
    for grip in ("nw", "n", "ne", "e", "se", "s", "sw", "w"):
        left, top, right, bottom = 0, 20, 40, 70
        drag(page, middle(page, f".re-box.selected [data-grip={grip}]"), (5 * across, 5 * down))
        left, right = left + 5 * ("w" in grip), right + 5 * ("e" in grip)
        top, bottom = top + 5 * ("n" in grip), bottom + 5 * ("s" in grip)
        expect(page.locator(STATUS)).to_have_text(f"across {left}–{right}, down {top}–{bottom}")
        page.locator(".re-stage").press("Control+z")
        expect(page.locator(STATUS)).to_have_text("across 0–40, down 20–70")


def test_a_finger_selects_moves_and_draws_and_scrolls_the_page_where_there_is_no_box(
    browser: Browser, url: str, server: TextServer
) -> None:
    server.text, server.rate = fenced(plan()), 4000
    with visit(browser, url, 390, 844, has_touch=True) as page:
        composed(page)
        page.locator(".re-stage").scroll_into_view_if_needed()
        page.locator(".re-label", has_text="an apple").tap()
        expect(page.locator(STATUS)).to_have_text("across 0–40, down 20–70")
        across, down = cell(page)
        heights = watched(page, "#state", "document.querySelector('#state').offsetHeight")
        swipe(page, middle(page, ".re-box.selected"), (10 * across, 5 * down))
        expect(page.locator(STATUS)).to_have_text("across 10–50, down 25–75")
        expect(page.locator("#state .sl-text")).to_have_text("2 regions, edited by hand")
        assert len(set(heights())) == 1  # nothing below it jumps away from the finger
        page.locator("[data-act=add]").tap()
        expect(page.locator(STATUS)).to_have_text("Draw the new region in the plan, or press Enter")
        # the browser asks the frame that is painted, not the style that is set, whether a finger draws or scrolls
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        stage = page.locator(".re-stage").bounding_box()
        assert stage is not None
        swipe(page, (stage["x"] + 45 * across, stage["y"] + 5 * down), (20 * across, 12 * down))
        expect(page.locator(".re-box")).to_have_count(3)
        page.locator(".re-stage").press("Escape")
        before = page.evaluate("scrollY")
        swipe(page, (stage["x"] + 50 * across, stage["y"] + 86 * down), (0, -50 * down))
        page.wait_for_function("before => scrollY > before", arg=before)
        expect(page.locator(".re-box")).to_have_count(3)


def swipe(page: Page, start: tuple[float, float], by: tuple[float, float]) -> None:
    """A finger that is put down, moved, held still and lifted, as the browser gets it from a screen.

    Lifted while moving it would be a fling, and chromium takes a tap in the next tenths of a second as what stops it.
    """
    finger = page.context.new_cdp_session(page)
    for step in range(7):
        at = {"x": start[0] + by[0] * step / 6, "y": start[1] + by[1] * step / 6}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove" if step else "touchStart", "touchPoints": [at]})
    page.wait_for_timeout(150)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_the_keyboard_alone_adds_selects_orders_and_deletes_boxes(page: Page) -> None:
    composed(page)
    stage, rows = page.locator(".re-stage"), page.locator(".re-list button .name")
    stage.press("n")
    stage.press("n")
    expect(page.locator(".re-list button.selected .name")).to_have_text("a tree")
    stage.press("]")
    expect(rows).to_have_text(["a tree", "an apple"])
    stage.press("[")
    expect(rows).to_have_text(["an apple", "a tree"])
    stage.press("a")
    expect(page.locator(STATUS)).to_have_text("Draw the new region in the plan, or press Enter")
    stage.press("Enter")
    expect(page.locator(".re-box")).to_have_count(3)
    stage.press("Delete")
    expect(page.locator(".re-box")).to_have_count(2)
    expect(page.locator("#state .sl-text")).to_have_text("2 regions, edited by hand")


def test_regions_are_drawn_duplicated_deleted_and_every_step_is_undone_and_redone(page: Page) -> None:
    boxes, stage = page.locator(".re-box"), page.locator(".re-stage")
    left, top = middle(page, ".re-stage")
    drag(page, (left - 60, top - 60), (100, 80))
    expect(boxes).to_have_count(1)
    page.keyboard.type("a moon")
    page.locator(".re-form summary").focus()
    expect(page.locator(".re-label")).to_have_text("a moon5")
    stage.press("Control+d")
    expect(boxes).to_have_count(2)
    stage.press("Delete")
    expect(boxes).to_have_count(1)
    page.locator("[data-act=undo]").click()
    expect(boxes).to_have_count(2)
    page.locator("[data-act=redo]").click()
    expect(boxes).to_have_count(1)
    expect(page.locator("#state .sl-text")).to_have_text("Done again: edited by hand")
    expect(pane(page, "code").locator("#code .cm-content")).to_contain_text("description='a moon'")


def test_edits_that_are_faster_than_the_answers_are_each_a_step_that_is_undone_alone(page: Page) -> None:
    composed(page)
    boxes, stage, status = page.locator(".re-box"), page.locator(".re-stage"), page.locator(STATUS)
    page.locator(FIRST).click()
    delayed(page, 500)
    for _ in range(5):
        stage.press("ArrowRight")  # on the way while the rest is done; the last four are one step
    stage.press("Control+d")
    stage.press("Delete")
    for _ in range(2):
        page.locator("[data-act=undo]").click()
    delayed(page, 0)
    expect(boxes).to_have_count(2)
    expect(page.locator("#state .sl-text")).to_have_text("Undone: edited by hand")
    page.locator("[data-act=redo]").click()
    expect(boxes).to_have_count(3)
    page.locator("[data-act=redo]").click()
    expect(boxes).to_have_count(2)
    page.locator(FIRST).click()
    expect(status).to_have_text("across 5–45, down 20–70")
    for _ in range(3):
        page.locator("[data-act=undo]").click()
    expect(status).to_have_text("across 1–41, down 20–70")


def test_every_field_changes_its_own_keyword_and_the_whole_pictures_sentence_follows_the_first(
    page: Page,
) -> None:
    composed(page)
    before = code_of(page).splitlines()
    pane(page, "texts").locator(FIRST).click()
    page.locator(".re-form summary").click()
    wanted = {
        "description": ("a pear", "description='a pear'"),
        "name": ("pear", "name='pear'"),
        "negative": ("worms", "negative='worms'"),
        "color": ("#008000", "HTML_web_color_name='green'"),
        "depth": ("4.5", "distance_to_viewer=4.5"),
        "details": ("It hangs.", "'It hangs.'"),
        "tags": ("fruit", "tags='fruit'"),
        "atmosphere": ("merry", "atmosphere='merry'"),
        "style": ("ink", "style='ink'"),
        "quality": ("fine", "quality_meta='fine'"),
    }
    for key, (value, _) in wanted.items():
        field(page, key).fill(value)
    page.locator(".re-stage").focus()
    code = pane(page, "code").locator("#code .cm-content")
    for _, keyword in wanted.values():
        expect(code).to_contain_text(keyword)
    changes = list(difflib.ndiff(before, code_of(page).splitlines()))
    assert "+     description='a pear and a tree in a meadow'," in changes
    assert len([line for line in changes if line.startswith("+ ")]) == len(wanted) + 1
    assert len([line for line in changes if line.startswith("- ")]) == len(wanted) - 1  # a name and a negative are new


def test_a_change_that_cannot_be_taken_over_is_refused_in_the_state_line_and_the_plan_stays(page: Page) -> None:
    selected_first(page)
    page.locator(".re-form summary").click()
    field(page, "details").fill("one more line\n" * 65)
    page.locator(".re-stage").focus()
    expect(page.locator("#state .sl-text")).to_have_text(
        "this change was not taken over: there are at most 64 detailed descriptions, leave some out"
    )
    expect(page.locator(".re-list button .name")).to_have_text(["an apple", "a tree"])


def test_the_texts_of_the_whole_picture_are_edited_while_no_box_is_selected(page: Page) -> None:
    composed(page)
    field(page, "description").fill("a stormy night")
    field(page, "color").fill("#000080")
    page.locator(".re-stage").focus()
    code = pane(page, "code").locator("#code .cm-content")
    expect(code).to_contain_text("description='a stormy night'")
    expect(code).to_contain_text("HTML_web_color_name='navy'")


def test_the_next_message_builds_on_what_was_edited_by_hand(page: Page, server: TextServer) -> None:
    selected_first(page)
    field(page, "description").fill("a golden pear")
    page.locator(".re-stage").press("ArrowRight")
    expect(page.locator("#state .sl-text")).to_have_text("2 regions, edited by hand")
    expect(page.locator(STATUS)).to_have_text("across 1–41, down 20–70")
    night = plan().replace("an apple and a tree in a meadow", "a golden pear and a tree in a meadow at night")
    night = night.replace("description='an apple'", "description='a golden pear'").replace("'red'", "'gold'")
    night = night.replace("'It is ripe.',", "")  # it was the apple
    for taught, told in zip(("on the left", "no offset", "a small square area"), snap(Box(1, 20, 41, 70)), strict=True):
        night = night.replace(f"'{taught}'", f"'{told}'", 1)
    server.text = fenced(night)
    composed(page, "make it night", messages=4)
    replies = [turn["content"] for turn in server.asked[-1]["messages"] if turn["role"] == "assistant"]
    assert "a golden pear" in replies[-1]
    expect(rows(page)).to_have_text([re.compile("^whole picture: .*night")])
    page.locator(FIRST).click()
    expect(page.locator(STATUS)).to_have_text("across 1–41, down 20–70")  # no words of the model's say this box


def test_a_new_description_takes_colour_and_whole_picture_along_and_a_press_takes_that_back(page: Page) -> None:
    selected_first(page)
    field(page, "description").fill("a green frog")
    page.locator(".re-stage").focus()
    expect(rows(page)).to_have_text(["also changed: details left empty, colour, whole picture"])
    expect(field(page, "color")).to_have_value("#008000")
    code = pane(page, "code").locator("#code .cm-content")
    expect(code).to_contain_text("description='a green frog and a tree in a meadow'")
    press_row(page, "undo")
    expect(code).to_contain_text("description='an apple and a tree in a meadow'")
    expect(code).to_contain_text("description='a green frog'")
    page.locator(".re-stage").press("Control+z")
    page.locator(".re-stage").press("Control+z")
    expect(code).not_to_contain_text("frog")


def test_what_follows_a_description_stays_when_the_hand_is_faster_than_the_answer(page: Page) -> None:
    selected_first(page)
    field(page, "description").fill("a green frog")
    for _ in range(3):
        page.locator(".re-stage").press("ArrowRight")
    expect(page.locator(STATUS)).to_have_text("across 3–43, down 20–70")
    code = pane(page, "code").locator("#code .cm-content")
    expect(code).to_contain_text("bbox=")
    expect(code).to_contain_text("description='a green frog and a tree in a meadow'")


def test_what_the_plan_lacks_is_asked_for_by_a_press(page: Page) -> None:
    composed(page, "an apple, a bicycle and a tree at night")
    expect(rows(page)).to_have_text(["not in the plan: bicycle, night"])
    press_row(page, "ask for it")
    expect(page.locator("#message textarea")).to_have_value("add a bicycle; make it night")


def test_a_hovered_region_lights_its_code_and_hovered_code_its_region(page: Page) -> None:
    composed(page)
    code = pane(page, "code").locator("#code .cm-content")
    page.locator(".re-label", has_text="a tree").hover()
    lit = "[...(CSS.highlights.get('omost-region') || [])].map(range => range.toString()).join()"
    page.wait_for_function(f"{lit}.includes('a tree')")
    assert "an apple" not in page.evaluate(lit)
    expect(code.locator(".cm-line", has_text="description='a tree'")).to_be_in_viewport()
    code.locator(".cm-line", has_text="'It is old.'").hover()
    expect(page.locator(".re-box.lit")).to_have_count(1)
    expect(page.locator(".re-list button.lit .name")).to_have_text("a tree")
    code.locator(".cm-line", has_text="description='an apple and a tree in a meadow'").hover()
    expect(page.locator(".re-box.lit")).to_have_count(0)


def test_boxes_of_one_corner_are_all_reached_by_pressing_the_same_place(page: Page, server: TextServer) -> None:
    canvas = Canvas.from_bot_response(plan())
    canvas.regions = (canvas.regions[0],) * 4
    server.text = fenced(canvas.to_code())
    composed(page, regions=4)
    reached = []
    for _ in range(4):
        stage = page.locator(".re-stage").bounding_box()
        assert stage is not None
        page.mouse.click(stage["x"] + stage["width"] * 0.3, stage["y"] + stage["height"] * 0.7)
        reached.append(page.locator(".re-box.selected").get_attribute("data-id"))
    assert len(set(reached)) == 4
    expect(page.locator(STATUS)).to_contain_text("press again for the one below")


def test_code_is_applied_strictly_and_a_mistake_names_its_line_and_keeps_the_plan(page: Page) -> None:
    composed(page)
    pane(page, "code").locator("#code .cm-content").fill(plan().replace("an apple", "a pear"))
    page.locator("#apply").click()
    expect(page.locator(".re-list")).to_contain_text("a pear")
    page.locator("#code .cm-content").fill(plan().replace("on the left", "somewhere"))
    page.locator("#code .cm-content").press("Control+s")
    expect(page.locator("#state .sl-text")).to_have_text("this code was not applied")
    expect(page.locator("#state .sl-notes li").first).to_contain_text("line ")
    expect(page.locator(".re-list")).to_contain_text("a pear")


def test_labels_of_boxes_in_one_corner_never_overlap(page: Page, server: TextServer) -> None:
    canvas = Canvas.from_bot_response(plan())
    apple = canvas.regions[0]
    canvas.regions = (apple,) * 6
    server.text = fenced(canvas.to_code())
    composed(page, regions=6)
    found = page.evaluate("[...document.querySelectorAll('.re-label')].map(l => l.getBoundingClientRect().toJSON())")
    assert len(found) == 6
    for one, other in itertools.combinations(found, 2):
        apart = one["right"] <= other["left"] or other["right"] <= one["left"]
        assert apart or one["bottom"] <= other["top"] or other["bottom"] <= one["top"]


def test_a_label_lies_on_no_thing_where_there_is_room(page: Page, server: TextServer) -> None:
    canvas = Canvas.from_bot_response(plan())
    apple, tree = canvas.regions
    words = {"location": "in the center", "offset": "no offset", "area": "a large horizontal area"}
    canvas.regions = (apple, tree, replace(tree, **words, description="a forest", distance_to_viewer=10.0))
    server.text = fenced(canvas.to_code())
    composed(page, regions=3)
    rects = "[...document.querySelectorAll('{}')].map(n => n.getBoundingClientRect().toJSON())"
    labels = page.evaluate(rects.format(".re-label"))
    things = sorted(page.evaluate(rects.format(".re-box")), key=lambda box: float(box["width"] * box["height"]))[:2]
    assert len(labels) == 3
    for one, other in itertools.product(labels, things):
        apart = one["right"] <= other["left"] or other["right"] <= one["left"]
        assert apart or one["bottom"] <= other["top"] or other["bottom"] <= one["top"]


def test_the_order_of_the_list_is_changed_by_dragging_and_by_alt_and_arrows(page: Page) -> None:
    composed(page)
    names, rows = page.locator(".re-list .name"), page.locator(".re-list .row")
    rows.nth(1).drag_to(rows.nth(0), target_position={"x": 3, "y": 10})
    expect(names).to_have_text(["a tree", "an apple"])
    code = pane(page, "code").locator("#code .cm-content")
    expect(code).to_contain_text("distance_to_viewer=1.6")  # nearer than the apple at 2
    rows.nth(0).drag_to(rows.nth(1), target_position={"x": 100, "y": 10})
    expect(names).to_have_text(["an apple", "a tree"])
    page.locator(".re-list .pick").nth(1).click()
    page.keyboard.press("Alt+ArrowLeft")
    expect(names).to_have_text(["a tree", "an apple"])
    expect(page.locator(".re-list .pick.selected .name")).to_have_text("a tree")
    page.keyboard.press("Alt+ArrowLeft")  # there is none before it
    expect(names).to_have_text(["a tree", "an apple"])
    page.locator(".re-stage").press("Control+z")
    expect(names).to_have_text(["an apple", "a tree"])


def test_the_canvas_is_seen_closer_drawn_on_there_and_fitted_again(page: Page) -> None:
    composed(page)
    fits = page.locator(".re-stage").bounding_box()
    assert fits is not None
    page.locator("[data-view=closer]").click()
    page.locator(".re-stage").press("+")
    wide = page.locator(".re-stage").bounding_box()
    assert wide is not None and abs(wide["width"] / fits["width"] - 2.25) < 0.02
    surface = page.locator(".re-surface").bounding_box()
    assert surface is not None
    page.locator(FIRST).click()
    form = page.locator(".re-form").bounding_box()
    assert form is not None and form["x"] >= surface["x"] and form["y"] >= surface["y"]
    page.locator(".re-stage").press("Escape")
    start = (surface["x"] + surface["width"] / 2, surface["y"] + 60)
    drag(page, start, (wide["width"] * 10 / 90, wide["height"] * 8 / 90))
    expect(page.locator(".re-box")).to_have_count(3)
    expect(page.locator(STATUS)).to_have_text(re.compile(r"^across \d+–\d+, down \d+–\d+"))
    left, right, top, bottom = map(int, re.findall(r"\d+", page.locator(STATUS).inner_text())[:4])
    assert (right - left, bottom - top) == (10, 8)
    page.locator("[data-view=whole_canvas]").click()
    page.wait_for_function(
        "width => Math.abs(document.querySelector('.re-stage').getBoundingClientRect().width - width) < 2",
        arg=fits["width"],
    )
    expect(page.locator("[data-view=whole_canvas]")).to_be_disabled()


@pytest.mark.parametrize(("key", "typed", "becomes"), [("depth", "-3", "0.1"), ("strength", "9", "4")])
def test_a_number_of_a_region_that_will_not_do_is_refused_where_it_is_typed(
    page: Page, key: str, typed: str, becomes: str
) -> None:
    selected_first(page)
    page.locator(".re-form summary").click()
    field(page, key).fill(typed)
    page.locator(".re-stage").focus()
    expect(page.locator(".re-form .number-note")).to_contain_text(f"{typed} will not do.")
    expect(field(page, key)).to_have_value(becomes)
    field(page, key).fill("2")
    page.locator(".re-stage").focus()
    expect(page.locator(".re-form .number-note")).to_be_hidden()
    expect(field(page, key)).to_have_value("2")


def test_hostile_texts_are_shown_and_not_run(page: Page, server: TextServer) -> None:
    canvas = Canvas.from_bot_response(plan())
    evil = "<img src=x onerror=window.hit=1>${window.hit=1}{{window.hit=1}}</style><script>window.hit=1</script>"
    canvas.set_global_description(evil, [evil], evil, "skyblue")
    server.text = f"{evil}\n\n{fenced(canvas.to_code())}"
    composed(page)
    expect(page.locator(".re-form [data-key=description]")).to_have_value(evil)
    assert page.evaluate("window.hit") is None
