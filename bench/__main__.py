"""python -m bench NAME: a table for people, then one flat JSON object as the last line. bench/NAME.py measures."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from lib_omost.errors import OmostError


def names() -> list[str]:
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))


def main(argv: list[str]) -> int:
    if not argv or argv[0] not in names():
        print(f"usage: python -m bench NAME, where NAME is one of: {', '.join(names())}", file=sys.stderr)
        return 2
    try:
        print(json.dumps(importlib.import_module(f"bench.{argv[0]}").main(argv[1:])))
    except OmostError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
