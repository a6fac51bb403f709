"""What can be a key, and where a key must not stand."""

from __future__ import annotations

import json

import pytest

from lib_omost.composer.remote.failures import MAX_KEY, checked_key, without_key
from lib_omost.errors import SettingsError


def test_spaces_around_a_key_are_no_part_of_it() -> None:
    assert checked_key(" sk-1\n") == "sk-1"
    assert checked_key(None) == ""


@pytest.mark.parametrize("key", ["schlüssel", "two words", "a\nb", "x" * (MAX_KEY + 1)])
def test_what_cannot_be_a_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(SettingsError, match="This is not a key") as refused:
        checked_key(key)
    assert key not in str(refused.value)


@pytest.mark.parametrize("key", ["secret", "it's", 'a"b\\c', "100%/+"])
def test_a_key_is_taken_out_of_a_text_in_every_way_that_it_is_written(key: str) -> None:
    for text in (f"<{key}>", f"<{{'error': {key!r}}}>", json.dumps({"error": f"<{key}>"})):
        assert key not in without_key(text, key)
        assert "(the key)" in without_key(text, key)


def test_without_a_key_nothing_is_taken_out() -> None:
    assert without_key("none of it", "") == "none of it"
