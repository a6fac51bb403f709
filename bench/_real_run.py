"""python -m bench._real_run JOB: one process that loads files as the application does, works and tells what it took.

JOB is JSON: "llm", "sdxl": paths; "models_dir"; "loras": name -> weight; "acts": of rest, plan and picture, in order;
"prompt", "tokens", "size": of the work. "rest" loads for a card's formats and sends all parts to torch's device without
memory and back, as a card that is too small for them does.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from lib_omost.composer import ComposeSettings
from lib_omost.renderer import RenderSettings
from lib_omost.runtime import Engine, catalog
from lib_omost.runtime.hub import SDXL_PARTS
from lib_omost.runtime.load_llm import load_composer
from lib_omost.runtime.machine import Machine
from lib_omost.runtime.random_models import six_regions

Numbers = dict[str, float | int | str]
CARD_GIB = 8.0


class Watch:
    """The highest memory of this process: resident by the system's count, its own and swapped by ours, in MiB."""

    def __init__(self) -> None:
        self.highest: dict[str, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            self.look()

    def look(self) -> None:
        status = Path("/proc/self/status")
        for line in status.read_text().splitlines() if status.exists() else []:
            field, _, value = line.partition(":")
            if field in ("VmHWM", "RssAnon", "VmSwap"):
                self.highest[field] = max(self.highest.get(field, 0), int(value.split()[0]) / 1024)

    def end(self) -> Numbers:
        self._ended.set()
        self._thread.join()
        self.look()
        names = {"VmHWM": "peak_resident_mib", "RssAnon": "peak_own_mib", "VmSwap": "swapped_mib"}
        return {name: round(self.highest.get(field, 0)) for field, name in names.items()}


def main(argv: list[str]) -> int:
    job = json.loads(argv[0])
    catalog.MODELS_DIR = Path(job["models_dir"])
    watch = Watch()
    numbers = rest(job) if job["acts"] == ["rest"] else work(job)
    print(json.dumps(numbers | watch.end()))
    return 0


def rest(job: dict[str, Any]) -> Numbers:
    """Loads what there is for a card, and moves each part there and back twice."""
    machine, numbers = Machine("meta", CARD_GIB), dict[str, float | int | str]()
    names = list[str]()
    if job["llm"]:
        began = time.perf_counter()
        machine.adopt_llm(load_composer(catalog.llm(job["llm"]), machine.device, None, resting=True))
        numbers["load_s"], names = round(time.perf_counter() - began, 1), ["llm"]
    if job["sdxl"]:
        began = time.perf_counter()
        machine.load_sdxl(catalog.sdxl(job["sdxl"]), {})
        numbers["load_s"], names = round(time.perf_counter() - began, 1), [*names, *SDXL_PARTS]
        numbers["leftovers"] = len(machine._load_notes)
    for name in names * 2:
        if name != "llm":  # a packed layer refuses a device without memory
            machine.offloader.load([name])
            machine.offloader.evict([name])
    return {
        "leftovers": 0,
        "pinned": int(bool(machine.pipe and machine.pipe.unet.conv_in.weight.is_pinned())),
    } | numbers


def work(job: dict[str, Any]) -> Numbers:
    """The acts, one after the other, on the CPU."""
    engine = Engine(job["llm"] or "default", job["sdxl"] or "default", device="cpu")
    if job["loras"]:
        engine.use_sdxl(job["sdxl"], job["loras"])
    numbers: Numbers = {"leftovers": 0}
    for number, act in enumerate(job["acts"]):
        began = time.perf_counter()
        numbers |= _plan(engine, job) if act == "plan" else _picture(engine, job)
        numbers[f"{number + 1}_{act}_s"] = round(time.perf_counter() - began, 1)
    return numbers


def _plan(engine: Engine, job: dict[str, Any]) -> Numbers:
    """A reply, or, with a short "prompt", its first tokens after so many alone: a CPU reads the whole one in half an
    hour at this size."""
    began = time.perf_counter()
    composer = engine._load_llm()
    load_s = round(time.perf_counter() - began, 1)
    if job["prompt"]:
        return {"llm_load_s": load_s, **_first_tokens(composer, job["prompt"], job["tokens"])}
    settings = ComposeSettings(max_new_tokens=job["tokens"], temperature=0.0)
    text = "".join(engine.compose([{"role": "user", "content": "a red apple"}], settings, threading.Event()))
    stats = engine.compose_stats
    assert stats is not None and text
    return {"llm_load_s": load_s, "prompt_tokens": stats.prompt_tokens, "new_tokens": stats.new_tokens}


def _first_tokens(composer: Any, prompt: int, tokens: int) -> Numbers:
    """`tokens` greedy ones, through the composer's own cache; they are numbers, or it fails."""
    seconds, given = list[float](), composer.tokenizer("a red apple on a wooden table, in the morning")["input_ids"]
    reading = given[:prompt]
    for _ in range(tokens):
        began = time.perf_counter()
        logits = composer.cached.forward(reading, 1)
        seconds.append(time.perf_counter() - began)
        assert np.isfinite(logits).all()
        reading = [int(logits[-1].argmax())]
    numbers: Numbers = {
        "prompt_tokens": len(given[:prompt]),
        "new_tokens": tokens,
        "first_token_s": round(seconds[0], 1),
    }
    composer.release()
    return numbers | {"token_s": round(seconds[-1], 1)}


def _picture(engine: Engine, job: dict[str, Any]) -> Numbers:
    began = time.perf_counter()
    engine._load_sdxl()
    load_s, steps = round(time.perf_counter() - began, 1), list[float]()
    settings = RenderSettings(width=job["size"], height=job["size"], steps=1)
    started = time.perf_counter()
    images = engine.render(six_regions(), settings, lambda *_: steps.append(time.perf_counter()), threading.Event())
    assert images[0].size == (job["size"], job["size"])
    done = {"step_s": round(steps[-1] - started, 1), "decode_s": round(time.perf_counter() - steps[-1], 1)}
    return {"sdxl_load_s": load_s, "leftovers": len(engine.render_notes)} | done


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
