from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from training import nouns
from training.language.edits import EDITS
from training.language.judge import cases, judge, right_values, values
from training.language.scenes import Scene, Thing, program


def test_the_values_of_a_program_are_found_by_their_words() -> None:
    answer = program(Scene((Thing("cat", color="red"),)))
    found = {(name, answer[a:b]) for name, a, b in values(answer)}
    assert ("location", "in the center") in found
    assert ("another region", "\n```") in found


def test_a_quarter_of_the_cases_is_about_held_out_nouns() -> None:
    held_out = [case for case in cases(40) if case.group == "held-out nouns"]
    assert len(held_out) == 10
    for case in held_out:
        said = case.messages[-1]["content"]
        assert any(noun in said or nouns.plural(noun) in said for noun in nouns.HELD_OUT)


def test_every_kind_of_edit_has_its_turn() -> None:
    groups = {case.group for case in cases(4 * len(EDITS))}
    assert groups >= {f"edit: {kind}" for kind in EDITS}


def test_a_random_model_is_wrong_and_one_that_only_says_the_truth_is_right(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base)
    report = judge(model, tokenizer, 3)
    assert report["all"]["description"] == 0

    class Truth(torch.nn.Module):
        """Knows the next token of the one conversation that it is shown."""

        device = torch.device("cpu")

        def model(self, input_ids: torch.Tensor) -> object:
            self.ids = input_ids
            following = torch.nn.functional.one_hot(input_ids.roll(-1, 1), len(tokenizer)).float()
            return type("Output", (), {"last_hidden_state": following})

        def lm_head(self, hidden: torch.Tensor) -> torch.Tensor:
            return hidden

    assert all(right for _, right in right_values(cases(1)[0], Truth(), tokenizer))
