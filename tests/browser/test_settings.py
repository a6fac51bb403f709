"""The settings drawer in a browser: presets, models, LoRAs with weights, help for everything."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest

from bench._server import TextServer
from gradio_app import build
from lib_omost.runtime import Engine, catalog
from tests.browser.acts import Page, answered, composed, drop, expect, newest, rendered, toggle, until

pytestmark = pytest.mark.ui


@pytest.fixture
def at_settings(
    page: Page, engine: Engine, server: TextServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Page]:
    """The page with its settings open, and one LoRA to choose. What a test chooses for everyone is set back."""
    (tmp_path / "models" / "loras").mkdir(parents=True)
    (tmp_path / "models" / "loras" / "glow.safetensors").write_bytes(b"")
    monkeypatch.setattr(catalog, "MODELS_DIR", tmp_path / "models")
    answered(page, lambda: toggle(page, "settings-bar"))  # it fills in the models at work
    yield page
    engine.keep_llm = False
    if engine.llm_entry.name != server.name:
        engine.use_llm(server.name)
    if engine.loras or engine.sdxl_entry.name != "default":
        engine.use_sdxl("default")


def test_a_size_that_the_model_cannot_do_is_refused_where_it_is_typed(page: Page) -> None:
    toggle(page, "settings-bar")
    width = page.locator("#width input")
    width.fill("197")
    width.press("Tab")
    expect(page.locator("#width .number-note")).to_have_text(
        "197 will not do. Numbers from 64 to 2048 in steps of 64 will do here. It is 192 now."
    )
    expect(width).to_have_value("192")
    width.fill("256")
    width.press("Tab")
    expect(page.locator("#width .number-note")).to_be_hidden()


def test_every_setting_explains_itself(server: TextServer, tmp_path: Path) -> None:
    demo = build(Engine(server.name, "default"), tmp_path)
    bars = [block for block in demo.blocks.values() if block.elem_id in ("settings-bar", "render-row")]

    def within(block: gr.blocks.Block) -> Iterator[gr.blocks.Block]:
        yield block
        for child in getattr(block, "children", ()):
            yield from within(child)

    settings = [
        one
        for bar in bars
        for one in within(bar)
        if isinstance(one, gr.components.FormComponent) and one.visible is True
    ]
    settings = [one for one in settings if not isinstance(one, gr.State | gr.Button | gr.Markdown)]
    assert len(settings) > 20
    assert [one.label for one in settings if not getattr(one, "info", None)] == []


def test_presets_fill_what_they_stand_for(page: Page) -> None:
    page.locator("#quality").get_by_label("fast").check()
    expect(page.locator("#steps input[type=number]")).to_have_value("10")
    toggle(page, "settings-bar")
    page.get_by_text("Second pass and regions").click()
    expect(page.locator("#guidance-start input[type=number]")).not_to_have_value("0")
    toggle(page, "settings-bar")
    page.locator("#quality").get_by_label("fine").check()
    toggle(page, "settings-bar")
    expect(page.locator("#steps input[type=number]")).to_have_value("28")
    expect(page.locator("#guidance-start input[type=number]")).to_have_value("0")
    page.locator("#negative-preset input").click()
    page.get_by_role("option", name="illustration").click()
    expect(page.locator("#negative-prompt textarea")).to_have_value(
        "photograph, realistic, lowres, blurry, cropped, worst quality"
    )
    page.locator("#negative-preset input").click()
    page.get_by_role("option", name="none").click()
    expect(page.locator("#negative-prompt textarea")).to_have_value("")


def test_the_drawer_tells_how_much_of_the_context_is_used(page: Page) -> None:
    composed(page)
    toggle(page, "settings-bar")
    expect(page.locator("#context")).to_contain_text("of 8192 tokens after the last reply")


def test_models_are_switched_and_a_wrong_name_is_refused_and_put_back(at_settings: Page, engine: Engine) -> None:
    page = at_settings
    page.locator("#llm input").fill("no-such-model-here")
    page.locator("#llm input").press("Enter")
    page.locator("#use-models").click()
    expect(page.locator(".toast-body.warning")).to_be_visible()
    expect(page.locator("#llm input")).not_to_have_value("no-such-model-here")
    page.locator("#llm input").click()
    page.get_by_role("option", name="default").first.click()
    page.locator("#use-models").click()
    expect(page.locator("#models-line")).to_contain_text("Demo models: 64 things, small pictures.")
    assert engine.llm_entry.name == "default"
    page.reload()
    expect(page.locator("#models-line")).to_contain_text("Demo models: 64 things, small pictures.")


def test_the_image_model_is_switched_and_what_it_wants_and_draws_follows(
    at_settings: Page, engine: Engine, tmp_path: Path
) -> None:
    page, other = at_settings, tmp_path / "models" / "sdxl" / "plain"
    shutil.copytree(engine.sdxl_entry.source, other, ignore=shutil.ignore_patterns("words.json"))
    expect(page.locator("#words-line")).to_contain_text("draws 64 things")
    page.locator("#sdxl input").fill(str(other))
    page.locator("#sdxl input").press("Enter")
    page.locator("#use-models").click()
    expect(page.locator("#models-line")).to_contain_text("plain paints")
    expect(page.locator("#words-line")).not_to_contain_text("draws")  # its folder has no words.json
    assert engine.sdxl_entry.source == str(other)
    page.locator("#sdxl input").click()
    page.get_by_role("option", name="default").first.click()
    page.locator("#use-models").click()
    expect(page.locator("#models-line")).to_contain_text("64 ")
    expect(page.locator("#words-line")).to_contain_text("draws 64 things")


def test_a_lora_gets_a_weight_and_the_engine_both(at_settings: Page, engine: Engine) -> None:
    page = at_settings
    page.locator("#loras input").click()
    page.get_by_role("option", name="glow").click()
    weight = page.locator(".lora-weight input[type=number]")
    expect(weight).to_have_value("1")
    weight.fill("0.5")
    weight.press("Tab")
    page.locator("#use-models").click()
    expect(page.locator("#models-line")).to_contain_text("glow × 0.5")
    assert engine.loras == {"glow": 0.5}


def test_keeping_the_language_model_takes_effect_at_once(at_settings: Page, engine: Engine) -> None:
    at_settings.locator("#keep-llm input").check()
    until(at_settings, lambda: engine.keep_llm)


def test_a_few_step_preset_paints_and_comes_back_with_settings_picture_and_reload(
    at_settings: Page, folder: Path
) -> None:
    page = at_settings

    def shows(name: str, steps: str, guidance: str) -> None:
        expect(page.locator("#few-steps input")).to_have_value(name)
        expect(page.locator("#steps input[type=number]")).to_have_value(steps)
        expect(page.locator("#guidance input[type=number]")).to_have_value(guidance)

    def choose(name: str) -> None:
        page.locator("#few-steps input").click()
        page.get_by_role("option", name=name).click()

    toggle(page, "settings-bar")
    composed(page)
    toggle(page, "settings-bar")
    shows("none", "20", "4")
    choose("Lightning, 4 steps")
    shows("Lightning, 4 steps", "4", "0")
    expect(page.locator("#few-steps-line")).to_contain_text("sdxl_lightning_4step_lora, which is not here")
    toggle(page, "settings-bar")
    page.locator("#render").click()
    rendered(page)
    page.reload()
    toggle(page, "settings-bar")
    shows("Lightning, 4 steps", "4", "0")
    choose("none")
    shows("none", "20", "4")
    expect(page.locator("#few-steps-line")).not_to_contain_text("LoRA")
    page.locator("#use-settings").dispatch_event("click")
    shows("Lightning, 4 steps", "4", "0")
    choose("LCM")
    shows("LCM, 6 steps", "6", "1.5")
    drop(page, "#chat", newest(folder))
    shows("Lightning, 4 steps", "4", "0")


def test_a_server_is_tested_with_a_key_and_one_of_its_models_is_used(
    at_settings: Page, engine: Engine, server: TextServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = at_settings
    monkeypatch.setattr(server, "key", "sk-secret")
    monkeypatch.setattr(server, "models", ["scripted", "other"])
    expect(page.locator("#server-key input")).to_have_attribute("type", "password")
    page.locator("#test-server").click()
    expect(page.locator("#server-line")).to_contain_text("refused the key (401)")
    page.locator("#server-key input").fill("sk-secret")
    page.locator("#test-server").click()
    expect(page.locator("#server-line")).to_contain_text("it offers: scripted, other")
    page.locator("#server-models input").click()
    page.get_by_role("option", name="other").click()
    other = server.name.replace("#scripted", "#other")
    expect(page.locator("#llm input")).to_have_value(other)
    page.locator("#use-models").click()
    until(page, lambda: engine.llm_entry.name == other)
    expect(page.locator("#models-line")).to_contain_text("other at 127.0.0.1")
    toggle(page, "settings-bar")
    composed(page)
    page.reload()
    toggle(page, "settings-bar")
    expect(page.locator("#server-key input")).to_have_value("")
    kept = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    assert any(other.encode() in content for content in kept) and not any(b"sk-secret" in content for content in kept)
