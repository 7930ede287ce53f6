from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.detector.training.augmentation import Augmentation, augment
from sightline.detector.training.datasets import read_data
from sightline.detector.training.examples import CLASSES, Example, Labels
from sightline.detector.training.placement import GREY

ALL = (True,) * len(CLASSES)
PLAIN: dict[str, Any] = {
    "hue": 0, "saturation": 0, "value": 0, "copy_paste": 0, "motion_blur": 0, "jpeg": 0,
    "low_light": 0,
}  # fmt: skip
STILL: dict[str, Any] = PLAIN | {
    "mosaic": 0,
    "scale": (1, 1),
    "aspect": 0,
    "translate": 0,
    "flip": 0,
}


def rectangle(box: tuple[int, int, int, int], number: int = 0) -> Example:
    """A black picture of 320×240 with a white rectangle that is its object."""
    return Example(Path(f"{box}"), 320, 240, Labels([box], [number], ALL), "made", "made")


def draw(example: Example, reduction: int) -> npt.NDArray[np.uint8]:
    image = np.zeros((240, 320, 3), np.uint8)
    x1, y1, x2, y2 = example.labels.boxes[0].astype(int)
    image[y1:y2, x1:x2] = 255
    size = (320 // reduction, 240 // reduction)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def bright(image: npt.NDArray[np.uint8]) -> list[int]:
    rows, columns = np.nonzero(image[..., 0] > 184)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_nothing_changes_where_every_strength_is_zero() -> None:
    example = rectangle((40, 80, 120, 200))
    random = np.random.default_rng(0)
    image, labels = augment(example, lambda: example, draw, 256, 320, Augmentation(**STILL), random)
    np.testing.assert_array_equal(image[:240], draw(example, 1))
    assert (image[240:] == GREY).all()
    np.testing.assert_array_equal(labels.boxes, example.labels.boxes)


@given(
    st.integers(0, 2**32),
    st.sampled_from([(96, 96), (256, 320), (416, 224)]),
    st.tuples(st.integers(0, 220), st.integers(0, 140), st.integers(60, 100), st.integers(60, 100)),
)
def test_box_follows_its_rectangle(
    seed: int, canvas: tuple[int, int], corner: tuple[int, int, int, int]
) -> None:
    left, top, width, height = corner
    example = rectangle((left, top, left + width, top + height))
    strong = Augmentation(**PLAIN, mosaic=0, scale=(0.1, 3), aspect=0.5)
    random = np.random.default_rng(seed)
    image, labels = augment(example, lambda: example, draw, *canvas, strong, random)
    assert image.shape == (*canvas, 3)
    if len(labels):
        np.testing.assert_allclose(bright(image), labels.boxes[0], atol=1.5)
    elif not len(labels.ignore):
        assert (image <= 184).all()


@given(st.integers(0, 2**32))
def test_mosaic_keeps_every_box_with_its_pixels(seed: int) -> None:
    examples = [rectangle((60 + 10 * k, 50, 200 + 10 * k, 190), k) for k in range(4)]
    later = iter(examples[1:])
    only_mosaic = Augmentation(**PLAIN, mosaic=1)
    random = np.random.default_rng(seed)
    image, labels = augment(examples[0], lambda: next(later), draw, 320, 320, only_mosaic, random)
    assert len(labels) + len(labels.ignore) <= 4
    assert len(set(labels.classes.tolist())) == len(labels)
    shown = np.zeros(image.shape[:2], np.bool_)
    for x1, y1, x2, y2 in np.rint(np.concatenate([labels.boxes, labels.ignore])).astype(int):
        inner = image[y1 + 2 : max(y2 - 2, 0), x1 + 2 : max(x2 - 2, 0)]
        assert (inner > 184).all()
        shown[max(y1 - 2, 0) : y2 + 2, max(x1 - 2, 0) : x2 + 2] = True
    assert not (image[~shown] > 184).any()


def test_same_seed_gives_the_same_canvas(shared: Path) -> None:
    examples = read_data(shared / "data" / "detection")[::400]

    def make(seed: int) -> tuple[npt.NDArray[np.uint8], Labels]:
        random = np.random.default_rng(seed)
        everything = Augmentation(copy_paste=1, motion_blur=1, jpeg=1, low_light=1)
        return augment(
            examples[0],
            lambda: examples[int(random.integers(len(examples)))],
            lambda example, reduction: example.decode(example.path.read_bytes(), reduction),
            160,
            192,
            everything,
            random,
            person=0,
        )

    (first, labels), (again, labels_again), (other, _) = make(1), make(1), make(2)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(labels.boxes, labels_again.boxes)
    assert (first != other).any()


def test_people_are_pasted_only_where_the_class_is_known() -> None:
    donor = rectangle((100, 40, 160, 200))
    empty = Example(Path("empty"), 320, 240, Labels([(0, 0, 4, 4)], [1], ALL), "made", "made")
    pasting = Augmentation(**(STILL | {"copy_paste": 1}))
    for person, expected in ((0, True), (1, False), (None, False)):
        random = np.random.default_rng(0)
        _, labels = augment(empty, lambda: donor, draw, 256, 320, pasting, random, person)
        assert (0 in labels.classes) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"mosiac": 0.5},
        {"mosaic": 1.5},
        {"scale": (1.6, 0.5)},
        {"scale": (0, 1)},
        {"jpeg_quality": (0, 50)},
        {"motion_blur_length": (9, 100)},
        {"copy_paste_height": (100, 10)},
        {"low_light_gamma": (0.5, 2)},
        {"saturation": 1},
    ],
)
def test_wrong_strengths_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError, match=next(iter(fields))):
        Augmentation(**fields)
