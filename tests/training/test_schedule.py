from __future__ import annotations

import time

import pytest

from training.schedule import Clock, cosine


def test_the_learning_rate_rises_to_its_peak_and_falls_to_its_floor() -> None:
    assert cosine(1.0, 0.0, step=0, warmup=10) == pytest.approx(0.1)
    assert cosine(1.0, 0.0, step=10, warmup=10) == 1.0
    assert cosine(1.0, 1.0, step=99, warmup=10) == pytest.approx(0.02)


def test_a_clock_goes_on_from_what_earlier_commands_spent() -> None:
    clock = Clock(total_s=100, slot_s=50, spent_s=40)
    assert clock.fraction == pytest.approx(0.4, abs=0.01)
    assert not clock.is_over


def test_a_command_ends_with_its_slot_although_the_training_goes_on() -> None:
    clock = Clock(total_s=100, slot_s=0.01)
    time.sleep(0.02)
    assert clock.is_over
    assert clock.fraction < 0.1


def test_a_finished_training_is_over_at_once() -> None:
    assert Clock(total_s=100, slot_s=50, spent_s=100).is_over
