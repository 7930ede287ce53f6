from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from sightline.detector.training.examples import EVERY_CLASS, Labels
from sightline.detector.training.placement import (
    Region,
    Window,
    clip_labels,
    draw_window,
    flip,
    join_labels,
    move_labels,
    place_window,
)

ALL = (True, True, True)

sides = st.integers(1, 900)
scales = st.floats(0.05, 4)
shares = st.floats(0, 1)


@st.composite
def regions(draw: st.DrawFn) -> Region:
    x1, y1 = draw(st.integers(0, 300)), draw(st.integers(0, 300))
    return x1, y1, x1 + draw(st.integers(1, 500)), y1 + draw(st.integers(1, 500))


@st.composite
def boxes_in(draw: st.DrawFn, width: int, height: int) -> npt.NDArray[np.float32]:
    """Up to five boxes with whole corners."""
    corners = st.tuples(
        st.integers(0, width - 1), st.integers(0, height - 1), st.integers(1, width),
        st.integers(1, height),
    )  # fmt: skip
    rows = draw(st.lists(corners, max_size=5))
    return np.array(
        [(x, y, min(x + w, width), min(y + h, height)) for x, y, w, h in rows], np.float32
    ).reshape(-1, 4)


def labels_of(boxes: npt.NDArray[np.float32]) -> Labels:
    count = len(boxes)
    return Labels(
        boxes, np.arange(count) % 3, ALL, weights=np.linspace(0.5, 1, count), ignore=boxes[::2],
        ignore_classes=np.arange(len(boxes[::2])) - 1, uncertain=boxes[:1],
    )  # fmt: skip


def found(image: npt.NDArray[np.uint8]) -> list[int]:
    """x1 y1 x2 y2 of what is bright."""
    rows, columns = np.nonzero(image[..., 0] > 127)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@given(sides, sides, regions(), scales, scales, shares, shares)
def test_window_lies_in_its_picture_and_in_its_region(
    width: int, height: int, region: Region, x: float, y: float, across: float, down: float
) -> None:
    window = place_window((width, height), region, (x, y), (across, down))
    for (low, high), (first, last) in (
        ((window.source[0], window.source[2]), (0, width)),
        ((window.source[1], window.source[3]), (0, height)),
        ((window.target[0], window.target[2]), (region[0], region[2])),
        ((window.target[1], window.target[3]), (region[1], region[3])),
    ):
        assert first <= low < high <= last


@given(sides, st.integers(1, 500), scales, shares)
def test_window_keeps_the_scale_to_half_a_pixel(
    side: int, space: int, scale: float, share: float
) -> None:
    window = place_window((side, 10), (0, 0, space, 10), (scale, 1), (share, share))
    shown, filled = window.source[2] - window.source[0], window.target[2] - window.target[0]
    if shown == side:
        assert abs(filled - min(max(side * scale, 1), space)) <= 0.5
    else:
        assert filled == space
        assert abs(shown - max(space / scale, 1)) <= 0.5


def test_small_picture_moves_and_large_one_scrolls() -> None:
    region = (100, 100, 200, 200)
    assert place_window((50, 50), region, (1, 1), (0, 1)).target == (100, 150, 150, 200)
    assert place_window((500, 500), region, (1, 1), (0, 1)).source == (0, 400, 100, 500)


@given(
    st.data(),
    st.integers(24, 200),
    st.integers(24, 200),
    st.floats(0.4, 3),
    st.floats(0.4, 3),
    shares,
    shares,
)
def test_boxes_move_like_pixels(
    data: st.DataObject, width: int, height: int, x: float, y: float, across: float, down: float
) -> None:
    left, top = data.draw(st.integers(0, width - 12)), data.draw(st.integers(0, height - 12))
    box = np.array([[left, top, left + 12, top + 12]], np.float32)
    image = np.zeros((height, width, 3), np.uint8)
    image[top : top + 12, left : left + 12] = 255
    region = (32, 32, 224, 192)
    window = place_window((width, height), region, (x, y), (across, down))
    canvas = np.zeros((256, 256, 3), np.uint8)
    draw_window(image, window, canvas, cv2.INTER_LINEAR)
    seen = clip_labels(move_labels(labels_of(box), window), window.target, 0.5, 4)
    if len(seen):
        np.testing.assert_allclose(found(canvas), seen.boxes[0], atol=1)
        np.testing.assert_array_equal(seen.uncertain, seen.boxes)


