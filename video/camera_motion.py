"""How the camera moved between two frames, from the pixels of what stands still.

Corners outside detections on a small grey picture, followed by pyramidal Lucas–Kanade, fitted by
RANSAC with a similarity (turn, zoom and shift): the global motion compensation of Aharon et al.,
"BoT-SORT: Robust Associations Multi-Pedestrian Tracking", 2022. Corners: Shi and Tomasi, "Good
Features to Track", 1994. Flow: Bouguet, "Pyramidal Implementation of the Lucas Kanade Feature
Tracker", 2000.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sightline.errors import StateError
from sightline.structures import Detections, Frame

__all__ = ["CameraMotionEstimator"]

_WIDTH = 480
_CORNERS = 160
_ENOUGH, _FRAMES_BETWEEN = 100, 10  # agreeing corners are followed on, for so many frames
_INLIERS = 20
_WINDOW = (11, 11)
_LEVELS = 3
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03)
_ERROR = 1.0  # pixels of the small picture
# A camera between two frames: no more zoom than this, and no jump of a third of the picture.
_MOST_ZOOM, _MOST_TURN, _MOST_SHIFT = 1.2, 0.35, 1 / 3


class CameraMotionEstimator:
    """Estimates the motion of one camera, frame after frame; implements `protocols.CameraMotion`.

    The result is the identity for the first frame, when too little of the picture stands still
    to tell (under 20 agreeing corners), and when the estimate is no motion that a camera makes
    between two frames, as at a cut.
    """

    def __init__(self) -> None:
        self._previous: npt.NDArray[np.uint8] | None = None
        self._corners: npt.NDArray[np.float32] | None = None
        self._age = 0

    def estimate(self, frame: Frame, detections: Detections) -> npt.NDArray[np.float64]:
        """The camera's motion from the frame before to this one.

        Args:
            frame: The frame; its size may change, which counts as a new beginning.
            detections: What moves by itself: corners of the next estimate stay out of its boxes.

        Returns:
            (2, 3) affine that maps pixels of the previous frame to pixels of this one.
        """
        small, to_small = _small_grey(frame.image)
        motion, kept = np.eye(2, 3), None
        previous, corners = self._previous, self._corners
        if previous is not None and corners is not None and previous.shape == small.shape:
            found = _fit(previous, small, corners)
            if found is not None and _is_plausible(found[0], small.shape):
                affine, kept = np.vstack([found[0], [0, 0, 1]]), found[1]
                motion = (np.linalg.inv(to_small) @ affine @ to_small)[:2]
        boxes = detections.boxes.reshape(-1, 2, 2) * to_small.diagonal()[:2]
        self._previous = small
        self._corners = self._next_corners(small, boxes.reshape(-1, 4), kept)
        return motion

    def save(self) -> bytes:
        """What is remembered of the last frame, from which `load` continues bit for bit."""
        kept = {"age": np.array(self._age)}
        if self._previous is not None:
            kept["previous"] = self._previous
        if self._corners is not None:
            kept["corners"] = self._corners
        buffer = io.BytesIO()
        np.savez(buffer, **kept)  # type: ignore[arg-type]
        return buffer.getvalue()

    @classmethod
    def load(cls, data: bytes) -> CameraMotionEstimator:
        """An estimator that continues where `save` was called.

        Raises:
            StateError: The bytes are damaged.
        """
        estimator = cls()
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as kept:
                estimator._age = int(kept["age"])
                estimator._previous = kept.get("previous")
                estimator._corners = kept.get("corners")
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise StateError(f"the saved camera motion cannot be read: {error}") from error
        return estimator

    def _next_corners(
        self,
        small: npt.NDArray[np.uint8],
        boxes: npt.NDArray[np.floating[Any]],
        kept: npt.NDArray[np.float32] | None,
    ) -> npt.NDArray[np.float32] | None:
        self._age += 1
        if kept is not None and self._age < _FRAMES_BETWEEN:
            outside = np.ones(len(kept), bool)
            points = kept.reshape(-1, 2)
            for x1, y1, x2, y2 in boxes:
                outside &= ~((points > (x1, y1)) & (points < (x2, y2))).all(axis=1)
            if outside.sum() >= _ENOUGH:
                return kept[outside]
        self._age = 0
        return _find_corners(small, boxes)


def _small_grey(
    image: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """A grey picture at most 480 wide, and the (3, 3) matrix from pixels to its pixels.

    Sides are halved first and the rest is done on the grey picture: three times as fast as one
    step, since OpenCV has a path of its own for exact halves.
    """
    scale = np.ones(2)
    while image.shape[1] >= 2 * _WIDTH:
        height, width = image.shape[0] // 2, image.shape[1] // 2
        image = _resize(image[: 2 * height, : 2 * width], width, height)
        if image.ndim == 3:
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        scale /= 2
    if image.ndim == 3:
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    if image.shape[1] > _WIDTH:
        height = round(image.shape[0] * _WIDTH / image.shape[1])
        scale *= (_WIDTH / image.shape[1], height / image.shape[0])
        image = _resize(image, _WIDTH, height)
    to_small = np.diag([*scale, 1.0])
    to_small[:2, 2] = (scale - 1) / 2  # pixels have their coordinates in their middles
    return image, to_small


def _resize(image: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _find_corners(
    small: npt.NDArray[np.uint8], boxes: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.float32] | None:
    still = np.full(small.shape, 255, np.uint8)
    height, width = small.shape
    limits = np.array([width, height, width, height])
    for x1, y1, x2, y2 in np.clip(np.rint(boxes), 0, limits).astype(int).tolist():
        still[y1:y2, x1:x2] = 0
    corners: Any = cv2.goodFeaturesToTrack(small, _CORNERS, 0.01, 8, mask=still, blockSize=3)
    return None if corners is None else np.asarray(corners, np.float32)


def _fit(
    previous: npt.NDArray[np.uint8],
    small: npt.NDArray[np.uint8],
    corners: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]] | None:
    """The affine from the previous picture, and the corners that follow it, where they are now."""
    if len(corners) < _INLIERS:
        return None
    moved, seen, _ = cv2.calcOpticalFlowPyrLK(
        previous,
        small,
        corners,
        None,
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        criteria=_STOP,  # type: ignore[call-overload]
    )
    good = seen.ravel() == 1
    if good.sum() < _INLIERS:
        return None
    cv2.setRNGSeed(0)  # the same video gives the same motion
    affine, inliers = cv2.estimateAffinePartial2D(
        corners[good], moved[good], method=cv2.RANSAC, ransacReprojThreshold=_ERROR
    )
    if affine is None or int(inliers.sum()) < _INLIERS:
        return None
    following = np.asarray(moved[good][inliers.ravel() == 1], np.float32)
    return np.asarray(affine, np.float64), following


def _is_plausible(motion: npt.NDArray[np.float64], shape: tuple[int, ...]) -> bool:
    zoom = float(np.hypot(motion[0, 0], motion[1, 0]))
    turn = abs(float(np.arctan2(motion[1, 0], motion[0, 0])))
    # The shift of the middle, and not of the corner that a turn swings about.
    middle = np.array([shape[1] / 2, shape[0] / 2])
    shift = np.abs(motion[:, :2] @ middle + motion[:, 2] - middle)
    return bool(
        np.isfinite(motion).all()
        and 1 / _MOST_ZOOM < zoom < _MOST_ZOOM
        and turn < _MOST_TURN
        and (shift < _MOST_SHIFT * np.array([shape[1], shape[0]])).all()
    )
