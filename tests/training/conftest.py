"""What the tests of the trainings share: a random tiny language model, drawn shapes, the default model's tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import CLIPTokenizer

from training.image import catalogue
from training.image.tiny import PREPARED, shapes
from training.language.tiny import tiny_base


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Nets this small are slower on two threads as soon as the cores are shared."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def shape_catalogue() -> catalogue.Catalogue:
    return catalogue.build(shapes())


@pytest.fixture(scope="session")
def clip_tokenizer() -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(PREPARED / "tokenizer")
