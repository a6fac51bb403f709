"""What a request names and the plan does not hold: nouns, colours, counts, places, times, moods, as phrases. By rules,
in milliseconds; runs no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.colors import alike, read_color
from lib_omost.canvas.words.noun_phrase import COLOR_WORDS, NUMBERS, phrase_of, singular, with_article
from lib_omost.canvas.words.request_words import (
    COMMON,
    FUNCTION_WORDS,
    KINDS,
    NO_ADVERBS,
    OF_A_THING,
    OF_THE_WHOLE,
    OPERATIONS,
    PLACES,
    POSTURES,
    QUALITY,
    TALK,
)
from lib_omost.canvas.words.word_forms import bases, is_in

MAX_REQUEST = 2000  # characters that are looked at
MAX_FOUND = 12
_SILENT = FUNCTION_WORDS | COMMON | TALK | OPERATIONS | PLACES | QUALITY | POSTURES
#: A word, a number, or a mark that ends a phrase.
_TOKEN = re.compile(r"[^\W_]+(?:['’~-][^\W_]+)*|[,.;:!?/()\n]")
#: Two words that are one thing, of which the first alone would be a place or an operation.
_NAMES = re.compile(
    r"\b(?:(top) (?=hats?\b)|(new) (?=york\b|zealand\b|orleans\b|delhi\b)|(golden) (?=hour\b)|(full) (?=moon\b))"
)
#: Whose a thing is, and on which part of another one: no thing of its own.
_ASIDE = re.compile(
    r"\b(?:for )?(?:my|our|your) [^\W_]+['’]s\b|\bfor (?:my|our|your|his|her) [^\W_]+|"
    r"\bfor (?:an? |the )?(?:[^\W_]+['’]?s? )?(?:book|poster|card|invitation|website|blog|logo|cover|calendar|story)\b|"
    r"\b(?:turn|change) (?:the )?[^\W_]+ (?=into\b|to\b)|"
    r"\b(?:on|in|over|above|at) (?:its|his|her|their) (?:head|back|lap|arms?|hands?|paws?|side|shoulders?|feet)\b"
)
#: What is named after these shall not be there, or is there to go, up to the end of its phrase.
_GONE = re.compile(
    r"\b(?:no|not|without|never|nothing|instead of|rather than|remove|delete|erase|drop|get rid of|rid of|take away|"
    r"replace|swap|(?:do not|don['’]t) (?:want|like|need)|fewer|less)\b"
    r"(?:\s+(?:a|an|the|any|all|of|that|this|these|those|more|one|out))*"
)
_ARTICLES = frozenset({"a", "an", "the"})
_MARKS = frozenset(",.;:!?/()\n")


@dataclass(frozen=True, slots=True)
class Missing:
    """A phrase of the request, and the words that ask for it: "night", "make it night"."""

    phrase: str
    ask: str

    @property
    def is_thing(self) -> bool:
        """Whether a region of its own would answer it; not a time, a mood, a colour or what a thing does."""
        return self.ask.startswith("add ")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Neighbouring content words of a request: `words`, the last one the noun, and how many of it (0: not said)."""

    words: tuple[str, ...]
    count: int = 0
    number: str = ""

    @property
    def head(self) -> str:
        return self.words[-1]

    @property
    def phrase(self) -> str:
        return " ".join([self.number] * (self.count > 1) + list(self.words)).replace("~", " ")


