"""The command line, called as a person calls it: outputs, exit codes and sentences."""

from __future__ import annotations

import asyncio
import io
import json
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from bench._server import text_server
from lib_omost import __version__
from lib_omost.__main__ import _show_figures, given, main, parser
from lib_omost.canvas import Canvas
from lib_omost.composer import ComposeSettings, ComposeStats
from lib_omost.renderer import RenderSettings
from lib_omost.settings import table
from lib_omost.studio.edge.users import Users
from lib_omost.studio.store.images import read_png

COMMANDS = ("read", "compose", "render", "convert", "models", "doctor")


@pytest.fixture
def reply(tmp_path: Path) -> Path:
    canvas = Canvas()
    canvas.set_global_description("A red apple.", ["It is round."], "apple", "lightblue")
    canvas.add_local_description(
        "on the left",
        "no offset",
        "a medium-sized square area",
        2.0,
        "A red apple.",
        [],
        "apple",
        "Calm.",
        "Flat.",
        "Fine.",
        "red",
    )
    path = tmp_path / "apple.txt"
    path.write_text(f"Here it is:\n```python\n{canvas.to_code()}\n```\n")
    return path


def test_read_shows_the_canvas_as_json(reply: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(reply)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["status"] == "accept" and shown["canvas"]["regions"][0]["location"] == "on the left"


def test_read_rejects_prose_with_exit_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "prose.txt").write_text("I am sorry, I cannot draw.")
    assert main(["read", str(tmp_path / "prose.txt")]) == 2
    shown = json.loads(capsys.readouterr().out)
    assert shown["status"] == "reject" and shown["canvas"] is None


def test_render_writes_a_picture_that_carries_its_canvas_and_settings(
    reply: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--sdxl", "default", "--out", str(tmp_path / "out"), "--seed", "7", "--width", "64", "--height", "128"]
    assert main(["render", str(reply), *options, "--steps", "2", "--cfg", "3", "--images", "2", "--device", "cpu"]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.split()]
    assert [path.name for path in paths] == ["apple.png", "apple-2.png"]
    assert [Image.open(path).size for path in paths] == [(64, 128)] * 2
    saved = read_png(paths[0])
    assert saved.canvas.regions[0].description == "A red apple."
    assert (saved.settings.seed, saved.settings.steps, saved.settings.guidance, saved.model) == (7, 2, 3.0, "default")


def test_ctrl_c_ends_a_render_at_its_next_step_without_a_traceback(reply: Path, tmp_path: Path) -> None:
    options = ["--sdxl", "default", "--out", str(tmp_path / "out"), "--steps", "100", "--device", "cpu"]
    command = [sys.executable, "-m", "lib_omost", "render", str(reply), *options]
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a suite in the background ignores it
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heard
    ) as process:
        assert process.stderr is not None
        assert any("Loading" in line for line in process.stderr)
        time.sleep(1)  # in the load of the model or in the picture
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in told
    assert not list(tmp_path.glob("out/*"))


def test_pictures_of_one_command_have_seeds_one_after_the_other(reply: Path, tmp_path: Path) -> None:
    small = ["--sdxl", "default", "--width", "64", "--height", "64", "--steps", "2", "--device", "cpu"]
    assert main(["render", str(reply), "--out", str(tmp_path / "two"), *small, "--images", "2", "--seed", "7"]) == 0
    assert main(["render", str(reply), "--out", str(tmp_path / "one"), *small, "--seed", "8"]) == 0
    assert read_png(tmp_path / "two" / "apple-2.png").settings.seed == 8
    assert (tmp_path / "two" / "apple-2.png").read_bytes() == (tmp_path / "one" / "apple.png").read_bytes()


