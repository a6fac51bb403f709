"""How one reply is generated, for which kind of model, and its statistics. Plain data: no torch, no network."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypedDict

from pydantic import Field

from lib_omost.settings import Shown, check

GROUP = "Language model"


class Message(TypedDict):
    """One turn of a conversation, in the shape that chat templates and servers share."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ComposeSettings:
    """How one reply is generated.

    temperature 0 is greedy decoding; seed None draws another reply each time. With `grammar` decoding is constrained: a
    local model can only write prose or a complete canvas. `speculate` is speculative decoding with drafts copied from
    earlier text (prompt lookup): the same text, sooner.
    """

    temperature: Annotated[
        float,
        Field(
            title="Temperature",
            description="0 always writes the likeliest plan; higher is freer.",
            ge=0,
            le=2,
        ),
        Shown(GROUP, 0, 2, 0.05),
    ] = 0.6
    top_p: Annotated[
        float,
        Field(title="Top-p", description="Leaves out unlikely words below this share.", gt=0, le=1),
        Shown(GROUP, 0.05, 1, 0.05),
    ] = 0.9
    max_new_tokens: Annotated[
        int,
        Field(
            title="Longest reply, in tokens",
            description="A reply is cut there; the chat must leave room for it.",
            ge=1,
        ),
        Shown(GROUP, 128, 4096, 64),
    ] = 4096
    seed: Annotated[
        int | None,
        Field(
            title="Seed of the reply",
            description="The same seed, chat and settings give the same reply; without one, and with Retry, another.",
            ge=0,
            le=2**63 - 1,
        ),
        Shown(GROUP, 0, typed=True),
    ] = 12345
    grammar: Annotated[
        bool,
        Field(
            title="Only plans that can be read",
            description="A model on this machine then writes words or a whole, valid plan. Off, it writes what it "
            "likes.",
        ),
        Shown(GROUP),
    ] = True
    speculate: Annotated[
        bool,
        Field(title="Draft from earlier text", description="The same text, sooner, with a model on this machine."),
        Shown(),
    ] = True
    deadline_s: Annotated[
        float,
        Field(
            title="Longest wait for a whole reply, in seconds",
            description="A server that has not written the whole reply by then is let go; what it wrote stays.",
            ge=1,
            le=24 * 3600,
        ),
        Shown(),
    ] = 1800.0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a language model was trained for: its system prompt, its context in tokens, few-shot examples.

    words_only: it knows places only as words of the vocabulary, so a free `bbox` in older turns is snapped to words.
    prose: it may answer in prose; a model that was trained on nothing but canvases may not.
    mixed_quotes: it writes each text in quotes of its own kind, as Python's repr does.
    brief: it writes the brief layout of grammar.py, without what the reader fills in as well.
    recent_only: for an edit it is told the newest canvas and the last requests, however long the chat is.
    echo: a bonus on the logits of the newest message's words inside texts, for small models that name other things.
    covers: what its request names gets a region each, whether or not it would have written one (coverage.py); for the
    brief layout.
    examples: few-shot turns after the system prompt, for models that never saw the language.
    """

    system_prompt: str
    context_tokens: int
    words_only: bool
    examples: tuple[Message, ...] = ()
    prose: bool = True
    mixed_quotes: bool = False
    brief: bool = False
    recent_only: bool = False
    echo: float = 0.0
    covers: bool = False


@dataclass(frozen=True, slots=True)
class ComposeStats:
    """The statistics of one reply.

    prompt_tokens, of them `cached_tokens` whose keys and values were in the KV cache. new_tokens: of them
    `forced_tokens` were the only ones that the grammar allowed and `drafted_tokens` were drafts that verification
    accepted. passes: forward passes of the decode loop, prefill not counted; 0 for a server, which does not report
    them. first_token_s: time to the first token that the model chose. notes: what the person should know of this run.
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


@dataclass(slots=True)
class Count:
    """The statistics of a reply while it is generated; the fields are those of ComposeStats."""

    prompt: int = 0
    cached: int = 0
    new: int = 0
    forced: int = 0
    drafted: int = 0
    passes: int = 0
    notes: tuple[str, ...] = ()
    _began: float = field(default_factory=time.monotonic)
    _first: float | None = None
    _latest: float | None = None

    def mark(self) -> None:
        """A piece of the reply is out now."""
        self._latest = time.monotonic()
        if self._first is None and self.new > self.forced:
            self._first = self._latest

    def stats(self) -> ComposeStats:
        return ComposeStats(
            prompt_tokens=self.prompt,
            cached_tokens=self.cached,
            new_tokens=self.new,
            forced_tokens=self.forced,
            drafted_tokens=self.drafted,
            passes=self.passes,
            seconds=(self._latest or self._began) - self._began,
            first_token_s=(self._first or self._began) - self._began,
            notes=self.notes,
        )
