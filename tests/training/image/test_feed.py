from __future__ import annotations

import random
from types import SimpleNamespace

import torch
from transformers import CLIPTokenizer

from lib_omost.canvas.vocabulary import WHOLE
from lib_omost.renderer.bags import partition
from lib_omost.renderer.text import padded_ids
from training.image.captions import FILLERS, Text, caption
from training.image.catalogue import Catalogue
from training.image.feed import MAX_BAGS, SHORT_ROW, Rows, SceneStream, TextStream, said, scenes, texts
from training.image.scenes import make_scene
from training.image.tiny import PREPARED


def test_a_text_becomes_the_token_rows_that_the_renderer_makes_of_it(clip_tokenizer: CLIPTokenizer) -> None:
    text = Text(("a red cat on the left in a park.", "a red cat."), FILLERS)
    pipe = SimpleNamespace(maybe_convert_prompt=lambda words, tokenizer: words)
    rows = Rows(clip_tokenizer)
    bags = partition(text.prefixes, text.suffixes, lambda words: len(rows.ids(words))).bags
    assert len(bags) > 1
    assert rows(text) == [list(padded_ids(pipe, clip_tokenizer, bag)) for bag in bags]


def test_the_whole_canvas_comes_first_and_every_region_has_its_box(
    shape_catalogue: Catalogue, clip_tokenizer: CLIPTokenizer
) -> None:
    rows = Rows(clip_tokenizer)
    for number in range(30):
        scene = make_scene(shape_catalogue, number)
        bags = said(caption(scene, random.Random(number)), rows, random.Random(number))
        assert bags[0][0] == WHOLE
        assert len(bags) <= MAX_BAGS
        if len(bags) < MAX_BAGS:
            assert {box for box, _ in bags} == {WHOLE, *(thing.box for thing in scene.things)}


def test_a_batch_of_texts_holds_regions_words_alone_and_dropped_prompts(shape_catalogue: Catalogue) -> None:
    stream = TextStream(shape_catalogue, PREPARED / "tokenizer", first=0, scenes=50, batch=200, seed=0)
    batch = next(texts(stream, workers=0))
    bags = (batch.boxes[..., 3] > 0).sum(1)
    assert batch.boxes[:, 0].tolist() == [[0, 0, 90, 90]] * 200
    assert 0.6 < (bags > 1).float().mean() < 0.85
    assert 0 < batch.silent.sum() < 30
    assert batch.ids.shape == (int(bags.sum()), 77)
    assert torch.equal(batch.slot // MAX_BAGS, torch.repeat_interleave(torch.arange(200), bags))


def test_short_batches_hold_whole_texts_in_rows_of_32_tokens(shape_catalogue: Catalogue) -> None:
    prepared = PREPARED / "tokenizer"
    stream = TextStream(shape_catalogue, prepared, first=0, scenes=50, batch=100, seed=0, short=1.0)
    batch = next(texts(stream, workers=0))
    eos = CLIPTokenizer.from_pretrained(prepared).eos_token_id
    assert batch.ids.shape[1] == SHORT_ROW
    assert (batch.ids == eos).any(1).all()
    assert (batch.ids[:, -2] == eos).float().mean() > 0.8  # a scene of four things is often too long for any wording


def test_workers_draw_all_scenes_between_them(shape_catalogue: Catalogue) -> None:
    stream = SceneStream(shape_catalogue, first=40, batch=2, batches=3)
    assert [first for first, _ in scenes(stream, workers=0)] == [40, 42, 44]
