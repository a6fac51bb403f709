"""What `omost doctor --card` measures, a stage each: attention, moves, passes, and the cycle of plans and pictures.

Every stage returns numbers and sentences under short names; card_check.py runs them and makes the report.
"""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from lib_omost.composer import ComposeSettings, LocalComposer, Message
from lib_omost.composer.cached_model import CachedModel, FixedModel
from lib_omost.renderer import RenderSettings
from lib_omost.renderer.attention import BACK_ENDS
from lib_omost.renderer.regions import MaskLevel, build_level, fold_gain
from lib_omost.renderer.trials import suits
from lib_omost.runtime import device as devices
from lib_omost.runtime.catalog import llm, sdxl
from lib_omost.runtime.load_sdxl import load_pipeline
from lib_omost.runtime.machine import Machine
from lib_omost.runtime.offload import move, resting_copies, restore
from lib_omost.runtime.peaks import Peaks, process_mib
from lib_omost.runtime.random_models import LLAMA_3_8B, TINY_LLAMA, random_composer, random_pipeline, six_regions

Measured = dict[str, Any]
PASSES = (1, 7, 32, 64)  # tokens
CACHES: dict[str, Callable[[Any], CachedModel]] = {"growing": CachedModel, "fixed": FixedModel}
PHASES = {("text_encoder", "text_encoder_2"): "text", ("unet",): "unet", ("vae",): "vae"}


@dataclass(frozen=True, slots=True)
class Scale:
    """How large everything is. `levels`: channels, heads, height and width of the attention's layers; `read`: tokens in
    the cache before a pass; `tiny`: of the models."""

    levels: tuple[tuple[int, int, int, int], ...]
    text_tokens: int
    read: tuple[int, ...]
    picture: tuple[int, int]
    steps: int
    new_tokens: int
    tiny: bool


REAL = Scale(((640, 10, 72, 56), (1280, 20, 36, 28)), 308, (500, 3000, 7000), (896, 1152), 4, 64, tiny=False)
SMALL = Scale(((32, 4, 9, 7), (64, 4, 5, 4)), 20, (40,), (64, 64), 2, 8, tiny=True)


# --- the attention ---


def attention(device: torch.device, scale: Scale) -> Measured:
    """Of each back end on each level: how far from the formula, the root mean square of the error over that of the
    result, and its milliseconds; or what it failed with."""
    found: Measured = {}
    for channels, heads, height, width in scale.levels:
        masks = [torch.as_tensor(mask) for mask, *_ in six_regions().conditions()]
        lengths = [scale.text_tokens] * len(masks)
        level = build_level(masks, lengths, [1.0] * len(masks), height, width, device)
        q, k, v = _tensors(level, heads, channels // heads, device)
        wanted = formula(q, k, v, level)
        for name in BACK_ENDS:
            found[f"{name}_{channels}"] = _tried(name, level, q, k, v, wanted)
    return found


def _tensors(level: MaskLevel, heads: int, width: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values in the format of the device's UNet."""
    dtype = torch.float32 if device.type == "cpu" else torch.float16
    random = torch.Generator().manual_seed(0)
    tokens = len(level.tokens.region_of_token)
    sizes = (level.pixels, tokens, tokens)
    q, k, v = (torch.randn(1, heads, size, width, generator=random).to(device, dtype) for size in sizes)
    return q, k, v


def formula(q: Tensor, k: Tensor, v: Tensor, level: MaskLevel) -> Tensor:
    """One softmax over all tokens of all regions, every score written out, in float32 head by head."""
    region = level.tokens.region_of_token
    gains, visible = level.gains[region].to(q.device), level.masks[region].T
    heads = []
    for head in range(q.shape[1]):
        scores = q[:, head].float() @ k[:, head].float().mT * q.shape[-1] ** -0.5 * gains
        heads.append(scores.masked_fill(~visible, -torch.inf).softmax(-1) @ v[:, head].float())
    return torch.stack(heads, 1)


def _tried(name: str, level: MaskLevel, q: Tensor, k: Tensor, v: Tensor, wanted: Tensor) -> Measured | str:
    back_end = BACK_ENDS[name]
    if not suits(back_end, level, q):
        return "not for this device"
    folded = fold_gain(k.transpose(1, 2).flatten(2), level.gains[level.tokens.region_of_token])
    keys = level.tokens.pad(folded.view(1, -1, *k.shape[1::2]).transpose(1, 2))
    values = level.tokens.pad(v)
    try:
        found = back_end(q, keys, values, level, q.shape[-1] ** -0.5)
        ms = median_ms(lambda: back_end(q, keys, values, level, q.shape[-1] ** -0.5), q.device)
    except Exception as error:  # which kernels a build lacks is what this asks
        return said(error)
    away = (found.float() - wanted).square().mean().sqrt() / wanted.square().mean().sqrt()
    return {"error": float(f"{float(away):.2g}"), "ms": ms}


def median_ms(work: Callable[[], object], device: torch.device, times: int = 5) -> float:
    """After one time that does not count."""
    work()
    taken = []
    for _ in range(times):
        devices.synchronize(device)
        began = time.perf_counter()
        work()
        devices.synchronize(device)
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken) * 1000, 3)


def said(error: BaseException) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


# --- moves, and the same picture as on the CPU ---


def moves(device: torch.device, scale: Scale) -> Measured:
    """Whether a packed layer computes the same after it has left the device and come back, and leaves nothing there."""
    from bitsandbytes.nn import Linear4bit, Linear8bitLt

    nested = Linear4bit(256, 128, bias=False, quant_type="nf4", compress_statistics=True, compute_dtype=torch.float16)
    eight = Linear8bitLt(256, 128, bias=False, has_fp16_weights=False, threshold=6.0)
    return {"nf4": _moved(nested, device, copies=True), "int8": _moved(eight, device, copies=False)}


