from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lib_omost.renderer.bags import BAG_TOKENS, greedy_partition, partition, split_words

texts = st.lists(st.integers(1, 100).map(lambda n: " ".join(["word"] * n)), max_size=8)


def words(text: str) -> int:
    return len(text.split())


def of(n: int, name: str = "w") -> str:
    return " ".join([name] * n)


def test_suffixes_share_a_bag_while_they_fit_and_every_bag_starts_with_the_prefixes() -> None:
    found = partition([of(15, "p")], [of(30, "a"), of(30, "b"), of(1, "c"), of(59, "d")], words)
    assert found.bags == ((of(15, "p"), of(30, "a"), of(30, "b")), (of(15, "p"), of(1, "c"), of(59, "d")))
    assert found.notes == ()


def test_a_suffix_is_never_put_back_into_an_earlier_bag() -> None:
    assert greedy_partition([of(3), of(9), of(2)], 10, words) == [[of(3)], [of(9)], [of(2)]]


def test_a_condition_without_suffixes_is_its_prefixes_and_one_without_anything_is_an_empty_bag() -> None:
    assert partition(["a cat."], [], words).bags == (("a cat.",),)
    assert partition([], [], words).bags == ((),)


def test_a_suffix_longer_than_its_room_stays_in_one_bag_and_is_named_in_a_note() -> None:
    found = partition([of(40)], [of(50, "long")], words)
    assert found.bags == ((of(40), of(50, "long")),)
    assert "15 tokens too long" in found.notes[0] and "long" in found.notes[0]


def test_prefixes_longer_than_a_bag_leave_the_own_description_alone_with_its_suffixes_and_say_so() -> None:
    found = partition([of(70, "global"), of(10, "own")], ["a.", "b."], words)
    assert found.bags == ((of(10, "own"), "a.", "b."),)
    assert "80 of 75 tokens" in found.notes[0]


def test_an_own_description_longer_than_a_bag_is_split_between_words_and_loses_none() -> None:
    description = " ".join(f"w{i}" for i in range(200))
    found = partition(["global.", description], ["tail."], words)
    assert " ".join(text for bag in found.bags for text in bag) == f"{description} tail."
    assert all(sum(map(words, bag)) <= BAG_TOKENS for bag in found.bags)


def test_one_endless_word_is_not_cut() -> None:
    assert split_words("abcdefgh", 3, len) == ["abcdefgh"]


@given(texts, texts)
def test_every_suffix_is_in_exactly_one_bag_in_order(prefixes: list[str], suffixes: list[str]) -> None:
    found = partition(prefixes, suffixes, words)
    if sum(map(words, prefixes)) <= BAG_TOKENS:
        assert all(bag[: len(prefixes)] == tuple(prefixes) for bag in found.bags)
        assert [text for bag in found.bags for text in bag[len(prefixes) :]] == suffixes


@given(texts, texts)
def test_a_bag_is_too_long_only_if_a_note_says_so(prefixes: list[str], suffixes: list[str]) -> None:
    found = partition(prefixes, suffixes, words)
    assert found.notes or all(sum(map(words, bag)) <= BAG_TOKENS for bag in found.bags)
