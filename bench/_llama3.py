"""The tokenizer of Llama-3, from the package that carries its file: `pip install --no-deps llama-models`."""

from __future__ import annotations

import base64
import importlib.util
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import bytes_to_unicode

WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
NAMED = {0: "begin_of_text", 1: "end_of_text", 6: "start_header_id", 7: "end_header_id", 9: "eot_id"}
CONTROL_TOKENS = 256
CHAT = (
    "{% for m in messages %}{{ bos_token if loop.first else '' }}<|start_header_id|>{{ m['role'] }}<|end_header_id|>"
    "\n\n{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


def llama3_file() -> Path | None:
    """The ranks of all tokens, where the package is installed; it is not imported."""
    found = importlib.util.find_spec("llama_models")
    folders = found.submodule_search_locations if found else None
    path = Path(next(iter(folders))) / "llama3" / "tokenizer.model" if folders else None
    return path if path and path.is_file() else None


def llama3_tokenizer(path: Path) -> PreTrainedTokenizerFast:
    """As the published models' tokenizer.json has it: byte-level BPE of 128,256 tokens."""
    lines = [line.split() for line in path.read_bytes().splitlines() if line]
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    letters = bytes_to_unicode()
    spelled = {token: "".join(letters[byte] for byte in token) for token in ranks}
    # a token is merged from any two tokens that make it, in the order of the ranks
    merges = [
        (spelled[token[:at]], spelled[token[at:]])
        for token in sorted(ranks, key=ranks.__getitem__)
        for at in range(1, len(token))
        if token[:at] in ranks and token[at:] in ranks
    ]
    vocabulary = {spelled[token]: rank for token, rank in ranks.items()}
    bpe = Tokenizer(models.BPE(vocabulary, merges, ignore_merges=True))
    split = pre_tokenizers.Split(Regex(WORDS), behavior="isolated")
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    names = [f"<|{NAMED.get(number, f'reserved_{number}')}|>" for number in range(CONTROL_TOKENS)]
    bpe.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in names])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token=names[0], eos_token=names[9])
    tokenizer.chat_template = CHAT
    return tokenizer
