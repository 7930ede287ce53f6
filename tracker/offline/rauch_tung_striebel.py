"""Smoothing by the Kalman filter forwards and Rauch, Tung and Striebel's recursion backwards.

H. E. Rauch, F. Tung, C. T. Striebel: "Maximum likelihood estimates of linear dynamic systems",
AIAA Journal 3(8), 1965. The four coordinates of a box are independent, each with a position and
a velocity that changes by white noise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sightline.tracker.compiling import compiled_entry
from sightline.tracker.offline.smoothing import smooth_tracks
from sightline.tracker.offline.table import Timeline, TrackTable

__all__ = ["smooth_coordinate", "smooth_rts"]

# Standard deviations before the first box, in sizes and sizes a second: wide enough to be ignored.
_FIRST_POSITION = 1.0
_FIRST_VELOCITY = 3.0


def smooth_rts(
    table: TrackTable, timeline: Timeline, *, noise: float, acceleration: float
) -> TrackTable:
    """Smooth every track; rows that are not observed follow from the observed ones around them.

    Args:
        table: Finished tracks.
        timeline: The frames that they were made from.
        noise: Standard deviation of an observed coordinate, as a share of the box's size.
        acceleration: Spectral density (root) of the acceleration, in sizes a s^1.5. Only its
            ratio to `noise` matters: the larger, the closer the result follows the boxes.

    Returns:
        The same rows with new boxes, ordered by frame.
    """

    def smoother(
        states: npt.NDArray[np.float64],
        observed: npt.NDArray[np.bool_],
        times: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64]:
        sizes = np.maximum(np.tile(states[:, 2:], 2), 1e-3)
        measured = observed if observed.any() else np.ones_like(observed)
        columns = [
            smooth_coordinate(
                np.ascontiguousarray(states[:, axis]),
                measured,
                times,
                (noise * sizes[:, axis]) ** 2,
                (acceleration * sizes[:, axis]) ** 2,
                np.array([_FIRST_POSITION, _FIRST_VELOCITY]) * sizes[0, axis],
            )
            for axis in range(4)
        ]
        return np.column_stack(columns)

    return smooth_tracks(table, timeline, smoother)


@compiled_entry
def smooth_coordinate(
    values: npt.NDArray[np.float64],
    observed: npt.NDArray[np.bool_],
    times: npt.NDArray[np.float64],
    noise: npt.NDArray[np.float64],
    acceleration: npt.NDArray[np.float64],
    first_deviation: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Smoothed positions of one coordinate with constant velocity.

    Args:
        values: (n,) measured positions; where not `observed` they are not looked at, but the
            first is the prior's mean either way.
        observed: (n,) whether a position was measured.
        times: (n,) seconds, increasing.
        noise: (n,) variance of each measurement.
        acceleration: (n,) spectral density of the acceleration before each row.
        first_deviation: (2,) standard deviation of position and velocity before the first row.

    Returns:
        (n,) positions.
    """
    count = len(values)
    # Position, velocity; variances of both and their covariance: before and after each row.
    prior, posterior = np.empty((count, 2)), np.empty((count, 2))
    prior_pp, prior_pv, prior_vv = np.empty(count), np.empty(count), np.empty(count)
    pp, pv, vv = np.empty(count), np.empty(count), np.empty(count)
    for k in range(count):
        if k == 0:
            prior[0] = values[0], 0.0
            prior_pp[0], prior_pv[0], prior_vv[0] = (
                first_deviation[0] ** 2,
                0,
                first_deviation[1] ** 2,
            )
        else:
            dt, q = times[k] - times[k - 1], acceleration[k]
            prior[k, 0] = posterior[k - 1, 0] + dt * posterior[k - 1, 1]
            prior[k, 1] = posterior[k - 1, 1]
            prior_pp[k] = pp[k - 1] + dt * (2 * pv[k - 1] + dt * vv[k - 1]) + q * dt**3 / 3
            prior_pv[k] = pv[k - 1] + dt * vv[k - 1] + q * dt**2 / 2
            prior_vv[k] = vv[k - 1] + q * dt
        gain_p = gain_v = innovation = 0.0
        if observed[k]:
            total = prior_pp[k] + noise[k]
            gain_p, gain_v = prior_pp[k] / total, prior_pv[k] / total
            innovation = values[k] - prior[k, 0]
        posterior[k, 0] = prior[k, 0] + gain_p * innovation
        posterior[k, 1] = prior[k, 1] + gain_v * innovation
        pp[k] = (1 - gain_p) * prior_pp[k]
        pv[k] = (1 - gain_p) * prior_pv[k]
        vv[k] = prior_vv[k] - gain_v * prior_pv[k]
    smoothed = posterior.copy()
    for k in range(count - 2, -1, -1):
        # The gain is the covariance with the next state times the inverse of its covariance.
        dt = times[k + 1] - times[k]
        a, b, d = prior_pp[k + 1], prior_pv[k + 1], prior_vv[k + 1]
        determinant = a * d - b * b
        error_p = smoothed[k + 1, 0] - prior[k + 1, 0]
        error_v = smoothed[k + 1, 1] - prior[k + 1, 1]
        weight_p = (d * error_p - b * error_v) / determinant
        weight_v = (a * error_v - b * error_p) / determinant
        smoothed[k, 0] += (pp[k] + dt * pv[k]) * weight_p + pv[k] * weight_v
        smoothed[k, 1] += (pv[k] + dt * vv[k]) * weight_p + vv[k] * weight_v
    return smoothed[:, 0]
