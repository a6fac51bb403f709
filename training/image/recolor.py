"""A sprite in another colour: finds its one dominant hue and moves it to that of a colour word. Arrays only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]

#: colour words: hue in degrees, saturation and value that a recoloured sprite aims at
TINTS = {
    "red": (0.0, 0.82, 0.88),
    "orange": (28.0, 0.90, 0.98),
    "yellow": (50.0, 0.85, 0.98),
    "green": (125.0, 0.70, 0.62),
    "turquoise": (174.0, 0.65, 0.80),
    "blue": (215.0, 0.78, 0.85),
    "purple": (275.0, 0.62, 0.70),
    "pink": (335.0, 0.45, 0.97),
    "brown": (24.0, 0.62, 0.48),
    "gray": (0.0, 0.0, 0.58),
    "black": (0.0, 0.0, 0.17),
    "white": (0.0, 0.0, 0.96),
}


@dataclass(frozen=True, slots=True)
class Hsv:
    """Hue in degrees, saturation and value in 0..1, each `(H, W)` or `(n,)`."""

    hue: Plane
    saturation: Plane
    value: Plane

    def __getitem__(self, where: npt.NDArray[np.bool_]) -> Hsv:
        return Hsv(self.hue[where], self.saturation[where], self.value[where])


def to_hsv(image: Image) -> Hsv:
    """Of the colours of an RGB or RGBA image `(H, W, 3 or 4)`."""
    rgb = image[..., :3].astype(np.float32) / 255
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    high, low = rgb.max(-1), rgb.min(-1)
    span = np.maximum(high - low, 1e-6)
    of_green, of_blue = (blue - red) / span + 2, (red - green) / span + 4
    sixth = np.where(high == red, (green - blue) / span % 6, np.where(high == green, of_green, of_blue))
    return Hsv(sixth * 60, (high - low) / np.maximum(high, 1e-6), high)


def to_rgb(hsv: Hsv) -> Image:
    """`(n,)` colours to `(n, 3)`."""
    k = (np.array([5, 3, 1], np.float32) + (hsv.hue / 60)[:, None]) % 6
    rgb = hsv.value[:, None] * (1 - hsv.saturation[:, None] * np.clip(np.minimum(k, 4 - k), 0, 1))
    return np.asarray((rgb * 255).round(), np.uint8)


def _apart(hue: Plane, other: float) -> Plane:
    """Degrees between hues, 0 to 180."""
    return np.asarray(np.abs((hue - other + 180) % 360 - 180), np.float32)


def dominant_hue(image: Image, hsv: Hsv) -> float | None:
    """The hue in degrees that covers most of an RGBA sprite, or None where there is no single one."""
    seen = image[..., 3] > 128
    vivid = (hsv.saturation > 0.25) & (hsv.value > 0.15) & seen
    if vivid.sum() < 0.35 * seen.sum():
        return None
    counts = np.bincount((hsv.hue[vivid] / 10).astype(int) % 36, minlength=36)
    hue = float((2 * counts + np.roll(counts, 1) + np.roll(counts, -1)).argmax() * 10 + 5)
    covered = (vivid & (_apart(hsv.hue, hue) < 32)).sum()
    return hue if covered > 0.62 * seen.sum() else None


def _of_hue(image: Image, hsv: Hsv, hue: float) -> npt.NDArray[np.bool_]:
    return (_apart(hsv.hue, hue) < 40) & (hsv.saturation > 0.15) & (image[..., 3] > 16)


def color_word(image: Image, hsv: Hsv, hue: float) -> str:
    """The colour word that is true of a sprite of this dominant hue."""
    main = hsv[_of_hue(image, hsv, hue)]
    value, saturation = float(np.median(main.value)), float(np.median(main.saturation))
    if hue < 45 and value < 0.62:
        return "brown"
    vivid = [word for word, tint in TINTS.items() if tint[1] > 0.1 and word != "brown"]
    hues = np.array([TINTS[word][0] for word in vivid], np.float32)
    saturations = np.array([TINTS[word][1] for word in vivid], np.float32)
    return vivid[int((_apart(hues, hue) + 25 * np.abs(saturation - saturations)).argmin())]


def recolored(image: Image, hsv: Hsv, hue: float, word: str) -> Image:
    """The pixels of the dominant hue in the colour of `word`; the shading inside them stays."""
    where = _of_hue(image, hsv, hue)
    main = hsv[where]
    new_hue, new_saturation, new_value = TINTS[word]
    moved = Hsv(
        (new_hue + 0.5 * ((main.hue - hue + 180) % 360 - 180)) % 360,
        np.clip(main.saturation * new_saturation / max(float(np.median(main.saturation)), 0.05), 0, 1),
        np.clip(main.value * new_value / max(float(np.median(main.value)), 0.05), 0, 1),
    )
    copy = image.copy()
    copy[where, :3] = to_rgb(moved)
    return copy


def color_copies(image: Image) -> list[tuple[str, Image]]:
    """[(its own colour word, the sprite), (another word, its copy in that colour), ...]; empty without a main hue."""
    hsv = to_hsv(image)
    hue = dominant_hue(image, hsv)
    if hue is None:
        return []
    word = color_word(image, hsv, hue)
    return [(word, image)] + [(other, recolored(image, hsv, hue, other)) for other in TINTS if other != word]