def test_render_takes_a_few_step_preset_says_what_lora_it_lacks_and_what_is_given_wins_over_it(
    reply: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    options = ["--sdxl", "default", "--out", str(tmp_path), "--width", "64", "--height", "64", "--device", "cpu"]
    assert main(["render", str(reply), *options, "--few-steps", "lightning-4", "--steps", "2"]) == 0
    saved = read_png(capsys.readouterr().out.strip())
    settings = saved.settings
    assert (settings.few_steps, settings.steps, settings.guidance) == ("lightning-4", 2, 0.0)
    assert any("wants the LoRA sdxl_lightning_4step_lora" in note for note in saved.notes)
    assert "wants the LoRA sdxl_lightning_4step_lora" in caplog.text


def test_compose_streams_the_reply_alone_and_tells_its_figures_on_standard_error(
    reply: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with text_server(reply.read_text()) as server:
        assert main(["compose", "a red apple", "--llm", server.name]) == 0
    shown = capsys.readouterr()
    assert shown.out == reply.read_text() + "\n"
    figures = (
        r"\d+ tokens in [\d.]+ s, \d+ tokens a second, "
        r"first token after [\d.]+ s, first region after [\d.]+ s"
    )
    assert re.fullmatch(figures, shown.err.splitlines()[-1])


def test_of_a_model_on_this_machine_tokens_a_pass_are_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    stats = ComposeStats(new_tokens=300, passes=100, seconds=6.0, first_token_s=0.5)
    _show_figures(stats, first_region_s=2.0)
    assert capsys.readouterr().err == (
        "300 tokens in 6.0 s, 50 tokens a second, 3.0 tokens a pass, first token after 0.50 s, "
        "first region after 2.00 s\n"
    )


def test_every_setting_is_an_option_and_only_those_given_are_taken() -> None:
    args = parser().parse_args(["render", "f", "--cfg", "3", "--region-strengths", "1,0.5", "--centred-noise"])
    assert given(args, RenderSettings) == {"guidance": 3.0, "region_strengths": (1.0, 0.5), "centred_noise": True}
    args = parser().parse_args(["compose", "p", "--no-grammar", "--top-p", "0.5"])
    assert given(args, ComposeSettings) == {"grammar": False, "top_p": 0.5}


@pytest.mark.parametrize("settings", [RenderSettings, ComposeSettings])
def test_the_help_has_a_line_on_every_setting(settings: type, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["render" if settings is RenderSettings else "compose", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert all(f"--{one.option}" in shown and one.help.rstrip(".") in shown for one in table(settings).values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compose", "an apple", "--temperature", "3"], "temperature is 3.0; it wants a number from 0 to 2."),
        (["read", "no-such-file.txt"], "no-such-file.txt cannot be read: No such file"),
        (["compose", "an apple", "--llm", "gibberish"], "There is no language model named 'gibberish'"),
        (["render", "FILE", "--sdxl", "gibberish"], "There is no image model named 'gibberish'"),
        (["render", "FILE", "--sdxl", "default", "--width", "100"], "width is 100"),
        (
            ["render", "FILE", "--sdxl", "default", "--style", "glitter"],
            "style is 'glitter'; it wants one of: photograph",
        ),
        (["convert", "no-such-file.txt", "--to", "svg"], "no-such-file.txt cannot be read: No such file"),
        (["convert", "FILE", "--to", "json", "--out", "/"], "cannot write /"),
        (["render", "FILE", "--sdxl", "default", "--few-steps", "turbo"], "few_steps is 'turbo'; it wants one of"),
        (
            ["render", "FILE", "--sdxl", "default", "--lora", "ink=strong"],
            "--lora ink=strong: 'strong' is not a number",
        ),
        (["render", "FILE", "--sdxl", "default", "--lora", "no-such-lora"], "There is no LoRA named 'no-such-lora'"),
    ],
)
def test_what_goes_wrong_is_one_sentence_on_standard_error(
    arguments: list[str], message: str, reply: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([str(reply) if a == "FILE" else a for a in arguments]) == 1
    shown = capfd.readouterr()
    assert shown.out == "" and shown.err.splitlines()[-1].startswith(f"omost: {message}")
    assert "Traceback" not in shown.err


def test_a_file_that_is_no_text_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    assert main(["read", str(tmp_path / "photo.jpg")]) == 1
    assert "is not a text file" in capsys.readouterr().err


def test_models_lists_every_model_with_size_licence_and_whether_it_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    realvis = next(line for line in lines if line.startswith("SG161222/RealVisXL_V4.0"))
    assert "sdxl" in realvis and "6.9 GB" in realvis and "RAIL" in realvis
    assert any("safety layer" in line and "dolphin" in line for line in lines)


@pytest.mark.parametrize(
    ("format", "start"), [("json", "{"), ("comfy", "["), ("flux", "A red apple."), ("svg", "<svg")]
)
def test_convert_writes_the_canvas_for_other_programs_to_standard_output_or_a_file(
    reply: Path, format: str, start: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(reply), "--to", format]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(start)
    path = tmp_path / "new folder" / "apple"
    assert main(["convert", str(reply), "--to", format, "--out", str(path)]) == 0
    assert (capsys.readouterr().out.strip(), path.read_text(encoding="utf-8")) == (str(path), shown)


def test_convert_writes_masks_to_a_folder_and_names_them(
    reply: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(reply), "--to", "masks", "--out", str(tmp_path / "masks")]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.name for path in paths] == ["apple-mask-1.png", "apple-colors.png"]
    assert {Image.open(path).size for path in paths} == {(896, 1152)}


def test_convert_takes_standard_input_and_rejects_prose_with_exit_status_2(
    reply: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(reply.read_text()))
    assert main(["convert", "-", "--to", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["regions"]
    monkeypatch.setattr("sys.stdin", io.StringIO("I am sorry, I cannot draw."))
    assert main(["convert", "-", "--to", "json"]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and "There is no canvas in the text" in shown.err


def test_help_names_the_command_as_it_was_called_and_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for called, name in (("/usr/bin/omost", "omost"), ("/usr/lib_omost/__main__.py", "python -m lib_omost")):
        monkeypatch.setattr("sys.argv", [called])
        with pytest.raises(SystemExit) as ended:
            main(["--help"])
        shown = capsys.readouterr().out
        assert ended.value.code == 0 and shown.startswith(f"usage: {name} ")
        assert all(f"    {command} " in shown for command in COMMANDS)


def test_the_version_is_the_packages_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"omost {__version__}\n"


def test_without_a_command_it_is_the_page_with_the_pages_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "0", "--auth", "nobody"]) == 2
    assert capsys.readouterr().out == "Cannot start: --auth wants USER:PASSWORD.\n"


def test_doctor_tells_versions_and_no_paths(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    report = capsys.readouterr().out
    assert report.startswith("system: ") and f"omost: {__version__}" in report
    assert "packages: torch " in report and "device: " in report and "default (sdxl)" in report
    assert str(Path.home()) not in report


def test_a_user_is_added_with_a_password_from_standard_input_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "users.json"
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    assert main(["users", "add", "ann", "--users", str(file), "--operator"]) == 0
    users = Users(file)
    assert asyncio.run(users.check("ann", "correct horse")) and users.operator("ann")
    assert main(["users", "remove", "ann", "--users", str(file)]) == 0
    assert users.names() == []
    assert "correct" not in capsys.readouterr().out
