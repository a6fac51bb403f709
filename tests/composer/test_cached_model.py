"""What was read is kept, taken back and forgotten alike, in buffers that grow and in fixed ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lib_omost.composer.cached_model import FIXED_TOKENS, CachedModel, FixedModel, cached_model
from tests.composer.conftest import tiny_llama, tiny_phi

Make = Callable[[], CachedModel]


@pytest.fixture(params=[CachedModel, FixedModel])
def make(request: pytest.FixtureRequest) -> Make:
    return lambda: request.param(tiny_llama(50))


def test_the_cache_goes_back_to_what_is_shared(make: Make) -> None:
    cached = make()
    cached.forward([1, 2, 3, 4, 5], 1)
    assert cached.reuse_prefix([1, 2, 9, 4]) == 2
    again = cached.forward([9, 4], 1)
    assert np.allclose(again, make().forward([1, 2, 9, 4], 1), atol=1e-5)


def test_the_end_of_a_prompt_is_always_asked(make: Make) -> None:
    cached = make()
    cached.forward([1, 2, 3], 1)
    assert cached.reuse_prefix([1, 2, 3]) == 2


def test_a_pass_answers_at_its_last_places(make: Make) -> None:
    three, one_by_one = make().forward([1, 2, 3, 4], 3), make()
    one_by_one.forward([1], 1)
    for row, token in zip(three, (2, 3, 4), strict=True):
        assert np.allclose(row, one_by_one.forward([token], 1)[0], atol=1e-5)


def test_the_cache_keeps_to_its_budget(make: Make) -> None:
    cached = make()
    for _ in range(26):
        cached.forward([1] * 200, 1)
    half = cached.cache_mib() / 2 + 0.1
    cached.trim(limit_mib=half)
    assert 0 < cached.cache_mib() <= half
    assert cached.reuse_prefix([1] * 9000) == len(cached.tokens) > 0
    answer = cached.forward([1, 2], 1)
    fresh = make()
    fresh.forward(cached.tokens[:-2], 1)
    assert np.allclose(answer, fresh.forward([1, 2], 1), atol=1e-4)


def test_a_budget_of_nothing_forgets_everything(make: Make) -> None:
    cached = make()
    cached.forward([1, 2, 3], 1)
    cached.trim(limit_mib=0)
    assert cached.tokens == [] and cached.cache_mib() == 0
    assert cached.forward([1, 2], 1).shape == (1, 50)


def test_a_pass_that_fails_leaves_no_half_read_cache(make: Make) -> None:
    cached = make()
    cached.forward([1, 2, 3], 1)
    with pytest.raises(IndexError):
        cached.forward([999], 1)
    assert cached.tokens == []
    assert np.allclose(cached.forward([1, 2], 1), make().forward([1, 2], 1), atol=1e-5)


def test_fixed_buffers_grow_when_a_chat_is_longer_than_they_are() -> None:
    fixed, growing = FixedModel(tiny_phi(50)), CachedModel(tiny_phi(50))
    tokens = [number % 50 for number in range(FIXED_TOKENS + 200)]
    for at in range(0, len(tokens), 300):
        answers = [cached.forward(tokens[at : at + 300], 2) for cached in (fixed, growing)]
        assert np.allclose(*answers, atol=1e-4)
    assert fixed.cache_mib() >= growing.cache_mib()


def test_nothing_is_compiled_and_nothing_fixed_on_a_cpu() -> None:
    assert type(cached_model(tiny_llama(50), compiled=True)) is CachedModel
