from __future__ import annotations

from itertools import permutations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.detector.training.fusion import fuse
from sightline.errors import InputError
from sightline.structures import Detections

CLASSES = 2


@st.composite
def one_view(draw: st.DrawFn) -> Detections:
    """Up to six boxes, close enough together that many overlap."""
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 12),
                st.integers(0, 12),
                st.integers(4, 12),
                st.integers(4, 12),
                st.integers(5, 100),
                st.integers(0, CLASSES - 1),
            ),
            max_size=6,
        )
    )
    boxes = [[x, y, x + width, y + height] for x, y, width, height, _, _ in rows]
    return Detections(boxes, [row[4] / 100 for row in rows], [row[5] for row in rows])


def _in_order(found: Detections) -> Detections:
    """In an order that does not depend on how equal scores were rounded."""
    return found[np.lexsort((-found.scores.round(4), *found.boxes.T.round(2), found.classes))]


views = st.lists(one_view(), min_size=1, max_size=4)


@given(views)
def test_the_order_of_views_never_matters(seen: list[Detections]) -> None:
    expected = _in_order(fuse(seen))
    for order in permutations(seen):
        found = _in_order(fuse(order))
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-4)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)
        np.testing.assert_array_equal(found.classes, expected.classes)


@given(views)
def test_it_is_the_papers_algorithm(seen: list[Detections]) -> None:
    found, expected = _in_order(fuse(seen)), _in_order(by_the_paper(seen))
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-3)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    np.testing.assert_array_equal(found.classes, expected.classes)


@given(views)
def test_fused_boxes_lie_among_the_boxes_of_their_class(seen: list[Detections]) -> None:
    together = Detections.concatenate(seen)
    for box, score, kind in zip(*columns(fuse(seen)), strict=True):
        same = together[together.classes == kind]
        assert (box >= same.boxes.min(axis=0) - 1e-4).all()
        assert (box <= same.boxes.max(axis=0) + 1e-4).all()
        assert 0 < score <= same.scores.max() + 1e-6


@given(one_view(), st.integers(1, 4))
def test_views_that_agree_change_nothing(view: Detections, times: int) -> None:
    apart = fuse([view])  # no two of its boxes need be one any more
    if len(fuse([apart])) < len(apart):
        return
    found = fuse([apart] * times)
    np.testing.assert_allclose(found.scores, apart.scores, atol=1e-6)
    np.testing.assert_allclose(found.boxes, apart.boxes, atol=1e-4)


@given(views)
def test_best_come_first(seen: list[Detections]) -> None:
    assert (np.diff(fuse(seen).scores) <= 0).all()


def test_what_one_of_four_saw_keeps_a_quarter_of_its_score() -> None:
    seen = [Detections([[0, 0, 8, 8]], [0.8], [0]), *[Detections.empty()] * 3]
    np.testing.assert_allclose(fuse(seen).scores, [0.2])


def test_a_view_that_does_not_know_the_class_has_no_say() -> None:
    seen = [Detections([[0, 0, 8, 8]], [0.8], [1]), Detections([[0, 0, 8, 8]], [0.6], [0])]
    found = fuse(seen, knows=np.array([[True, True], [True, False]]))
    assert found.classes.tolist() == [1, 0]
    np.testing.assert_allclose(found.scores, [0.8, 0.3])


def test_a_heavier_view_pulls_the_box_and_the_score() -> None:
    seen = [Detections([[0, 0, 8, 8]], [0.5], [0]), Detections([[0, 0, 8, 12]], [0.5], [0])]
    np.testing.assert_allclose(fuse(seen, weights=[3, 1]).boxes, [[0, 0, 8, 9]])
    lone = [seen[0], Detections.empty()]
    np.testing.assert_allclose(fuse(lone, weights=[3, 1]).scores, [0.375])


def test_boxes_of_two_classes_stay_two() -> None:
    seen = [Detections([[0, 0, 8, 8]], [0.5], [0]), Detections([[0, 0, 8, 8]], [0.5], [1])]
    assert sorted(fuse(seen).classes.tolist()) == [0, 1]


def test_boxes_without_score_or_area_do_no_harm() -> None:
    seen = [Detections([[0, 0, 8, 8], [3, 3, 3, 3]], [0.0, 0.0], [0, 0])] * 2
    found = fuse(seen)
    assert np.isfinite(found.boxes).all()
    assert found.scores.tolist() == [0] * len(found)


def test_no_views_and_empty_views_fuse_to_nothing() -> None:
    assert len(fuse([])) == 0
    assert len(fuse([Detections.empty(), Detections.empty()])) == 0


@pytest.mark.parametrize("weights", [[1], [1, 0], [1, float("nan")]])
def test_weights_that_do_not_fit_are_refused(weights: list[float]) -> None:
    with pytest.raises(InputError, match="2 numbers above 0"):
        fuse([Detections.empty()] * 2, weights=weights)


def test_a_table_of_classes_that_does_not_fit_is_refused() -> None:
    seen = [Detections([[0, 0, 8, 8]], [0.5], [3])]
    with pytest.raises(InputError, match="at least 4 classes"):
        fuse(seen, knows=np.ones((1, 2), np.bool_))


def test_a_threshold_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="iou_threshold"):
        fuse([Detections.empty()], iou_threshold=0)


def columns(found: Detections) -> tuple[npt.NDArray[np.float32], list[float], list[int]]:
    return found.boxes, found.scores.tolist(), found.classes.tolist()


def by_the_paper(seen: list[Detections], threshold: float = 0.55) -> Detections:
    """Section 3 of arXiv:1910.13302, with lists and nothing kept between steps."""
    rows = [row for view in seen for row in zip(*columns(view), strict=True)]
    rows.sort(key=lambda row: (-row[1], *row[0][::-1].tolist()))
    clusters: list[list[tuple[npt.NDArray[np.float32], float, int]]] = []
    for row in rows:
        overlaps = [
            overlap(row[0], mean(cluster)) if cluster[0][2] == row[2] else 0.0
            for cluster in clusters
        ]
        best = int(np.argmax(overlaps)) if overlaps else -1
        if overlaps and overlaps[best] > threshold:
            clusters[best].append(row)
        else:
            clusters.append([row])
    scores = [
        np.mean([row[1] for row in cluster]) * min(len(cluster), len(seen)) / len(seen)
        for cluster in clusters
    ]
    boxes = [mean(cluster) for cluster in clusters]
    return Detections(np.array(boxes), scores, [cluster[0][2] for cluster in clusters])


def mean(cluster: list[tuple[npt.NDArray[np.float32], float, int]]) -> npt.NDArray[np.float64]:
    weights = [row[1] for row in cluster]
    return np.average([row[0].astype(np.float64) for row in cluster], axis=0, weights=weights)


def overlap(first: npt.NDArray[np.float32], second: npt.NDArray[np.float64]) -> float:
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    areas = [float(np.prod(box[2:] - box[:2])) for box in (first, second)]
    return shared / (sum(areas) - shared)
