"""Boxes seen from the camera's pose at another frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sightline.tracker.compiling import compiled_entry

__all__ = ["compose", "invert", "warp"]


def compose(
    camera_motion: npt.NDArray[np.float64] | None, first: int, last: int
) -> npt.NDArray[np.float64]:
    """Camera motion from one frame to each that follows.

    Args:
        camera_motion: (F, 2, 3) affines, each from the frame before; None stands still.
        first: Place of the frame to start from.
        last: Place of the last frame to reach, at least `first`.

    Returns:
        (last - first + 1, 2, 3) affines that map pixels of frame `first` to frame `first` + k.
    """
    if camera_motion is None:
        return np.tile(np.eye(2, 3), (last - first + 1, 1, 1))
    return _chain(camera_motion[first : last + 1])


def invert(affines: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(..., 2, 3) affines the other way round."""
    linear = np.linalg.inv(affines[..., :2])
    return np.concatenate([linear, -linear @ affines[..., 2:]], axis=-1)


def warp(
    states: npt.NDArray[np.float64], affines: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Boxes moved by the camera: the centre is mapped, the size scales with the area.

    A box stays upright, so rotation moves its centre and leaves its shape alone.

    Args:
        states: (..., 4) centre x, centre y, width, height.
        affines: (..., 2, 3).
    """
    linear = affines[..., :2]
    centres = np.einsum("...ij,...j->...i", linear, states[..., :2]) + affines[..., 2]
    scale = np.sqrt(np.abs(np.linalg.det(linear)))
    return np.concatenate([centres, states[..., 2:] * scale[..., None]], axis=-1)


@compiled_entry
def _chain(steps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    result = np.zeros(steps.shape)
    result[0, 0, 0] = result[0, 1, 1] = 1.0
    for k in range(1, len(steps)):
        for i in range(2):
            for j in range(3):
                total = steps[k, i, 2] if j == 2 else 0.0
                for m in range(2):
                    total += steps[k, i, m] * result[k - 1, m, j]
                result[k, i, j] = total
    return result
