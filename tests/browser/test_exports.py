"""The export box in a browser: each file is what it says; pictures of ours open again, those of others are answered."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from lib_omost.canvas import from_flux
from lib_omost.studio.store.photos import read_picture
from tests.browser.acts import Page, composed, drop, expect, made_here, toggle

pytestmark = pytest.mark.ui


def exported(page: Page, kind: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.locator(f"#export-{kind}").click()
    path = folder / str(download.value.suggested_filename)
    download.value.save_as(path)
    return path


def test_the_plan_is_exported_for_other_programs(page: Page, tmp_path: Path) -> None:
    page.locator("#export-box > button").click()
    page.locator("#export-comfy").click()
    expect(page.locator(".toast-body")).to_contain_text("no plan to export yet")
    composed(page)
    comfy = exported(page, "comfy", tmp_path)
    assert comfy.name == "omost-apple-and-tree-comfyui.json" and len(json.loads(comfy.read_text())) == 3
    assert len(from_flux(exported(page, "flux", tmp_path).read_text().strip()).regions) == 2
    assert "an apple" in exported(page, "svg", tmp_path).read_text()
    with zipfile.ZipFile(exported(page, "masks", tmp_path)) as masks:
        assert masks.namelist() == ["mask-1.png", "mask-2.png", "colors.png"]
    page.locator("#export-jpeg").click()
    expect(page.locator(".toast-body").last).to_contain_text("no picture to export yet")


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_picture_is_exported_with_its_plan_and_opens_it_again_when_it_is_dropped(
    page: Page, tmp_path: Path, kind: str
) -> None:
    drop(page, "#chat", made_here(tmp_path / "one.png"))
    expect(page.locator("#gallery img")).to_have_count(1)
    page.locator("#export-box > button").click()
    file = exported(page, kind, tmp_path)
    assert file.suffix == {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}[kind]
    assert read_picture(file).settings.seed == 4711
    toggle(page, "sessions-bar")
    page.locator("#new-session").click()
    expect(page.locator(".re-box")).to_have_count(0)
    toggle(page, "sessions-bar")
    drop(page, "#chat", file)
    expect(page.locator(".re-box")).to_have_count(2)
    expect(page.locator("#gallery img")).to_have_count(1)


@pytest.mark.parametrize("kind", ["jpg", "gif", "txt"])
def test_what_is_none_of_ours_is_answered_when_it_is_dropped(page: Page, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"cat.{kind}"
    if kind == "txt":
        file.write_text("a cat")
    else:
        Image.new("RGB", (64, 64)).save(file)
    drop(page, "#chat", file)
    words = "carries no canvas; only pictures made here do" if kind == "jpg" else "PNG, JPEG and WebP can"
    expect(page.locator(".toast-body")).to_contain_text(f"cat.{kind}")
    expect(page.locator(".toast-body")).to_contain_text(words)
    expect(page.locator("#chat .message")).to_have_count(0)
