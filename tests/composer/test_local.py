"""A local composer from end to end, on tiny models with random weights, and on the default model."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from lib_omost.canvas import read_canvas
from lib_omost.composer import ComposeSettings, LocalComposer, Message, load_local
from lib_omost.composer.coverage import BY_RULE
from lib_omost.errors import BrokenWeightsError, ComposerError, ContextError
from tests.composer.conftest import GREEDY, PROFILE, a_reply, composer_of, tiny_llama, tiny_phi

ASK: list[Message] = [{"role": "user", "content": "a red apple on the left"}]


def reply(composer: LocalComposer, messages: list[Message], settings: ComposeSettings = GREEDY) -> str:
    return "".join(composer.stream(messages, settings, threading.Event()))


@pytest.mark.parametrize("seed", range(4))
def test_any_model_can_only_write_canvases_that_need_no_repair(tokenizer: PreTrainedTokenizerFast, seed: int) -> None:
    composer = composer_of(lambda size: tiny_llama(size, seed), tokenizer, prose=False)
    reading = read_canvas(reply(composer, ASK, replace(GREEDY, temperature=1.0, seed=seed)))
    assert (reading.status, reading.notes) == ("accept", ())
    assert reading.canvas is not None and reading.canvas.regions


@pytest.mark.parametrize("seed", range(3))
def test_where_prose_is_allowed_there_is_prose_or_a_whole_canvas(tokenizer: PreTrainedTokenizerFast, seed: int) -> None:
    composer = composer_of(lambda size: tiny_llama(size, seed), tokenizer, prose=True)
    text = reply(composer, ASK, replace(GREEDY, temperature=1.0, seed=seed))
    assert read_canvas(text).status == ("accept" if "```" in text else "reject")


def test_the_grammar_can_be_switched_off(llama: LocalComposer) -> None:
    text = reply(llama, ASK, replace(GREEDY, grammar=False, max_new_tokens=60))
    assert read_canvas(text).canvas is None
    assert llama.stats.new_tokens == 60 and llama.stats.forced_tokens == 0


def test_drafts_do_not_change_the_text(llama: LocalComposer) -> None:
    for settings in (GREEDY, replace(GREEDY, temperature=0.8, seed=5)):
        with_drafts = reply(llama, ASK, settings)
        assert reply(llama, ASK, settings) == with_drafts  # now with this reply to copy from
        drafted, passes = llama.stats.drafted_tokens, llama.stats.passes
        assert reply(llama, ASK, replace(settings, speculate=False)) == with_drafts
        assert drafted > 100 > 0 == llama.stats.drafted_tokens
        assert 3 * passes < llama.stats.passes


def test_a_second_turn_reads_only_what_is_new(llama: LocalComposer) -> None:
    first = reply(llama, ASK)
    assert llama.stats.cached_tokens == 0
    more: list[Message] = [*ASK, {"role": "assistant", "content": first}, {"role": "user", "content": "make it bigger"}]
    reply(llama, more)
    asked = llama.stats.prompt_tokens - llama.stats.cached_tokens
    assert asked < 60 < llama.stats.cached_tokens
    llama.release()
    reply(llama, more)
    assert llama.stats.cached_tokens == 0


def test_what_was_read_before_does_not_change_the_reply(llama: LocalComposer) -> None:
    fresh = reply(llama, ASK)
    reply(llama, [{"role": "user", "content": "a red ship at sea"}])
    assert reply(llama, ASK) == fresh


def test_stop_ends_the_stream_within_a_pass(llama: LocalComposer) -> None:
    stop = threading.Event()
    pieces = llama.stream(ASK, GREEDY, stop)
    next(pieces), next(pieces)
    stop.set()
    assert list(pieces) == []


def test_a_stop_before_the_start_says_nothing_that_the_model_has_to_answer(llama: LocalComposer) -> None:
    stop = threading.Event()
    stop.set()
    list(llama.stream(ASK, GREEDY, stop))
    assert llama.stats.passes == 0


def test_a_stream_that_is_left_can_be_followed_by_another(llama: LocalComposer) -> None:
    whole = reply(llama, ASK)
    pieces = llama.stream(ASK, GREEDY, threading.Event())
    next(pieces), next(pieces)
    pieces.close()
    assert reply(llama, ASK) == whole


def test_an_error_of_the_model_ends_the_stream_with_its_message(llama: LocalComposer) -> None:
    pieces = llama.stream(ASK, GREEDY, threading.Event())
    next(pieces)
    llama.model.model.layers[1].mlp.down_proj.weight.data = torch.zeros(3, 3)
    began = time.monotonic()
    with pytest.raises(ComposerError, match="mat1 and mat2"):
        list(pieces)
    assert time.monotonic() - began < 1


def test_a_message_that_is_too_long_is_refused_in_a_sentence(llama: LocalComposer) -> None:
    llama.profile = replace(llama.profile, context_tokens=200)
    with pytest.raises(ContextError, match="room for 150 beside its reply"):
        reply(llama, [{"role": "user", "content": "apple " * 400}])


def test_turns_that_no_longer_fit_are_left_out_aloud(llama: LocalComposer) -> None:
    old: list[Message] = [{"role": "user", "content": "tree " * 200}, {"role": "assistant", "content": "A tree."}]
    llama.profile = replace(llama.profile, context_tokens=600)
    reply(llama, [*old, *ASK], replace(GREEDY, max_new_tokens=100))
    assert llama.stats.notes == ("The oldest turn was left out: the model has room for 600 tokens.",)


def test_the_counts_add_up(llama: LocalComposer) -> None:
    reply(llama, ASK)
    stats = llama.stats
    assert stats.forced_tokens + stats.drafted_tokens < stats.new_tokens
    assert stats.new_tokens - stats.forced_tokens - stats.drafted_tokens <= stats.passes
    assert 0 < stats.first_token_s < stats.seconds
    assert stats.tokens_per_pass > 1


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, llama_tokenizer: PreTrainedTokenizerFast) -> Path:
    """A model folder, as a hub has them."""
    folder = tmp_path_factory.mktemp("model")
    tiny_llama(len(llama_tokenizer)).save_pretrained(folder)
    llama_tokenizer.save_pretrained(folder)
    return folder


def load(folder: Path, **options: object) -> LocalComposer:
    profile = replace(PROFILE, prose=False)
    return load_local(folder, profile=profile, dtype=torch.float32, device="cpu", **options)  # type: ignore[arg-type]


def test_a_folder_is_loaded_as_it_was_saved(saved: Path, llama: LocalComposer) -> None:
    assert reply(load(saved), ASK) == reply(llama, ASK)


@pytest.mark.parametrize("rank", [4, 8])
def test_an_adapter_is_merged_into_the_weights(saved: Path, tmp_path: Path, rank: int) -> None:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    base = load(saved).model
    linear = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=linear, init_lora_weights=False)
    adapted = get_peft_model(base, config)
    adapted.save_pretrained(tmp_path)
    merged = load(saved, adapter=tmp_path).model
    ids = torch.arange(1, 20)[None]
    assert torch.allclose(merged(ids).logits, adapted(ids).logits, atol=1e-4)
    assert not any("lora" in name for name, _ in merged.named_parameters())


@pytest.mark.filterwarnings("ignore")
def test_nf4_weights_write_canvases_with_the_same_code(
    tmp_path: Path, llama_tokenizer: PreTrainedTokenizerFast
) -> None:
    tiny_llama(len(llama_tokenizer), width=128).save_pretrained(tmp_path)  # the kernels want blocks of 64
    llama_tokenizer.save_pretrained(tmp_path)
    composer = load(tmp_path, quantization="nf4")
    assert type(composer.model.model.layers[0].mlp.up_proj).__name__ == "Linear4bit"
    assert read_canvas(reply(composer, ASK)).status == "accept"


def test_weights_that_do_not_fit_the_configuration_are_refused(saved: Path, tmp_path: Path) -> None:
    for file in saved.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(BrokenWeightsError, match=r"missing_keys: model\.layers\.2"):
        load(tmp_path)


def test_a_model_that_takes_no_instructions_is_refused(saved: Path, tmp_path: Path) -> None:
    for file in saved.iterdir():
        if file.name != "chat_template.jinja":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(BrokenWeightsError, match="no chat template"):
        load(tmp_path)


def test_a_model_is_told_no_more_than_it_has_places_for(saved: Path, tmp_path: Path) -> None:
    for file in saved.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 2048}))
    assert load(tmp_path).profile.context_tokens == 2048
    assert load(saved).profile.context_tokens == PROFILE.context_tokens


def test_a_file_that_was_cut_short_is_named(saved: Path, tmp_path: Path) -> None:
    for file in saved.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(BrokenWeightsError, match=str(tmp_path)):
        load(tmp_path)


def test_phi_3_s_shape_works_from_end_to_end(phi_tokenizer: PreTrainedTokenizerFast) -> None:
    composer = composer_of(tiny_phi, phi_tokenizer, prose=False)
    chat: list[Message] = [*ASK, {"role": "assistant", "content": a_reply("apple")}, *ASK]
    assert read_canvas(reply(composer, chat)).status == "accept"


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("room", [120, 700])
def test_whatever_a_model_writes_a_covered_request_becomes_a_plan_that_does_not_contradict_it(
    tokenizer: PreTrainedTokenizerFast, seed: int, room: int
) -> None:
    composer = composer_of(lambda size: tiny_llama(size, seed), tokenizer, prose=False)
    composer.profile = replace(composer.profile, brief=True, covers=True)
    settings = replace(GREEDY, temperature=1.0, seed=seed, max_new_tokens=room)
    reading = read_canvas(reply(composer, [{"role": "user", "content": "a duck under an oak at night"}], settings))
    assert reading.status == "accept" and reading.canvas is not None
    found = {region.description: region.box for region in reading.canvas.regions}
    if {"A duck.", "An oak."} <= found.keys():
        assert found["A duck."].top + found["A duck."].bottom > found["An oak."].top + found["An oak."].bottom


def test_an_edit_that_needs_no_model_asks_none_and_says_so(llama: LocalComposer) -> None:
    llama.profile = replace(llama.profile, brief=True, covers=True)
    program = "```python\ncanvas = Canvas()\ncanvas.set_global_description(\n    description='A duck and an oak.',\n"
    program += "    HTML_web_color_name='teal',\n)"
    for thing, side in (("A duck.", "left"), ("An oak.", "right")):
        program += f"\ncanvas.add_local_description(\n    description='{thing}',\n    location='on the {side}',\n"
        program += "    area='a small square area',\n    HTML_web_color_name='teal',\n)"
    chat: list[Message] = [
        {"role": "user", "content": "a duck and an oak"},
        {"role": "assistant", "content": program + "\n```"},
    ]
    canvas = read_canvas(reply(llama, [*chat, {"role": "user", "content": "swap them"}])).canvas
    assert canvas is not None
    assert [region.location for region in canvas.regions] == ["on the right", "on the left"]
    assert llama.stats.passes == 0 and llama.stats.notes == (BY_RULE,)
    reply(llama, [*chat, {"role": "user", "content": "make them dance"}])
    assert llama.stats.passes > 0 and llama.stats.notes == ()


def test_inside_a_line_that_must_follow_only_its_next_token_may(llama: LocalComposer) -> None:
    llama.profile = replace(llama.profile, brief=True, covers=True)
    rules = llama.rules([{"role": "user", "content": "a duck at night"}])
    whole = "```python\ncanvas = Canvas()\ncanvas.set_global_description(\n    description='A duck.',\n"
    tokens = llama.tokenizer(whole, add_special_tokens=False)["input_ids"]
    assert rules.consume(tokens) == len(tokens)
    wanted = rules.forced(False)
    for token in wanted[:-1]:  # as where a draft ends within the line
        allowed = rules.allowed()
        assert allowed is not None and allowed.sum() == 1 and allowed[token]
        assert rules.consume([token]) == 1
