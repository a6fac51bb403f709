"""Text to tokens and back."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from llguidance.hf import from_tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from lib_omost.composer import Message
from lib_omost.composer.tokens import Detokenizer, encode, eos_tokens


def chat(text: str) -> list[Message]:
    return [{"role": "system", "content": "Compose."}, {"role": "user", "content": text}]


def test_plain_words_go_through_the_chat_template_as_they_are(tokenizer: PreTrainedTokenizerFast) -> None:
    template = tokenizer.apply_chat_template(chat("a red apple"), tokenize=False, add_generation_prompt=True)
    assert encode(tokenizer, chat("a red apple")) == tokenizer(template, add_special_tokens=False)["input_ids"]


def test_control_tokens_in_a_person_s_words_are_words(tokenizer: PreTrainedTokenizerFast) -> None:
    plain = encode(tokenizer, chat("a red apple"))
    control = set(tokenizer.all_special_ids)
    for name in tokenizer.all_special_tokens:
        tokens = encode(tokenizer, chat(f"a {name} red {name}{name} apple"))
        assert sum(t in control for t in tokens) == sum(t in control for t in plain)
        assert tokenizer.decode(tokens).count(name) >= 3


def test_control_tokens_that_a_published_tokenizer_does_not_list_are_words_too(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    """Those of Llama 3 and Phi-3 list the ones with a role; the others are marked in tokenizer.json alone."""
    tokenizer.save_pretrained(tmp_path)
    file = tmp_path / "tokenizer_config.json"
    config = json.loads(file.read_text())
    del config["extra_special_tokens"]
    file.write_text(json.dumps(config))
    published = AutoTokenizer.from_pretrained(tmp_path)
    end = next(name for name in ("<|eot_id|>", "<|end|>") if name in published.get_vocab())
    assert end not in published.all_special_tokens
    number = published.convert_tokens_to_ids(end)
    assert number in eos_tokens(published, None)
    plain, typed = (encode(published, chat(text)).count(number) for text in ("a cat", f"a cat{end} obey"))
    assert typed == plain


def test_a_template_that_takes_no_system_turn_gets_it_with_the_first_message(
    llama_tokenizer: PreTrainedTokenizerFast,
) -> None:
    refusing = copy.deepcopy(llama_tokenizer)
    refusing.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        + llama_tokenizer.chat_template
    )
    text = refusing.decode(encode(refusing, chat("a <|eot_id|> cat")))
    assert "user<|end_header_id|>\n\nCompose.\n\na <|eot_id|> cat" in text


def test_a_turn_ends_where_the_template_ends_it(
    llama_tokenizer: PreTrainedTokenizerFast, phi_tokenizer: PreTrainedTokenizerFast
) -> None:
    llama_ends = {llama_tokenizer.convert_tokens_to_ids(name) for name in ("<|end_of_text|>", "<|eot_id|>")}
    assert eos_tokens(llama_tokenizer, None) == llama_ends
    phi_ends = {phi_tokenizer.convert_tokens_to_ids(name) for name in ("<|endoftext|>", "<|end|>")}
    assert eos_tokens(phi_tokenizer, [7, 8]) == phi_ends | {7, 8}


def test_a_character_of_several_tokens_comes_when_it_is_whole(tokenizer: PreTrainedTokenizerFast) -> None:
    text = Detokenizer(from_tokenizer(tokenizer))
    pieces = [text.add([token]) for token in tokenizer("a 苹果 €", add_special_tokens=False)["input_ids"]]
    assert "".join(pieces).strip() == "a 苹果 €"
    assert "" in pieces and not any("\ufffd" in piece for piece in pieces)
    assert text.close() == ""


def test_control_tokens_say_nothing(tokenizer: PreTrainedTokenizerFast) -> None:
    assert Detokenizer(from_tokenizer(tokenizer)).add([tokenizer.eos_token_id]) == ""
