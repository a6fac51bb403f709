"""Tokens, passes and seconds of new canvases and of every kind of edit, against plain `generate` in the same run.

python -m bench compose                                      the default model on this machine
python -m bench compose --device cuda --random-weights 8b    passes of Llama 8B in nf4; replies counted as recorded here
                        --compile                            with the short passes compiled
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

import torch

from bench._record import RESULTS, Number, record, table
from lib_omost.canvas import read_canvas
from lib_omost.composer import ComposeSettings, LocalComposer, Message, load_local
from lib_omost.composer.cached_model import CachedModel, cached_model
from lib_omost.composer.sampling import Logits
from lib_omost.composer.tokens import encode

NEW = (
    "a red apple on the left and a yellow balloon on the top right",
    "a white cat in front of a blue sofa in a living room",
    "an old lighthouse on a cliff, stormy sky, oil painting",
    "three birds above a wooden boat on a lake",
    "a knight holding a sword next to a castle, pixel art",
)
EDITS = {
    "recolour": "make the balloon blue",
    "resize": "make the apple bigger",
    "move": "move the apple to the right",
    "replace": "replace the apple with a pear",
    "add": "add a small dog on the bottom",
    "remove": "remove the apple",
    "background": "put it in a forest",
    "style": "make it a watercolor",
}
PACKAGES = ("torch", "transformers", "llguidance", "peft", "bitsandbytes")
GREEDY = ComposeSettings(temperature=0, max_new_tokens=1200)
PASS_SIZES = (1, 4, 8, 16, 32)
TURNS = (3, 12, 30)


def main(argv: list[str]) -> dict[str, Number]:
    from lib_omost.runtime.device import named_device

    args = _arguments(argv)
    device = named_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.random_weights:
        numbers = random_weights(args.random_weights, device, compiled=args.compile)
    else:
        numbers = default_model(args)
    if not args.random_weights and not args.chat:
        record("compose", argv, numbers, PACKAGES)
    return numbers


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench compose", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--random-weights", choices=("8b", "tiny"), help="time passes of this shape instead")
    parser.add_argument("--compile", action="store_true", help="with random weights on CUDA: compile short passes")
    parser.add_argument("--dtype", default="bfloat16", choices=("bfloat16", "float32"))
    parser.add_argument("--threads", type=int, default=0, help="of torch; the app's choice by default")
    parser.add_argument("--plain", type=int, default=96, help="tokens over which the pace of `generate` is taken")
    parser.add_argument("--new", type=int, default=len(NEW), help="how many new canvases")
    parser.add_argument("--edits", type=int, default=len(EDITS), help="how many kinds of edits")
    parser.add_argument("--chat", action="store_true", help="only the row of a long chat: turns 3, 12 and 30")
    return parser.parse_args(argv)


# --- replies of the default model ---


def default_model(args: argparse.Namespace) -> dict[str, Number]:
    from lib_omost.runtime import catalog
    from lib_omost.runtime.device import use_threads

    entry, device, dtype = catalog.llm("default"), torch.device(args.device), getattr(torch, args.dtype)
    composer = load_local(
        catalog.locate(entry), profile=entry.profile, adapter=entry.adapter, dtype=dtype, device=device
    )
    if not args.threads:
        use_threads(device, sum(weight.nbytes for weight in composer.model.parameters()))
    list(composer.stream([_user("a dog")], replace(GREEDY, max_new_tokens=8), threading.Event()))  # warm up
    sizes = _counted(composer.cached)
    remembered = list(composer.replies)[:1]  # a reply is not to be copied from those before it
    rows: list[list[Number]] = []
    first: list[Message] = []
    if args.chat:
        reply = "".join(composer.stream([_user(NEW[0])], GREEDY, threading.Event()))
        return long_chat(composer, [_user(NEW[0]), {"role": "assistant", "content": reply}])
    for prompt in reversed(NEW[: args.new]):  # the one that is edited comes last, and is in the cache then
        composer.release()
        composer.replies.clear()
        composer.replies.extend(remembered)
        reply, row = _measured(composer, sizes, [_user(prompt)], "new", args.plain)
        rows.append(row)
        first = [_user(prompt), {"role": "assistant", "content": reply}]
    after_first = list(composer.replies)
    for kind, request in list(EDITS.items())[: args.edits]:
        composer.replies.clear()
        composer.replies.extend(after_first)
        rows.append(_measured(composer, sizes, [*first, _user(request)], kind, args.plain)[1])
    head = ["turn", "tokens", "passes", "tokens/pass", "s", "generate s", "times", "first s", "read/pass", "valid"]
    print(table(head, rows))
    full, second = _first_tokens(composer, first)
    return (
        _summary(rows)
        | long_chat(composer, first)
        | {
            "second_turn_first_token_s": round(second, 3),
            "second_turn_full_prefill_s": round(full, 3),
            "second_turn_share": round(second / full, 3),
            "threads": torch.get_num_threads(),
            "dtype": str(composer.model.dtype).removeprefix("torch."),
        }
    )


def _user(text: str) -> Message:
    return {"role": "user", "content": text}


def _measured(
    composer: LocalComposer, sizes: list[int], messages: list[Message], kind: str, plain_tokens: int
) -> tuple[str, list[Number]]:
    """A reply, and its row. Seconds are the processor's, so that what else runs here does not count."""
    sizes.clear()
    began = time.process_time()
    reply = "".join(composer.stream(messages, GREEDY, threading.Event()))
    seconds = time.process_time() - began
    stats = composer.stats
    plain_s = _generate_s(composer, messages, stats.new_tokens, plain_tokens)
    valid = read_canvas(reply).status == "accept"
    row: list[Number] = [kind, stats.new_tokens, stats.passes, stats.tokens_per_pass, seconds, plain_s]
    row += [plain_s / seconds, stats.first_token_s, sum(sizes) / len(sizes), int(valid)]
    print(*(f"{cell:.3g}" if isinstance(cell, float) else cell for cell in row), flush=True)
    return reply, row


