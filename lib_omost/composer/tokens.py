"""Text to tokens and back: the chat template, control tokens that a person typed, characters that come in pieces."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import TemplateError

from lib_omost.composer.settings import Message

Tokenizer = Any  # transformers.PreTrainedTokenizerFast; its stubs are not typed

_MARK = "\ue000"  # private use: while the template is filled in, stands for what must not be tokenised with the rest


def encode(
    tokenizer: Tokenizer, messages: Sequence[Message], replies: Mapping[str, Sequence[int]] | None = None
) -> list[int]:
    """The tokens of a conversation through the model's chat template, up to the generation prompt.

    Control tokens in `content` are tokenized as the text that they are. `replies` (text -> tokens) keep the tokens that
    they were generated as, which may differ from those that a tokenizer makes of the text: so the KV cache fits.
    """
    control = re.compile("|".join(map(re.escape, sorted(control_tokens(tokenizer), key=len, reverse=True))))
    marked: list[Sequence[int]] = []

    def as_words(name: re.Match[str]) -> str:
        marked.append(tokenizer(name[0], add_special_tokens=False, split_special_tokens=True)["input_ids"])
        return _MARK

    def hide(message: Message) -> str:
        if message["role"] == "assistant" and (tokens := (replies or {}).get(message["content"])):
            marked.append(tokens)
            return _MARK
        return control.sub(as_words, message["content"].replace(_MARK, ""))

    turns = [{"role": message["role"], "content": hide(message)} for message in messages]
    first, *pieces = _filled_in(tokenizer, turns).split(_MARK)
    tokens: list[int] = tokenizer(first, add_special_tokens=False)["input_ids"]
    for mark, piece in zip(marked, pieces, strict=True):
        tokens += [*mark, *tokenizer(piece, add_special_tokens=False)["input_ids"]]
    return tokens


def _filled_in(tokenizer: Tokenizer, turns: list[dict[str, str]]) -> str:
    """The chat template's text; a system turn is put before the first message where a template refuses it."""
    try:
        text: str = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    except TemplateError:
        if [turn["role"] for turn in turns[:2]] != ["system", "user"]:
            raise
        system, user, *rest = turns
        joined = {"role": "user", "content": f"{system['content']}\n\n{user['content']}"}
        text = tokenizer.apply_chat_template([joined, *rest], tokenize=False, add_generation_prompt=True)
    return text


def control_tokens(tokenizer: Tokenizer) -> set[str]:
    """The names of all control tokens; the published tokenizers' own list holds only those that have a role."""
    added = tokenizer.added_tokens_decoder.values()
    return {*tokenizer.all_special_tokens, *(token.content for token in added if token.special)}


def eos_tokens(tokenizer: Tokenizer, model_ends: int | Sequence[int] | None) -> frozenset[int]:
    """The tokens that end a reply: the model's, the tokenizer's, and what the chat template puts after a reply."""
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": _MARK}]
    after = tokenizer.apply_chat_template(turns, tokenize=False).partition(_MARK)[2].strip()
    control = control_tokens(tokenizer)
    ends = {number for token, number in tokenizer.get_vocab().items() if token in control and after.startswith(token)}
    ends |= {model_ends} if isinstance(model_ends, int) else set(model_ends or ())
    return frozenset(ends | {tokenizer.eos_token_id} - {None})


class Detokenizer:
    """Tokens to text as they come; a character of several tokens is held back until it is whole."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def add(self, tokens: Sequence[int]) -> str:
        """The text that became whole; control tokens give none."""
        words = [token for token in tokens if not self._tokenizer.is_special_token(token)]
        return self._decoder.decode(self._tokenizer.decode_bytes(words))

    def close(self) -> str:
        """What is left of a character that never became whole."""
        return self._decoder.decode(b"", final=True)
