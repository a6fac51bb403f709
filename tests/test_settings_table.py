"""One table of settings: what a field says once is found in the page, the command line, the endpoints and the files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from lib_omost.composer import ComposeSettings
from lib_omost.errors import SettingsError
from lib_omost.renderer import RenderSettings
from lib_omost.settings import Setting, Shown, check, read, table

ROOT = Path(__file__).parents[1]
BOTH = [setting for settings in (RenderSettings, ComposeSettings) for setting in table(settings).values()]
NUMBERS = [setting for setting in BOTH if setting.bounds and not setting.many]


def named(setting: Setting) -> str:
    return f"{setting.name}-{setting.label.replace(' ', '-')}"


@dataclass(frozen=True, kw_only=True)
class Wider(RenderSettings):
    sparkle: Annotated[
        float,
        Field(title="Sparkle", description="How much it sparkles.", gt=0, le=1),
        Shown("Picture", 0.1, 1, 0.1),
    ] = 0.5


@pytest.mark.parametrize("setting", BOTH, ids=named)
def test_every_field_has_a_label_a_help_and_a_default_that_it_takes(setting: Setting) -> None:
    assert setting.label != setting.name and setting.help.endswith(".")
    setting.check(setting.default)
    if setting.shown.group:
        setting.check_offered(setting.default)


@pytest.mark.parametrize("setting", NUMBERS, ids=named)
def test_every_bound_holds_and_one_beyond_it_is_refused_with_what_would_do(setting: Setting) -> None:
    step = setting.bounds.get("multiple_of", 1)
    for name, beyond in (("ge", -step), ("le", step), ("gt", 0)):
        if name in setting.bounds:
            bound = setting.bounds[name]
            if name != "gt":
                setting.check(bound if bound % step == 0 else step)
            with pytest.raises(SettingsError, match=f"^{setting.name} is .*; it wants a "):
                setting.check(bound + beyond)


@pytest.mark.parametrize("setting", [s for s in BOTH if s.shown.high is not None], ids=named)
def test_what_the_page_offers_lies_within_the_bounds_and_one_step_beyond_is_not_offered(setting: Setting) -> None:
    if setting.kind is str:
        setting.check_offered("x" * int(setting.shown.high or 0))
        with pytest.raises(SettingsError, match=f"{setting.name} has .* characters; here it wants at most"):
            setting.check_offered("x" * (int(setting.shown.high or 0) + 1))
        return
    for end, beyond in ((setting.shown.low, -1), (setting.shown.high, 1)):
        assert end is not None and setting.step
        setting.check_offered(end)
        with pytest.raises(SettingsError):
            setting.check_offered(end + beyond * setting.step)


@pytest.mark.parametrize("setting", BOTH, ids=named)
@pytest.mark.parametrize("value", ["many", [], {}, b"1", float("inf")], ids=repr)
def test_a_value_of_another_type_is_refused_with_the_name(setting: Setting, value: object) -> None:
    if setting.kind is str and isinstance(value, str) and not setting.shown.choices:
        setting.check(value)
        return
    with pytest.raises(SettingsError, match=f"^{setting.name} is .*; it wants "):
        setting.check(value)


def test_true_is_no_number_and_one_is_not_true() -> None:
    for name, value in (("steps", True), ("guidance", True), ("centred_noise", 1)):
        with pytest.raises(SettingsError, match=name):
            table(RenderSettings)[name].check(value)


def test_numbers_of_a_tuple_are_checked_each_and_the_wrong_one_is_named() -> None:
    with pytest.raises(SettingsError, match="region_strengths is 101; it wants a number from 0 to 100"):
        RenderSettings(region_strengths=(1, 101))
    with pytest.raises(SettingsError, match="region_strengths is 'ab'; it wants numbers from 0 to 100"):
        RenderSettings(region_strengths="ab")  # type: ignore[arg-type]


def test_a_field_more_stands_before_the_inherited_ones_and_is_checked_with_them() -> None:
    assert next(iter(table(Wider))) == "sparkle"
    with pytest.raises(SettingsError, match="sparkle is 0; it wants a number above 0 and at most 1"):
        Wider(sparkle=0)
    with pytest.raises(SettingsError, match="steps is 0"):
        Wider(steps=0)


def test_a_field_that_says_nothing_of_itself_is_a_mistake_in_the_code() -> None:
    @dataclass(frozen=True)
    class Silent:
        steps: int = 3

    with pytest.raises(TypeError, match="steps is <class 'int'>; a field of settings is Annotated"):
        check(Silent())


def test_what_a_file_brings_is_read_by_the_table() -> None:
    found = {"steps": 9, "region_strengths": [1, 0.5], "glitter": True}
    assert read(RenderSettings, found) == RenderSettings(steps=9, region_strengths=(1, 0.5))
    assert read(Wider, {"sparkle": 1}) == Wider(sparkle=1)
    with pytest.raises(SettingsError, match="steps is 'many'; it wants a whole number from 1 to 1000"):
        read(RenderSettings, {"steps": "many"})
    with pytest.raises(SettingsError, match="an object of names and values is wanted"):
        read(RenderSettings, [1])


NEW_FIELDS = {
    "lib_omost/renderer/settings.py": """
    sparkle: Annotated[
        float, Field(title="Sparkle", description="How much it sparkles.", ge=0, le=1), Shown(PICTURE, 0, 1, 0.1)
    ] = 0.5

    width: Annotated[""",
    "lib_omost/composer/settings.py": """
    wit: Annotated[
        int, Field(title="Wit", description="How witty it is.", ge=1, le=9), Shown(GROUP, 1, 5, 1)
    ] = 2

    temperature: Annotated[""",
}
USE = """
from gradio.utils import get_function_description
from dataclasses import replace
from pathlib import Path
import gradio as gr
from PIL import Image
from gradio_app import build
from lib_omost import Canvas, ComposeSettings, Engine, RenderSettings
from lib_omost.__main__ import given, parser
from lib_omost.studio.limits import usable
from lib_omost.studio.store.images import read_png, save_png

demo = build(Engine("default", "default"), Path("outputs"))
widgets = {block.elem_id: block for block in demo.blocks.values()}
assert isinstance(widgets["sparkle"], gr.Slider) and isinstance(widgets["wit"], gr.Slider)
slider = widgets["sparkle"]
assert (slider.value, slider.maximum, slider.info) == (0.5, 1, "How much it sparkles.")

args = parser().parse_args(["render", "file", "--sparkle", "0.25"])
assert given(args, RenderSettings) == {"sparkle": 0.25}
args = parser().parse_args(["compose", "prompt", "--wit", "7"])
assert given(args, ComposeSettings) == {"wit": 7}

endpoints = demo.get_api_info()["named_endpoints"]
for endpoint, name, help in (("/render", "sparkle", "How much it sparkles"), ("/chat", "wit", "How witty it is")):
    (found,) = [p for p in endpoints[endpoint]["parameters"] if p["parameter_name"] == name]
    functions = {f"/{one.api_name}": one.fn for one in demo.fns.values()}
    assert found["parameter_has_default"] and help in get_function_description(functions[endpoint])[1][name]

canvas = Canvas()
canvas.set_global_description("a meadow", [], "", "green")
path = save_png(Image.new("RGB", (8, 8)), Path("a.png"), canvas, RenderSettings(sparkle=0.75))
assert read_png(path).settings.sparkle == 0.75
assert usable({"sparkle": 0.75, "wit": 5}) == {"sparkle": 0.75, "wit": 5}
assert usable({"sparkle": 2, "wit": "much"}) == {}
"""


def test_one_line_adds_a_setting_to_page_command_line_endpoint_png_and_session(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "lib_omost", tmp_path / "lib_omost", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("gradio_app.py", "chat_interface.py"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "default_models").symlink_to(ROOT / "default_models")
    for name, lines in NEW_FIELDS.items():
        text, first = (tmp_path / name).read_text(), "\n    " + lines.rsplit("\n    ", 1)[1]
        assert text.count(first) == 1
        (tmp_path / name).write_text(text.replace(first, lines))
    done = subprocess.run([sys.executable, "-c", USE], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
