"""What a composer is asked with and what it tells afterwards. Plain frozen data: no model, no torch, no network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypedDict

from lib_omost.errors import SettingsError


class Message(TypedDict):
    """One turn of a conversation, in the shape that chat templates and servers share."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ComposeSettings:
    """How one reply is written.

    temperature 0 takes the likeliest token at every step; seed None draws another reply each time. With `grammar` a
    local model can only write prose or a complete canvas; `speculate` copies drafts from earlier text: the same text,
    sooner.
    """

    temperature: float = 0.6
    top_p: float = 0.9
    max_new_tokens: int = 4096
    seed: int | None = 12345
    grammar: bool = True
    speculate: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and 0 <= self.temperature <= 2):
            raise SettingsError(f"temperature is {self.temperature}; it must be a number from 0 to 2")
        if not 0 < self.top_p <= 1:
            raise SettingsError(f"top_p is {self.top_p}; it must be above 0 and at most 1")
        if self.max_new_tokens < 1:
            raise SettingsError(f"max_new_tokens is {self.max_new_tokens}; it must be at least 1")
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise SettingsError(
                f"seed is {self.seed}; it must be a whole number from 0 to 2^63 - 1, or None for chance"
            )


@dataclass(frozen=True, slots=True)
class Profile:
    """What a language model was taught, and what it has room for.

    words_only: it knows places only as words of the vocabulary, so free boxes in older turns are snapped to words.
    prose: it may answer in prose; a model that was trained on nothing but canvases may not.
    brief: it writes the brief layout of grammar.py, without what the reader fills in as well.
    echo: a bonus on the logits of the newest message's words inside texts, for small models that name other things.
    examples: worked turns put after the system prompt, for models that never saw the language.
    """

    system_prompt: str
    context_tokens: int
    words_only: bool
    examples: tuple[Message, ...] = ()
    prose: bool = True
    brief: bool = False
    echo: float = 0.0


@dataclass(frozen=True, slots=True)
class ComposeStats:
    """One run, counted.

    new_tokens of the reply: of them `forced_tokens` were dictated by the grammar and `drafted_tokens` guessed from
    earlier text and confirmed. passes: forward passes that wrote them, reading the prompt not counted; 0 for a server,
    which does not tell. first_token_s: until the first token that the model chose. notes: what the person should know
    of this run.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    new_tokens: int = 0
    forced_tokens: int = 0
    drafted_tokens: int = 0
    passes: int = 0
    seconds: float = 0.0
    first_token_s: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def tokens_per_pass(self) -> float:
        return self.new_tokens / self.passes if self.passes else 0.0

    @property
    def tokens_per_s(self) -> float:
        return self.new_tokens / self.seconds if self.seconds else 0.0