def _generate_s(composer: LocalComposer, messages: list[Message], tokens: int, measured: int) -> float:
    """Seconds of transformers' `generate`, greedy, for `tokens`: the first, the rest at the pace of `measured`."""
    system: Message = {"role": "system", "content": composer.profile.system_prompt}
    prompt = torch.tensor([encode(composer.tokenizer, [system, *messages])], device=composer.model.device)

    def seconds(count: int) -> float:
        began = time.process_time()
        composer.model.generate(prompt, do_sample=False, min_new_tokens=count, max_new_tokens=count, pad_token_id=0)
        return time.process_time() - began

    first = seconds(1)
    return first + (seconds(measured + 1) - first) / measured * (tokens - 1)


def _summary(rows: Sequence[Sequence[Number]]) -> dict[str, Number]:
    numbers: dict[str, Number] = {"valid": sum(int(row[9]) for row in rows) / len(rows)}
    for name, chosen in (("new", [r for r in rows if r[0] == "new"]), ("edit", [r for r in rows if r[0] != "new"])):
        tokens, passes, seconds, plain = (sum(float(row[column]) for row in chosen) for column in (1, 2, 4, 5))
        numbers |= {
            f"{name}_tokens_per_pass": round(tokens / passes, 2),
            f"{name}_speedup": round(plain / seconds, 2),
            f"{name}_read_per_pass": round(sum(float(row[8]) for row in chosen) / len(chosen), 1),
            f"{name}_tokens_per_s": round(tokens / seconds, 1),
            f"{name}_seconds": round(seconds / len(chosen), 2),
            f"{name}_generate_seconds": round(plain / len(chosen), 2),
        }
    return numbers | {"first_token_s": round(median(float(row[7]) for row in rows if row[0] == "new"), 3)}


