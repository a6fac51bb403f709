"""Tokenizers with the shapes of the published models' ones, and tiny language models with random weights."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, Phi3Config, Phi3ForCausalLM, PreTrainedTokenizerFast

from lib_omost.canvas import Canvas
from lib_omost.composer import LocalComposer, Profile
from lib_omost.composer.settings import ComposeSettings

LLAMA_3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA_3_CHAT = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
PHI_3_CHAT = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def a_canvas(*things: str) -> Canvas:
    """A canvas with a region for each of `things`."""
    canvas = Canvas()
    canvas.set_global_description(" and ".join(things), ["Soft light."], ", ".join(things), "lightgray")
    places = ["on the left", "on the top-right", "in the center", "on the bottom"]
    for place, thing in zip(places, things, strict=False):
        canvas.add_local_description(
            place,
            "no offset",
            "a small square area",
            2.5,
            f"A {thing}.",
            [f"The {thing} is shiny.", "It casts a shadow."],
            f"{thing}, shiny",
            "Calm mood.",
            "Flat illustration.",
            "High resolution.",
            "red",
        )
    return canvas


def a_reply(*things: str) -> str:
    """The reply that holds `a_canvas`."""
    return f"```python\n{a_canvas(*things).to_code()}```"


CORPUS = [
    a_reply("red apple", "yellow balloon"),
    a_reply("old ship", "lighthouse", "storm cloud"),
    "make it bigger",
] * 3


@pytest.fixture(scope="session")
def llama_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE with Llama 3's split and control tokens."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LLAMA_3_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    control = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    tokenizer.add_special_tokens(control)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|begin_of_text|>",
        eos_token="<|end_of_text|>",
        additional_special_tokens=control[2:],
        chat_template=LLAMA_3_CHAT,
    )


@pytest.fixture(scope="session")
def phi_tokenizer() -> PreTrainedTokenizerFast:
    """BPE in the manner of sentencepiece, with byte fallback, as Phi-3's."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split("\n", "isolated")  # keeps newlines out of the words while training
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=pieces, show_progress=False)
    tokenizer.train_from_iterator([line for text in CORPUS for line in text.split("\n")], trainer)
    # The byte pieces are ordinary words in the published file, not control tokens.
    plain = json.loads(tokenizer.to_str())
    plain["added_tokens"] = plain["added_tokens"][:3]
    plain["pre_tokenizer"] = None
    tokenizer = Tokenizer.from_str(json.dumps(plain))
    control = ["<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>"]
    tokenizer.add_special_tokens([AddedToken(name, rstrip=True, normalized=False) for name in control])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="<|endoftext|>",
        unk_token="<unk>",
        additional_special_tokens=control[1:],
        chat_template=PHI_3_CHAT,
    )


@pytest.fixture(scope="session", params=["llama", "phi"])
def tokenizer(request: pytest.FixtureRequest) -> PreTrainedTokenizerFast:
    return request.getfixturevalue(f"{request.param}_tokenizer")


def tiny_llama(vocabulary: int, seed: int = 0, width: int = 48) -> LlamaForCausalLM:
    """Two layers with grouped heads, random weights that are large enough to have opinions, fp32."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        initializer_range=0.4,
        bos_token_id=None,
        eos_token_id=None,
    )
    return LlamaForCausalLM(config).eval()


def tiny_phi(vocabulary: int) -> Phi3ForCausalLM:
    """As `tiny_llama`, with Phi-3's joint projections and sliding window."""
    torch.manual_seed(0)
    config = Phi3Config(
        vocab_size=vocabulary,
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=8192,
        sliding_window=262144,
        initializer_range=0.4,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=0,
    )
    return Phi3ForCausalLM(config).eval()


def longrope_phi(vocabulary: int, switch: int = 4096) -> Phi3ForCausalLM:
    """As `tiny_phi`, with the rope settings of Phi-3-mini-128k: other factors beyond `switch` tokens."""
    torch.manual_seed(0)
    half = 24  # published: 48
    config = Phi3Config(
        vocab_size=vocabulary,
        hidden_size=96,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=131072,
        original_max_position_embeddings=switch,
        rope_theta=10000.0,
        rope_scaling={
            "type": "longrope",
            "short_factor": [1.05 + 0.04 * i for i in range(half)],
            "long_factor": [1.03 + 2.4 * i for i in range(half)],
        },
        sliding_window=262144,
        initializer_range=0.2,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=0,
    )
    return Phi3ForCausalLM(config).eval()


PROFILE = Profile(system_prompt="You compose images.", context_tokens=8192, words_only=True)
GREEDY = ComposeSettings(temperature=0, max_new_tokens=400)


@pytest.fixture
def llama(llama_tokenizer: PreTrainedTokenizerFast) -> LocalComposer:
    """A composer that writes only canvases, of nonsense."""
    return composer_of(tiny_llama, llama_tokenizer, prose=False)


def composer_of(
    model: Callable[[int], torch.nn.Module], tokenizer: PreTrainedTokenizerFast, *, prose: bool
) -> LocalComposer:
    profile = Profile(PROFILE.system_prompt, PROFILE.context_tokens, words_only=True, prose=prose)
    return LocalComposer(model(len(tokenizer)), tokenizer, profile)
