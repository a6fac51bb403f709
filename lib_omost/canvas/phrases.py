"""Sentences of a caption, joined and taken apart again so that a second turn changes nothing. Knows no canvas."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_ENDS = ".!?…。！？"
_BREAK = re.compile(f"(?<=[{_ENDS}]) +(?=[^ ])")
#: An id in angle brackets: FLUX 3 takes it for a citation.
_CITED = re.compile(r"(?<!<)<+(\w+)>+")
#: The words of a picture at the end of a description, as `text_sentence` writes them.
_TEXT_AT_END = re.compile(r'(?:\A|(?<= ))The text "((?:[^"\\]|\\.)*)"\.\Z', re.DOTALL)
_QUOTED = re.compile(r'["“]([^"“”]+)["”]')
_LANGUAGES = {
    "CJK": "Zh",
    "HIRAGANA": "Ja",
    "KATAKANA": "Ja",
    "HANGUL": "Ko",
    "CYRILLIC": "Ru",
    "ARABIC": "Ar",
    "HEBREW": "He",
    "GREEK": "El",
    "THAI": "Th",
    "DEVANAGARI": "Hi",
}


def sentences(*texts: str) -> list[str]:
    """The sentences of all texts, each with one space between its words and a mark at its end; empty ones are gone."""
    found = []
    for text in texts:
        for part in _BREAK.split(" ".join(text.split())):
            part = part.strip(" ,")
            if part.strip(" .,"):
                found.append(part if part[-1] in _ENDS else part + ".")
    return found


def distinct(*texts: str) -> str:
    """The texts that differ, in their order, as one list in words."""
    plain = (" ".join(text.split()).strip(" .,") for text in texts)
    return ", ".join(dict.fromkeys(text for text in plain if text))


def uncited(text: str) -> str:
    """`text` without the brackets of ids in angle brackets: `<red> apple` says 'red apple'."""
    return _CITED.sub(r"\1", text)


def without_citations(text: str) -> str:
    """`text`, with one space between words, without ids in angle brackets."""
    return re.sub(r" ?(?<!<)<+\w+>+", "", text)


def text_sentence(text: str) -> str:
    """`The text "OPEN".`; quotes and backslashes of the words get a backslash."""
    escaped = re.sub(r'(["\\])', r"\\\1", text)
    return f'The text "{escaped}".'


def split_text(description: str) -> tuple[str, str]:
    """(the rest, the words of the picture) of a description that `text_sentence` ends, "" where none does."""
    found = _TEXT_AT_END.search(description)
    if found is None:
        return description, ""
    return description[: found.start()].rstrip(), re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL)


def first_quoted(description: str) -> str:
    """The first words in double quotes, "" where there are none."""
    found = _QUOTED.search(description)
    return found[1] if found else ""


def mention(sentence: str) -> str:
    """A sentence as it stands inside of another: without its full stop, its article small."""
    text = uncited(sentence).strip(" .,")
    return text[:1].lower() + text[1:] if re.match(r"(?:An?|The) ", text) else text


def citations(mentions: Sequence[str], ids: Sequence[str]) -> str:
    """`The picture shows an apple <apple_1> and a pear <pear_1>.`, "" for nothing to show."""
    cited = [f"{text} <{identifier}>" for text, identifier in zip(mentions, ids, strict=True)]
    if not cited:
        return ""
    return f"The picture shows {', '.join(cited[:-1])}{' and ' if cited[1:] else ''}{cited[-1]}."


def language_code(text: str) -> str:
    """Two letters for the script of `text`, as FLUX 3 begins the id of a text block: `En` for Latin and all others."""
    for character in text:
        script = unicodedata.name(character, "").split(" ")[0]
        if script in _LANGUAGES:
            return _LANGUAGES[script]
    return "En"
