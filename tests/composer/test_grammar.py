"""The grammar accepts what the models write, and only what the reader takes without a repair."""

from __future__ import annotations

import pytest
from llguidance import LLMatcher, LLParserLimits, LLTokenizer
from llguidance.hf import from_tokenizer
from transformers import PreTrainedTokenizerFast

from lib_omost.canvas import read_canvas
from lib_omost.canvas.colors import COLORS
from lib_omost.canvas.vocabulary import AREAS, LOCATIONS, OFFSETS
from lib_omost.composer.grammar import Grammar, brief_grammar, canvas_grammar, canvas_matcher
from lib_omost.errors import ComposerError
from tests.composer.conftest import a_reply


@pytest.fixture(scope="module")
def vocabulary(llama_tokenizer: PreTrainedTokenizerFast) -> LLTokenizer:
    return from_tokenizer(llama_tokenizer)


def accepts(vocabulary: LLTokenizer, text: str, *, prose: bool = True) -> bool:
    """Whether `text` is a whole reply."""
    matcher = LLMatcher(vocabulary, LLMatcher.grammar_from_lark(canvas_grammar(prose=prose)))
    assert not matcher.get_error()
    tokens = vocabulary.tokenize_str(text)
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


REPLY = a_reply("red apple", "yellow balloon")


@pytest.mark.parametrize(
    "text",
    [
        REPLY,
        REPLY.replace("'", '"'),
        REPLY.replace("A red apple.", r"The queen\'s red apple."),
        REPLY.replace("A red apple.", "Une pomme rouge à l’ombre, 苹果."),
        REPLY.replace("'red',\n)", "'red'\n)"),
        REPLY.replace("# Describe the picture", "# Set a global description for the canvas"),
        REPLY.replace("# Add A red apple", "# Add a local description for the apple (left)"),
        f"Here it is, with `red` as its colour:\n\n{REPLY}\nShall I change something?",
        " " + REPLY,
    ],
    ids=["ours", "double quotes", "escape", "other scripts", "no comma", "title", "comment", "prose around", "space"],
)
def test_it_accepts_what_models_write(vocabulary: LLTokenizer, text: str) -> None:
    assert accepts(vocabulary, text)


@pytest.mark.parametrize(
    "text",
    [
        REPLY.removesuffix("\n```"),
        REPLY.replace("'on the left'", "'in the corner'"),
        REPLY.replace("'red'", "'reddish'"),
        REPLY.replace("2.5", "-1"),
        REPLY.replace("2.5", "0.0"),
        REPLY.replace("'A red apple.'", "''"),
        REPLY.replace("'A red apple.'", "'A red apple"),
        REPLY.replace("'A red apple.'", '"A red apple."'),
        REPLY.replace("A red apple.", "```"),
        f"See ```python\n{REPLY}",
        "canvas.add_local_description(location='on the left')",
        REPLY + "\n" + REPLY,
    ],
    ids=["open", "place", "colour", "minus", "zero", "empty", "unclosed", "mixed", "fence", "inline", "bare", "twice"],
)
def test_it_refuses_what_a_reader_would_repair(vocabulary: LLTokenizer, text: str) -> None:
    assert not accepts(vocabulary, text)


@pytest.mark.parametrize(
    "prose",
    [
        "canvas.add_local_description (location='on the left')",
        "addRegion('on the left', 'A cat.')",
        "Set_object (a) is a set.",
        '{"global_description": "A cat.", "regions": []}',
        "~~~python\nx = 1",
        "<think>\nA cat, then.",
        "`add_region(3)`",
    ],
    ids=["call", "camels", "words", "json", "tildes", "thought", "quoted"],
)
def test_prose_around_a_program_holds_nothing_that_a_reader_could_take_for_one(
    vocabulary: LLTokenizer, prose: str
) -> None:
    assert not any(accepts(vocabulary, text) for text in (prose, f"{prose}\n{REPLY}", f"{REPLY}\n{prose}"))
    words = "Let me see: `add_local_description` names a place, say on the left = 'on the left', [1] 2 > 1."
    for text in (words, f"{words}\n{REPLY}", f"{REPLY}\n{words}"):
        assert accepts(vocabulary, text)
        assert read_canvas(text).status == ("accept" if "```" in text else "reject")


