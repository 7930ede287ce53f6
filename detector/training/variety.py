"""Which frames of a clip are worth labelling: few, and unlike each other.

Neighbouring frames show the same people a few pixels on; labelling all of them costs much and
teaches little. Frames are compared by small grey thumbnails and picked by farthest-point
sampling (Gonzalez 1985): each next frame is the one that is least like all picked so far.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.structures import Frame

__all__ = ["farthest_points", "pick_frames", "thumbnail"]

THUMBNAIL = (64, 36)
"""Width and height of what frames are compared by: a pedestrian is a few of its pixels."""

KEPT = 4096
"""Thumbnails held at once (9 MB); longer clips are looked at in ever larger steps."""


def pick_frames(
    frames: Iterable[Frame], limit: int | None = None, *, least_difference: float = 1.5
) -> list[int]:
    """Indices of frames that differ from each other; the same every time.

    Args:
        frames: The frames of one clip or folder, in order; read once.
        limit: At most so many; None for as many as differ.
        least_difference: Two picked frames differ by at least so much: root mean square over the
            thumbnail's pixels, in grey levels, after their means are taken off. Frames of a busy
            street seconds apart differ by about 15, photographs of different places by 45.

    Returns:
        `Frame.index` of the picked frames, ascending.

    Raises:
        InputError: The limit is below 1 or the difference below 0.
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit: expected 1 or more frames, got {limit}")
    if not least_difference >= 0:
        raise InputError(f"least_difference: expected 0 or more, got {least_difference}")
    indices: list[int] = []
    thumbnails: list[npt.NDArray[np.float32]] = []
    step = 1
    for count, frame in enumerate(frames):
        if count % step:
            continue
        if len(indices) == KEPT:  # every second goes, so that memory stays bounded
            step *= 2
            del indices[1::2], thumbnails[1::2]
            if count % step:
                continue
        indices.append(frame.index)
        thumbnails.append(thumbnail(frame.image))
    if not indices:
        return []
    picked = farthest_points(np.stack(thumbnails), limit or len(indices), least_difference)
    return sorted(indices[row] for row in picked)


def thumbnail(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(H, W, 3) BGR to the (D,) float32 vector that pictures are compared by.

    Grey, small, mean taken off (lights that go on are not another scene), and scaled so that
    the Euclidean distance of two vectors is the root mean square difference in grey levels.
    """
    small = cv2.resize(image, THUMBNAIL, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32).ravel()
    vector: npt.NDArray[np.float32] = (grey - grey.mean()) / np.float32(np.sqrt(grey.size))
    return vector


def farthest_points(
    vectors: npt.NDArray[np.float32], limit: int, least_distance: float
) -> list[int]:
    """Rows picked by farthest-point sampling, in the order in which they were picked.

    The first row begins; of equally far rows the earlier wins.

    Args:
        vectors: (N, D), N at least 1.
        limit: At most so many rows.
        least_distance: Stop when every row is nearer than this to a picked one.

    Example:
        >>> farthest_points(np.float32([[0], [1], [9], [5]]), 3, 0.5)
        [0, 2, 3]
    """
    picked = [0]
    nearest = np.linalg.norm(vectors - vectors[0], axis=1)
    while len(picked) < limit:
        row = int(np.argmax(nearest))
        if nearest[row] < least_distance or nearest[row] == 0:
            break
        picked.append(row)
        np.minimum(nearest, np.linalg.norm(vectors - vectors[row], axis=1), out=nearest)
    return picked
