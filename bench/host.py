"""Peak memory of the machine, not of a card: a plan, its picture and another plan, from real-size files under a limit.

python -m bench host               Llama-3-8B nf4 and SDXL, random weights of the published sizes, within 12 GiB
python -m bench host --tiny        the same on small shapes, in CI
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench import real
from bench._limit import run_limited
from bench._record import record


def main(argv: list[str]) -> real.Numbers:
    args = arguments(argv)
    with tempfile.TemporaryDirectory(prefix="omost-host-", dir=args.folder) as folder:
        made = [real.write(part, Path(folder), tiny=args.tiny, lora=False) for part in ("llm", "sdxl")]
        job = made[1].job | {"llm": made[0].job["llm"], "acts": ["plan", "picture", "plan"]}
        resting = run_limited("bench._real_run", job | {"acts": ["rest"]}, int(args.limit * 1024), made[1].env)
        numbers = run_limited("bench._real_run", job, int(args.limit * 1024), made[1].env)
    numbers |= {"bytes": sum(int(part.numbers["bytes"]) for part in made), "resting_mib": resting["peak_own_mib"]}
    for name, value in numbers.items():
        print(f"{name:>20}  {value}")
    if not args.tiny:
        record(
            "host",
            [word for word in argv if word not in ("--folder", str(args.folder))],
            numbers,
            ("torch", "transformers", "diffusers", "bitsandbytes"),
        )
    return numbers


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench host", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--limit", type=float, default=real.LIMIT_GIB, help="GiB of memory that it may take (12)")
    parser.add_argument("--folder", type=Path, help="where there is room for 13 GB, which are deleted at the end")
    return parser.parse_args(argv)