class _Held:
    """The words of a plan: all of them, those of each region, and those of its sentences in their order."""

    def __init__(self, canvas: Canvas) -> None:
        whole = [canvas.global_description, *canvas.detailed_descriptions, canvas.tags]
        self.canvas = canvas
        self.regions = [(region, _bases_of(_texts(region))) for region in canvas.regions]
        self.colors = [canvas.HTML_web_color_name, *(region.HTML_web_color_name for region in canvas.regions)]
        self.everything = _bases_of(whole).union(*(bases for _, bases in self.regions))
        self.sentences = [_words(text) for text in (*whole, *(region.description for region in canvas.regions))]

    def has(self, word: str) -> bool:
        """Whether the plan says the word, one that means the same, or what must be meant by a slip of the pen."""
        return is_in(word, self.everything) or any(_is_painted(word, color) for color in self.colors)

    def of(self, head: str) -> list[tuple[Region, frozenset[str]]]:
        """The regions that are about `head`, with their words."""
        return [(region, bases) for region, bases in self.regions if is_in(head, _bases_of([region.description]))]

    def says_of(self, word: str, head: str) -> bool:
        """Whether an attribute is said of `head`: in its region, or right before it in a sentence."""
        about = self.of(head)
        if any(is_in(word, bases) or _is_painted(word, region.HTML_web_color_name) for region, bases in about):
            return True
        return any(
            is_in(head, bases(text[at])) and any(is_in(word, bases(other)) for other in text[max(at - 3, 0) : at])
            for text in self.sentences
            for at in range(len(text))
        )

    def counts(self, head: str) -> set[int]:
        """The numbers of `head` that the plan says or shows; 0 among them stands for a plural without a number."""
        found = [phrase_of(region.description) for region, _ in self.of(head)]
        counts = [phrase.count for phrase in found if phrase is not None]
        said = {
            _number(text[at])
            for text in self.sentences
            for end, word in enumerate(text)
            if is_in(head, bases(word))
            for at in range(max(end - 3, 0), end)
        }
        return {*counts, sum(counts), *(number for number in said if number is not None)}


def missing(request: str, canvas: Canvas, before: Canvas | None = None) -> tuple[Missing, ...]:
    """The phrases of `request` that neither `canvas` nor what differs from `before` holds, in their order.

    What was there and is gone counts as held: the difference tells it. Words for quality, places of boxes and talk are
    left out, as is what the request does not want.
    """
    held, gone = _Held(canvas), None if before is None else _Held(before)
    found: dict[str, Missing] = {}
    for chunk in chunks(wanted(request[:MAX_REQUEST].lower())):
        for one in _missing_of(chunk, held, gone):
            found.setdefault(one.phrase, one)
    return tuple(found.values())[:MAX_FOUND]


def beyond_count(request: str, most: int) -> tuple[str, ...]:
    """The phrases that ask for more than `most` of a kind, which is all that an image model paints; 0: no limit."""
    found = chunks(wanted(request[:MAX_REQUEST].lower()))
    return tuple(dict.fromkeys(chunk.phrase for chunk in found if most and chunk.count > most))


def wanted(text: str) -> str:
    """The request without what it does not want: "no people", "instead of one", "replace the car" with a bus."""
    text = _ASIDE.sub(" , ", _NAMES.sub(lambda found: found[0].strip() + "~", text))
    out, at = list[str](), 0
    for found in _GONE.finditer(text):
        if found.start() < at:
            continue
        out.append(text[at : found.start()])
        rest = re.compile(r"[,.;!?\n]|\b(?:with|and|by|but|on|in|at|just)\b").search(text, found.end())
        at = rest.start() if rest else len(text)
    return " , ".join([*out, text[at:]])


def chunks(text: str) -> Iterator[Chunk]:
    """The phrases of a text in small letters, in their order."""
    words, number = list[str](), ""
    tokens = [".", *_TOKEN.findall(text), "."]
    for before, token, after in zip(tokens, tokens[1:], [*tokens[2:], "."], strict=False):
        word = token.replace("’", "'").removesuffix("'s").removesuffix("'")
        if _number(word) is not None and not words:
            number = word
        elif word.endswith("ing") and _ends(before) and (before in _ARTICLES or not _ends(after)):
            words.append(word)  # a sleeping dog, with fishing boats
        elif token in _MARKS or _is_silent(word) or is_verb(word) or not re.search(r"[^\W\d]", word):
            if words:
                yield Chunk(tuple(words), _number(number) or 0, number)
            if words or token in _MARKS or word not in ("of", "the", "more"):
                words, number = [], ""
            if is_verb(word) and not _is_silent(word):
                yield Chunk((word,))
        else:
            words.append(word)
            if token.endswith(("'s", "’s")):
                yield Chunk(tuple(words), _number(number) or 0, number)
                words, number = [], ""


