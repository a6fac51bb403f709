"""The plan column in a browser: boxes, their form and the code beside them."""

from __future__ import annotations

import itertools

import pytest

from bench._server import TextServer
from lib_omost.canvas import Canvas
from lib_omost.studio.turns import fenced
from tests.page.acts import Page, code_of, composed, drag, expect, middle, plan

pytestmark = pytest.mark.ui


def test_a_box_is_dragged_resized_and_moved_by_keys_and_the_code_follows(page: Page) -> None:
    composed(page)
    before = code_of(page)
    page.locator(".re-list button").first.click()
    status = page.locator(".re-status")
    expect(status).to_have_text("across 0–40, down 20–70")
    stage = page.locator(".re-stage").bounding_box()
    assert stage is not None
    drag(page, middle(page, ".re-box.selected"), (stage["width"] / 9, stage["height"] / 9))
    expect(status).to_have_text("across 10–50, down 30–80")
    drag(page, middle(page, ".re-box.selected [data-grip=se]"), (-stage["width"] / 9, -stage["height"] / 9))
    expect(status).to_have_text("across 10–40, down 30–70")
    page.locator(".re-stage").press("ArrowRight")
    page.locator(".re-stage").press("Shift+ArrowDown")
    expect(status).to_have_text("across 11–41, down 30–71")
    expect(page.locator("#code .cm-content")).to_contain_text("bbox=")
    expect(page.locator("#chat")).to_contain_text("bbox=")
    page.locator(".re-stage").press("s")
    expect(page.locator("#code .cm-content")).not_to_contain_text("bbox=")
    assert code_of(page) != before


def test_regions_are_drawn_duplicated_deleted_and_every_step_is_undone_and_redone(page: Page) -> None:
    boxes = page.locator(".re-box")
    left, top = middle(page, ".re-stage")
    drag(page, (left - 60, top - 60), (100, 80))
    expect(boxes).to_have_count(1)
    page.keyboard.type("a moon")
    page.locator(".re-form [data-key=name]").focus()
    expect(page.locator("#code .cm-content")).to_contain_text("description='a moon'")
    page.locator(".re-stage").press("Control+d")
    expect(boxes).to_have_count(2)
    page.locator(".re-stage").press("Delete")
    expect(boxes).to_have_count(1)
    page.locator(".re-stage").press("Control+z")
    expect(boxes).to_have_count(2)
    page.locator(".re-stage").press("Control+Shift+z")
    expect(boxes).to_have_count(1)
    expect(page.locator("#state .sl-text")).to_have_text("1 region, edited by hand")


def test_depth_colour_and_texts_are_edited_in_place(page: Page) -> None:
    composed(page)
    page.locator(".re-list button").first.click()
    page.locator(".re-form [data-key=color]").fill("#008000")
    expect(page.locator("#code .cm-content")).to_contain_text("HTML_web_color_name='green'")
    page.locator(".re-form [data-key=negative]").fill("worms")
    page.locator("[data-act=farther]").click()
    expect(page.locator("#code .cm-content")).to_contain_text("negative='worms'")
    expect(page.locator(".re-list button").nth(1)).to_contain_text("an apple")


def test_code_is_applied_strictly_and_a_mistake_names_its_line_and_keeps_the_plan(page: Page) -> None:
    composed(page)
    page.locator("#code .cm-content").fill(plan().replace("an apple", "a pear"))
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


def test_hostile_texts_are_shown_and_not_run(page: Page, server: TextServer) -> None:
    canvas = Canvas.from_bot_response(plan())
    evil = "<img src=x onerror=window.hit=1>${window.hit=1}{{window.hit=1}}</style><script>window.hit=1</script>"
    canvas.set_global_description(evil, [evil], evil, "skyblue")
    server.text = f"{evil}\n\n{fenced(canvas.to_code())}"
    composed(page)
    expect(page.locator(".re-form [data-key=description]")).to_have_value(evil)
    assert page.evaluate("window.hit") is None
