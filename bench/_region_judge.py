"""Names what the crop of a region shows: a small CNN, its weights beside this file, and the command that makes them.

    python -m bench._region_judge .kitwork/prepared/sprites.npz --model default_models/image --minutes 8

It is trained on scenes drawn from the icons that the image model learnt, never on rendered pictures, and on noisy, soft
crops as a VAE paints them. It rewards the right colours as well as the right shapes: look at the pictures. A new image
model wants a new judge: which words it knows stands in the card of its folder.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from lib_omost.canvas import GRID, Box

MODEL = Path(__file__).parents[1] / "default_models" / "image"
WEIGHTS = Path(__file__).parent / "region_judge.safetensors"
CROP = 32
NOTHING = "nothing"


def known_nouns(model: Path) -> list[str]:
    """The words that the card of an image model's folder lists; none without a card or such a list."""
    from lib_omost.renderer import RenderSettings
    from lib_omost.runtime import SdxlEntry
    from lib_omost.studio.page.examples import known_words

    return known_words(SdxlEntry(model.name, str(model), "folder", RenderSettings()))


def new_network(classes: int, width: int = 24) -> nn.Sequential:
    """`(n, 3, CROP, CROP)` in -1..1 to `(n, classes)`; 0.2 million weights."""
    widths = [
        (3, width, 1),
        (width, 2 * width, 2),
        (2 * width, 2 * width, 1),
        (2 * width, 4 * width, 2),
        (4 * width, 4 * width, 2),
    ]
    layers: list[nn.Module] = []
    for inputs, outputs, stride in widths:
        layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16 * width, classes))


def crop(image: Tensor, box: Box) -> Tensor:
    """The box of a picture `(3, H, W)`, stretched to `(3, CROP, CROP)`."""
    height, width = image.shape[1:]
    rows = slice(round(box.top * height / GRID), round(box.bottom * height / GRID))
    columns = slice(round(box.left * width / GRID), round(box.right * width / GRID))
    return F.interpolate(image[None, :, rows, columns], (CROP, CROP), mode="bilinear", antialias=True)[0]


class Judge:
    """The trained network and its words."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        with safe_open(weights, "pt") as file:
            self.nouns: list[str] = json.loads(file.metadata()["nouns"])
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118  (not a dict)
        self.network = new_network(len(self.nouns))
        self.network.load_state_dict(state, strict=False)  # the batch counters were not kept
        self.network.eval()

    @torch.inference_mode()
    def names(self, image: Tensor, boxes: Sequence[Box]) -> list[str]:
        """What each box of a picture `(3, H, W)` in -1..1 shows, or "nothing"."""
        scores = self.network(torch.stack([crop(image, box) for box in boxes]))
        return [self.nouns[index] for index in scores.argmax(1).tolist()]


def train(
    sprites: Path, known: Sequence[str], minutes: float, *, recolor: bool, size: int = 128, batch: int = 32
) -> tuple[nn.Sequential, list[str], float]:
    """The network, its words, and its accuracy on crops of scenes that it was not trained on."""
    from training.image import catalogue as drawings
    from training.image import draw
    from training.image.scenes import make_scene

    catalogue = drawings.load(sprites, only=known, styles=1, recolor=recolor)
    index = [*catalogue.nouns, NOTHING]
    painter, network = draw.Painter(catalogue.images, size, "cpu"), new_network(len(index))
    optimizer, begun, chance = (
        torch.optim.AdamW(network.parameters(), weight_decay=0.02),
        time.monotonic(),
        random.Random(0),
    )

    def examples(first: int, soften: bool) -> tuple[Tensor, Tensor]:
        drawn = [make_scene(catalogue, number) for number in range(first, first + batch)]
        images = painter(draw.pack(drawn))
        if soften:
            factor = chance.choice([2, 2, 3, 4])
            images = F.interpolate(F.interpolate(images, size=size // factor, mode="area"), size=size, mode="bilinear")
        found = [
            (crop(image, t.box), index.index(t.noun)) for image, s in zip(images, drawn, strict=True) for t in s.things
        ]
        empty = Box(0, 0, 40, 40)
        found += [
            (crop(image, empty), index.index(NOTHING))
            for image, scene in zip(images, drawn, strict=True)
            if all(p[0] > empty.right or p[1] > empty.bottom for thing in scene.things for p in thing.places)
        ]
        crops, labels = zip(*found, strict=True)
        return torch.stack(crops), torch.tensor(labels)

    number = 0
    while (share := (time.monotonic() - begun) / (60 * minutes)) < 1:
        crops, labels = examples(number, soften=chance.random() < 0.5)
        number += batch
        for group in optimizer.param_groups:
            group["lr"] = 4e-3 * min(1, number / 2000) * (1 - share)
        loss = F.cross_entropy(network(crops + 0.06 * torch.randn_like(crops)), labels, label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    network.eval()
    with torch.inference_mode():
        crops, labels = (
            torch.cat(parts)
            for parts in zip(*(examples(10**9 + n * batch, n % 2 == 1) for n in range(12)), strict=True)
        )
        return network, index, (network(crops).argmax(1) == labels).float().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench._region_judge", description=__doc__)
    parser.add_argument("sprites", type=Path, help="sprites.npz of training.image.prepare")
    parser.add_argument("--model", type=Path, default=MODEL, help="folder whose card lists the words to tell apart")
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--own-colors", action="store_true", help="the model was not taught colour words of things")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    known = known_nouns(options.model)
    if not known:
        raise SystemExit(f"{options.model}/README.md lists no words under '## The words it knows'.")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network, words, accuracy = train(options.sprites, known, options.minutes, recolor=not options.own_colors)
    state = {name: value.half() for name, value in network.state_dict().items() if value.is_floating_point()}
    save_file(state, options.out, {"nouns": json.dumps(words), "accuracy": f"{accuracy:.3f}"})
    print(f"{accuracy:.3f} of held-out crops of {len(words) - 1} things are named rightly; wrote {options.out}")


if __name__ == "__main__":
    main()
