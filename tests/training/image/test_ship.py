from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from lib_omost.runtime.known_words import read_words
from training.image.card import write_card
from training.image.ship import FILES, ROOT, SHIPS, main

OLD = {
    f"{name}: {things}": value
    for name, pair in {
        "in_box": (0.972, 0.907),
        "leakage": (0.0, 0.0),
        "background_rgb": (4.37, 5.15),
        "fit_db": (19.2, 18.5),
        "detail": (0.061, 0.06),
    }.items()
    for things, value in zip(("2 things", "3 things"), pair, strict=True)
}


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def bench(file: Path, pipeline: Path, numbers: dict[str, float]) -> None:
    source = {"command": f"python -m bench {file.stem} --model {pipeline} --n 18"}
    write(file, json.dumps({"numbers": numbers, "source": source}))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A checkout with what the command writes to, a pipeline of 256 pixels, what the benches said of it, and sheets."""
    write(tmp_path / SHIPS, json.dumps(OLD))
    for name in ("README.md", "lib_omost/runtime/catalog.py"):
        write(tmp_path / name, (ROOT / name).read_text(encoding="utf-8"))
    write(tmp_path / "default_models" / "image" / "old.txt", "")
    (tmp_path / "bench").mkdir()
    for name in FILES:
        write(
            tmp_path / "new" / name / "config.json", '{\n "_name_or_path": "/home/somebody",\n "sample_size": 16\n}\n'
        )
    write(tmp_path / "new" / "model_index.json", "{}")
    write_card(tmp_path / "new", ["apple", "cat"], 256, 10, 240, 60)
    for name in ("things", "scenes"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    shutil.copy(tmp_path / "things.png", tmp_path / "judge")
    bench(tmp_path / "look.json", tmp_path / "new", {**OLD, "in_box: 2 things": 0.99, "background_rgb: 3 things": 4.0})
    bench(tmp_path / "regions.json", tmp_path / "new", {"in_box_text": 0.12})
    return tmp_path


def run(work: Path, *more: str) -> None:
    named = {"look": "look.json", "regions": "regions.json", "sheets": ".", "judge": "judge", "root": "."}
    options = [part for name, value in named.items() for part in (f"--{name}", str(work / value))]
    main([str(work / "new"), "--trained", "512 samples in 3 legs", *options, *more])


def test_a_better_pipeline_takes_the_place_with_its_card_words_sheets_and_figures(work: Path) -> None:
    run(work)
    folder = work / "default_models" / "image"
    assert not (folder / "old.txt").exists() and read_words(folder).nouns == ("apple", "cat")
    assert (folder / "unet" / "config.json").read_text() == '{\n "sample_size": 16\n}\n'
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "| found in their boxes | **0.99** (0.972) | **0.907** (0.907) |" in card
    assert "512 samples in 3 legs. To go on:" in card and "256 x 256 pixels" in card and "12 % of the time" in card
    assert str(work) not in card and (folder / "things.jpg").exists()
    readme = (work / "README.md").read_text(encoding="utf-8")
    assert readme.count("256 x 256") >= 2 and "128 x 128" not in readme and "two things 99 %, three 91 %" in readme
    assert "Noto Emoji, Apache-2.0" in (work / "lib_omost" / "runtime" / "catalog.py").read_text(encoding="utf-8")
    assert json.loads((work / SHIPS).read_text())["background_rgb: 3 things"] == 4.0


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("background_rgb: 2 things", 4.4, "4.4, and 4.37 ships"), ("fit_db: 3 things", 18.4, "18.4, and 18.5 ships")],
)
def test_one_that_is_worse_in_a_figure_does_not_ship(work: Path, key: str, value: float, said: str) -> None:
    bench(work / "look.json", work / "new", {**OLD, key: value})
    with pytest.raises(SystemExit, match=f"does not ship: {key} is {said}"):
        run(work)
    assert (work / "default_models" / "image" / "old.txt").exists()


def test_one_figure_may_be_worse_if_it_is_named_and_another_one_may_not(work: Path) -> None:
    bench(work / "look.json", work / "new", {**OLD, "background_rgb: 2 things": 4.4})
    with pytest.raises(SystemExit, match="does not ship"):
        run(work, "--despite", "background_rgb: 3 things")
    run(work, "--despite", "background_rgb: 2 things")
    assert json.loads((work / SHIPS).read_text())["background_rgb: 2 things"] == 4.4


def test_figures_of_another_pipeline_are_refused(work: Path) -> None:
    bench(work / "regions.json", work / "other", {"in_box_text": 0.12})
    with pytest.raises(SystemExit, match=r"measure .*new first"):
        run(work)
