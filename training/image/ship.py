"""Put a finished pipeline in the place of the image model that ships, if no figure is worse; with its card and sheets.

    python -m bench look --model PIPELINE --judge training/checkpoints/judge.safetensors --n 18 --save
    python -m bench regions --model PIPELINE --judge training/checkpoints/judge.safetensors --n 18 --brief --save
    python -m training.image.ship PIPELINE --trained "52,416 and 36,000 samples more"

It reads what these two wrote, holds the first against training/image/ships.json (the figures of the model that ships),
and stops with what is worse (except --despite), or where a file was measured on another pipeline. Else it replaces
default_models/image, the judge of the benches and ships.json, and the figures in README.md. What it cannot know it
lists at the end.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).parents[2]
SHIPS = Path("training") / "image" / "ships.json"  # in the checkout
#: figures that may not get worse, and whether more is better
WATCHED = {"in_box": True, "fit_db": True, "detail": True, "leakage": False, "background_rgb": False}
THINGS = ("2 things", "3 things")
FILES = ("unet", "vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "scheduler", "LICENCES")
LICENCE = "MIT (our weights; drawings of Fluent Emoji, MIT, and Noto Emoji, Apache-2.0)"
SHEETS = ("things", "scenes")
Numbers = Mapping[str, Any]

_MEASURED = """## Measured
`{look}`: layouts of random words whose boxes do not overlap, plain backgrounds, one seed, a small CNN as the judge. It
rewards the right colours too, so look at the sheets. In brackets the model that shipped before, the same judge.

| | two things | three things |
|---|---|---|
{rows}

From the global text alone two things are in their boxes {text} % of the time (`{regions}`).

![every noun once](things.jpg)
*Every noun once, from the sheet that viewers name things from.*

![two and three things](scenes.jpg)

