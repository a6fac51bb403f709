"""`omost doctor --card` on a CPU, with small shapes: the same code as on a card, where no number is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from lib_omost.__main__ import main
from lib_omost.errors import SettingsError
from lib_omost.renderer.attention import BACK_ENDS
from lib_omost.runtime import card_check, card_stages

CPU = torch.device("cpu")


@pytest.mark.slow
def test_the_command_writes_one_json_of_every_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "card.json"
    assert main(["doctor", "--card", "--device", "cpu", "--out", str(out)]) == 0
    text = out.read_text()
    found = json.loads(text)
    assert found == json.loads(capsys.readouterr().out)
    assert found["failed"] == [] and found["size"].startswith("small shapes")
    assert {"plan_s", "plan_picture_s", "edit_s", "edit_picture_s", "llm_peak_mib"} <= found["cycle"].keys()
    assert {f"{kind}_40_{n}_ms" for kind in ("growing", "fixed") for n in (1, 7, 32, 64)} <= found["passes"].keys()
    assert str(Path.home()) not in text and str(tmp_path) not in text


def test_each_back_end_is_compared_with_the_formula_or_said_not_to_suit() -> None:
    found = card_stages.attention(CPU, card_stages.SMALL)
    assert set(found) == {f"{name}_{channels}" for name in BACK_ENDS for channels in (32, 64)}
    assert found["varlen_32"] == "not for this device"
    assert all(found[f"{name}_64"]["error"] < 1e-5 for name in ("lse", "groups", "sdpa"))


def test_packed_layers_compute_the_same_after_they_have_moved() -> None:
    assert card_stages.moves(CPU, card_stages.SMALL) == {"nf4": "right", "int8": "right"}


def test_a_stage_that_fails_is_a_sentence_in_the_report_without_a_path() -> None:
    told: list[str] = []

    def broken() -> card_stages.Measured:
        raise RuntimeError("no kernel image in /home/jane/torch\nand more")

    found = card_check.run("attention", broken, told.append)
    assert found["failed"] == "RuntimeError: no kernel image in …/torch" and "seconds" in found
    assert told[0] == "attention …" and told[1].startswith("attention: RuntimeError")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_here_is_said_at_once() -> None:
    with pytest.raises(SettingsError, match="'cuda' is not to be had"):
        card_check.check_card("cuda", None, lambda sentence: None)
