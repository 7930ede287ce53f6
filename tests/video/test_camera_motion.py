from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from sightline.errors import StateError
from sightline.formats.mot import read_affines, read_mot, rows_to_detections
from sightline.structures import Detections, Frame
from sightline.video import CameraMotionEstimator, open_source

Image = npt.NDArray[np.uint8]
Affine = npt.NDArray[np.float64]
_SIZE = (1280, 720)


def _scene() -> Image:
    """Textured ground, larger than what the camera sees of it."""
    noise = np.random.default_rng(0).integers(0, 255, (60, 100, 3), dtype=np.uint8)
    big = cv2.resize(noise, (1600, 960), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.GaussianBlur(big, (0, 0), 2), np.uint8)


def _similarity(degrees: float, zoom: float, x: float, y: float) -> Affine:
    """About the middle of the picture."""
    middle = (_SIZE[0] / 2, _SIZE[1] / 2)
    affine = np.asarray(cv2.getRotationMatrix2D(middle, degrees, zoom), float)
    affine[:, 2] += (x, y)
    return affine


def _view(scene: Image, motion: Affine) -> Image:
    to_view = np.array([[1.0, 0, -160], [0, 1.0, -120], [0, 0, 1]])
    whole = (np.vstack([motion, [0, 0, 1]]) @ to_view)[:2]
    return np.asarray(cv2.warpAffine(scene, whole, _SIZE, flags=cv2.INTER_LINEAR), np.uint8)


def _distance(first: Affine, second: Affine, width: float, height: float) -> float:
    """How far apart two motions carry a corner of the picture, in pixels."""
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]])
    apart = corners @ (first - second)[:, :2].T + (first - second)[:, 2]
    return float(np.abs(apart).max())


@pytest.mark.parametrize(
    "motion",
    [
        _similarity(0, 1, 0, 0),
        _similarity(0, 1, 12, -7),
        _similarity(0, 1, -40, 25),
        _similarity(2, 1, 0, 0),
        _similarity(0, 1.03, 0, 0),
        _similarity(-1.5, 0.98, 9, 4),
    ],
    ids=["still", "shift", "far", "turn", "zoom", "all"],
)
def test_a_known_motion_is_found_within_a_pixel(motion: Affine) -> None:
    scene = _scene()
    estimator = CameraMotionEstimator()
    first = estimator.estimate(Frame(_view(scene, np.eye(2, 3))), Detections.empty())
    found = estimator.estimate(Frame(_view(scene, motion)), Detections.empty())
    np.testing.assert_array_equal(first, np.eye(2, 3))
    assert _distance(found, motion, *_SIZE) < 1.0


def test_what_moves_inside_detections_does_not_count() -> None:
    scene = _scene()
    before, after = _view(scene, np.eye(2, 3)), _view(scene, np.eye(2, 3))
    # A bus that fills most of the picture drives by.
    after[100:700, 100:1200] = np.roll(before[100:700, 100:1200], 20, axis=1)
    bus = Detections([[80, 90, 1230, 710]], [0.9], [0])
    estimator = CameraMotionEstimator()
    estimator.estimate(Frame(before), bus)
    assert _distance(estimator.estimate(Frame(after), bus), np.eye(2, 3), *_SIZE) < 0.5


@pytest.mark.parametrize("kind", ["flat", "cut", "resized"])
def test_the_identity_where_nothing_can_be_told(kind: str) -> None:
    scene = _scene()
    before, after = _view(scene, np.eye(2, 3)), _view(scene, np.eye(2, 3))
    if kind == "flat":
        before[:] = after[:] = 90
    elif kind == "cut":
        after = np.asarray(cv2.resize(scene[::-1, ::-1], _SIZE), np.uint8)
    else:
        after = np.ascontiguousarray(after[:360])
    estimator = CameraMotionEstimator()
    estimator.estimate(Frame(before), Detections.empty())
    motion = estimator.estimate(Frame(after), Detections.empty())
    np.testing.assert_array_equal(motion, np.eye(2, 3))


def test_the_same_video_gives_the_same_motion() -> None:
    scene = _scene()
    runs = []
    for _ in range(2):
        estimator = CameraMotionEstimator()
        estimator.estimate(Frame(_view(scene, np.eye(2, 3))), Detections.empty())
        motion = _similarity(1, 1.01, 5, 5)
        runs.append(estimator.estimate(Frame(_view(scene, motion)), Detections.empty()))
    np.testing.assert_array_equal(runs[0], runs[1])


def test_a_saved_estimator_goes_on_as_if_never_stopped(shared: Path) -> None:
    frames = list(open_source(shared / "data" / "clips" / "unlabelled-shopping-street.mp4", end=1))
    whole, parted = CameraMotionEstimator(), CameraMotionEstimator()
    for frame in frames:
        parted = CameraMotionEstimator.load(parted.save())
        np.testing.assert_array_equal(
            parted.estimate(frame, Detections.empty()), whole.estimate(frame, Detections.empty())
        )
    with pytest.raises(StateError, match="saved camera motion"):
        CameraMotionEstimator.load(whole.save()[:100])


def test_a_fixed_camera_stands_still(shared: Path) -> None:
    source = open_source(shared / "data" / "clips" / "vtest.avi", end=6)
    estimator = CameraMotionEstimator()
    for frame in source:
        motion = estimator.estimate(frame, Detections.empty())
        assert _distance(motion, np.eye(2, 3), frame.width, frame.height) < 0.5


@pytest.mark.parametrize("name", ["MOT17-02", "MOT17-04", "MOT17-09"])
def test_fixed_cameras_of_mot17_stand_still(shared: Path, name: str) -> None:
    for frame, motion, _, _ in _mot17(shared, name):
        assert _distance(motion, np.eye(2, 3), frame.width, frame.height) < 1.0


@pytest.mark.parametrize("name", ["MOT17-05", "MOT17-10", "MOT17-11", "MOT17-13"])
def test_moving_cameras_are_explained_as_well_as_by_botsort(shared: Path, name: str) -> None:
    """The pixels of the frame before, moved, differ no more from this frame's."""
    ours: list[float] = []
    theirs: list[float] = []
    still: list[float] = []
    before: Image | None = None
    for frame, motion, published, people in _mot17(shared, name):
        ground = np.zeros((frame.height, frame.width), bool)
        ground[40:-40, 40:-40] = True
        for x1, y1, x2, y2 in np.maximum(people.boxes, 0).astype(int).tolist():
            ground[y1:y2, max(x1 - 20, 0) : x2 + 20] = False
        grey = np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY), np.uint8)
        if before is not None:
            for affine, residuals in ((motion, ours), (published, theirs), (np.eye(2, 3), still)):
                moved = cv2.warpAffine(before, affine, (frame.width, frame.height))
                residuals.append(float(np.abs(moved.astype(int) - grey)[ground].mean()))
            assert _distance(motion, published, frame.width, frame.height) < 8
        before = grey
    assert np.mean(ours) < 1.02 * np.mean(theirs)
    assert np.mean(ours) < 0.7 * np.mean(still)


def _mot17(shared: Path, name: str) -> list[tuple[Frame, Affine, Affine, Detections]]:
    folder = shared / "data" / "clips" / "MOT17-mini" / name
    published = read_affines(shared / "data" / "mot17" / "camera-motion" / f"{name}.txt")
    people = rows_to_detections(read_mot(folder / "gt" / "gt.txt"))
    estimator = CameraMotionEstimator()
    rows = []
    for frame in open_source(folder):
        here = people.get(frame.index, Detections.empty())
        rows.append((frame, estimator.estimate(frame, here), published[frame.index], here))
    return rows
