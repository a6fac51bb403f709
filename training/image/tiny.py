"""Four plain shapes as sprites and the tokenizer that ships, so that smoke runs and tests need no download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

#: folder with the tokenizer/ of the model that ships
PREPARED = Path(__file__).parents[2] / "default_models" / "image"
Drawing = tuple[str, int, npt.NDArray[np.uint8]]


def shapes(side: int = 32) -> list[Drawing]:
    """(noun, style 0, `(side, side, 4)`): a red apple, a yellow sun, a green tree and a blue car, roughly."""
    last, middle = side - 2, side / 2
    drawings = []
    for noun in ("apple", "sun", "tree", "car"):
        image = Image.new("RGBA", (side, side))
        pen = ImageDraw.Draw(image)
        if noun == "apple":
            pen.ellipse((1, 1, last, last), fill=(220, 30, 30))
        elif noun == "sun":
            pen.regular_polygon((middle, middle, middle - 1), 8, fill=(250, 200, 20))
        elif noun == "tree":
            pen.polygon([(middle, 1), (1, last), (last, last)], fill=(30, 140, 40))
        else:
            pen.rectangle((1, side // 3, last, side * 2 // 3), fill=(30, 60, 220))
        drawings.append((noun, 0, np.asarray(image)))
    return drawings
