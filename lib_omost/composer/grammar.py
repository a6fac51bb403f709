"""Constrained decoding: the canvas language as a grammar, and which tokens it allows next. Knows no language model.

The grammar is made from the vocabulary, in Lark for llguidance and in GBNF for servers. Its layout is the one that the
published models were trained on, with the freedom they use: a kind of quote for each text, as Python's repr chooses,
own words in the comment before a region, a trailing comma or none. All else has one continuation only (forced tokens),
which costs no forward pass. Our small models write one kind of quote throughout, which forces more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import llguidance
import numpy as np

from lib_omost.canvas.colors import COLORS
from lib_omost.canvas.vocabulary import AREAS, GLOBAL_FIELDS, LOCATIONS, OFFSETS, TAUGHT_FIELDS
from lib_omost.composer.sampling import Mask
from lib_omost.errors import ComposerError

GRAMMAR_REGIONS = 12  # that a model may write; the reader takes more
MAX_DETAILS = 9

# A sentence starts with a letter or a digit and holds no control character, no backslash and no backtick (the fence).
_SENTENCE = r"[\p{L}\p{N}](?:[^\x00-\x1f\x7f-\x9f\u2028\u2029\\`QUOTE]|\\QUOTE){1,400}"

_DISTANCE = r"DISTANCE: /[1-9][0-9]{0,2}(\.[0-9]{1,2})?|0\.[0-9]?[1-9]/"

#: Most tokens of a vocabulary are of these characters, so inside a sentence llguidance need not look at them one by one
_PLAIN = r"[^'\x22\\`\x00-\x1f\x7f-\x9f\u2028\u2029]"
SENTENCE_SLICES = [f"{_PLAIN}{{1,10}}", f"{_PLAIN}{{1,30}}", f"{_PLAIN}+"]


def canvas_grammar(*, prose: bool, mixed: bool = False) -> str:
    """Lark text (llguidance dialect) of a reply: one fenced canvas; with `prose`, also prose, around it or alone.

    `mixed`: each text stands between quotes of its own kind, the words of the vocabulary between single ones.
    Every text that it accepts and that holds a fence is a program which `read_canvas` accepts without a repair.
    """
    sentences = {quote: f"/{quote}{_SENTENCE.replace('QUOTE', quote)}{quote}/" for quote in "'\""}
    terminals = [
        r"NAME: /[^\s`#][^\x00-\x1f\x7f-\x9f\u2028\u2029`]{0,99}/",
        _DISTANCE,
    ]
    return "\n".join([_reply(prose), *_rules(sentences, mixed), *terminals]) + "\n"


def brief_grammar(*, prose: bool) -> str:
    """Lark text of a brief canvas: no comments, the description first, nothing that the reader would fill in as well.

    With `prose`, also one line of prose instead of a canvas.
    """
    words = {"LOCATION": LOCATIONS, "OFFSET": OFFSETS[1:], "AREA": AREAS, "COLOR": tuple(COLORS)}
    head, color = r"canvas = Canvas()\n", r'"    HTML_web_color_name=" color ",\n)"'
    return (
        "\n".join(
            [
                "start: LINE | program" if prose else "start: program",
                r"LINE: /\p{L}[^`({~<\x00-\x1f\x7f-\x9f]{1,300}/",
                f'program: "```python\\n{head}" whole region{{1,{GRAMMAR_REGIONS}}} "\\n```"',
                rf'whole: "canvas.set_global_description(\n    description=" TEXT ",\n" details? {color}',
                f'details: "    detailed_descriptions=[\\n" item{{1,{MAX_DETAILS}}} "    ],\\n"',
                r'item: "        " TEXT ",\n"',
                r'region: "\ncanvas.add_local_description(\n    description=" TEXT ",\n    location=" location ",\n"'
                rf' offset? "    area=" area ",\n" distance? {color}',
                r'offset: "    offset=" offset_words ",\n"',
                r'distance: "    distance_to_viewer=" DISTANCE ",\n"',
                "TEXT: /'" + _SENTENCE.replace("QUOTE", "'") + "'/",
                _DISTANCE,
                *(
                    f"{'offset_words' if name == 'OFFSET' else name.lower()}: {_words(w, chr(39))}"
                    for name, w in words.items()
                ),
            ]
        )
        + "\n"
    )


def canvas_gbnf() -> str:
    """The fenced canvas in llama.cpp's GBNF, which vLLM reads too; it has no prose and no regular expressions."""
    first, more = "[a-zA-Z0-9\u00c0-\ufffd]", r"[^\x00-\x1F\x7F-\x9F\\`QUOTE]"
    quotes = {"'": ('"\'"', more.replace("QUOTE", "'")), '"': ('"\\""', more.replace("QUOTE", r"\x22"))}
    sentences = {quote: f"{mark} {first} {rest}{{1,400}} {mark}" for quote, (mark, rest) in quotes.items()}
    names = {quote: f"TEXT{number}" for number, quote in enumerate(quotes)}
    rules = [_dashed(rule) for rule in _rules(names, mixed=True)]
    terminals = [
        *(f"TEXT{number} ::= {sentences[quote]}" for number, quote in enumerate(quotes)),
        rf"NAME ::= {first} [^\x00-\x1F\x7F-\x9F`]{{0,99}}",
        r'DISTANCE ::= [1-9] [0-9]{0,2} ("." [0-9]{1,2})? | "0." [0-9]? [1-9]',
    ]
    return "\n".join([_dashed(_reply(prose=False)).replace("start", "root", 1), *rules, *terminals]) + "\n"


