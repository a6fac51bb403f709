"""A language model on this machine: loads it, streams a reply, stops. The generation loop is decoding.py's."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any, Literal, cast

import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from peft import PeftModel
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, PreTrainedModel

from lib_omost.composer.cached_model import CachedModel, cached_model
from lib_omost.composer.coverage import Covering, covering
from lib_omost.composer.decoding import GenerationLoop, PromptLookup
from lib_omost.composer.grammar import SENTENCE_SLICES, Grammar, Rules, Unconstrained, canvas_matcher
from lib_omost.composer.prompt import EXAMPLES, fit_to_context, with_retry
from lib_omost.composer.sampling import Pick, Sampler, favoring
from lib_omost.composer.settings import ComposeSettings, ComposeStats, Count, Message, Profile
from lib_omost.composer.tokens import Detokenizer, Tokenizer, encode, eos_tokens
from lib_omost.errors import BrokenWeightsError, ComposerError, device_is_full

REMEMBERED_REPLIES = 8  # that drafts are copied from, whatever chat they were for: each draft is verified


class LocalComposer:
    """Generates canvases with a transformers model; the KV cache of one turn is reused in the next.

    `replies`: the last ones, (text, tokens), which drafts are copied from. `cached`: the model with its KV cache.
    `eos`: the tokens that end a reply.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: Tokenizer,
        profile: Profile,
        *,
        cache_mib: float = 1024,
        cached: Callable[[PreTrainedModel], CachedModel] = cached_model,
    ) -> None:
        """cache_mib: how much of the KV cache is kept between replies. cached: which kind of cache."""
        self.model, self.profile = model, profile
        self._cache_mib = cache_mib
        self._count = Count()
        self.tokenizer = tokenizer
        example: list[int] = tokenizer(EXAMPLES[1]["content"], add_special_tokens=False)["input_ids"]
        self.replies = deque([(EXAMPLES[1]["content"], example)], maxlen=REMEMBERED_REPLIES)
        self.cached = cached(model)
        self.eos = eos_tokens(tokenizer, model.generation_config.eos_token_id)

    def stream(self, messages: Sequence[Message], settings: ComposeSettings, stop: threading.Event) -> Iterator[str]:
        """The reply to `messages`, each piece as soon as it is final. Ends early and in silence when `stop` is set.

        Runs on the caller's thread, one reply at a time (the runtime's queue sees to that). Raises `ContextError` when
        the newest turn does not fit, `ComposerError` when the model fails; `torch.OutOfMemoryError` passes as it is.
        """
        self._count = Count()

        def generate(messages: Sequence[Message]) -> Iterator[str]:
            return self._reply(messages, settings, stop)

        yield from with_retry(generate, messages, stop) if self.profile.examples else generate(messages)

    def _reply(self, messages: Sequence[Message], settings: ComposeSettings, stop: threading.Event) -> Iterator[str]:
        detokenizer, tokens, text = Detokenizer(self._vocabulary), list[int](), ""
        try:
            for new in self._generate(messages, settings, stop):
                self._count.mark()
                piece = detokenizer.add(new)
                tokens += new
                text += piece
                if piece:
                    yield piece
            if rest := detokenizer.close():
                yield rest
        except ComposerError:
            self.__dict__.pop("_grammar", None)  # made anew: its copies share what went wrong in one of them
            raise
        except Exception as error:
            if device_is_full(error):
                raise
            raise ComposerError(f"The language model stopped with an error: {error}") from error
        finally:
            self._count.mark()
            if tokens:
                self.replies.append((text, tokens))
            self.cached.trim(self._cache_mib)

    def _generate(
        self, messages: Sequence[Message], settings: ComposeSettings, stop: threading.Event
    ) -> Iterator[list[int]]:
        prompt, limit = self.prompt(messages, settings)
        self._count.prompt, self._count.cached = len(prompt), self.cached.reuse_prefix(prompt)
        rules = self.rules(messages) if settings.grammar else Unconstrained()
        if isinstance(rules, Covering) and rules.note:
            self._count.notes = (*self._count.notes, rules.note)
        loop = GenerationLoop(
            self.cached,
            rules,
            self._pick(messages, settings),
            eos=self.eos,
            limit=limit,
            lookup=PromptLookup([*chain(*(tokens for _, tokens in self.replies)), *prompt])
            if settings.speculate
            else None,
            count=self._count,
        )
        yield from loop.run(prompt, stop)

    def _pick(self, messages: Sequence[Message], settings: ComposeSettings) -> Pick:
        pick = Sampler(settings.temperature, settings.top_p, settings.seed)
        if not self.profile.echo or not settings.grammar:
            return pick
        request = messages[-1]["content"]
        forms = (f" {request}", request.lower(), f" {request.lower()}", request.capitalize())
        said = [token for form in forms for token in self.tokenizer(form, add_special_tokens=False)["input_ids"]]
        return favoring(pick, said, self.profile.echo)

    @property
    def stats(self) -> ComposeStats:
        """Of the last run, or of the running one so far."""
        return self._count.stats()

    def release(self) -> None:
        """Drop the KV cache; the next reply prefills its conversation anew."""
        self.cached.release()

    def prompt(self, messages: Sequence[Message], settings: ComposeSettings) -> tuple[list[int], int]:
        """The prompt's tokens, and how many the reply may have."""
        context = self.profile.context_tokens
        reply = min(settings.max_new_tokens, context // 4)
        # the grammar has words and no boxes, so with it any model is a words-only one
        profile = replace(self.profile, words_only=self.profile.words_only or settings.grammar)
        chosen, self._count.notes = fit_to_context(messages, profile, lambda some: len(self._encode(some)), reply)
        prompt = self._encode(chosen)
        return prompt, min(settings.max_new_tokens, context - len(prompt))

    def _encode(self, messages: Sequence[Message]) -> list[int]:
        return encode(self.tokenizer, messages, dict(self.replies))

    @cached_property
    def _vocabulary(self) -> LLTokenizer:
        return from_tokenizer(
            self.tokenizer, n_vocab=self.model.config.vocab_size, eos_token=sorted(self.eos), slices=SENTENCE_SLICES
        )

    @cached_property
    def _grammar(self) -> LLMatcher:
        profile = self.profile
        return canvas_matcher(self._vocabulary, prose=profile.prose, brief=profile.brief, mixed=profile.mixed_quotes)

    def rules(self, messages: Sequence[Message] = ()) -> Rules:
        """The canvas grammar at the start of a reply; for a model that is to cover its request, with what lacks."""
        grammar = Grammar(self._grammar.deep_copy(), self._vocabulary, self.model.config.vocab_size)
        return covering(grammar, messages) if self.profile.covers and messages else grammar


def load_local(
    folder: Path,
    *,
    profile: Profile,
    adapter: Path | None = None,
    gguf_file: str | None = None,
    dtype: torch.dtype,
    device: str | torch.device,
    quantization: Literal["nf4", "int8"] | None = None,
    compiled: bool = False,
    resting: bool = False,
) -> LocalComposer:
    """Load a model folder (or a GGUF file in it) with, at wish, a LoRA adapter merged into it or quantised weights.

    compiled: on CUDA, compile passes of a few sizes: the first replies take minutes longer, all others less.
    resting: leave the model on the CPU, its weights mapped from their files; its owner moves it to `device`.

    Raises `BrokenWeightsError` when the files are not what the model's configuration says.
    """
    # given by name: left out, transformers asks on the terminal whether to run a repository's code
    files: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    files |= {"gguf_file": gguf_file} if gguf_file else {}
    weights = {"quantization_config": _quantization(quantization, dtype)} if quantization else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **files)
        model, loading = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            device_map={"": "cpu" if resting else device},
            output_loading_info=True,
            **files,
            **weights,
        )
        if adapter:
            model = PeftModel.from_pretrained(model, adapter)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        if device_is_full(error):
            raise
        raise BrokenWeightsError(f"{folder} cannot be loaded as a language model: {error}") from error
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if keys := sorted(map(str, loading[kind])):
            raise BrokenWeightsError(
                f"{folder} does not hold the model that its config.json describes; {kind}: {', '.join(keys[:3])}"
            )
    if not tokenizer.chat_template:
        raise BrokenWeightsError(f"{folder} has no chat template: it takes no instructions. Take another model.")
    if len(tokenizer) > model.config.get_text_config().vocab_size:
        raise BrokenWeightsError(
            f"{folder} has a tokenizer of {len(tokenizer)} words, more than its weights know. Fetch both again."
        )
    follow_dtype(model, dtype)
    if adapter and not quantization:  # merging would round the sum to 4 bits once more
        model = model.merge_and_unload()
    context = min(profile.context_tokens, model.config.get_text_config().max_position_embeddings)
    profile = replace(profile, context_tokens=context)
    return LocalComposer(
        model.eval(), tokenizer, profile, cached=partial(cached_model, compiled=compiled, device=device)
    )


def follow_dtype(model: torch.nn.Module, dtype: torch.dtype) -> None:
    """Has a model compute in `dtype`: a pre-quantised one keeps, whatever it is asked for, the one it was saved with.

    Norms, embeddings and heads are cast, 4-bit layers compute and unpack in it; buffers, such as rotary frequencies,
    keep their own. Turing cards have no bf16, and are slow with it.
    """
    for parameter in model.parameters():
        if parameter.is_floating_point() and parameter.dtype != dtype:
            parameter.data = parameter.data.to(dtype)
        if (state := getattr(parameter, "quant_state", None)) is not None:
            state.dtype = dtype
    for module in cast(Iterable[Any], model.modules()):
        if type(module).__name__ == "Linear4bit":
            module.compute_dtype, module.compute_type_is_set = dtype, True


def _quantization(kind: Literal["nf4", "int8"], dtype: torch.dtype) -> BitsAndBytesConfig:
    if kind == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