def accepts_mixed(vocabulary: LLTokenizer, text: str) -> bool:
    matcher = LLMatcher(vocabulary, LLMatcher.grammar_from_lark(canvas_grammar(prose=True, mixed=True)))
    assert not matcher.get_error()
    tokens = vocabulary.tokenize_str(text)
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


@pytest.mark.parametrize(
    "text",
    [
        REPLY,
        REPLY.replace("'", '"'),
        REPLY.replace("'A red apple.'", '"The queen\'s red apple."'),
        REPLY.replace("'A red apple.'", "'A red apple, \"Fuji\" on its label.'"),
        REPLY.replace("'A red apple.'", r"'The queen\'s \"Fuji\".'".replace(r"\"", '"')),
    ],
    ids=["ours", "double quotes", "apostrophe", "speech", "both"],
)
def test_with_mixed_quotes_each_text_has_the_quotes_that_repr_chooses(vocabulary: LLTokenizer, text: str) -> None:
    assert accepts_mixed(vocabulary, text) and read_canvas(text).status == "accept"


@pytest.mark.parametrize(
    "text",
    [
        REPLY.replace("'on the left'", '"on the left"'),
        REPLY.replace("'A red apple.'", "'A red apple.\""),
        REPLY.replace("'A red apple.'", "'The queen's red apple.'"),
    ],
    ids=["vocabulary", "unclosed", "apostrophe"],
)
def test_with_mixed_quotes_the_vocabulary_keeps_its_own_and_each_text_is_closed(
    vocabulary: LLTokenizer, text: str
) -> None:
    assert not accepts_mixed(vocabulary, text)


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("mixed", [False, True])
def test_a_program_is_closed_in_the_quotes_of_the_text_that_is_open(
    vocabulary: LLTokenizer, llama_tokenizer: PreTrainedTokenizerFast, quote: str, mixed: bool
) -> None:
    rules = Grammar(canvas_matcher(vocabulary, prose=True, mixed=mixed), vocabulary, len(llama_tokenizer))
    text = REPLY.replace("'", quote)
    start = text[: text.index(f"{quote}A yellow balloon") + 9]
    tokens = vocabulary.tokenize_str(start)
    assert rules.consume(tokens) == len(tokens)
    (*forced,) = rules.forced(closing=True)
    assert vocabulary.decode_str(forced).startswith(f"{quote},")


def test_prose_is_refused_where_only_canvases_are_taught(vocabulary: LLTokenizer) -> None:
    assert accepts(vocabulary, "Hello there!")
    assert not accepts(vocabulary, "Hello there!", prose=False)
    assert accepts(vocabulary, REPLY, prose=False)


def test_every_word_of_the_vocabulary_is_in_it() -> None:
    grammar = canvas_grammar(prose=False)
    for word in (*LOCATIONS, *OFFSETS, *AREAS, *COLORS):
        assert f"\"'{word}'\"" in grammar


BRIEF = """```python
canvas = Canvas()
canvas.set_global_description(
    description='A red apple, at night.',
    detailed_descriptions=[
        'The apple is above the pear.',
    ],
    HTML_web_color_name='midnightblue',
)
canvas.add_local_description(
    description='A red apple.',
    location='on the top',
    offset='slightly to the left',
    area='a small square area',
    distance_to_viewer=0.5,
    HTML_web_color_name='red',
)
canvas.add_local_description(
    description='A pear.',
    location='on the bottom',
    area='a small square area',
    HTML_web_color_name='yellow',
)
```"""


def accepts_brief(vocabulary: LLTokenizer, text: str, *, prose: bool = True) -> bool:
    matcher = LLMatcher(vocabulary, LLMatcher.grammar_from_lark(brief_grammar(prose=prose)))
    assert not matcher.get_error()
    tokens = vocabulary.tokenize_str(text)
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