def _moved(layer: nn.Module, device: torch.device, *, copies: bool) -> str:
    torch.manual_seed(0)
    model = nn.Sequential(layer).half().eval().to("cpu")  # quantises
    question = torch.randn(3, 256, device=device).to(torch.float32 if device.type == "cpu" else torch.float16)
    resting = resting_copies(model) if copies else {}
    before, answers = devices.used_bytes(device), []
    for _ in range(2):
        move(model, device)
        answers.append(model(question).float().cpu())
        if copies and device.type != "cpu":
            restore(model, resting)
        else:
            move(model, torch.device("cpu"))
    devices.empty_cache(device)
    left = devices.used_bytes(device) - before
    away = float((answers[0] - answers[1]).abs().max())
    if not away < 1e-3:
        return f"computes something else after a move: {away:.2g} away"
    return "right" if device.type == "cpu" or left < 1 << 20 else f"right, and leaves {left} bytes"


def same_picture(device: torch.device, scale: Scale) -> Measured:
    """The default image model's picture on the device against the CPU's: the mean difference, of 255."""
    settings = replace(sdxl("default").defaults, steps=1 if device.type == "cpu" else 4)
    pixels = []
    for where in (torch.device("cpu"), device):
        machine = Machine(str(where))
        machine.adopt_sdxl(load_pipeline(sdxl("default"), where, {}))
        image = machine.render(six_regions(), settings, lambda *_: None, threading.Event(), None)[0]
        pixels.append(torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).float())
        machine.drop_sdxl()
    return {"difference": round(float((pixels[0] - pixels[1]).abs().mean()), 2)}


# --- passes of the language model, with both caches ---


def passes(composer: LocalComposer, scale: Scale) -> Measured:
    """Milliseconds of a pass of so many tokens after so many that are in the cache, for both kinds of it."""
    found: Measured = {}
    device = composer.model.device
    for kind, make in CACHES.items():
        cached = make(composer.model)
        for read in scale.read:
            while len(cached.tokens) < read:
                cached.forward([5] * min(512, read - len(cached.tokens)), 1)
            for count in PASSES:
                found[f"{kind}_{read}_{count}_ms"] = median_ms(_pass(cached, count), device, 3)
        cached.release()
        devices.empty_cache(device)
    return found


def _pass(cached: CachedModel, count: int) -> Callable[[], None]:
    def run() -> None:
        cached.forward([5] * count, count)
        cached.crop(count)

    return run


# --- plan, picture, edit, picture ---


def models(machine: Machine, scale: Scale) -> None:
    """Random ones of the size. The image model first: it is made on the device part by part, and leaves."""
    machine.adopt_sdxl(random_pipeline(machine.device, tiny=scale.tiny))
    machine.adopt_llm(random_composer(TINY_LLAMA if scale.tiny else LLAMA_3_8B, machine.device))


def cycle(machine: Machine, scale: Scale) -> Measured:
    """A plan, its picture, an edit and its picture: seconds of each and the peak memory of each phase."""
    peaks, found = Peaks(machine.device), dict[str, Any]()
    messages: list[Message] = [{"role": "user", "content": "a red apple on a wooden table"}]
    for act in ("plan", "edit"):
        began = time.perf_counter()
        peaks.enter("llm")
        text = "".join(machine.compose(llm("default"), messages, _writing(scale), threading.Event(), keep_llm=False))
        found[f"{act}_s"] = round(time.perf_counter() - began, 2)
        found |= _reply(machine, act)
        messages += [{"role": "assistant", "content": text}, {"role": "user", "content": "make the apple green"}]
        began = time.perf_counter()
        found |= {f"{act}_{name}": value for name, value in _painted(machine, scale, peaks).items()}
        found[f"{act}_picture_s"] = round(time.perf_counter() - began, 2)
    peaks.enter("end")
    found |= {f"{phase}_peak_mib": round(mib) for phase, mib in peaks.mib.items()}
    found |= {f"{phase}_reserved_mib": round(mib) for phase, mib in peaks.reserved.items()}
    found |= {f"{name.replace(' ', '_')}_s": round(s, 2) for name, s in machine.offloader.last_s.items()}
    return found | {"resident_mib": round(process_mib("VmRSS")), "swapped_mib": round(process_mib("VmSwap"))}


def _writing(scale: Scale) -> ComposeSettings:
    return ComposeSettings(max_new_tokens=scale.new_tokens, temperature=0.0)


def _reply(machine: Machine, act: str) -> Measured:
    stats = machine.compose_stats
    if stats is None or machine.composer is None:
        return {f"{act}_note": "the language model refused to leave the device and would be loaded again"}
    return {
        f"{act}_prompt_tokens": stats.prompt_tokens,
        f"{act}_new_tokens": stats.new_tokens,
        f"{act}_passes": stats.passes,
        f"{act}_first_token_s": round(stats.first_token_s, 2),
    }


def _painted(machine: Machine, scale: Scale, peaks: Peaks) -> Measured:
    assert machine.pipe is not None
    onload, times = machine.onload, list[float]()

    def watched(names: tuple[str, ...]) -> None:
        peaks.enter(PHASES.get(names, "+".join(names)))
        onload(names)

    def on_step(*_: object) -> None:
        devices.synchronize(machine.device)
        times.append(time.perf_counter())

    machine.pipe.onload = watched
    settings = RenderSettings(width=scale.picture[0], height=scale.picture[1], steps=scale.steps)
    machine.render(six_regions(), settings, on_step, threading.Event(), None)
    steps = [after - before for before, after in itertools.pairwise(times)]
    return {"step_s": round(statistics.median(steps), 3), "notes": list(machine.render_notes)}