def _first_tokens(composer: LocalComposer, turn: list[Message], repeats: int = 3) -> tuple[float, float]:
    """Seconds to the first token of a second turn, with nothing read before and with the first turn read."""

    def first_token(messages: list[Message]) -> float:
        stop = threading.Event()
        stream = composer.stream(messages, GREEDY, stop)
        next(stream)  # what the grammar dictates; from here on the counts are this run's
        while not composer.stats.passes:
            next(stream)
        del stream
        return composer.stats.first_token_s

    full, second = [], []
    for _ in range(repeats):
        second.append(first_token([*turn, _user("make it bigger")]))
        composer.release()
        full.append(first_token([*turn, _user("make it bigger")]))
    return median(full), median(second)


def long_chat(composer: LocalComposer, first: list[Message]) -> dict[str, Number]:
    """Seconds of the processor to the first token of turns 3, 12 and 30 of one chat, each after the turn before it; and
    how many tokens a turn reads: of this profile, and of one that is told all that fits.
    """
    whole = replace(composer.profile, recent_only=False)
    read = {"own": _tokens_read(composer, first), "whole": []}
    own, composer.profile = composer.profile, whole
    read["whole"] = _tokens_read(composer, first)
    composer.profile = own
    seconds = {turn: _first_token_cpu_s(composer, first, turn) for turn in TURNS}
    rows: list[list[Number]] = [[turn, seconds[turn], read["own"][turn - 1], read["whole"][turn - 1]] for turn in TURNS]
    print(table(["turn", "first token, cpu s", "tokens read", "with all that fits"], rows))
    late = sorted(read["whole"][2:])
    return {
        **{f"turn_{turn}_first_token_s": round(seconds[turn], 3) for turn in TURNS},
        "turn_30_over_3": round(seconds[30] / seconds[3], 2),
        "turn_30_over_3_tokens": round(read["own"][29] / read["own"][2], 2),
        "whole_read_median": late[len(late) // 2],
        "whole_read_most": late[-1],
        "whole_steps": sum(count > 2 * late[len(late) // 2] for count in read["whole"][2:]),
    }


def _chat(first: list[Message], turn: int) -> list[Message]:
    """A chat whose turn of that number is asked next; each edit is answered by the plan in another colour."""
    request, reply = first
    answers = [reply["content"].replace("'red'", f"'{color}'") for color in ("blue", "gold", "red", "green")]
    said = [request, {**reply}]
    for number in range(turn - 2):
        color = ("blue", "gold", "red", "green")[number % 4]
        said += [_user(f"make the apple {color}"), {"role": "assistant", "content": answers[number % 4]}]
    return [*said, _user("make the balloon bigger")] if turn > 1 else [request]


def _tokens_read(composer: LocalComposer, first: list[Message]) -> list[int]:
    """Of each turn the tokens that were in no turn before: the reply to the last one counts as read."""
    found, before = [], list[int]()
    for turn in range(1, TURNS[-1] + 1):
        prompt, _ = composer.prompt(_chat(first, turn), GREEDY)
        shared = next((at for at, (a, b) in enumerate(zip(before, prompt, strict=False)) if a != b), len(before))
        found.append(len(prompt) - min(shared, len(prompt)))
        before, _ = composer.prompt(_chat(first, turn), GREEDY)
    return found


def _first_token_cpu_s(composer: LocalComposer, first: list[Message], turn: int) -> float:
    composer.release()
    for number in (turn - 1, turn):
        began = time.process_time()
        stream = composer.stream(_chat(first, number), GREEDY, threading.Event())
        next(stream)
        while not composer.stats.passes:
            next(stream)
        seconds = time.process_time() - began
        del stream
    return seconds


def _counted(cached: CachedModel) -> list[int]:
    """How many tokens each pass reads from now on."""
    sizes: list[int] = []
    forward = cached.forward

    def counting(tokens: Sequence[int], answers: int) -> Logits:
        sizes.append(len(tokens))
        return forward(tokens, answers)

    cached.forward = counting  # type: ignore[method-assign]
    return sizes


# --- passes of a large model ---


def random_weights(shape: str, device: torch.device, *, compiled: bool = False) -> dict[str, Number]:
    """Seconds of passes over a cache of 1,500 tokens, and what they make of the replies that were recorded."""
    from lib_omost.runtime.device import describe, synchronize
    from lib_omost.runtime.random_models import LLAMA_3_8B, TINY_LLAMA, random_composer

    composer = random_composer({"8b": LLAMA_3_8B, "tiny": TINY_LLAMA}[shape], device)
    model, beside = composer.model, _beside_passes_s(composer)
    cached = cached_model(model, compiled=compiled)
    for _ in range(12):
        cached.forward([5] * 125, 1)
    seconds = {size: _pass_s(cached, size, lambda: synchronize(device)) for size in PASS_SIZES}
    print(table(["tokens in a pass", "ms", "ms a token"], [[n, s * 1e3, s * 1e3 / n] for n, s in seconds.items()]))
    began = time.perf_counter()
    prompt = torch.full((1, 1500), 5, device=device)
    model.generate(prompt, do_sample=False, min_new_tokens=64, max_new_tokens=64, pad_token_id=0)
    synchronize(device)
    plain = 64 / (time.perf_counter() - began)
    numbers: dict[str, Number] = {f"pass_{size}_ms": round(s * 1e3, 2) for size, s in seconds.items()}
    numbers |= {"beside_ms": round(beside * 1e3, 3), "device": describe(device), "compiled": int(compiled)}
    return numbers | {"generate_tokens_per_s": round(plain, 1)} | _recorded(seconds, plain, beside)


def _beside_passes_s(composer: LocalComposer) -> float:
    """Seconds a token takes beside the passes: the grammar, the choice among as many tokens as the model knows."""
    spent = [0.0]
    forward = composer.cached.forward

    def timed(tokens: Sequence[int], answers: int) -> Logits:
        began = time.perf_counter()
        logits = forward(tokens, answers)
        spent[0] += time.perf_counter() - began
        return logits

    composer.cached.forward = timed  # type: ignore[method-assign]
    settings = replace(GREEDY, max_new_tokens=300)
    list(composer.stream([_user("a dog")], replace(settings, max_new_tokens=8), threading.Event()))  # warm up
    spent[0], began = 0.0, time.perf_counter()
    list(composer.stream([_user("a red apple")], settings, threading.Event()))
    return (time.perf_counter() - began - spent[0]) / composer.stats.new_tokens


def _pass_s(cached: CachedModel, size: int, synchronize: object, repeats: int = 10) -> float:
    assert callable(synchronize)
    times = []
    for _ in range(repeats + 2):
        began = time.perf_counter()
        cached.forward([7] * size, size)
        synchronize()
        times.append(time.perf_counter() - began)
        cached.crop(size)
    return median(times[2:])


def _recorded(seconds: dict[int, float], plain: float, beside: float) -> dict[str, Number]:
    """Tokens a second of the recorded replies, had this model written them; `beside`: seconds a token beside passes."""
    numbers = json.loads((RESULTS / "compose.json").read_text())["numbers"]
    speed: dict[str, Number] = {}
    for name in ("new", "edit"):
        per_pass = float(numbers[f"{name}_tokens_per_pass"])
        size = float(numbers[f"{name}_read_per_pass"])
        tokens_per_s = 1 / (_between(seconds, size) / per_pass + beside)
        speed |= {f"{name}_tokens_per_s": round(tokens_per_s, 1), f"{name}_speedup": round(tokens_per_s / plain, 2)}
    return speed


def _between(seconds: dict[int, float], size: float) -> float:
    """Seconds of a pass over `size` tokens, by straight lines between the sizes measured."""
    sizes = sorted(seconds)
    size = min(max(size, sizes[0]), sizes[-1])
    above = next(s for s in sizes if s >= size)
    below = max(s for s in sizes if s <= size)
    share = (size - below) / (above - below) if above > below else 0.0
    return seconds[below] + share * (seconds[above] - seconds[below])
