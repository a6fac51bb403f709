"""The command line: python -m lib_omost read | compose | render | models | doctor. The rooms do the work."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lib_omost.canvas import CanvasReader, Reading, read_canvas, report
from lib_omost.errors import OmostError
from lib_omost.renderer import PRESETS, with_preset

if TYPE_CHECKING:
    from lib_omost.composer import ComposeStats

RENDER_OPTIONS = {  # option -> field of RenderSettings
    "seed": "seed",
    "width": "width",
    "height": "height",
    "steps": "steps",
    "cfg": "guidance",
    "images": "images",
    "negative": "negative_prompt",
    "highres": "highres_scale",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0, or 1 after an error told in a sentence, 2 for a rejected canvas, 130 for Ctrl-C."""
    args = parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("lib_omost").setLevel(logging.INFO)
    try:
        return int(args.run(args))
    except OmostError as error:
        print(f"omost: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="python -m lib_omost", description="From a message to a canvas, from a canvas to a picture."
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("read", help="read a reply and show its canvas as JSON")
    command.add_argument("file", help="a text file, or - for standard input")
    command.add_argument("--strict", action="store_true", help="reject what would be repaired")
    command.set_defaults(run=read)

    command = commands.add_parser(
        "compose", help="have a language model write a canvas; it is streamed to standard output"
    )
    command.add_argument("prompt")
    command.add_argument(
        "--llm", metavar="NAME", help="a name from `models`, a hub id, a folder, a .gguf file or a server's URL"
    )
    command.add_argument("--seed", type=int)
    command.add_argument(
        "--no-grammar",
        action="store_true",
        help="let the model write anything, not only prose or a canvas that needs no repair",
    )
    command.add_argument("--compile", action="store_true", help="on CUDA, compile short passes: slow once, then faster")
    _add_device(command)
    command.set_defaults(run=compose)

    command = commands.add_parser("render", help="render the canvas in a file")
    command.add_argument("file", help="a text file with a reply, or - for standard input")
    command.add_argument(
        "--sdxl", metavar="NAME", help="a name from `models`, a hub id, a folder or a .safetensors file"
    )
    command.add_argument(
        "--lora",
        metavar="NAME[=WEIGHT]",
        action="append",
        default=[],
        help="a file in models_dir/loras; may be repeated",
    )
    command.add_argument("--out", metavar="DIR", type=Path, default=Path("outputs"))
    for option, kind in (
        ("seed", int),
        ("width", int),
        ("height", int),
        ("steps", int),
        ("cfg", float),
        ("images", int),
        ("highres", float),
    ):
        command.add_argument(f"--{option}", type=kind)
    command.add_argument("--negative", help="the negative prompt")
    command.add_argument(
        "--few-steps",
        metavar="PRESET",
        default="",
        help=f"{', '.join(PRESETS)}: its scheduler, steps and guidance (--steps and --cfg win over it); give the LoRA "
        "that it wants with --lora",
    )
    _add_device(command)
    command.set_defaults(run=render)

    commands.add_parser("models", help="list the models").set_defaults(run=models)
    command = commands.add_parser(
        "doctor", help="what a bug report needs: versions, device, memory, models, the page's last error"
    )
    command.add_argument(
        "--outputs", metavar="DIR", type=Path, default=Path("outputs"), help="where the page keeps its sessions"
    )
    command.set_defaults(run=doctor)
    return whole


def _add_device(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", help="cuda, mps or cpu; the best there is by default")
    command.add_argument("--vram", metavar="GIB", type=float, help="take at most so much of the device's memory")


def read(args: argparse.Namespace) -> int:
    reading = read_canvas(_text(args.file), strict=args.strict)
    print(json.dumps(report(reading), ensure_ascii=False, indent=2))
    return 2 if reading.status == "reject" else 0


def compose(args: argparse.Namespace) -> int:
    from lib_omost.composer import ComposeSettings
    from lib_omost.runtime import Engine

    settings = ComposeSettings(grammar=not args.no_grammar)
    settings = settings if args.seed is None else replace(settings, seed=args.seed)
    engine = Engine(args.llm, "default", device=args.device, vram_gib=args.vram, compile_llm=args.compile)
    reader, first_region_s = CanvasReader(), None
    for piece in engine.compose([{"role": "user", "content": args.prompt}], settings, threading.Event()):
        print(piece, end="", flush=True)
        reader.feed(piece)
        if first_region_s is None and reader.canvas is not None and reader.canvas.regions:
            first_region_s = engine.compose_stats.seconds if engine.compose_stats else None
    print()
    _show_figures(engine.compose_stats, first_region_s)
    return 0


def render(args: argparse.Namespace) -> int:
    reading = read_canvas(_text(args.file))
    _show_notes(reading)
    if reading.canvas is None:
        return 2
    from lib_omost.runtime import Engine
    from lib_omost.studio.store.images import save_png

    engine = Engine("default", args.sdxl, device=args.device, vram_gib=args.vram)
    if args.lora:
        engine.use_sdxl(engine.sdxl_entry.name, dict(_lora(text) for text in args.lora))
    given = {
        field: getattr(args, option) for option, field in RENDER_OPTIONS.items() if getattr(args, option) is not None
    }
    settings = replace(with_preset(engine.render_defaults, args.few_steps), **given)
    images = engine.render(reading.canvas, settings, _show_step, threading.Event())
    name = "canvas" if args.file == "-" else Path(args.file).stem
    for number, image in enumerate(images, 1):
        path = args.out / (f"{name}.png" if number == 1 else f"{name}-{number}.png")
        model, notes = engine.sdxl_entry.name, engine.render_notes
        print(save_png(image, path, reading.canvas, settings, code=reading.code, model=model, notes=notes))
    return 0


def models(args: argparse.Namespace) -> int:
    from lib_omost.runtime import entries, is_here, loras, size

    rows = [("NAME", "KIND", "SIZE", "BEST IN", "CONTEXT", "HERE", "LICENCE")]
    warnings = []
    for entry in entries():
        context = str(entry.profile.context_tokens) if entry.kind == "llm" else "-"
        here = "yes" if is_here(entry) else "no"
        rows.append((entry.name, entry.kind, size(entry) or "?", entry.precision, context, here, entry.licence))
        if entry.warning:
            warnings.append(f"{entry.name} ({entry.kind}): {entry.warning}")
    for name, path in loras().items():
        rows.append((name, "lora", f"{path.stat().st_size / 1e6:.0f} MB", "-", "-", "yes", "not known here"))
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print("\n" + "\n".join(warnings))
    return 0


def doctor(args: argparse.Namespace) -> int:
    from lib_omost.runtime import report as diagnostics

    print(diagnostics(outputs=args.outputs))
    return 0


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise OmostError(
            f"{file} cannot be read: {error.strerror}. Give a text file with a reply, or - for standard input."
        ) from error
    except UnicodeDecodeError as error:
        raise OmostError(f"{file} is not a text file in UTF-8. Give the text of a reply.") from error


def _lora(text: str) -> tuple[str, float]:
    name, _, weight = text.partition("=")
    try:
        return name, float(weight or 1)
    except ValueError:
        raise OmostError(f"--lora {text}: {weight!r} is not a number. Write NAME or NAME=0.8.") from None


def _show_notes(reading: Reading) -> None:
    for note in reading.notes:
        print(note.with_line, file=sys.stderr)


def _show_figures(stats: ComposeStats | None, first_region_s: float | None) -> None:
    """How the reply came about, on standard error: the reply alone is on standard output."""
    if stats is None or not stats.new_tokens:
        return
    for note in stats.notes:
        print(note, file=sys.stderr)
    figures = [
        f"{stats.new_tokens} tokens in {stats.seconds:.1f} s",
        f"{stats.tokens_per_s:.0f} tokens a second",
        *([f"{stats.tokens_per_pass:.1f} tokens a pass"] if stats.passes else []),
        f"first token after {stats.first_token_s:.2f} s",
    ]
    if first_region_s is not None:
        figures.append(f"first region after {first_region_s:.2f} s")
    print(", ".join(figures), file=sys.stderr)


def _show_step(step: int, steps: int, preview: object) -> None:
    if sys.stderr.isatty():
        print(f"\rstep {step} of {steps}", end="\n" if step == steps else "", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
