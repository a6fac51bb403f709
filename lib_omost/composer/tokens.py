"""Text to tokens and back: the chat template, control tokens that a person typed, characters that come in pieces."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import Any

from lib_omost.composer.settings import Message

Tokenizer = Any  # transformers.PreTrainedTokenizerFast; its stubs are not typed

_MARK = "\ue000"  # private use: stands for a control token that a person typed, while the template is filled in


def encode(tokenizer: Tokenizer, messages: Sequence[Message]) -> list[int]:
    """The tokens of a conversation through the model's chat template, up to where the assistant speaks.

    Control tokens in `content` are read as the text that they are.
    """
    control = re.compile("|".join(map(re.escape, sorted(tokenizer.all_special_tokens, key=len, reverse=True))))
    typed: list[str] = []

    def hide(content: str) -> str:
        content = content.replace(_MARK, "")
        typed.extend(control.findall(content))
        return control.sub(_MARK, content)

    turns = [{**message, "content": hide(message["content"])} for message in messages]
    pieces = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True).split(_MARK)
    tokens: list[int] = tokenizer(pieces[0], add_special_tokens=False)["input_ids"]
    for name, piece in zip(typed, pieces[1:], strict=True):
        tokens += tokenizer(name, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        tokens += tokenizer(piece, add_special_tokens=False)["input_ids"]
    return tokens


def turn_ends(tokenizer: Tokenizer, model_ends: int | Sequence[int] | None) -> frozenset[int]:
    """The tokens that end a reply: the model's, the tokenizer's, and what the chat template puts after a reply."""
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": _MARK}]
    after = tokenizer.apply_chat_template(turns, tokenize=False).partition(_MARK)[2].strip()
    ends = {
        number
        for token, number in tokenizer.get_vocab().items()
        if token in tokenizer.all_special_tokens and after.startswith(token)
    }
    ends |= {model_ends} if isinstance(model_ends, int) else set(model_ends or ())
    return frozenset(ends | {tokenizer.eos_token_id} - {None})


class Text:
    """Turns tokens into text as they come; a character of several tokens is held back until it is whole."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def add(self, tokens: Sequence[int]) -> str:
        """The text that became whole; control tokens say nothing."""
        said = [token for token in tokens if not self._tokenizer.is_special_token(token)]
        return self._decoder.decode(self._tokenizer.decode_bytes(said))

    def close(self) -> str:
        """What is left of a character that never became whole."""
        return self._decoder.decode(b"", final=True)
