"""With the real tokenizer of the published 8B models: `pip install --no-deps llama-models` brings it, some MB."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from llguidance import LLTokenizer
from llguidance.hf import from_tokenizer
from transformers import PreTrainedTokenizerFast

from bench._llama3 import llama3_file, llama3_tokenizer
from lib_omost.canvas import read_canvas
from lib_omost.composer.decoding import GenerationLoop, PromptLookup
from lib_omost.composer.grammar import SENTENCE_SLICES, Grammar, canvas_matcher
from lib_omost.composer.sampling import Sampler
from lib_omost.composer.tokens import eos_tokens
from tests.composer.scripted import Scripted

pytestmark = [pytest.mark.llama3, pytest.mark.slow]
END_OF_TEXT, END_OF_TURN = 128001, 128009

# As Python's repr quotes: apostrophes between double quotes, speech between single ones, both with a backslash.
PROGRAM = r"""```python
# Initialize the canvas
canvas = Canvas()

# Set a global description for the canvas
canvas.set_global_description(
    description="A grandmother's birthday in the garden.",
    detailed_descriptions=[
        "The grandmother's chair stands under an apple tree.",
        'A banner between two branches reads "Ninety years young".',
        'The cake\'s icing says "Grandma" in blue.',
    ],
    tags="birthday, garden, grandmother's day, cake",
    HTML_web_color_name='darkolivegreen',
)

# Add the grandmother in her chair.
canvas.add_local_description(
    location='in the center',
    offset='slightly to the left',
    area='a medium-sized vertical area',
    distance_to_viewer=2.5,
    description="The grandmother's smile.",
    detailed_descriptions=[
        'She wears a straw hat and holds a glass of lemonade.',
        "Her granddaughter's drawing lies on her knees.",
    ],
    tags='grandmother, straw hat, lemonade',
    atmosphere='Warm and content.',
    style="A family's snapshot.",
    quality_meta='Sharp, 8K.',
    HTML_web_color_name='wheat',
)
```"""


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    path: Path | None = llama3_file()
    if path is None:
        pytest.skip("no Llama-3 tokenizer here: pip install --no-deps llama-models")
    return llama3_tokenizer(path)


@pytest.fixture(scope="module")
def vocabulary(tokenizer: PreTrainedTokenizerFast) -> LLTokenizer:
    ends = sorted(eos_tokens(tokenizer, [END_OF_TEXT, END_OF_TURN]))
    return from_tokenizer(tokenizer, n_vocab=len(tokenizer), eos_token=ends, slices=SENTENCE_SLICES)


def test_it_is_the_published_tokenizer(tokenizer: PreTrainedTokenizerFast) -> None:
    assert len(tokenizer) == 128256
    assert tokenizer("Hello world!", add_special_tokens=False)["input_ids"] == [9906, 1917, 0]
    assert tokenizer.decode(tokenizer(PROGRAM, add_special_tokens=False)["input_ids"]) == PROGRAM
    assert tokenizer.convert_tokens_to_ids(["<|begin_of_text|>", "<|eot_id|>"]) == [128000, END_OF_TURN]
    assert eos_tokens(tokenizer, END_OF_TEXT) == {END_OF_TEXT, END_OF_TURN}


def test_what_a_published_model_writes_passes_token_by_token(
    tokenizer: PreTrainedTokenizerFast, vocabulary: LLTokenizer
) -> None:
    assert read_canvas(PROGRAM).status == "accept"
    rules = Grammar(canvas_matcher(vocabulary, prose=True, mixed=True), vocabulary, len(tokenizer))
    for token in tokenizer(PROGRAM, add_special_tokens=False)["input_ids"]:
        assert rules.allowed()[token], tokenizer.decode([token])
        assert rules.consume([token]) == 1
    assert rules.complete()


@pytest.mark.parametrize("mixed", [False, True])
def test_a_model_that_wants_to_say_it_says_all_of_it_and_of_one_kind_of_quote_cannot(
    tokenizer: PreTrainedTokenizerFast, vocabulary: LLTokenizer, mixed: bool
) -> None:
    rules = Grammar(canvas_matcher(vocabulary, prose=True, mixed=mixed), vocabulary, len(tokenizer))
    model = Scripted(PROGRAM, tokenizer, vocabulary, END_OF_TURN)
    prompt = tokenizer("a grandmother's birthday")["input_ids"]
    ends = eos_tokens(tokenizer, END_OF_TEXT)
    loop = GenerationLoop(model, rules, Sampler(0, 0.9, 1), eos=ends, limit=1500, lookup=PromptLookup(prompt))
    said = [token for new in loop.run(prompt, threading.Event()) for token in new]
    assert (vocabulary.decode_str(said) == PROGRAM) is mixed
