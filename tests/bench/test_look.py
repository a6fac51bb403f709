from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from bench.look import drawn, fine_energy, fit, load_drawings, numbered, score
from bench.regions import Layout
from training.image.tiny import shapes

WORDS = ("in the center", "no offset", "a medium-sized square area")


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[torch.Tensor]]:
    nouns, styles, images = zip(*shapes(), strict=True)
    file = tmp_path_factory.mktemp("sprites") / "sprites.npz"
    np.savez(file, nouns=nouns, style=styles, images=np.stack(images))
    return load_drawings(file)


def test_the_drawing_itself_fits_wherever_it_is_and_another_does_not(drawings: dict[str, list[torch.Tensor]]) -> None:
    layout = Layout(("apple",), (WORDS,), "teal", "sun")
    picture = F.interpolate(drawn(layout, drawings)[None], (128, 128), mode="area")[0]
    (box,) = layout.boxes()
    right = fit(picture, drawings["apple"][0], box, "teal")
    shifted = fit(picture.roll(4, -1), drawings["apple"][0], box, "teal")
    wrong = fit(picture, drawings["tree"][0], box, "teal")
    assert min(right, shifted) > 22 > wrong + 3


def test_a_soft_picture_has_less_fine_energy(drawings: dict[str, list[torch.Tensor]]) -> None:
    crisp = drawn(Layout(("tree",), (WORDS,), "pink", "sun"), drawings)
    soft = F.interpolate(F.avg_pool2d(crisp[None], 4), scale_factor=4.0, mode="bilinear")[0]
    assert fine_energy(soft) < 0.5 * fine_energy(crisp)


def test_answers_are_counted_by_thing_and_by_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "key.json").write_text(json.dumps([["cat"], ["dog", "sun"]]))
    (tmp_path / "answers.txt").write_text("cat\ndog, moon\n")
    assert score(tmp_path / "answers.txt", tmp_path / "key.json") == {
        "things_named": 0.667,
        "pictures_named": 0.5,
        "things": 3,
    }
    assert "2: dog, sun was taken for dog, moon" in capsys.readouterr().out


def test_tiles_keep_their_own_size() -> None:
    assert numbered([Image.new("RGB", (40, 40))] * 5, columns=3).size == (132, 112)
