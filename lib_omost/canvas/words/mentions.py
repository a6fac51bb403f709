"""Mentions of a thing in texts and tags, said of another thing: its phrase, noun, colours, number and what follows it.
English, by rules; knows no canvas.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from lib_omost.canvas.words.noun_phrase import Phrase, plural, singular, with_article, word_set

_SMALL = word_set("the and with its his her their from into onto over under for that who which out off near")
_VERBS = {"is": "are", "has": "have", "was": "were", "stands": "stand", "sits": "sit", "lies": "lie"}
_TO_ONE = {many: one for one, many in _VERBS.items()}
_BEFORE = r"(?P<before>\b(?:an?|the|one|two|three|four|five|six|seven|eight|\d+|many|several|some)\s+)?"
#: What may be a verb; after "The apple" at the beginning of a sentence it is one.
_AFTER = r"(?P<after>\s+(?:are|have|were|stand|sit|lie|[a-z]+s)\b)?"


def is_same_thing(old: Phrase, new: Phrase) -> bool:
    return singular(old.noun.lower()) == singular(new.noun.lower())


def replaced(text: str, old: Phrase, new: Phrase, alone: bool = True) -> str:
    """`text` with the new phrase for every mention of the old one: with its adjectives, then (`alone`) of the noun."""
    text = mentions_of(old.words).sub(partial(_mention, old, new, new.words), text)
    if not alone or old.words == old.noun or (is_same_thing(old, new) and old.is_many == new.is_many):
        return text
    return mentions_of(old.noun).sub(partial(_mention, old, new, new.noun), text)


def _mention(old: Phrase, new: Phrase, words: str, found: re.Match[str]) -> str:
    """One mention of the old thing as one of the new: its article or number, its number and the verb after it."""
    before, after = found["before"] or "", found["after"] or ""
    many = _is_plural(found["noun"]) if old.is_many == new.is_many else new.is_many
    words = plural(words) if many and not new.is_many and words != singular(words) + "s" else words
    article = before.strip().lower()
    if article and article != "the":
        before = "" if not new.number else new.number.lower() + " "
        before = with_article(words).removesuffix(words) if before in ("a ", "an ") else before
    verb = after.strip()
    is_verb = verb in _VERBS or verb in _TO_ONE or (found.start() == 0 and article == "the")
    if is_verb and old.is_many != new.is_many:
        after = " " + (_of_many(verb) if new.is_many else _TO_ONE.get(verb, verb))
    return cased(before + _as_within(words), found[0]) + after


def _of_many(verb: str) -> str:
    """`raise` of "raises"."""
    if verb in _VERBS or not verb.endswith("s") or verb.endswith("ss"):
        return _VERBS.get(verb, verb)
    stem = verb[:-2] if verb.endswith(("ches", "shes", "sses", "xes", "oes")) else verb[:-1]
    return stem[:-2] + "y" if stem.endswith("ie") else stem


def renamed_tail(text: str, old: Phrase, new: Phrase) -> str | None:
    """`text` with the words that follow the new noun for those that followed the old one, where they are as many; None
    where it tells of one that is gone.
    """
    gone, come = _tails(old, new)
    for at, word in enumerate(gone):
        pattern = re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)
        if pattern.search(text) and len(gone) != len(come):
            return None
        text = pattern.sub(lambda found, at=at: cased(come[at], found[0]), text)  # type: ignore[misc]
    return text


def _tails(old: Phrase, new: Phrase) -> tuple[list[str], list[str]]:
    """The words of one tail that the other phrase has not, small words left out."""
    one, other = (re.findall(r"[^\W\d_]{3,}", phrase.tail.lower()) for phrase in (old, new))
    said = [set(re.findall(r"[^\W\d_]+", f"{phrase.words} {phrase.tail}".lower())) | _SMALL for phrase in (new, old)]
    return [word for word in one if word not in said[0]], [word for word in other if word not in said[1]]


def _as_within(words: str) -> str:
    """`Snow` of "Snow." as it stands within a sentence; a name of several capitals stays."""
    return words if words[1:] != words[1:].lower() or (" " in words and words.istitle()) else words.lower()


def cased(text: str, like: str) -> str:
    """`text` with a capital where `like` has one, else small, unless it is a name."""
    if like[:1].isupper():
        return text[:1].upper() + text[1:]
    return text[:1].lower() + text[1:] if re.match(r"(?:[A-Z][a-z]* [a-z]|[A-Z][a-z]*$)", text) else text


def mentions_of(words: str) -> re.Pattern[str]:
    """The words in singular and plural, with the article or number before them and a verb of being or having after."""
    forms = "|".join(re.escape(form) for form in dict.fromkeys((plural(words), words, singular(words))))
    return re.compile(rf"{_BEFORE}\b(?P<noun>{forms})\b{_AFTER}", re.IGNORECASE)


def _is_plural(noun: str) -> bool:
    return singular(noun) != noun


def colored(text: str, old: Phrase, new: Phrase) -> str:
    """`text` with the new colour word for the old one; the word goes where there is no new one."""
    for at, color in enumerate(old.colors):
        instead = new.colors[min(at, len(new.colors) - 1)] if new.colors else ""
        if color.lower() not in {word.lower() for word in new.colors}:
            text = re.sub(rf"\b{color}\b{'' if instead else ' ?'}", instead.lower(), text, flags=re.IGNORECASE)
    return text


def with_tags(tags: str, old: Phrase, new: Phrase, mood: str, *, shared: bool = False, alone: bool = False) -> str:
    """Tags with the new noun and colour for the old. `shared`: the old noun stays, as another region's; `alone`: the
    tags are of this region alone, so colours and what followed the noun go along.
    """
    found = [tag.strip() for tag in tags.split(",") if tag.strip()]
    has_noun = any(_is_noun(tag, old) for tag in found)
    out = [new_tag for tag in found for new_tag in _tag(tag, old, new, mood, shared, alone, has_noun)]
    written = list(dict.fromkeys(out))
    return tags if written == found else ", ".join(written)


def _tag(tag: str, old: Phrase, new: Phrase, mood: str, shared: bool, alone: bool, has_noun: bool) -> list[str]:
    """What becomes of one tag."""
    small, colors = tag.lower(), [color.lower() for color in new.colors]
    if _is_noun(tag, old):
        return [tag] * shared + [_as_within(new.noun)] + colors * alone
    if alone and small in _lower(old.colors):
        return [] if has_noun else colors
    if small in _lower(old.adjectives) - _lower(new.adjectives):
        return [tag] if small in mood.lower() else []
    written = replaced(tag, old, new, alone=not shared)
    tail = renamed_tail(written, old, new) if alone else written
    return [] if tail is None else [tail]


def _is_noun(tag: str, phrase: Phrase) -> bool:
    return singular(tag.lower()) == singular(phrase.noun.lower())


def _lower(words: Sequence[str]) -> set[str]:
    return {word.lower() for word in words}
