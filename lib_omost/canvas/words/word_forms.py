"""When two words are one: inflections, synonyms, compounds, slips of the pen. English, by rules; knows no canvas."""

from __future__ import annotations

from functools import lru_cache

from lib_omost.canvas.words.noun_phrase import plural, singular
from lib_omost.canvas.words.request_words import FUNCTION_WORDS, SAME
from lib_omost.canvas.words.thing_colors import COLOR_OF


def is_in(word: str, found: frozenset[str]) -> bool:
    """Whether `found`, the forms of the words of a text, have the word, one that means the same, a longer word that
    ends with it, or one of which it must be a slip of the pen.
    """
    if "~" in word and word not in SAME:
        return all(is_in(part, found) for part in word.split("~"))
    forms = bases(word)
    if forms & found:
        return True
    if any(other in found for form in forms for other in SAME.get(form, ())):
        return True
    known = any(form in COLOR_OF or form in SAME for form in forms)
    return any(
        _ends_with(other, word) or (not known and other not in FUNCTION_WORDS and _is_slip(word, other))
        for other in found
    )


def _ends_with(whole: str, word: str) -> bool:
    """A "sailboat" is a boat."""
    return len(word) >= 4 and whole.endswith(word) and len(whole) - len(word) >= 3


@lru_cache(maxsize=4096)
def _is_slip(word: str, other: str) -> bool:
    """Whether one is the other with a letter lost, doubled, added, changed or two in another order."""
    if min(len(word), len(other)) < 4 or word[0] != other[0] or abs(len(word) - len(other)) > 1:
        return False
    return _distance(word, other) <= (1 if len(word) < 7 else 2)


def _distance(one: str, other: str) -> int:
    """Edits from one word to the other, an exchange of neighbours among them (optimal string alignment)."""
    above, row = list[int](), list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        two_above, above, row = above, row, [i]
        for j, b in enumerate(other, 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, two_above[j - 2] + 1)
            row.append(best)
    return row[-1]


@lru_cache(maxsize=8192)
def bases(word: str) -> frozenset[str]:
    """The words that `word` may be a form of, itself among them."""
    found = {word, singular(word), plural(word)}
    for ending, instead in (("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"), ("y", ""), ("y", "e"), ("es", "")):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2:
            found |= {stem + instead}
            if len(stem) > 3 and stem[-1] == stem[-2]:
                found |= {stem[:-1]}
    return frozenset(found)
