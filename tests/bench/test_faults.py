"""The fault table and the soak, in their short forms, against a real server."""

from __future__ import annotations

import pytest

from bench import faults, soak
from bench._fault_rows import NO_SENTENCE
from bench.soak import Sample, slope_mib_10min


def test_there_are_enough_rows_and_each_has_a_name_of_its_own() -> None:
    names = [row.name for row in faults.ROWS]
    assert len(names) == len(set(names)) >= 60
    assert {name.partition(":")[0] for name in names} == {
        "numbers", "types and lengths", "characters", "files", "callers", "files of others", "many", "clients",
        "servers", "disks", "processes",
    }  # fmt: skip


@pytest.mark.slow
def test_the_first_quick_rows_of_each_kind_hold(capsys: pytest.CaptureFixture[str]) -> None:
    faults.main(["--short"])
    told = capsys.readouterr().out
    failed = {line.removeprefix("failed: ") for line in told.splitlines() if line.startswith("failed: ")}
    assert failed == set(), told


@pytest.mark.slow
def test_a_short_soak_mixes_nothing_and_has_no_errors(capsys: pytest.CaptureFixture[str]) -> None:
    result = soak.main(["--minutes", "0.15", "--clients", "2"])
    assert {"minutes", "errors", "mixed", "slope_mib_10min", "handles", "threads", "temp_files"} <= result.keys()
    assert (result["errors"], result["mixed"]) == (0, 0), capsys.readouterr().out
    assert int(result["acts"]) > 0


def test_the_slope_is_that_of_the_memory_after_the_warm_up() -> None:
    cold = [Sample(second, 100.0 + 10 * second, 1, 1, 0, 1) for second in range(0, 100, 10)]
    warm = [Sample(second, 5000.0 + second / 60, 1, 1, 0, 1) for second in range(130, 600, 10)]
    assert slope_mib_10min([*cold, *warm]) == pytest.approx(10.0)


@pytest.mark.parametrize("told", ["null", "Something unforeseen went wrong (TypeError); see", "Traceback (most recent"])
def test_what_is_no_sentence_for_a_person(told: str) -> None:
    assert NO_SENTENCE.match(told)
    assert not NO_SENTENCE.match("width is 0; it wants a whole number from 64 to 2048")
