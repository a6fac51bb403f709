"""The measurement of edits: hand edits that are laid and found again, scripted replies, a run over kept answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench._hand_edits import lost
from bench._scripted_replies import scripted
from bench.edits import Edit, all_edits, main
from lib_omost.canvas import delete_region, read_canvas, set_keyword

EDITS = all_edits()


def followed(edit: Edit, code: str) -> dict[str, object]:
    canvas = read_canvas(code).canvas
    assert canvas is not None
    return dict(zip(edit.given.titles, canvas.regions, strict=False))


def test_every_edit_starts_from_a_plan_with_hand_edits_in_it() -> None:
    assert len(EDITS) >= 120
    assert sum(bool(edit.by_hand) for edit in EDITS) >= 0.95 * len(EDITS)
    kinds = {one.kind for edit in EDITS for one in edit.by_hand}
    assert kinds == {"box", "color", "words", "locked", "name", "negative", "text", "comment"}
    for edit in EDITS:
        assert not lost(edit.by_hand, edit.given.code, followed(edit, edit.given.code))  # type: ignore[arg-type]


def test_a_hand_edit_that_is_gone_is_found() -> None:
    edit = next(edit for edit in EDITS if any(one.kind == "color" for one in edit.by_hand))
    one = next(one for one in edit.by_hand if one.kind == "color")
    code = set_keyword(edit.given.code, edit.given.titles.index(one.title), "HTML_web_color_name", "lime")
    assert one in lost(edit.by_hand, code, followed(edit, code))  # type: ignore[arg-type]
    code = delete_region(edit.given.code, edit.given.titles.index(one.title))
    assert one in lost(edit.by_hand, code, {one.title: None})


def test_the_merge_with_scripted_replies_of_all_kinds_is_exact() -> None:
    plans = {edit.given.id: edit for edit in EDITS[::3]}
    found = [one for edit in plans.values() for one in scripted(edit.given)]
    assert len({one.kind for one in found}) == 14
    assert [one.kind for one in found if not one.is_exact] == []


def test_kept_answers_are_scored_and_what_failed_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit = next(edit for edit in EDITS if edit.row["id"] == "m06")
    out = tmp_path / "answers.jsonl"
    out.write_text(json.dumps({"id": "m06", "text": f"```python\n{edit.given.code}```"}) + "\n")
    numbers = main(["--asked", "--out", str(out)])
    assert (numbers["done"], numbers["harmful"], numbers["kept"], numbers["asked"]) == (0.0, 0.0, 1.0, 1)
    assert "lion behind rock" in capsys.readouterr().out
