"""How much faster the region-masked cross-attention is than the formula written out, and what six regions cost.

On a CPU every time is CPU time of one thread, so that a busy machine does not count; on CUDA it is event time.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import Transformer2DModel, UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor

from bench._record import Number, record, table
from lib_omost.renderer.attention import BACK_ENDS, PlainAttention, RegionAttention, choose, has_varlen, install
from lib_omost.renderer.regions import RegionPlan, build_level, split_heads

LATENT = (144, 112)  # 896 x 1152 pixels
BAGS = (2, 3, 3, 2, 3, 2)
BOXES = ((0, 0, 90, 90), (0, 0, 60, 60), (30, 0, 90, 50), (20, 40, 70, 90), (0, 40, 35, 90), (50, 30, 90, 90))
LAYOUTS = {
    "one box": (BOXES[0], (20, 20, 70, 80)),
    "two apart": (BOXES[0], (0, 20, 45, 80), (45, 20, 90, 80)),
    "three apart": (BOXES[0], (0, 0, 45, 45), (45, 0, 90, 45), (0, 50, 90, 90)),
    "five that overlap": BOXES,
}
WIDTHS = {640: (72, 56), 1280: (36, 28)}
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
TEXT_WIDTH = 2048


class NaiveRegionAttention(RegionAttention):
    """The formula step by step, nothing kept between calls: the peer that speed-ups are measured against."""

    def __call__(
        self, attn: Any, hidden_states: Tensor, *args: Any, regions: RegionPlan | None = None, **kwargs: Any
    ) -> Tensor:
        if regions is None:
            return super().__call__(attn, hidden_states, *args, **kwargs)
        height, width = level_size(regions.latent_size, hidden_states.shape[1])
        masks = [naive_mask(mask, height, width).to(hidden_states) for mask in regions.masks]
        gain = torch.cat(
            [expand(height * width / m.sum() * m, n) for m, n in zip(masks, regions.lengths, strict=True)], 1
        )
        visible = torch.cat([expand(mask, n) for mask, n in zip(masks, regions.lengths, strict=True)], 1) > 0.5
        q, k, v = (
            split_heads(f(x), attn.heads)
            for f, x in ((attn.to_q, hidden_states), (attn.to_k, regions.text), (attn.to_v, regions.text))
        )
        scores = q @ k.transpose(-1, -2) * attn.scale * gain
        weights = scores.masked_fill(~visible, float("-inf")).softmax(-1)
        out: Tensor = attn.to_out[0]((weights @ v).transpose(1, 2).flatten(2))
        return out


def naive_mask(mask: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(mask[None, None], (height, width), mode="nearest-exact").flatten()


def expand(column: Tensor, tokens: int) -> Tensor:
    return column[:, None].repeat(1, tokens)


def level_size(latent: tuple[int, int], pixels: int) -> tuple[int, int]:
    height, width = latent
    while height * width > pixels:
        height, width = height // 2, width // 2
    return height, width


def box_masks(boxes: Sequence[tuple[int, int, int, int]]) -> list[Tensor]:
    """`(90, 90)` each, 1 inside of (left, top, right, bottom)."""
    masks = []
    for left, top, right, bottom in boxes:
        mask = torch.zeros(90, 90)
        mask[top:bottom, left:right] = 1
        masks.append(mask)
    return masks


def make_plan(device: str, dtype: torch.dtype, bags: tuple[int, ...] = BAGS) -> RegionPlan:
    masks = box_masks(BOXES[: len(bags)])
    random = torch.Generator().manual_seed(0)
    texts = [torch.randn(77 * n, TEXT_WIDTH, generator=random).to(device, dtype) for n in bags]
    return RegionPlan(masks, texts, LATENT)


def seconds(work: Callable[[], object], device: str) -> float:
    if device == "cpu":
        start = time.thread_time()
        work()
        return time.thread_time() - start
    torch.cuda.synchronize()
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    begin.record()
    work()
    end.record()
    torch.cuda.synchronize()
    return float(begin.elapsed_time(end)) / 1000


def race(works: dict[str, Callable[[], object]], repeats: int, device: str) -> dict[str, float]:
    """Median seconds of each, run in turns after one round of warm-up."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(repeats + 1):
        for name, work in works.items():
            taken = seconds(work, device)
            if turn:
                times[name].append(taken)
    return {name: statistics.median(values) for name, values in times.items()}