"""
_LIMITS = """
## Limits
Icons, not pictures: inner detail is soft. One look a noun, up to three of a kind, no actions, no text, no people.
A box that is much taller or wider than the thing fills up with a second one of it, so this project gives the model the
square in its middle (`square_things` in words.json). More than four regions, boxes under 24 of 90 a side and heavy
overlaps were not trained: of two things that overlap much, one may be missing.
"""
_NAMES = {
    "in_box": "found in their boxes",
    "leakage": "another thing of the picture there",
    "background_rgb": "background, mean error of 255",
    "fit_db": "match with the drawing, dB",
    "detail": "detail, as a share of the drawing's",
}


def measured_on(file: Path, pipeline: Path) -> tuple[Numbers, str]:
    """The numbers of a bench and its command. Stops where it measured another model."""
    found = json.loads(file.read_text(encoding="utf-8"))
    command: str = found["source"]["command"]
    if str(pipeline) not in command.split():
        raise SystemExit(f"{file.name} is of `{command}`; measure {pipeline} first, with --save.")
    return found["numbers"], command.replace(str(pipeline), "THIS_FOLDER")


def worse(numbers: Numbers, ships: Numbers) -> list[str]:
    """A sentence for each watched figure that is worse than that of the model that ships."""
    keys = [(f"{name}: {things}", more) for name, more in WATCHED.items() for things in THINGS]
    return [
        f"{key} is {numbers[key]}, and {ships[key]} ships"
        for key, more in keys
        if (numbers[key] < ships[key] if more else numbers[key] > ships[key])
    ]


def card(
    text: str, look: str, regions: str, numbers: Numbers, before: Numbers, in_box_text: float, trained: str
) -> str:
    """The card of the pipeline with its figures, those of the model before beside them, and its whole training."""
    rows = [
        f"| {_NAMES[name]} | " + " | ".join(f"**{numbers[k]}** ({before[k]})" for k in _keys(name)) + " |"
        for name in _NAMES
    ]
    head, training = text.split("## Training\n")
    told = _MEASURED.format(look=look, regions=regions, rows="\n".join(rows), text=f"{100 * in_box_text:.0f}")
    said = re.sub(r"^[\d,]+ samples in [^.]*\.", f"{trained.rstrip('.')}.", training)
    return f"{head}{told}## Training\n{said.rstrip()}\n{_LIMITS}"


def _keys(name: str) -> list[str]:
    return [f"{name}: {things}" for things in THINGS]


def replaced(text: str, pattern: str, new: str) -> str:
    """`text` with the one match of `pattern` replaced. Stops where it is not there."""
    found, count = re.subn(pattern, lambda _: new, text)
    if not count:
        raise SystemExit(f"nothing matches {pattern!r} any more: look where it went.")
    return found


def copy_weights(pipeline: Path, folder: Path) -> None:
    """Weights, tokenizers, notices and words, in place of what is there."""
    shutil.rmtree(folder)
    folder.mkdir()
    for name in FILES:
        shutil.copytree(pipeline / name, folder / name)
    for name in ("model_index.json", "words.json"):
        shutil.copy(pipeline / name, folder)
    for config in folder.glob("*/config.json"):  # diffusers writes down where it read a part from
        lines = config.read_text(encoding="utf-8").splitlines(keepends=True)
        config.write_text("".join(line for line in lines if "_name_or_path" not in line), encoding="utf-8")


def tell_readers(root: Path, side: int, numbers: Numbers, look: str, in_box_text: float) -> None:
    """README.md's figures of the model, and the catalog's licence."""
    readme, catalog = root / "README.md", root / "lib_omost" / "runtime" / "catalog.py"
    text = replaced(readme.read_text(encoding="utf-8"), r"\b\d+ x \d+(?= \(\[card\]|, and\n)", f"{side} x {side}")
    two, three, alone = (f"{100 * share:.0f} %" for share in (*(numbers[k] for k in _keys("in_box")), in_box_text))
    figures = f"two things {two}, three {three}; two by the words alone {alone}"
    row = f"| objects in their boxes, default image model | `{look}` | {figures} |"
    text = replaced(text, r"(?m)^\| objects in their boxes, default image model \|.*$", row)
    readme.write_text(text, encoding="utf-8")
    text = replaced(catalog.read_text(encoding="utf-8"), r"MIT \(our weights; drawings of [^)]*\)", LICENCE)
    catalog.write_text(text, encoding="utf-8")


def ship(args: argparse.Namespace) -> None:
    numbers, look = measured_on(args.look, args.pipeline)
    regions, other = measured_on(args.regions, args.pipeline)
    before = json.loads((args.root / SHIPS).read_text(encoding="utf-8"))
    faults = [
        fault for fault in worse(numbers, before) if not fault.startswith(tuple(f"{key} " for key in args.despite))
    ]
    if faults:
        raise SystemExit("It does not ship: " + "; ".join(faults) + ".")
    folder, in_box_text = args.root / "default_models" / "image", regions["in_box_text"]
    text = (args.pipeline / "README.md").read_text(encoding="utf-8")
    side = int(re.findall(r"(\d+) x \d+ pixels", text)[0])
    text = card(text, look, other, numbers, before, in_box_text, args.trained)
    copy_weights(args.pipeline, folder)
    (folder / "README.md").write_text(text, encoding="utf-8")
    for name in SHEETS:
        Image.open(args.sheets / f"{name}.png").convert("RGB").save(folder / f"{name}.jpg", quality=88)
    shutil.copy(args.judge, args.root / "bench" / "region_judge.safetensors")
    look = look.replace("THIS_FOLDER", "default_models/image")
    tell_readers(args.root, side, numbers, look, in_box_text)
    watched = {key: numbers[key] for name in WATCHED for key in _keys(name)}
    (args.root / SHIPS).write_text(json.dumps(watched, indent=1) + "\n", encoding="utf-8")
    print(f"{args.pipeline} is in {folder}. Left to do: training/LOG.md and training/checkpoints/README.md (and git rm")
    print("training/checkpoints/image), CHANGELOG.md, `python -m bench shots --thumbnails`, and the tests.")


def parser() -> argparse.ArgumentParser:
    results = ROOT / "bench" / "results"
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("pipeline", type=Path, help="as it was named to the two benches")
    p.add_argument("--trained", required=True, help="samples, steps and time of all legs, a sentence for the card")
    p.add_argument("--despite", action="append", default=[], metavar="FIGURE", help="may be worse; LOG.md says why")
    p.add_argument("--look", type=Path, default=results / "look.json")
    p.add_argument("--regions", type=Path, default=results / "regions.json")
    p.add_argument("--sheets", type=Path, default=ROOT / "bench" / "out" / "look", help="things.png and scenes.png")
    p.add_argument("--judge", type=Path, default=ROOT / "training" / "checkpoints" / "judge.safetensors")
    p.add_argument("--root", type=Path, default=ROOT, help="the checkout to put it into")
    return p


def main(argv: Sequence[str] | None = None) -> None:
    ship(parser().parse_args(argv))


if __name__ == "__main__":
    main()
