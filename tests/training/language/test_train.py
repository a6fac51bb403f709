from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from training.language import train


def options(base: Path, run: Path, *more: str) -> argparse.Namespace:
    fixed = [
        "--base",
        str(base),
        "--run",
        str(run),
        "--budget",
        "2500",
        "--longest",
        "2500",
        "--log-every",
        "1",
        "--minutes",
        "0.02",
    ]
    return train.options([*fixed, *more])


def test_with_equal_weights_the_loss_is_plain_cross_entropy(base: Path) -> None:
    model = train.new_run(base, 4, "cpu").model
    ids = torch.randint(0, 200, (2, 40))
    with torch.no_grad():
        logits = model(input_ids=ids).logits[:, :-1].float()
    expected = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    assert train.weighted_loss(model, ids, torch.ones(2, 40)).item() == pytest.approx(expected.item(), rel=0.02)


def test_a_token_without_weight_does_not_matter(base: Path) -> None:
    model = train.new_run(base, 4, "cpu").model
    ids, weights = torch.randint(0, 200, (1, 40)), torch.ones(1, 40)
    weights[0, 39] = 0
    other = ids.clone()
    other[0, 39] = (ids[0, 39] + 1) % 200
    assert torch.equal(train.weighted_loss(model, ids, weights), train.weighted_loss(model, other, weights))


def test_a_stopped_training_goes_on_where_it_was_saved(base: Path, tmp_path: Path) -> None:
    args = options(base, tmp_path)
    run = train.new_run(base, 4, "cpu")
    train.train(run, args)
    again = train.new_run(base, 4, "cpu")
    train.resume(again, tmp_path, None)
    assert (again.step, again.tokens, again.conversations) == (run.step, run.tokens, run.conversations)
    assert again.spent_s == pytest.approx(run.spent_s)
    for a, b in zip(train.trained(run.model), train.trained(again.model), strict=True):
        assert torch.equal(a, b)


def test_the_adapter_is_written_in_bf16_and_can_be_started_from(base: Path, tmp_path: Path) -> None:
    run = train.new_run(base, 4, "cpu")
    with torch.no_grad():
        for weight in train.trained(run.model):
            weight.fill_(0.5)
    train.save(run, tmp_path)
    assert {w.dtype for w in load_file(tmp_path / "adapter" / "adapter_model.safetensors").values()} == {torch.bfloat16}
    fresh = train.new_run(base, 4, "cpu")
    train.resume(fresh, tmp_path / "elsewhere", tmp_path / "adapter")
    assert all(bool((weight == 0.5).all()) for weight in train.trained(fresh.model))


def test_a_start_brings_its_own_rank(base: Path, tmp_path: Path) -> None:
    train.save(train.new_run(base, 4, "cpu"), tmp_path)
    assert train.rank_of(train.options(["--run", str(tmp_path / "new"), "--start", str(tmp_path / "adapter")])) == 4
    assert train.rank_of(train.options(["--run", str(tmp_path), "--rank", "9"])) == 4
    assert train.rank_of(train.options(["--run", str(tmp_path / "new"), "--rank", "9"])) == 9


def test_a_cpu_gets_smaller_steps_and_an_option_wins() -> None:
    assert train.options(["--device", "cpu"]).budget < train.options(["--device", "cuda"]).budget
    assert train.options(["--device", "cpu", "--budget", "77"]).budget == 77


@pytest.mark.training
def test_smoke(capsys: pytest.CaptureFixture[str]) -> None:
    train.main(["--smoke"])
    assert "smoke: fine" in capsys.readouterr().out
