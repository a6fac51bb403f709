from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib_omost.canvas import Box
from training.image.backgrounds import Background, Paint
from training.image.catalogue import Catalogue, Sprite
from training.image.draw import Painter, pack
from training.image.scenes import Scene, Thing

WHITE = (1.0, 1.0, 1.0)
PLAIN = Background("on a white background", "white background", Paint((WHITE, WHITE), (WHITE, WHITE)))


def red_square() -> np.ndarray:
    image = np.zeros((1, 32, 32, 4), np.uint8)
    image[..., 0] = image[..., 3] = 255
    return image


def one_thing(place: tuple[float, float, float, float]) -> Scene:
    return Scene(PLAIN, 0, (Thing("apple", Sprite(0, "red", False), Box(0, 0, 90, 90), (place,)),))


@pytest.mark.parametrize("size", [32, 64])
def test_a_sprite_is_where_its_place_says_and_nowhere_else(size: int) -> None:
    picture = Painter(red_square(), size, "cpu")(pack([one_thing((45, 0, 90, 45))]))[0]
    half, quarter = size // 2, size // 4
    assert torch.allclose(picture[:, quarter, half + quarter], torch.tensor([1.0, -1.0, -1.0]), atol=0.02)
    assert torch.allclose(picture[:, half + quarter], torch.ones(3, size), atol=0.02)
    assert torch.allclose(picture[:, :, : half - 1], torch.ones(3, size, half - 1), atol=0.02)


def test_the_ground_begins_at_the_horizon() -> None:
    black = (0.0, 0.0, 0.0)
    paint = replace(PLAIN.paint, lower=(black, black), horizon=0.5)
    picture = Painter(red_square(), 32, "cpu")(pack([Scene(Background("", "", paint), 0, ())]))[0]
    assert picture[0, :, 0].tolist() == [1.0] * 16 + [-1.0] * 16


def test_a_batch_draws_what_each_scene_draws_alone(shape_catalogue: Catalogue) -> None:
    from training.image.scenes import make_scene

    drawn = [make_scene(shape_catalogue, number) for number in range(8)]
    painter = Painter(shape_catalogue.images, 32, "cpu")
    together = painter(pack(drawn))
    for scene, picture in zip(drawn, together, strict=True):
        assert torch.allclose(painter(pack([scene]))[0], picture, atol=1e-5)
    assert together.min() >= -1 and together.max() <= 1
