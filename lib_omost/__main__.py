"""The command line: omost read | compose | render | convert | models | doctor; alone it is the page. The rooms do the
work.
"""

from __future__ import annotations

import argparse
import getpass
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lib_omost._version import __version__
from lib_omost.canvas import CanvasReader, Note, read_canvas, report
from lib_omost.composer import ComposeSettings
from lib_omost.errors import OmostError
from lib_omost.settings import Setting, table
from lib_omost.studio.device_options import add_attention, add_device, on_device
from lib_omost.studio.exports import MASKS, TEXTS, pictures, read_file, read_text, write
from lib_omost.studio.presets import RenderRequest, requested

if TYPE_CHECKING:
    from lib_omost.composer import ComposeStats
    from lib_omost.runtime import Engine
    from lib_omost.runtime.job import Seen
    from lib_omost.studio.work import Painting

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
END_S = 5.0  # how long a run that was cancelled may take to its next step
VALUES = {int: "N", float: "X", str: "TEXT"}  # what the help writes for a value


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0, or 1 after an error told in a sentence, 2 for a rejected canvas, 130 for Ctrl-C."""
    words = sys.argv[1:] if argv is None else argv
    if not words or (words[0].startswith("--") and words[0] not in ("--help", "--version")):
        return page(words)
    args = parser().parse_args(words)
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
    module = Path(sys.argv[0]).name == "__main__.py"
    whole = argparse.ArgumentParser(
        prog="python -m lib_omost" if module else "omost",
        description="From a message to a canvas, from a canvas to a picture.",
        epilog="Without a command: the page, with the options that `python -m gradio_app --help` lists.",
    )
    whole.add_argument("--version", action="version", version=f"omost {__version__}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    for add in (_add_read, _add_compose, _add_render, _add_convert, _add_models, _add_doctor, _add_users):
        add(commands)
    return whole


def _add_read(commands: Commands) -> None:
    command = commands.add_parser("read", help="read a reply and show its canvas as JSON")
    command.add_argument("file", help="a text file, or - for standard input")
    command.add_argument("--strict", action="store_true", help="reject what would be repaired")
    command.set_defaults(run=read)


def _add_compose(commands: Commands) -> None:
    command = commands.add_parser(
        "compose", help="have a language model write a canvas; it is streamed to standard output"
    )
    command.add_argument("prompt")
    command.add_argument(
        "--llm", metavar="NAME", help="a name from `models`, a hub id, a folder, a .gguf file or a server's URL"
    )
    add_options(command, ComposeSettings)
    command.add_argument("--compile", action="store_true", help="on CUDA, compile short passes: slow once, then faster")
    add_device(command)
    command.set_defaults(run=compose)


def _add_render(commands: Commands) -> None:
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
    add_options(command, RenderRequest)
    add_device(command)
    add_attention(command)
    command.set_defaults(run=render)


def _add_convert(commands: Commands) -> None:
    command = commands.add_parser("convert", help="write the canvas in a file for another program")
    command.add_argument(
        "file", help="a reply, a program, JSON of ours or of ComfyUI_omost, a PNG made here; - for standard input"
    )
    command.add_argument(
        "--to",
        required=True,
        choices=(*TEXTS, MASKS),
        help="JSON of ours, JSON of ComfyUI_omost, a layout prompt for FLUX, a drawing, or a mask for each region",
    )
    command.add_argument(
        "--out", metavar="PATH", type=Path, help="a file instead of standard output; of masks the folder (outputs)"
    )
    command.set_defaults(run=convert)


def _add_models(commands: Commands) -> None:
    commands.add_parser("models", help="list the models").set_defaults(run=models)


def _add_doctor(commands: Commands) -> None:
    command = commands.add_parser(
        "doctor", help="what a bug report needs: versions, device, memory, models, the page's last error"
    )
    command.add_argument(
        "--outputs", metavar="DIR", type=Path, default=Path("outputs"), help="where the page keeps its sessions"
    )
    command.add_argument(
        "--card", action="store_true", help="measure this machine's card, five minutes, and write the numbers to a file"
    )
    command.add_argument("--out", metavar="FILE", type=Path, default=Path("omost-card.json"), help="that file")
    add_device(command)
    command.set_defaults(run=doctor)


def _add_users(commands: Commands) -> None:
    command = commands.add_parser("users", help="who may log in to a page that is started with --users FILE")
    acts = command.add_subparsers(required=True, metavar="ACT")
    for act, run, text in (
        ("add", add_user, "add a user, or give one another password; it is asked for, or read from standard input"),
        ("remove", remove_user, "remove a user; who is logged in is logged out"),
    ):
        one = acts.add_parser(act, help=text)
        one.add_argument("name")
        one.add_argument("--users", metavar="FILE", type=Path, default=Path("users.json"), help="default: users.json")
        one.set_defaults(run=run)
        if act == "add":
            one.add_argument("--operator", action="store_true", help="this user may choose the models of the page")


def add_options(command: argparse.ArgumentParser, settings: type[Any]) -> None:
    """An option for each field of the settings, with its help; one that is not given leaves the field as it is."""
    group = command.add_argument_group("settings", "left out, they are the model's own")
    for setting in table(settings).values():
        named: dict[str, Any] = {"dest": setting.name, "help": _help(setting)}
        if setting.kind is bool:
            group.add_argument(f"--{setting.option}", action=argparse.BooleanOptionalAction, **named)
        else:
            kind, value = (numbers, "X,X,…") if setting.many else (setting.kind, VALUES[setting.kind])
            group.add_argument(f"--{setting.option}", type=kind, metavar=value, **named)


def _help(setting: Setting) -> str:
    plain = setting.kind in (bool, str) and not setting.shown.choices
    text = setting.help if plain else f"{setting.help.rstrip('.')} ({setting.wanted})."
    return text.replace("%", "%%")


def given(args: argparse.Namespace, settings: type[Any]) -> dict[str, Any]:
    """The settings that the command line names."""
    return {name: getattr(args, name) for name in table(settings) if getattr(args, name) is not None}


def numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(",") if part.strip())


def read(args: argparse.Namespace) -> int:
    reading = read_canvas(_text(args.file), strict=args.strict)
    print(json.dumps(report(reading), ensure_ascii=False, indent=2))
    return 2 if reading.status == "reject" else 0


def compose(args: argparse.Namespace) -> int:
    from lib_omost.runtime import Engine
    from lib_omost.studio.work import CHAT, chat_request

    settings = ComposeSettings(**given(args, ComposeSettings))
    engine = Engine(args.llm, "default", **on_device(args), compile_llm=args.compile)
    request = chat_request([{"role": "user", "content": args.prompt}], settings)
    reader, shown, first_region_s = CanvasReader(), "", None
    for seen in _watched(engine, CHAT, request):
        text = seen.job.result.get("text") or seen.report or ""
        print(text[len(shown) :], end="", flush=True)
        reader.feed(text[len(shown) :])
        shown = text
        if first_region_s is None and reader.canvas is not None and reader.canvas.regions:
            first_region_s = engine.compose_stats.seconds if engine.compose_stats else None
    print()
    _show_figures(engine.compose_stats, first_region_s)
    return 0


def render(args: argparse.Namespace) -> int:
    reading = read_canvas(_text(args.file))
    _show_notes(reading.notes)
    if reading.canvas is None:
        return 2
    from lib_omost.runtime import Engine
    from lib_omost.studio.work import RENDER, render_request

    engine = Engine("default", args.sdxl, **on_device(args), attention=args.attention)
    if args.lora:
        engine.use_sdxl(engine.sdxl_entry.name, dict(_lora(text) for text in args.lora))
    settings = requested(engine.render_defaults, given(args, RenderRequest))
    name, shown = "canvas" if args.file == "-" else Path(args.file).stem, 0
    for seen in _watched(engine, RENDER, render_request(reading.code, settings), args.out, name):
        _show_step(seen.report)
        files = seen.job.progress.get("files", [])
        for file in files[shown:]:
            print(file, flush=True)
        shown = len(files)
    return 0


def _watched(
    engine: Engine, what: str, request: dict[str, Any], folder: Path = Path(), name: str = ""
) -> Iterator[Seen]:
    """A job of the job service from its submission to its end; pictures get this name in the folder. Ctrl+C cancels it.
    Raises what it failed of.
    """
    from lib_omost.studio.work import command_service

    failed: list[BaseException] = []

    def told(error: BaseException) -> str:
        failed.append(error)
        return str(error)

    jobs = command_service(engine, lambda n: folder / (f"{name}.png" if n == 1 else f"{name}-{n}.png"), told)
    job = jobs.submit("the command line", what, request, attached=True)
    try:
        yield from jobs.watch(job.id)
    finally:
        jobs.drain(END_S)
    for error in failed:
        raise error


def convert(args: argparse.Namespace) -> int:
    stdin = args.file == "-"
    source = read_text(sys.stdin.read()) if stdin else read_file(Path(args.file))
    _show_notes(source.notes)
    if source.canvas is None:
        return 2
    if args.to == MASKS:
        folder, name = args.out or Path("outputs"), "canvas" if stdin else Path(args.file).stem
        for ending, data in pictures(source.canvas, source.size):
            print(write(folder / f"{name}-{ending}.png", data))
        return 0
    text = TEXTS[args.to](source.canvas, source.size)
    print(write(args.out, f"{text}\n".encode()) if args.out else text)
    return 0


def page(argv: Sequence[str]) -> int:
    """The page, as `python gradio_app.py` opens it."""
    from gradio_app import main as open_page

    return open_page([*argv])


def models(args: argparse.Namespace) -> int:
    from lib_omost.runtime import entries, is_here, loras, size
    from lib_omost.runtime.fits import card_room, fit

    room = card_room()
    rows = [("NAME", "KIND", "SIZE", "BEST IN", "CONTEXT", "HERE", "THIS CARD", "LICENCE")]
    warnings = []
    for entry in entries():
        context = str(entry.profile.context_tokens) if entry.kind == "llm" else "-"
        here = "yes" if is_here(entry) else "no"
        rows.append(
            (
                entry.name,
                entry.kind,
                size(entry) or "?",
                entry.precision,
                context,
                here,
                fit(entry, room) or "-",
                entry.licence,
            )
        )
        if entry.warning:
            warnings.append(f"{entry.name} ({entry.kind}): {entry.warning}")
    for name, path in loras().items():
        rows.append((name, "lora", f"{path.stat().st_size / 1e6:.0f} MB", "-", "-", "yes", "-", "not known here"))
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print("\n" + "\n".join(warnings))
    return 0


def add_user(args: argparse.Namespace) -> int:
    from lib_omost.studio.edge.users import Users

    asked = sys.stdin.isatty()
    password = getpass.getpass() if asked else sys.stdin.readline().rstrip("\r\n")
    if asked and getpass.getpass("Again: ") != password:
        raise OmostError("These are two passwords. Nothing was changed; try again.")
    Users(args.users).add(args.name, password, operator=args.operator)
    print(f"{args.name} may log in to a page that is started with --users {args.users}.")
    return 0


def remove_user(args: argparse.Namespace) -> int:
    from lib_omost.studio.edge.users import Users

    Users(args.users).remove(args.name)
    print(f"{args.name} is no user any more.")
    return 0


def doctor(args: argparse.Namespace) -> int:
    if args.card:
        return _check_card(args)
    from lib_omost.runtime import report as diagnostics

    print(diagnostics(outputs=args.outputs))
    return 0


def _check_card(args: argparse.Namespace) -> int:
    """Exit status 1 when a stage failed."""
    from lib_omost.runtime.card_check import check_card

    found = check_card(args.device, args.vram, lambda sentence: print(sentence, file=sys.stderr))
    text = json.dumps(found, indent=2)
    print(text)
    print(f"Written to {write(args.out, (text + chr(10)).encode())}: paste it into an issue.", file=sys.stderr)
    return 1 if found["failed"] else 0


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


def _show_notes(notes: Sequence[Note]) -> None:
    for note in notes:
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


def _show_step(seen: Painting | None) -> None:
    if seen is not None and seen.step is not None and sys.stderr.isatty():
        step, steps = seen.step.step, seen.step.steps
        print(f"\rstep {step} of {steps}", end="\n" if step == steps else "", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
