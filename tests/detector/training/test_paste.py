from __future__ import annotations

import numpy as np

from sightline.detector.training.examples import Labels
from sightline.detector.training.paste import Crop, croppable, cut_crops, paste_crops
from sightline.detector.training.placement import Region

ALL = (True, True, True)
WHITE = Crop(np.full((80, 32, 3), 255, np.uint8), 0, 0.75)


def test_people_that_are_upright_whole_alone_and_large_are_cut_out() -> None:
    boxes = [
        (10, 10, 30, 60),  # suits
        (40, 10, 60, 30),  # not upright
        (70, 10, 74, 20),  # small
        (80, 1, 100, 60),  # touches the edge of the picture
        (110, 10, 130, 60),  # another stands before it
        (115, 10, 135, 60),
        (140, 10, 160, 60),  # another class
        (170, 10, 190, 60),  # an unsure teacher's
        (200, 10, 220, 60),  # in a crowd
    ]
    weights = [1, 1, 1, 1, 1, 1, 1, 0.3, 1]
    labels = Labels(
        boxes, [0, 0, 0, 0, 0, 0, 1, 0, 0], ALL, weights=weights, ignore=[(195, 0, 240, 99)]
    )
    assert croppable(labels, 0, (240, 100)).tolist() == [0]


def test_crop_holds_the_pixels_of_its_box() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[10:60, 20:40] = 255
    labels = Labels([(20, 10, 40, 60)], [0], ALL, weights=[0.75])
    (crop,) = cut_crops(image, labels, np.array([0]))
    assert crop.image.shape == (50, 20, 3)
    assert crop.image.min() == 255
    assert (crop.number, crop.weight) == (0, 0.75)


def test_pasted_person_is_labelled_where_its_pixels_are() -> None:
    canvas = np.zeros((128, 160, 3), np.uint8)
    labels = paste_crops(
        canvas, Labels([], [], ALL), [WHITE], [(0, 0, 160, 128)], (40, 60), np.random.default_rng(1)
    )
    assert (labels.classes.tolist(), labels.weights.tolist()) == ([0], [0.75])
    rows, columns = np.nonzero(canvas[..., 0])
    bright = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(labels.boxes[0], bright, atol=1)
    assert 39 <= labels.boxes[0, 3] - labels.boxes[0, 1] <= 60


def test_people_are_pasted_inside_pictures_and_hide_little() -> None:
    regions: list[Region] = [(0, 0, 50, 50), (90, 60, 160, 128)]
    there = Labels([(95, 65, 125, 125), (0, 0, 20, 50)], [1, 0], ALL)
    pasted = 0
    for seed in range(30):
        canvas = np.zeros((128, 160, 3), np.uint8)
        random = np.random.default_rng(seed)
        labels = paste_crops(canvas, there, [WHITE] * 3, regions, (10, 200), random)
        np.testing.assert_array_equal(labels.boxes[:2], there.boxes)
        for x1, y1, x2, y2 in labels.boxes[2:]:
            pasted += 1
            assert any(a <= x1 and b <= y1 and x2 <= c and y2 <= d for a, b, c, d in regions)
            for a, b, c, d in there.boxes:
                hidden = max(min(c, x2) - max(a, x1), 0) * max(min(d, y2) - max(b, y1), 0)
                assert hidden <= 0.3 * (c - a) * (d - b) + 1e-3
    assert pasted > 30


def test_no_people_change_nothing() -> None:
    canvas = np.zeros((64, 64, 3), np.uint8)
    there = Labels([(1, 1, 9, 9)], [1], ALL)
    after = paste_crops(canvas, there, [], [(0, 0, 64, 64)], (10, 20), np.random.default_rng(0))
    assert after is there
    assert not canvas.any()