def _dashed(rule: str) -> str:
    """A rule of Lark as one of GBNF: `::=`, and no underscores in names."""
    name, _, body = rule.partition(": ")
    named = re.sub(r'"(?:[^"\\]|\\.)*"|\w+', lambda m: m[0] if m[0][0] == '"' else m[0].replace("_", "-"), body)
    return f"{name.replace('_', '-')} ::= {named}"


def _rules(sentences: Mapping[str, str], mixed: bool) -> list[str]:
    """The rules of a program; `sentences` says for either quote what stands for a text."""
    single = " | ".join(sentences.values()) if mixed else sentences["'"]
    programs = [*_program("single", "'", single), *_program("double", '"', sentences['"'])]
    return ["program: single_program | double_program", *programs]


def _reply(prose: bool) -> str:
    if not prose:
        return 'start: "```python\\n" program "\\n```"'
    # Prose may quote a `word`. It has no fence of its own, and none of the characters without which no reader takes a
    # text for a call, for JSON or for a reasoning: ( { ~ <
    word = r"(?:[^`({~<\x00-\x08\x0b-\x1f\x7f-\x9f]|`[^`({~<\x00-\x1f\x7f-\x9f]{1,80}`)"
    return "\n".join(
        [
            'start: PROSE | OPENING program "\\n```" ("\\n" PROSE)?',
            f"OPENING: /(?:{word}*\\n)? ?```python\\n/",
            f"PROSE: /{word}+/",
        ]
    )


def _program(name: str, quote: str, sentence: str) -> list[str]:
    """The rules of a program whose vocabulary stands between `quote`s, and whose texts are `sentence`s."""
    lists = {"location": LOCATIONS, "offset": OFFSETS, "area": AREAS, "HTML_web_color_name": tuple(COLORS)}
    values = {field: f"{name}_{field.lower()}" for field in lists}
    values |= {"distance_to_viewer": "DISTANCE", "detailed_descriptions": f"{name}_items"}
    head = "# Initialize the canvas\\ncanvas = Canvas()\\n\\n# "
    return [
        f'{name}_program: "{head}" ("Describe the picture" | "Set a global description for the canvas") "\\n" '
        f"{name}_global {name}_local{{1,{GRAMMAR_REGIONS}}}",
        f"{name}_global: {_call('set_global_description', GLOBAL_FIELDS, values, f'{name.upper()}_TEXT')}",
        f'{name}_local: "\\n\\n# Add " NAME "\\n" '
        f"{_call('add_local_description', TAUGHT_FIELDS, values, f'{name.upper()}_TEXT')}",
        f'{name}_items: "[\\n" {name}_item{{1,{MAX_DETAILS}}} "    ]"',
        f'{name}_item: "        " {name.upper()}_TEXT ",\\n"',
        f"{name.upper()}_TEXT: {sentence}",
        *(f"{values[field]}: {_words(words, quote)}" for field, words in lists.items()),
    ]


def _call(method: str, fields: Sequence[str], values: Mapping[str, str], text: str) -> str:
    """One call, an argument a line; fields without a rule of their own in `values` hold a `text`."""
    arguments = ' ",\\n" '.join(f'"    {field}=" {values.get(field, text)}' for field in fields)
    return f'"canvas.{method}(\\n" {arguments} ","? "\\n)"'


def _words(words: Iterable[str], quote: str) -> str:
    escape = '\\"' if quote == '"' else quote
    return " | ".join(f'"{escape}{word}{escape}"' for word in words)


#: A line of a program up to the quote that opens its text
OPENED = re.compile(r"\s*(?:\w+=)?(['\"])")
CLOSING_TOKENS = 256  # enough to finish any call that has begun

