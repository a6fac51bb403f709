from __future__ import annotations

import pytest
import torch

from training.image import draw
from training.image.catalogue import Catalogue
from training.image.classifier import Targets, crop, targets, train_classifier
from training.image.judge import adherence, canvas_of, held_out


def test_a_canvas_has_a_region_for_every_box_of_the_scene(shape_catalogue: Catalogue) -> None:
    (scene,) = held_out(shape_catalogue, 1, things=2)
    truth = draw.Painter(shape_catalogue.images, 64, "cpu")(draw.pack([scene]))[0]
    canvas = canvas_of(scene, truth, regions=True)
    assert [region.box for region in canvas.regions] == [thing.box for thing in scene.things]
    assert all(t.noun in r.description for t, r in zip(scene.things, canvas.regions, strict=True))
    assert canvas_of(scene, truth, regions=False).regions == ()


def test_a_crop_shows_its_box() -> None:
    picture = -torch.ones(1, 3, 90, 90)
    picture[:, :, 30:60, 45:90] = 1
    wanted = Targets(torch.tensor([0]), torch.tensor([[45, 30, 90, 60]]), torch.tensor([0]))
    assert crop(picture, wanted).mean() > 0.95


@pytest.mark.training
def test_a_short_training_tells_four_shapes_apart_and_the_truth_scores_best(shape_catalogue: Catalogue) -> None:
    torch.manual_seed(0)
    classifier = train_classifier(shape_catalogue, 64, minutes=0.3, device="cpu", workers=0, batch=8, width=8)
    assert classifier.accuracy > 0.6
    drawn = held_out(shape_catalogue, 12, things=2)
    truth = draw.Painter(shape_catalogue.images, 64, "cpu")(draw.pack(drawn))
    right = adherence("drawn", truth, truth, drawn, classifier)
    wrong = adherence("other scenes", truth.roll(1, 0), truth, drawn, classifier)
    assert right.in_box > wrong.in_box + 0.2
    assert right.background_rgb == 0 < wrong.background_rgb
    assert len(targets(drawn, classifier.nouns, with_none=False).noun) == 24
