"""The command line, called as a person calls it: outputs, exit codes and sentences."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from bench._server import text_server
from lib_omost.__main__ import _show_figures, main
from lib_omost.canvas import Canvas
from lib_omost.composer import ComposeStats
from lib_omost.studio.store.images import read_png


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["read", "no-such-file.txt"], "no-such-file.txt cannot be read: No such file"),
        (["compose", "an apple", "--llm", "gibberish"], "There is no language model named 'gibberish'"),
        (["render", "FILE", "--sdxl", "gibberish"], "There is no image model named 'gibberish'"),
        (["render", "FILE", "--sdxl", "default", "--width", "100"], "width is 100"),
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


def test_doctor_tells_versions_and_no_paths(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    report = capsys.readouterr().out
    assert "packages: torch " in report and "device: " in report and "default (sdxl)" in report
    assert str(Path.home()) not in report
