"""A tiny random Llama as a model folder; an engine over it and the default image model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from lib_omost.canvas import Canvas
from lib_omost.runtime import Engine

CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n"
)
IMAGE_MODEL = Path(__file__).parents[2] / "default_models" / "image"


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_llm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a two-layer Llama over single bytes."""
    folder = tmp_path_factory.mktemp("tiny-omost-llama")
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        ["canvas"], trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    )
    bpe.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=320,
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def canvas() -> Canvas:
    canvas = Canvas()
    canvas.set_global_description("A red apple.", ["It is round."], "apple", "lightblue")
    canvas.add_local_description(
        "on the left",
        "no offset",
        "a medium-sized square area",
        2.0,
        "A red apple.",
        ["It is shiny."],
        "apple",
        "Calm mood.",
        "Flat.",
        "High resolution.",
        "red",
    )
    return canvas


@pytest.fixture(scope="session")
def loaded(tiny_llm: Path) -> Engine:
    """An engine that has its models; a test that switches them takes `engine`."""
    engine = Engine(str(tiny_llm), "default", device="cpu")
    engine.warm_up()
    return engine


@pytest.fixture
def engine(tiny_llm: Path) -> Engine:
    return Engine(str(tiny_llm), "default", device="cpu")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of the application, not made yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "omost"
