"""What a reply may say next: anything, or what a grammar allows. Follows the reply; knows no model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import llguidance
import numpy as np

from lib_omost.composer.grammar import brief_grammar, canvas_grammar
from lib_omost.composer.sampling import Mask
from lib_omost.errors import ComposerError

CLOSING_TOKENS = 256  # enough to finish any call that has begun

#: The copies of a matcher share one budget of work, which prose in several scripts used up within a few replies.
LIMITS = llguidance.LLParserLimits(step_lexer_fuel=10**9, max_lexer_states=1_000_000)


def canvas_matcher(vocabulary: llguidance.LLTokenizer, *, prose: bool, brief: bool = False) -> llguidance.LLMatcher:
    """The canvas grammar over a tokenizer's words; each reply follows a copy. Raises ComposerError."""
    grammar = llguidance.LLMatcher.grammar_from_lark((brief_grammar if brief else canvas_grammar)(prose=prose))
    matcher = llguidance.LLMatcher(vocabulary, grammar, limits=LIMITS)
    if matcher.is_error():
        raise ComposerError(f"The canvas grammar does not work with this model's tokenizer: {matcher.get_error()}")
    return matcher


class Rules(Protocol):
    """What a reply may say next; follows the reply. `reserve`: how many tokens before the limit it turns to the end."""

    reserve: int

    def allowed(self) -> Mask | None: ...
    def dictated(self, closing: bool) -> list[int]: ...
    def take(self, tokens: Sequence[int]) -> int: ...
    def undo(self, count: int) -> None: ...
    def ended(self) -> bool: ...
    def complete(self) -> bool: ...


class Anything:
    """No rules: every token is allowed, and the reply is complete wherever it is cut."""

    reserve = 0

    def allowed(self) -> Mask | None:
        return None

    def dictated(self, closing: bool) -> list[int]:
        return []

    def take(self, tokens: Sequence[int]) -> int:
        return len(tokens)

    def undo(self, count: int) -> None:
        pass

    def ended(self) -> bool:
        return False

    def complete(self) -> bool:
        return True


class Grammar:
    """A reply followed through a grammar of grammar.py. `vocabulary` is the width of the model's logits."""

    reserve = CLOSING_TOKENS

    def __init__(self, matcher: llguidance.LLMatcher, tokenizer: llguidance.LLTokenizer, vocabulary: int) -> None:
        self._matcher, self._tokenizer, self._vocabulary = matcher, tokenizer, vocabulary
        self._tokens: list[int] = []

    def allowed(self) -> Mask:
        """Which tokens may come next, `(vocabulary,)`."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        mask = np.zeros(self._vocabulary, dtype=np.bool_)
        unpacked = np.unpackbits(bits, bitorder="little", count=min(self._vocabulary, bits.size * 8))
        mask[: unpacked.size] = unpacked
        return mask

    def dictated(self, closing: bool) -> list[int]:
        """The tokens that must come next; with `closing` also those that bring the program to its end."""
        return self._matcher.compute_ff_tokens() or (self._closer() if closing else [])

    def take(self, tokens: Sequence[int]) -> int:
        """Follow `tokens` as far as they are allowed; how many were."""
        count: int = self._matcher.try_consume_tokens(list(tokens))
        self._tokens += tokens[:count]
        return count

    def undo(self, count: int) -> None:
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
        _, opened, rest = self._tokenizer.decode_str(self._tokens).partition("description=")
        quote = rest[:1] if opened else "'"
        certain = self._matcher.compute_ff_bytes().decode()  # dictated, but not yet as tokens: a longer one may fit
        for text in (f"{quote},", "```", "\n```", "    ],\n", "\n", ",\n", "area=", "HTML_web_color_name="):
            tokens: list[int] = self._tokenizer.tokenize_str(certain + text)
            if self._matcher.validate_tokens(tokens) == len(tokens):
                return tokens
        return []