#: The copies of a matcher share one budget of work, which prose in several scripts used up within a few replies.
LIMITS = llguidance.LLParserLimits(step_lexer_fuel=10**9, max_lexer_states=1_000_000)


def canvas_matcher(
    vocabulary: llguidance.LLTokenizer, *, prose: bool, brief: bool = False, mixed: bool = False
) -> llguidance.LLMatcher:
    """The compiled canvas grammar over a tokenizer's tokens; each reply takes a copy. Raises ComposerError."""
    text = brief_grammar(prose=prose) if brief else canvas_grammar(prose=prose, mixed=mixed)
    grammar = llguidance.LLMatcher.grammar_from_lark(text)
    matcher = llguidance.LLMatcher(vocabulary, grammar, limits=LIMITS)
    if matcher.is_error():
        raise ComposerError(f"The canvas grammar does not work with this model's tokenizer: {matcher.get_error()}")
    return matcher


class Rules(Protocol):
    """Which tokens may come next; a state that follows the reply.

    reserve: how many tokens before the limit the program is steered to its end.
    """

    reserve: int

    def allowed(self) -> Mask | None: ...
    def forced(self, closing: bool) -> list[int]: ...
    def consume(self, tokens: Sequence[int]) -> int: ...
    def rollback(self, count: int) -> None: ...
    def ended(self) -> bool: ...
    def complete(self) -> bool: ...


class Unconstrained:
    """No grammar: every token is allowed, and the reply is complete wherever it is cut."""

    reserve = 0

    def allowed(self) -> Mask | None:
        return None

    def forced(self, closing: bool) -> list[int]:
        return []

    def consume(self, tokens: Sequence[int]) -> int:
        return len(tokens)

    def rollback(self, count: int) -> None:
        pass

    def ended(self) -> bool:
        return False

    def complete(self) -> bool:
        return True


class Grammar:
    """The state of the canvas grammar after the reply so far. `vocabulary`: the width of the model's logits."""

    reserve = CLOSING_TOKENS

    def __init__(self, matcher: llguidance.LLMatcher, tokenizer: llguidance.LLTokenizer, vocabulary: int) -> None:
        self._matcher, self._tokenizer, self._vocabulary = matcher, tokenizer, vocabulary
        self._tokens: list[int] = []

    @property
    def text(self) -> str:
        """The reply so far."""
        said: str = self._tokenizer.decode_str(self._tokens)
        return said

    def tokens_of(self, text: str) -> list[int]:
        """The tokens of a text that may come next as a whole; none where it may not."""
        tokens: list[int] = self._tokenizer.tokenize_str(text)
        return tokens if self._matcher.validate_tokens(tokens) == len(tokens) else []

    def allowed(self) -> Mask:
        """Which tokens may come next, `(vocabulary,)`."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        mask = np.zeros(self._vocabulary, dtype=np.bool_)
        unpacked = np.unpackbits(bits, bitorder="little", count=min(self._vocabulary, bits.size * 8))
        mask[: unpacked.size] = unpacked
        return mask

    def forced(self, closing: bool) -> list[int]:
        """Forced tokens: the only ones that may come next; with `closing` also those that end the program soonest."""
        return self._matcher.compute_ff_tokens() or (self._closer() if closing else [])

    def consume(self, tokens: Sequence[int]) -> int:
        """Follow `tokens` as far as they are allowed; how many were."""
        count: int = self._matcher.try_consume_tokens(list(tokens))
        self._tokens += tokens[:count]
        return count

    def rollback(self, count: int) -> None:
        """Go back by `count` tokens."""
        if count:
            self._matcher.rollback(count)
            del self._tokens[-count:]

    def ended(self) -> bool:
        """Nothing can follow."""
        self._check()
        return bool(self._matcher.is_stopped())

    def complete(self) -> bool:
        """The reply may end here."""
        return bool(self._matcher.is_accepting())

    def _check(self) -> None:
        """A matcher that met its limits stops as if the reply had ended."""
        if self._matcher.is_error():
            reason = str(self._matcher.get_error()).partition("\n")[0]
            raise ComposerError(f"The canvas grammar could not follow the reply: {reason}. Try again, or without it.")

    def _closer(self) -> list[int]:
        if self.complete():
            return []
        said = self.text
        opened = OPENED.match(said.rpartition("\n")[2])
        quote = opened[1] if opened else said.partition("description=")[2][:1] or "'"
        certain = self._matcher.compute_ff_bytes().decode()  # forced, but not yet as tokens: a longer one may fit
        for text in (f"{quote},", "```", "\n```", "    ],\n", "\n", ",\n", "area=", "HTML_web_color_name="):
            if tokens := self.tokens_of(certain + text):
                return tokens
        return []
