"""Smoothing by Gaussian-process regression over time.

After the Gaussian-smoothed interpolation of StrongSORT (Du et al., "StrongSORT: Make DeepSORT
Great Again", 2022): gaps are filled first, then each coordinate of a track is regressed on time
with a squared-exponential kernel. Here the kernel's length is a time in seconds, the prior's mean
a straight line, and long tracks are solved window by window.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve

from sightline.tracker.offline.smoothing import smooth_tracks
from sightline.tracker.offline.table import Timeline, TrackTable

__all__ = ["regress", "smooth_gaussian_process"]

# Rows solved at once; what lies further away than this many kernel lengths has no weight left.
_WINDOW_ROWS = 128
_MARGIN_LENGTHS = 4.0


def smooth_gaussian_process(
    table: TrackTable, timeline: Timeline, *, length: float, noise: float
) -> TrackTable:
    """Smooth every track; every row counts as measured, also those that filled gaps.

    Args:
        table: Finished tracks.
        timeline: The frames that they were made from.
        length: Length of the kernel in seconds.
        noise: Standard deviation of a box's noise as a share of its motion's deviation from a
            straight line.

    Returns:
        The same rows with new boxes, ordered by frame.
    """

    def smoother(
        states: npt.NDArray[np.float64],
        _: npt.NDArray[np.bool_],
        times: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64]:
        return regress(times, states, length, noise)

    return smooth_tracks(table, timeline, smoother)


def regress(
    times: npt.NDArray[np.float64],
    values: npt.NDArray[np.float64],
    length: float,
    noise: float,
) -> npt.NDArray[np.float64]:
    """Posterior mean of a Gaussian process with a straight line as its prior mean.

    Args:
        times: (n,) seconds, increasing.
        values: (n, C) measurements at those times.
        length: Length of the squared-exponential kernel in seconds.
        noise: Standard deviation of the noise relative to the process's.

    Returns:
        (n, C) at the same times. A row's value rests on the rows within four lengths of its
        window of 128 rows.
    """
    result = np.empty_like(values)
    for first in range(0, len(times), _WINDOW_ROWS):
        last = min(first + _WINDOW_ROWS, len(times))
        low = int(np.searchsorted(times, times[first] - _MARGIN_LENGTHS * length))
        high = int(np.searchsorted(times, times[last - 1] + _MARGIN_LENGTHS * length, "right"))
        inside = slice(low, high)
        smoothed = _posterior_mean(times[inside], values[inside], length, noise)
        result[first:last] = smoothed[first - low : last - low]
    return result


def _posterior_mean(
    times: npt.NDArray[np.float64],
    values: npt.NDArray[np.float64],
    length: float,
    noise: float,
) -> npt.NDArray[np.float64]:
    distance = (times[:, None] - times[None]) / length
    kernel = np.exp(-0.5 * distance**2)
    factor = cho_factor(kernel + noise**2 * np.eye(len(times)), lower=True)
    # The line is estimated with the process (Rasmussen and Williams 2006, eq. 2.41).
    line = np.column_stack([np.ones(len(times)), times - times.mean()])
    weighted = cho_solve(factor, line)
    coefficients = np.linalg.lstsq(line.T @ weighted, weighted.T @ values, rcond=None)[0]
    trend = line @ coefficients
    mean: npt.NDArray[np.float64] = trend + kernel @ cho_solve(factor, values - trend)
    return mean