def test_a_brief_canvas_leaves_out_what_the_reader_fills_in_without_a_note(vocabulary: LLTokenizer) -> None:
    assert accepts_brief(vocabulary, BRIEF)
    reading = read_canvas(BRIEF)
    assert (reading.status, reading.notes) == ("accept", ())
    assert [region.distance_to_viewer for region in reading.canvas.regions] == [0.5, 1.0]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        REPLY,
        BRIEF.removesuffix("\n```"),
        BRIEF.replace("'midnightblue'", "'midnight'"),
        BRIEF.replace("    location='on the top',\n", ""),
        BRIEF.replace("slightly to the left", "no offset"),
        f"Here it is:\n{BRIEF}",
    ],
    ids=["long", "open", "colour", "no place", "what is usual", "prose before"],
)
def test_a_brief_canvas_is_refused_where_anything_is_missing_or_too_much(vocabulary: LLTokenizer, text: str) -> None:
    assert not accepts_brief(vocabulary, text)


def test_a_line_of_prose_may_take_the_place_of_a_brief_canvas_where_it_was_taught(vocabulary: LLTokenizer) -> None:
    assert accepts_brief(vocabulary, "Please describe the picture in English.")
    assert not accepts_brief(vocabulary, "Please describe the picture in English.", prose=False)
    assert not accepts_brief(vocabulary, "canvas.add_local_description(location='on the left')")


# --- the grammar as the state of a reply ---

WIDER = 40  # tokens that a model's output layer has more than its tokenizer, as Phi-3's


@pytest.fixture(scope="module")
def wider_vocabulary(tokenizer: PreTrainedTokenizerFast) -> LLTokenizer:
    return from_tokenizer(tokenizer, n_vocab=len(tokenizer) + WIDER)


def test_rows_of_a_model_that_stand_for_no_token_are_never_allowed(
    wider_vocabulary: LLTokenizer, tokenizer: PreTrainedTokenizerFast
) -> None:
    rules = Grammar(canvas_matcher(wider_vocabulary, prose=True), wider_vocabulary, len(tokenizer) + WIDER)
    mask = rules.allowed()
    assert mask.shape == (len(tokenizer) + WIDER,)
    assert mask.any() and not mask[len(tokenizer) :].any()


def test_prose_is_complete_and_needs_no_closing(wider_vocabulary: LLTokenizer) -> None:
    rules = Grammar(canvas_matcher(wider_vocabulary, prose=True), wider_vocabulary, wider_vocabulary.vocab_size)
    rules.consume(wider_vocabulary.tokenize_str("There is a ship"))
    assert rules.complete() and rules.forced(True) == []


@pytest.mark.parametrize("cut", [40, 150, 420, 700])
def test_a_program_is_closed_from_wherever_it_is(wider_vocabulary: LLTokenizer, cut: int) -> None:
    text = a_reply("red apple", "old ship")
    rules = Grammar(canvas_matcher(wider_vocabulary, prose=False), wider_vocabulary, wider_vocabulary.vocab_size)
    rules.consume(wider_vocabulary.tokenize_str(text[: text.index("\n", cut)]))
    assert not rules.complete()
    assert rules.forced(False) or rules.forced(True) or rules.allowed().any()


def test_a_grammar_engine_that_gives_up_is_an_error_and_not_an_end(wider_vocabulary: LLTokenizer) -> None:
    grammar = LLMatcher.grammar_from_lark(canvas_grammar(prose=True))
    tired = LLMatcher(wider_vocabulary, grammar, log_level=0, limits=LLParserLimits(max_lexer_states=60))
    rules = Grammar(tired, wider_vocabulary, wider_vocabulary.vocab_size)
    with pytest.raises(ComposerError, match=r"could not follow the reply: .*Try again, or without it"):
        for token in wider_vocabulary.tokenize_str("Une pomme `rouge`, 苹果, яблоко. " * 20):
            rules.allowed()
            rules.consume([token])
            rules.ended()
