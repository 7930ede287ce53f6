from __future__ import annotations

import numpy as np
import pytest

import sightline
from sightline import Detections, Frame, InputError, Tracks


def _two() -> Detections:
    return Detections([[0, 0, 10, 20], [5, 5, 9, 9]], [0.9, 0.2], [0, 2], [[1.0, 0.0], [0.0, 1.0]])


def test_construction_coerces_the_dtypes() -> None:
    seen = _two()
    assert seen.embeddings is not None
    columns = (seen.boxes, seen.scores, seen.classes, seen.embeddings)
    assert [str(column.dtype) for column in columns] == ["float32", "float32", "int32", "float32"]


def test_rows_stay_together_under_masks_and_slices() -> None:
    seen = _two()
    for rows in (seen.scores < 0.5, slice(1, 2), np.array([1])):
        part = seen[rows]
        assert part.embeddings is not None
        assert part.boxes.tolist() == [[5, 5, 9, 9]]
        assert part.classes.tolist() == [2]
        assert part.embeddings.tolist() == [[0, 1]]


def test_concatenate_keeps_embeddings_only_where_all_have_them() -> None:
    bare = Detections([[1, 1, 2, 2]], [0.5], [1])
    both = Detections.concatenate([_two(), bare])
    assert len(both) == 3
    assert both.embeddings is None
    again = Detections.concatenate([_two(), _two()])
    assert again.embeddings is not None
    assert len(Detections.concatenate([])) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0, 0, 1]], [1], [0]), r"boxes are \(N, 4\)"),
        (([[0, 0, 1, 1]], [1, 1], [0]), "row per detection"),
        (([[0, 0, 1, 1]], [[1]], [0]), "scores are"),
        (([["a", 0, 1, 1]], [1], [0]), "cannot be read"),
        (([[0, 0, 1, 1]], [1], [0], [1.0]), r"embeddings are \(N, D\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Detections(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        (Detections([[0, 0, np.nan, 1]], [1], [0]), "detection 0: box is not finite"),
        (Detections([[0, 0, 1, 1], [5, 0, 1, 1]], [1, 1], [0, 0]), "detection 1: box has x2 < x1"),
        (Detections([[0, 0, 1, 1]], [1.5], [0]), r"score is outside \[0, 1\]"),
        (Detections([[0, 0, 1, 1]], [np.nan], [0]), r"score is outside \[0, 1\]"),
        (Detections([[0, 0, 1, 1]], [1], [-1]), "class is negative"),
        (Detections([[0, 0, 1, 1]], [1], [0], [[np.inf]]), "embedding is not finite"),
    ],
)
def test_check_values_names_the_first_bad_row(seen: Detections, message: str) -> None:
    with pytest.raises(InputError, match=message):
        seen.check_values()


def test_check_values_accepts_good_and_empty_detections() -> None:
    _two().check_values()
    Detections.empty().check_values()


def test_a_frame_refuses_anything_but_colour_bytes() -> None:
    frame = Frame(np.zeros((4, 6, 3), np.uint8))
    assert (frame.width, frame.height) == (6, 4)
    for image in (np.zeros((4, 6), np.uint8), np.zeros((4, 6, 3), np.float32)):
        with pytest.raises(InputError, match="uint8 BGR"):
            Frame(image)  # type: ignore[arg-type]


def test_tracks_are_cut_row_by_row() -> None:
    tracks = Tracks(
        np.array([3, 7]),
        np.array([[0, 0, 1, 1], [2, 2, 3, 3]], np.float32),
        np.array([0.5, 0.6], np.float32),
        np.array([0, 1], np.int32),
        np.array([1, -1], np.int32),
        np.array([0.1, 2.0], np.float32),
        np.array([2, 9], np.int32),
        4.0,
    )
    seen = tracks[tracks.detections >= 0]
    assert seen.ids.tolist() == [3]
    assert seen.time == 4.0
    assert len(Tracks.empty(2.0)) == 0


def test_the_public_names_are_these() -> None:
    assert sorted(sightline.__all__) == [
        "ConfigError",
        "Detections",
        "Frame",
        "InputError",
        "ModelError",
        "SightlineError",
        "SourceError",
        "StateError",
        "Tracks",
        "__version__",
    ]
    assert all(hasattr(sightline, name) for name in sightline.__all__)
