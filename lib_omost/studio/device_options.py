"""The command-line options that say what models compute on and how, for the page and the commands alike."""

from __future__ import annotations

import argparse
from typing import Any

from lib_omost.renderer import ATTENTIONS
from lib_omost.runtime.precision import PRECISIONS, asked_precisions


def add_device(command: argparse.ArgumentParser) -> None:
    """The options that say what is computed on, and how."""
    command.add_argument("--device", help="cuda, mps or cpu; the best there is by default")
    command.add_argument("--vram", metavar="GIB", type=float, help="take at most so much of the device's memory")
    command.add_argument(
        "--precision",
        metavar="[llm=|sdxl=]KIND",
        action="append",
        default=[],
        help=f"{', '.join(PRECISIONS)}: what both models, or one, compute in",
    )


def add_attention(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--attention", choices=ATTENTIONS, default="auto", help="the back end of the image model's attention"
    )


def on_device(args: argparse.Namespace) -> dict[str, Any]:
    """What add_device's options are to an Engine."""
    return {"device": args.device, "vram_gib": args.vram, "precision": asked_precisions(args.precision)}