def _is_silent(word: str) -> bool:
    """Whether a word asks for nothing by itself, adverbs and single letters among them."""
    is_adverb = word.endswith("ly") and len(word) > 4 and word not in NO_ADVERBS
    return word in _SILENT or is_adverb or (len(word) == 1 and word.isalpha())


def _ends(token: str) -> bool:
    return token in _MARKS or _is_silent(token) or _number(token) is not None


def _missing_of(chunk: Chunk, held: _Held, gone: _Held | None) -> Iterator[Missing]:
    """What of a chunk the plan lacks. A thing that it has may lack its number or an attribute."""
    if _joined(chunk, held) or (gone and all(gone.has(word) and not held.has(word) for word in chunk.words)):
        return
    if chunk.head in KINDS and len(chunk.words) > 1 and held.has(chunk.words[-2]):
        chunk = replace(chunk, words=chunk.words[:-1])
    if not held.has(chunk.head):
        first = next((at for at, word in enumerate(chunk.words) if _qualifies(word) or not held.has(word)), 0)
        phrase = Chunk(chunk.words[first:], chunk.count, chunk.number)
        yield Missing(phrase.phrase, _asked(phrase))
        return
    plans = [plan for plan in (held, gone) if plan is not None]
    lacks = [word for word in chunk.words[:-1] if not any(_is_said(word, chunk.head, plan) for plan in plans)]
    if chunk.count > 1 and chunk.count not in held.counts(chunk.head):
        yield Missing(chunk.phrase, f"make it {chunk.phrase}")
    elif lacks and chunk.head in COLOR_WORDS:
        yield Missing(" ".join(lacks), f"add {' '.join(lacks)}")
    elif lacks:
        words = " ".join(lacks)
        yield Missing(f"{words} {chunk.head}", f"make the {chunk.head} {words}")


def _is_said(word: str, head: str, held: _Held) -> bool:
    return held.says_of(word, head) if _qualifies(word) else held.has(word)


def _qualifies(word: str) -> bool:
    return word in COLOR_WORDS or word in OF_A_THING


def _joined(chunk: Chunk, held: _Held) -> bool:
    """Whether the plan writes two words of the chunk as one: "rain coat" as "raincoat"."""
    return len(chunk.words) == 2 and "".join(chunk.words) in held.everything


def _asked(chunk: Chunk) -> str:
    head = chunk.head
    if head in OF_THE_WHOLE or head in COLOR_WORDS:
        return f"make it {chunk.phrase}"
    if is_verb(head):
        return f"show {head}"
    return f"add {chunk.phrase if chunk.count > 1 or singular(head) != head else with_article(chunk.phrase)}"


def is_verb(word: str) -> bool:
    """Whether a word in -ing says what a thing does."""
    return word.endswith("ing") and len(word) > 5 and word not in _THINGS_IN_ING


_THINGS_IN_ING = frozenset(
    ["building", "ceiling", "evening", "morning", "painting", "wedding", "lightning", "clothing", "spring", "string"]
)


def _number(word: str) -> int | None:
    if word in NUMBERS:
        return NUMBERS[word]
    return int(word) if word.isdecimal() and len(word) < 3 else 1 if word in ("a", "an") else None


def _is_painted(word: str, color: str) -> bool:
    """Whether the word names the colour."""
    named = read_color(word) if word in COLOR_WORDS else None
    return named is not None and alike(named, color)


def _texts(region: Region) -> list[str]:
    return [
        region.description,
        *region.detailed_descriptions,
        region.tags,
        region.atmosphere,
        region.style,
        region.name,
        region.text,
    ]


def _words(text: str) -> list[str]:
    return [token for token in re.findall(r"[^\W_]+", text.lower()) if token]


def _bases_of(texts: Sequence[str]) -> frozenset[str]:
    return frozenset().union(*(bases(word) for text in texts for word in _words(text)))