def test_labels_of_a_reduced_picture_move_like_its_pixels() -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    image[80:160, 40:120] = 255
    reduced = np.asarray(cv2.resize(image, (80, 60), interpolation=cv2.INTER_AREA), np.uint8)
    window = place_window((80, 60), (0, 0, 64, 64), (0.7, 0.9), (0, 0))
    canvas = np.zeros((64, 64, 3), np.uint8)
    draw_window(reduced, window, canvas, cv2.INTER_LINEAR)
    labels = labels_of(np.array([[40, 80, 120, 160]], np.float32))
    np.testing.assert_allclose(found(canvas), move_labels(labels, window, 4).boxes[0], atol=1)


@given(st.data(), st.integers(2, 90), st.integers(2, 90))
def test_flip_twice_changes_nothing(data: st.DataObject, width: int, height: int) -> None:
    labels = labels_of(data.draw(boxes_in(width, height)))
    image = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    back, labels_back = flip(*flip(image, labels))
    np.testing.assert_array_equal(back, image)
    for name in Labels.__slots__:
        np.testing.assert_array_equal(getattr(labels_back, name), getattr(labels, name))


def test_flip_moves_boxes_like_pixels() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[5:20, 10:25] = 255
    flipped, labels = flip(image, labels_of(np.array([[10, 5, 25, 20]], np.float32)))
    for boxes in (labels.boxes, labels.ignore, labels.uncertain):
        assert boxes[0].tolist() == found(flipped) == [35, 5, 50, 20]


@given(st.data(), regions(), shares, st.floats(0, 8))
def test_every_object_in_a_region_stays_an_object_or_is_ignored(
    data: st.DataObject, region: Region, least_visible: float, least_side: float
) -> None:
    before = labels_of(data.draw(boxes_in(800, 800)))
    after = clip_labels(before, region, least_visible, least_side)
    low, high = np.array(region[:2]), np.array(region[2:])
    for boxes in (after.boxes, after.ignore, after.uncertain):
        assert (boxes[:, :2] >= low).all()
        assert (boxes[:, 2:] <= high).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()
    inside = (np.maximum(before.boxes[:, :2], low) < np.minimum(before.boxes[:, 2:], high)).all(1)
    was_ignored = (
        np.maximum(before.ignore[:, :2], low) < np.minimum(before.ignore[:, 2:], high)
    ).all(axis=1)
    assert len(after) + len(after.ignore) == inside.sum() + was_ignored.sum()


def test_what_is_left_of_an_object_decides() -> None:
    boxes = np.array(
        [[0, 0, 10, 10], [18, 0, 28, 10], [19, 0, 29, 10], [30, 0, 40, 10]], np.float32
    )
    labels = Labels(boxes, [0, 1, 2, 0], ALL)
    after = clip_labels(labels, (0, 0, 20, 20), least_visible=0.2, least_side=0)
    assert after.boxes.tolist() == [[0, 0, 10, 10], [18, 0, 20, 10]]
    assert after.ignore.tolist() == [[19, 0, 20, 10]]
    assert after.ignore_classes.tolist() == [2]
    thin = clip_labels(labels, (0, 0, 20, 20), least_visible=0, least_side=2.5)
    assert thin.classes.tolist() == [0]
    assert thin.ignore_classes.tolist() == [1, 2]


def test_unlabelled_classes_are_ignored_in_their_part_of_a_mosaic() -> None:
    people = Labels([(0, 0, 5, 5)], [0], (True, False, False))
    everything = Labels([(20, 0, 25, 5)], [1], ALL, uncertain=[(20, 0, 40, 20)])
    nothing = Labels([], [], (False, False, False))
    parts: list[Region] = [(0, 0, 20, 20), (20, 0, 40, 20), (0, 20, 20, 40)]
    joint = join_labels([people, everything, nothing], parts)
    assert joint.labelled.all()
    assert joint.classes.tolist() == [0, 1]
    expected = [(parts[0], 1), (parts[0], 2), (parts[2], EVERY_CLASS)]
    regions = zip(joint.ignore.tolist(), joint.ignore_classes.tolist(), strict=True)
    assert [(tuple(box), number) for box, number in regions] == expected
    assert joint.uncertain.tolist() == [[20, 0, 40, 20]]


def test_window_knows_its_true_scales() -> None:
    assert Window((10, 0, 30, 40), (0, 0, 30, 20)).scales == (1.5, 0.5)
