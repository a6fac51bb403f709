"""A language model on this machine: loads it, streams a reply, stops. How tokens are chosen is decoding.py's."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, PreTrainedModel

from lib_omost.composer.decoding import Anything, CachedModel, Grammar, Rules, Sampler, Writing
from lib_omost.composer.drafts import Lookup
from lib_omost.composer.grammar import canvas_grammar
from lib_omost.composer.prompt import conversation
from lib_omost.composer.settings import ComposeSettings, ComposeStats, Message, Profile
from lib_omost.composer.tokens import Text, Tokenizer, encode, turn_ends
from lib_omost.errors import BrokenWeightsError, ComposerError

log = logging.getLogger(__name__)


class LocalComposer:
    """Writes canvases with a transformers model; what it has read once is not read again in the next turn."""

    def __init__(self, model: PreTrainedModel, tokenizer: Tokenizer, profile: Profile) -> None:
        self.model, self.profile = model, profile
        self.stats = ComposeStats()
        self._tokenizer = tokenizer
        self._cached = CachedModel(model)
        self._ends = turn_ends(tokenizer, model.generation_config.eos_token_id)
        self._queue = Queue()

    def stream(self, messages: Sequence[Message], settings: ComposeSettings, stop: threading.Event) -> Iterator[str]:
        """The reply to `messages`, each piece as soon as it is final. Ends early and in silence when `stop` is set.

        Runs on the caller's thread, one reply at a time in order of arrival. Raises `ContextError` when the newest
        turn does not fit, `ComposerError` when the model fails; `torch.OutOfMemoryError` passes as it is.
        """
        with self._queue.turn(stop) as mine:
            if mine:
                yield from self._reply(messages, settings, stop)

    def release(self) -> None:
        """Drop the key-value cache; the next reply reads its conversation anew."""
        self._cached.release()

    def _reply(self, messages: Sequence[Message], settings: ComposeSettings, stop: threading.Event) -> Iterator[str]:
        began = time.monotonic()
        first = 0.0
        prompt = encode(self._tokenizer, conversation(messages, self.profile))
        cached = self._cached.resume(prompt)
        writing = Writing(
            self._cached,
            self._rules() if settings.grammar else Anything(),
            Sampler(settings.temperature, settings.top_p, settings.seed),
            ends=self._ends,
            limit=settings.max_new_tokens,
            lookup=Lookup(prompt) if settings.speculate else None,
        )
        text = Text(self._vocabulary)
        try:
            for tokens in writing.run(prompt, stop):
                if writing.count.passes and not first:
                    first = time.monotonic() - began
                yield text.add(tokens)
            yield text.close()
        except (torch.OutOfMemoryError, GeneratorExit):
            raise
        except Exception as error:
            raise ComposerError(f"The language model stopped with an error: {error}") from error
        finally:
            count = writing.count
            self.stats = ComposeStats(
                prompt_tokens=len(prompt),
                cached_tokens=cached,
                new_tokens=count.new,
                forced_tokens=count.forced,
                drafted_tokens=count.drafted,
                passes=count.passes,
                seconds=time.monotonic() - began,
                first_token_s=first,
            )

    @cached_property
    def _vocabulary(self) -> LLTokenizer:
        return from_tokenizer(self._tokenizer, n_vocab=self.model.config.vocab_size, eos_token=sorted(self._ends))

    @cached_property
    def _grammar(self) -> LLMatcher:
        matcher = LLMatcher(self._vocabulary, LLMatcher.grammar_from_lark(canvas_grammar(prose=self.profile.prose)))
        if matcher.is_error():
            raise ComposerError(f"The canvas grammar does not work with this model's tokenizer: {matcher.get_error()}")
        return matcher

    def _rules(self) -> Rules:
        return Grammar(self._grammar.deep_copy(), self._vocabulary, self.model.config.vocab_size)


class Queue:
    """Lets one at a time through, in order of arrival. A turn belongs to a run, not to a thread, which may change."""

    def __init__(self) -> None:
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, stop: threading.Event) -> Iterator[bool]:
        """Waits until it is this one's turn (True) or until `stop` is set (False)."""
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            while self._waiting[0] is not ticket and not stop.is_set():
                self._changed.wait(timeout=0.1)  # `stop` wakes nobody
            mine = self._waiting[0] is ticket
        try:
            yield mine
        finally:
            with self._changed:
                self._waiting.remove(ticket)
                self._changed.notify_all()


def load_local(
    folder: Path,
    *,
    profile: Profile,
    adapter: Path | None = None,
    gguf_file: str | None = None,
    dtype: torch.dtype,
    device: str | torch.device,
    quantization: Literal["nf4", "int8"] | None = None,
) -> LocalComposer:
    """Load a model folder (or a GGUF file in it) with, at wish, a LoRA adapter merged into it or quantised weights.

    Raises `BrokenWeightsError` when the files are not what the model's configuration says.
    """
    files: dict[str, Any] = {"local_files_only": True} | ({"gguf_file": gguf_file} if gguf_file else {})
    tokenizer = AutoTokenizer.from_pretrained(folder, **files)
    if quantization:
        files["quantization_config"] = _quantization(quantization, dtype)
    model, loading = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, device_map={"": device}, output_loading_info=True, **files
    )
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if keys := sorted(map(str, loading[kind])):
            raise BrokenWeightsError(
                f"{folder} does not hold the model that its config.json describes; {kind}: {', '.join(keys[:3])}"
            )
    if adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    return LocalComposer(model.eval(), tokenizer, profile)


def _quantization(kind: Literal["nf4", "int8"], dtype: torch.dtype) -> BitsAndBytesConfig:
    if kind == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
