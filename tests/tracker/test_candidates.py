"""The sweep finds what comparing every pair finds."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.geometry import iou_matrix
from sightline.tracker.candidates import canonical_order, overlapping_pairs


def _boxes(generator: np.random.Generator, count: int, extent: float) -> np.ndarray:
    corners = generator.uniform(0, extent, (count, 2))
    return np.hstack([corners, corners + generator.uniform(1, 80, (count, 2))])


@pytest.mark.parametrize("extent", [50.0, 500.0, 5000.0])
@pytest.mark.parametrize("sizes", [(0, 0), (0, 5), (5, 0), (40, 60), (200, 150)])
def test_pairs_are_those_of_the_full_matrix(sizes: tuple[int, int], extent: float) -> None:
    generator = np.random.default_rng(0)
    tracks, seen = _boxes(generator, sizes[0], extent), _boxes(generator, sizes[1], extent)
    seen = seen[np.argsort(seen[:, 0])]
    pairs, starts = overlapping_pairs(tracks, seen, 0.05)
    found = np.zeros(sizes)
    for row in range(sizes[0]):
        part = pairs[starts[row] : starts[row + 1]]
        found[row, part["detection"]] = part["overlap"]
    expected = iou_matrix(tracks, seen)
    np.testing.assert_allclose(found, np.where(expected > 0.05, expected, 0), atol=1e-12)


def test_order_is_that_of_the_numbers_and_not_of_the_rows() -> None:
    generator = np.random.default_rng(1)
    boxes = generator.integers(0, 3, (60, 4)).astype(np.float32)
    scores = generator.integers(0, 3, 60).astype(np.float32)
    shuffle = generator.permutation(60)
    first, second = np.arange(60), np.arange(60)
    canonical_order(boxes, scores, first)
    canonical_order(boxes[shuffle], scores[shuffle], second)
    assert (np.diff(boxes[first, 0]) >= 0).all()
    np.testing.assert_array_equal(boxes[first], boxes[shuffle][second])
    np.testing.assert_array_equal(scores[first], scores[shuffle][second])
