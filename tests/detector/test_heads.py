from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.detector.heads import (
    Candidates,
    DetrHead,
    EndToEndHead,
    Head,
    Yolov8Head,
    YoloxHead,
    grid_size,
)
from sightline.errors import ModelError

HEIGHT, WIDTH = 64, 96
ANCHORS = grid_size(HEIGHT, WIDTH)
Array = npt.NDArray[Any]
seeds = st.integers(0, 2**32 - 1)
confidences = st.sampled_from([0.0, 0.1, 0.5, 0.9])


def assert_same(found: Candidates, expected: list[tuple[list[float], float, int]]) -> None:
    assert len(found) == len(expected)
    if expected:
        boxes, scores, classes = zip(*expected, strict=True)
        np.testing.assert_allclose(found.boxes, boxes, rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(found.scores, scores, rtol=1e-5)
        assert found.classes.tolist() == list(classes)
    assert found.boxes.dtype == np.float32
    assert found.scores.dtype == np.float32
    assert np.issubdtype(found.classes.dtype, np.integer)


def corners(cx: float, cy: float, w: float, h: float) -> list[float]:
    return [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]


@given(seeds, st.integers(1, 4), confidences)
def test_yolox_decodes_as_its_formula_says(seed: int, classes: int, confidence: float) -> None:
    random = np.random.default_rng(seed)
    rows = random.uniform(0, 1, (2, ANCHORS, 5 + classes)).astype(np.float32)
    rows[..., :4] = random.normal(0, 1, (2, ANCHORS, 4))
    found = YoloxHead(HEIGHT, WIDTH).decode([rows], confidence, 2)
    for picture in range(2):
        expected, anchor = [], 0
        for stride in (8, 16, 32):
            for row in range(HEIGHT // stride):
                for column in range(WIDTH // stride):
                    x, y, w, h, objectness = rows[picture, anchor, :5]
                    best = int(rows[picture, anchor, 5:].argmax())
                    score = objectness * rows[picture, anchor, 5 + best]
                    if score > np.float32(confidence):
                        box = corners(
                            (x + column) * stride,
                            (y + row) * stride,
                            np.exp(w) * stride,
                            np.exp(h) * stride,
                        )
                        expected.append((box, float(score), best))
                    anchor += 1
        assert_same(found[picture], expected)


@given(seeds, st.integers(1, 4), confidences)
def test_yolov8_decodes_as_its_formula_says(seed: int, classes: int, confidence: float) -> None:
    columns = np.random.default_rng(seed).uniform(0, 1, (2, 4 + classes, 30)).astype(np.float32)
    columns[:, :4] *= 60
    found = Yolov8Head().decode([columns], confidence, 2)
    for picture in range(2):
        expected = []
        for anchor in range(30):
            scores = columns[picture, 4:, anchor]
            if scores.max() > np.float32(confidence):
                box = corners(*columns[picture, :4, anchor].tolist())
                expected.append((box, float(scores.max()), int(scores.argmax())))
        assert_same(found[picture], expected)


@given(seeds, st.integers(1, 4), confidences, st.booleans())
def test_detr_decodes_as_its_formula_says(
    seed: int, classes: int, confidence: float, softmax: bool
) -> None:
    random = np.random.default_rng(seed)
    logits = random.normal(0, 4, (2, 12, classes + softmax)).astype(np.float32)
    boxes = random.uniform(0, 1, (2, 12, 4)).astype(np.float32)
    head = DetrHead(
        HEIGHT, WIDTH, logits=1, boxes=0, activation="softmax" if softmax else "sigmoid"
    )
    found = head.decode([boxes, logits], confidence, 2)
    for picture in range(2):
        expected = []
        for query in range(12):
            values = logits[picture, query].astype(float)
            if softmax:
                shares = np.exp(values) / np.exp(values).sum()
                best, score = int(shares[:-1].argmax()), float(shares[:-1].max())
            else:
                best, score = int(values.argmax()), float(1 / (1 + np.exp(-values.max())))
            if score > confidence:
                x, y, w, h = boxes[picture, query].tolist()
                expected.append(
                    (corners(x * WIDTH, y * HEIGHT, w * WIDTH, h * HEIGHT), score, best)
                )
        assert_same(found[picture], expected)


BOXES = np.array([[[1, 2, 3, 4], [5, 6, 9, 9], [0, 0, 1, 1]]] * 2, np.float32)
SCORES = np.array([[0.9, 0.6, 0.3], [0.8, 0.2, 0.7]], np.float32)
LABELS = np.array([[0, 2, 1], [1, 1, 0]])


@pytest.mark.parametrize("labels", [LABELS, LABELS.astype(np.int32), LABELS.astype(np.float32)])
def test_the_end_to_end_layouts_say_the_same(labels: Array) -> None:
    with_scores = np.concatenate([BOXES, SCORES[..., None]], axis=2)
    rows = np.concatenate([with_scores, labels[..., None].astype(np.float32)], axis=2)
    counts = np.full((2, 1), 3, np.int32)
    layouts: list[tuple[Head, list[Array]]] = [
        (EndToEndHead("rows", [0]), [rows]),
        (EndToEndHead("boxes-labels", [1, 0]), [labels, with_scores]),
        (EndToEndHead("boxes-scores-classes", [2, 1, 0]), [labels, SCORES, BOXES]),
        (EndToEndHead("boxes-scores-classes", [1, 2, 3, 0]), [counts, BOXES, SCORES, labels]),
    ]
    for head, outputs in layouts:
        first, second = head.decode(outputs, 0.5, 2)
        assert_same(first, [([1, 2, 3, 4], 0.9, 0), ([5, 6, 9, 9], 0.6, 2)])
        assert_same(second, [([1, 2, 3, 4], 0.8, 1), ([0, 0, 1, 1], 0.7, 0)])


def test_rows_beyond_the_count_are_not_read() -> None:
    head = EndToEndHead("boxes-scores-classes", [1, 2, 3, 0])
    counts = np.array([[1], [0]], np.int32)
    first, second = head.decode([counts, BOXES, SCORES, LABELS], 0.1, 2)
    assert (len(first), len(second)) == (1, 0)


def test_huge_sizes_do_not_overflow() -> None:
    rows = np.zeros((1, ANCHORS, 6), np.float32)
    rows[0, 0] = [0, 0, 1e6, 1e6, 1, 1]
    assert np.isfinite(YoloxHead(HEIGHT, WIDTH).decode([rows], 0.5, 1)[0].boxes).all()


def test_half_precision_is_read_like_single() -> None:
    rows = np.random.default_rng(1).uniform(0, 1, (1, ANCHORS, 7)).astype(np.float16)
    head = YoloxHead(HEIGHT, WIDTH)
    half, single = head.decode([rows], 0.3, 1)[0], head.decode([rows.astype(np.float32)], 0.3, 1)[0]
    np.testing.assert_array_equal(half.boxes, single.boxes)


@pytest.mark.parametrize(
    ("head", "outputs"),
    [
        (YoloxHead(HEIGHT, WIDTH), [np.full((1, ANCHORS, 6), np.nan, np.float32)]),
        (Yolov8Head(), [np.full((1, 5, ANCHORS), np.nan, np.float32)]),
        (EndToEndHead("rows", [0]), [np.full((1, 3, 6), np.nan, np.float32)]),
        (
            DetrHead(HEIGHT, WIDTH, logits=0, boxes=1, activation="sigmoid"),
            [np.full((1, 3, 2), np.nan, np.float32), np.zeros((1, 3, 4), np.float32)],
        ),
    ],
)
def test_scores_that_are_no_numbers_are_an_error_not_silence(
    head: Head, outputs: list[Array]
) -> None:
    with pytest.raises(ModelError, match="not numbers"):
        head.decode(outputs, 0.1, 1)