def layer_race(
    channels: int, dtype: torch.dtype, device: str, repeats: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds of one cross-attention layer by each form, and the largest errors of ours and of the naive form
    against float64."""
    torch.manual_seed(0)
    attn = Attention(channels, TEXT_WIDTH, heads=channels // 64, dim_head=64).to(device, dtype).eval()
    height, width = WIDTHS[channels]
    hidden = torch.randn(1, height * width, channels).to(device, dtype)
    naive = NaiveRegionAttention("layer")

    def ours(name: str) -> Callable[[], Tensor]:
        plan, processor = make_plan(device, dtype), RegionAttention("layer")
        plan.attend = BACK_ENDS.get(name)
        return lambda: processor(attn, hidden, regions=plan)

    names = [name for name in BACK_ENDS if name != "varlen" or has_varlen(hidden[..., :64])]
    naive_plan = make_plan(device, dtype)
    works: dict[str, Callable[[], object]] = {
        "naive": lambda: naive(attn, hidden, regions=naive_plan),
        **{name: ours(name) for name in ("auto", *names)},
    }
    times = race(works, repeats, device)
    exact_plan = make_plan(device, dtype)
    exact_plan.text = exact_plan.text.double()
    exact = naive(attn.double(), hidden.double(), regions=exact_plan)
    attn.to(dtype)
    found = {"ours": ours("auto")(), "naive": naive(attn, hidden, regions=naive_plan)}
    return times, {form: float((out.double() - exact).abs().max()) for form, out in found.items()}


def group_race(channels: int, layers: int, dtype: torch.dtype, device: str, repeats: int) -> dict[str, float]:
    """Median seconds of one transformer group of SDXL's real width: naive, ours, and with one plain 77-token prompt."""
    torch.manual_seed(0)
    with torch.device(device):
        heads = channels // 64
        group = Transformer2DModel(
            heads, 64, channels, num_layers=layers, cross_attention_dim=TEXT_WIDTH, use_linear_projection=True
        )
    group = group.to(dtype).eval()
    height, width = WIDTHS[channels]
    hidden = torch.randn(1, channels, height, width).to(device, dtype)
    processors = {
        "naive": [NaiveRegionAttention(str(i)) for i in range(layers)],
        "ours": [RegionAttention(str(i)) for i in range(layers)],
    }
    plans = {
        "naive": make_plan(device, dtype),
        "ours": make_plan(device, dtype),
        "plain": make_plan(device, dtype, (1,)),
    }

    def run(kind: str) -> Callable[[], object]:
        def work() -> object:
            for block, processor in zip(
                group.transformer_blocks, processors.get(kind, processors["ours"]), strict=True
            ):
                block.attn2.processor = processor
                block.attn1.processor = PlainAttention()
            return group(hidden, plans[kind].text, cross_attention_kwargs={"regions": plans[kind]})

        return work

    return race({kind: run(kind) for kind in plans}, repeats, device)


def compare_layouts(device: str, repeats: int) -> dict[str, Number]:
    """What `choose` rests on: milliseconds of the attention alone, for more and less overlap and two sizes of picture.

    The number returned is the most that the chosen back end loses against the best one.
    """
    rows: list[list[Number]] = []
    losses, names = [0.0], [name for name in BACK_ENDS if device == "cuda" or name != "varlen"]
    for (precision, dtype), channels, larger in itertools.product(DTYPES.items(), WIDTHS, (1, 2)):
        height, width = (larger * side for side in WIDTHS[channels])
        for layout, boxes in LAYOUTS.items():
            times, chosen, groups = back_end_race(boxes, channels, (height, width), dtype, device, names, repeats)
            losses.append(times[chosen] / min(times.values()) - 1)
            kind = f"{precision} {channels} {height}x{width}"
            cells = [times[name] * 1000 if name in times else "-" for name in names]
            rows.append([kind, layout, groups, *cells, chosen])
    print(table(["level", "boxes", "groups", *(f"{name} ms" for name in names), "chosen"], rows), flush=True)
    return {"most_lost": round(max(losses), 3)}


def back_end_race(
    boxes: Sequence[tuple[int, int, int, int]],
    channels: int,
    size: tuple[int, int],
    dtype: torch.dtype,
    device: str,
    names: Sequence[str],
    repeats: int,
) -> tuple[dict[str, float], str, int]:
    """Median seconds of each back end, the name of the one that is chosen, and the number of groups."""
    lengths, heads = [154] + [231] * (len(boxes) - 1), channels // 64
    level = build_level(box_masks(boxes), lengths, [1.0] * len(boxes), *size, device)
    q = torch.randn(1, level.pixels, heads, 64).to(device, dtype).transpose(1, 2)
    k, v = (level.tokens.pad(torch.randn(1, heads, sum(lengths), 64).to(device, dtype)) for _ in range(2))
    works: dict[str, Callable[[], object]] = {
        name: partial(BACK_ENDS[name], q, k, v, level, 0.125) for name in names if name != "varlen" or has_varlen(q)
    }
    chosen = next(name for name in BACK_ENDS if BACK_ENDS[name] is choose(level, q))
    return race(works, repeats, device), chosen, len(level.groups)


def sdxl_unet(width: int) -> UNet2DConditionModel:
    """SDXL's own shape, 1 + 2 + 10 transformer layers a block; `width` 320 is the real one."""
    return UNet2DConditionModel(
        sample_size=128,
        block_out_channels=(width, 2 * width, 4 * width),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 2, 10),
        attention_head_dim=(width // 64, width // 32, width // 16),
        cross_attention_dim=TEXT_WIDTH,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
    )


def step_race(device: str, repeats: int) -> dict[str, float]:
    """Median seconds of one guided step, six regions and a plain negative prompt: the formula written out, and ours."""
    torch.manual_seed(0)
    dtype = torch.float32 if device == "cpu" else torch.float16
    with torch.device(device):
        unet = sdxl_unet(64 if device == "cpu" else 320).to(dtype).eval()
    install(unet)
    ours = dict(unet.attn_processors)
    naive = {name: NaiveRegionAttention(p.layer) if isinstance(p, RegionAttention) else p for name, p in ours.items()}
    latents = torch.randn(1, 4, *LATENT).to(device, dtype)
    added = {"text_embeds": torch.randn(1, 1280).to(latents), "time_ids": torch.zeros(1, 6).to(latents)}
    plans = {kind: [make_plan(device, dtype), make_plan(device, dtype, (1,))] for kind in ("naive", "ours")}

    def step(kind: str) -> None:
        unet.set_attn_processor(dict(naive if kind == "naive" else ours))
        for plan in plans[kind]:
            unet(latents, 500, plan.text, added_cond_kwargs=added, cross_attention_kwargs={"regions": plan})

    times = race({kind: partial(step, kind) for kind in plans}, repeats, device)
    if device == "cuda":
        times |= {f"{kind}_mib": peak_mib(partial(step, kind)) for kind in plans}
    return times


def peak_mib(work: Callable[[], object]) -> float:
    """What `work` takes on the CUDA device beyond what lies there already."""
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    work()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


@torch.no_grad()
def main(argv: list[str]) -> dict[str, Number]:
    parser = argparse.ArgumentParser(prog="python -m bench attention", description=__doc__)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument(
        "--repeats", type=int, default=5, help="rounds of the layers and groups; whole steps run a third of them"
    )
    parser.add_argument("--save", action="store_true", help="write bench/results/attention.json")
    parser.add_argument("--layouts", action="store_true", help="only compare the back ends on several layouts")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    device, repeats, few = options.device, options.repeats, max(1, options.repeats // 3)
    numbers: dict[str, Number] = {}
    rows: list[list[Number]] = []
    if options.layouts:
        return compare_layouts(device, repeats)
    for name, dtype in DTYPES.items():
        for channels in WIDTHS:
            times, errors = layer_race(channels, dtype, device, repeats)
            numbers[f"{name}_{channels}"] = round(times["naive"] / times["auto"], 2)
            numbers[f"error_{name}_{channels}"] = float(f"{errors['ours']:.2g}")
            numbers[f"naive_error_{name}_{channels}"] = float(f"{errors['naive']:.2g}")
            for form, taken in times.items():
                numbers[f"{form}_ms_{name}_{channels}"] = round(taken * 1000, 1)
                rows.append([f"{name} {channels}", form, taken * 1000, times["naive"] / taken])
    print(table(["layer", "form", "ms", "speed-up"], rows), flush=True)
    numbers["max_error"] = max(numbers[f"error_fp32_{channels}"] for channels in WIDTHS)
    rows = []
    for (name, dtype), (channels, layers) in itertools.product(DTYPES.items(), ((640, 2), (1280, 10))):
        times = group_race(channels, layers, dtype, device, repeats)
        overhead = numbers[f"overhead_{name}_{channels}"] = round(times["ours"] / times["plain"] - 1, 3)
        numbers[f"naive_overhead_{name}_{channels}"] = round(times["naive"] / times["plain"] - 1, 3)
        rows.append([f"{name} {layers} x {channels}", times["plain"], times["ours"], times["naive"], overhead])
    print(table(["group", "plain s", "six regions s", "naive s", "overhead"], rows), flush=True)
    times = step_race(device, few)
    numbers["step_speedup"] = round(times["naive"] / times["ours"], 3)
    numbers |= {kind: round(value, 1) for kind, value in times.items() if kind.endswith("_mib")}
    print(table(["guided step", "s or MiB"], [[kind, value] for kind, value in times.items()]))
    if options.save:
        record("attention", argv, numbers, ["torch", "diffusers"])
    return numbers
