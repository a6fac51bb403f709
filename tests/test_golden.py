"""Same texts, prompts, seeds and settings, same readings, reply and latents as before: held in golden.json.

After a deliberate change: `python -m tests.test_golden` writes the file anew; say in the commit what moved and why.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch

from lib_omost.canvas import Canvas, read_canvas, report
from lib_omost.composer import ComposeSettings, LocalComposer, Message, Profile
from lib_omost.renderer import RenderSettings
from tests.canvas.test_messages import blocks
from tests.composer.conftest import a_canvas, tiny_llama
from tests.runtime.original_layout import tiny_pipeline

GOLDEN = Path(__file__).with_name("golden.json")


def digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def readings() -> dict[str, str]:
    """Of every program of messages.txt: what a strict and what a tolerant reading says, and its code."""
    return {
        name: digest(
            *(
                json.dumps(report(reading), ensure_ascii=False) + reading.code + str(reading.spans)
                for reading in (read_canvas(program, strict=strict) for strict in (True, False))
            )
        )
        for name, program, _ in blocks()
    }


def reply() -> str:
    """What a tiny random Llama says at temperature 0 under the grammar, and then to an edit of it."""
    from lib_omost.runtime.random_models import byte_tokenizer

    tokenizer = byte_tokenizer()
    composer = LocalComposer(tiny_llama(len(tokenizer)), tokenizer, Profile("You compose.", 8192, True, prose=False))
    settings = ComposeSettings(temperature=0, max_new_tokens=1200)
    messages: list[Message] = [{"role": "user", "content": "a red apple on a table"}]
    first = "".join(composer.stream(messages, settings, Event()))
    messages += [{"role": "assistant", "content": first}, {"role": "user", "content": "make it green"}]
    return digest(first, "".join(composer.stream(messages, settings, Event())))


def latents() -> list[float]:
    """Of a tiny random SDXL and two regions: some of its numbers, which differ between machines in the last digits."""
    canvas: Canvas = a_canvas("red apple", "yellow balloon")
    pipe = tiny_pipeline()
    settings = RenderSettings(width=128, height=192, steps=4, seed=7)
    found: torch.Tensor = pipe(
        canvas,
        width=settings.width,
        height=settings.height,
        num_inference_steps=settings.steps,
        generator=torch.Generator().manual_seed(settings.seed),
        output_type="latent",
    ).images
    return [round(float(number), 5) for number in found.flatten()[:: found.numel() // 24]]


def computed() -> dict[str, Any]:
    return {"readings": readings(), "reply": reply(), "latents": latents()}


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_every_golden_text_reads_as_before(golden: dict[str, Any]) -> None:
    assert readings() == golden["readings"]


def test_a_seeded_model_says_the_same_words_as_before(golden: dict[str, Any]) -> None:
    assert reply() == golden["reply"]


def test_a_seeded_pipeline_gives_the_same_latents_as_before(golden: dict[str, Any]) -> None:
    assert latents() == pytest.approx(golden["latents"], abs=2e-3)


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(computed(), indent=1) + "\n", encoding="utf-8")
